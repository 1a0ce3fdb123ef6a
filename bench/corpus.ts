/**
 * Files like those on people's disks: books, music, films, photos and source trees in folders, a fifth of
 * them with names that are not ASCII. The same files for the same seed; or those of a list of paths.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { FileEntry } from '../src/catalogue/file-entry.js';
import type { ShareRelativePath } from '../src/catalogue/share-path.js';

const FIRST = [
  'Anna',
  'Miles',
  'Nina',
  'Clara',
  'Johann',
  'Emily',
  'Victor',
  'Virginia',
  'Oscar',
  'Frida',
  'Toni',
];
const LAST = [
  'Keller',
  'Davis',
  'Simone',
  'Schumann',
  'Bach',
  'Hugo',
  'Woolf',
  'Wilde',
  'Morris',
  'Lindqvist',
];
const FOREIGN = [
  ...['Война', 'мир', 'Мастер', 'Маргарита', 'лето', 'дорога', 'Ёлка', 'письма', 'зима', 'город', 'йод'],
  ...['物語', '源氏物語', '東京', '写真', '夏目漱石', '音楽', '红楼梦', '三国演义', '서울', '여름'],
  ...[
    'Été',
    'Nîmes',
    'Über',
    'Gipfeln',
    'Señora',
    'Ångström',
    'Łódź',
    'naïveté',
    'Beyoncé',
    'Björk',
    'كتاب',
    'ليلة',
  ],
];
const SYLLABLES = [
  'ba',
  'cor',
  'del',
  'en',
  'fir',
  'gan',
  'hol',
  'im',
  'jas',
  'kel',
  'lor',
  'mir',
  'nos',
  'ter',
  'vin',
];
const SOURCE = [
  'parser',
  'index',
  'buffer',
  'stream',
  'test',
  'main',
  'config',
  'queue',
  'table',
  'socket',
  'util',
];
const TITLE_WORDS = 20_000;
/** So many words are about as frequent as the first. */
const HEAD = 20;

type Random = (below: number) => number;

/** Mulberry32: small, and good enough to choose words by. */
function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** Words, the first ones far more frequent than the last, as in a language. */
class Words {
  readonly #random: Random;
  readonly #words: readonly string[];

  constructor(random: Random) {
    this.#random = random;
    const syllable = () => SYLLABLES[random(SYLLABLES.length)] ?? '';
    const made = new Set(['nocturne', 'garden', 'winter', 'letters', 'journey', 'history']);
    while (made.size < TITLE_WORDS) {
      let word = syllable() + syllable();
      for (let more = random(3); more > 0; more--) word += syllable();
      made.add(word);
    }
    this.#words = [...made];
  }

  oneOf(list: readonly string[]): string {
    return list[this.#random(list.length)] ?? '';
  }

  digits(many: number): string {
    return String(this.#random(10 ** many)).padStart(many, '0');
  }

  title(least: number, foreign: boolean): string {
    const words = Array.from({ length: least + this.#random(3) }, () => {
      const word = this.#words[this.#rank()] ?? '';
      return word.charAt(0).toUpperCase() + word.slice(1);
    });
    if (foreign) words[this.#random(words.length)] = this.oneOf(FOREIGN);
    return words.join(' ');
  }

  /** The nth word about n + {@link HEAD} times as seldom as the first ones. */
  #rank(): number {
    const chance = this.#random(2 ** 20) / 2 ** 20;
    return Math.floor(HEAD * (TITLE_WORDS / HEAD + 1) ** chance) - HEAD;
  }

  person(): string {
    return `${this.oneOf(FIRST)} ${this.oneOf(LAST)}`;
  }
}

interface Kind {
  readonly share: string;
  /** Of a thousand files. */
  readonly part: number;
  readonly files: number;
  readonly folder: (words: Words, foreign: boolean) => string;
  readonly name: (words: Words, foreign: boolean, at: number) => string;
}

const TYPES: Readonly<Record<string, string>> = {
  mp3: 'audio/mpeg',
  flac: 'audio/flac',
  jpg: 'image/jpeg',
  png: 'image/png',
  mkv: 'video/x-matroska',
  epub: 'application/epub+zip',
  pdf: 'application/pdf',
  json: 'application/json',
};

const KINDS: readonly Kind[] = [
  {
    share: 'music',
    part: 300,
    files: 12,
    folder: (words, foreign) =>
      `${words.person()}/${1950 + (Number(words.digits(2)) % 76)} - ${words.title(1, foreign)}`,
    name: (words, foreign, at) =>
      `${String(at + 1).padStart(2, '0')} - ${words.title(2, foreign)}.${words.oneOf(['mp3', 'flac'])}`,
  },
  {
    share: 'photos',
    part: 300,
    files: 150,
    folder: (words, foreign) => `20${words.digits(2)}/${words.digits(2)} ${words.title(1, foreign)}`,
    name: (words, foreign) =>
      foreign
        ? `${words.oneOf(FOREIGN)} ${words.digits(4)}.jpg`
        : `${words.oneOf(['IMG', 'DSC', 'PXL'])}_20${words.digits(2)}${words.digits(4)}_${words.digits(4)}.${words.oneOf(['jpg', 'png'])}`,
  },
  {
    share: 'src',
    part: 250,
    files: 30,
    folder: (words) =>
      `${words.oneOf(SOURCE)}-${words.digits(2)}/src/${words.oneOf(SOURCE)}/${words.oneOf(SOURCE)}`,
    name: (words, foreign) =>
      `${foreign ? words.oneOf(FOREIGN) : words.oneOf(SOURCE)}_${words.oneOf(SOURCE)}${words.digits(2)}.${words.oneOf(['c', 'h', 'ts', 'py', 'rs', 'md', 'json'])}`,
  },
  {
    share: 'books',
    part: 100,
    files: 5,
    folder: (words, foreign) => `${words.person()}/${words.title(1, foreign)}`,
    name: (words, foreign) =>
      `${words.title(2, foreign)} (${1900 + Number(words.digits(2))}).${words.oneOf(['epub', 'pdf'])}`,
  },
  {
    share: 'films',
    part: 50,
    files: 3,
    folder: (words, foreign) => words.title(2, foreign),
    name: (words, foreign) =>
      `${words.title(1, foreign).replaceAll(' ', '.')}.S${words.digits(2)}E${words.digits(2)}.${words.oneOf(['1080p', '720p'])}.x264.mkv`,
  },
];

export function* generateFiles(count: number, seed = 1): Generator<FileEntry> {
  const random = randomFrom(seed);
  const words = new Words(random);
  const parts = KINDS.reduce((sum, { part }) => sum + part, 0);
  const folders = new Set<string>();
  for (let made = 0; made < count; ) {
    // Folders of a kind in such a number that its files are its part of all.
    let chance = random(parts);
    const kind = KINDS.find(({ part }) => {
      chance -= part;
      return chance < 0;
    });
    if (!kind || random(150) >= Math.ceil(150 / kind.files)) continue;
    const folder = kind.folder(words, random(5) === 0);
    if (folders.has(`${kind.share}/${folder}`)) continue;
    folders.add(`${kind.share}/${folder}`);
    const seen = new Set<string>();
    for (let at = 0; at < kind.files && made < count; at++) {
      const name = kind.name(words, random(5) === 0, at);
      if (seen.has(name)) continue;
      seen.add(name);
      made += 1;
      yield entryOf(kind.share, `${folder}/${name}`, random);
    }
  }
}

/** Paths from a file, one a line; the first part of each is the share. */
export async function* listedFiles(list: string): AsyncGenerator<FileEntry> {
  const random = randomFrom(1);
  for await (const line of createInterface({ input: createReadStream(list) })) {
    const [share = '', ...path] = line.split('/').filter((part) => part !== '');
    if (path.length > 0) yield entryOf(share, path.join('/'), random);
  }
}

function entryOf(share: string, path: string, random: Random): FileEntry {
  const extension = path.slice(path.lastIndexOf('.') + 1);
  const hash = Buffer.alloc(32);
  for (let at = 0; at < 32; at += 4) hash.writeUInt32LE(random(2 ** 32), at);
  return {
    share,
    path: path as ShareRelativePath,
    size: random(1_000_000_000),
    mtimeMs: Date.UTC(2000, 0, 1) + random(800_000_000) * 1000,
    mediaType: TYPES[extension] ?? 'text/plain',
    sha256: hash.toString('base64'),
  };
}
