/** Small corpora for tests: names made of words in many scripts and spellings, and queries that find them. */
import fc from 'fast-check';
import type { TextDocument } from '../../src/index/text-index.js';
import { parseWordQuery } from '../../src/query/word-query.js';

export interface Numbered extends TextDocument {
  readonly id: number;
}

const WORDS = [
  ...['romeo', 'Juliet', 'and', 'the', 'Tybalt', 'act', 'acting', 'Wi', 'Fi', 'WiFi', 'Beyoncé', 'beyonce'],
  ...['Ängström', 'naïve', 'naive', 'Straße', 'STRASSE', 'Война', 'мир', 'йод', 'иод', 'Ελλάς', 'ὈΔΥΣΣΕΎΣ'],
  ...[
    '源氏物語',
    '物語',
    '東京都',
    '京都',
    '서울역',
    'ألف',
    'ليلة',
    'İstanbul',
    'ﬁle',
    'file',
    'soft\u00adware',
  ],
  ...[
    'S01E02',
    's01',
    '1597',
    '2019',
    'IMG',
    'HTMLParser',
    'mp3',
    'flac',
    'x264',
    'cafe\u0301',
    'broken\udce9',
  ],
];
const SEPARATORS = [' ', ' ', '_', '-', '.', '', ', ', '['];
const TYPES = ['audio/flac', 'audio/mpeg', 'text/plain', 'application/epub+zip', ''];

/** Numbers from 0 up to `below`, always the same for a seed. */
function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

export function makeDocuments(count: number, seed: number): Numbered[] {
  const below = random(seed);
  const pick = (from: readonly string[]) => from[below(from.length)] ?? '';
  const word = () => {
    const [chance, text] = [below(8), pick(WORDS)];
    if (chance === 0) return `${text}${below(300)}`;
    if (chance === 1) return text.toUpperCase();
    return chance === 2 ? text.normalize('NFD') : text;
  };
  const text = (most: number) => {
    let made = word();
    for (let left = below(most); left > 0; left--) made += pick(SEPARATORS) + word();
    return made;
  };
  const folders = Array.from({ length: 40 }, () => `share/${text(2)}/${text(3)}`);
  return Array.from({ length: count }, (_, id) => ({
    id,
    name: `${text(5)}.${pick(['mp3', 'flac', 'txt', 'epub'])}`,
    path: pick(folders),
    desc: below(6) === 0 ? text(8) : '',
    type: pick(TYPES),
  }));
}

/** One or two texts as an asker types them; mostly words of the documents. */
export function queries(documents: readonly TextDocument[]): fc.Arbitrary<string[]> {
  const plain = fc.oneof(
    fc.constantFrom(...WORDS),
    fc
      .constantFrom(...documents.slice(0, 200))
      .map(({ name }) => name.split(/[^\p{L}\p{M}\p{N}]+/u)[0] || 'mp3'),
  );
  const cut = fc.tuple(plain, fc.nat(4)).map(([word, at]) => [...word].slice(0, at + 1).join(''));
  const term = fc.oneof(
    { weight: 6, arbitrary: plain },
    { weight: 2, arbitrary: cut.map((word) => `${word}*`) },
    cut.map((word) => `*${word}*`),
    fc.tuple(cut, cut).map(([one, other]) => `${one}*${other}`),
    fc
      .tuple(
        fc.constantFrom('romoe', 'julie', 'beyonc', 'иод', 'воина', 'flca', 'naive', 'file'),
        fc.integer({ min: 1, max: 2 }),
      )
      .map(([word, distance]) => `${word}~${distance}`),
    fc.array(plain, { minLength: 2, maxLength: 3 }).map((words) => `"${words.join(' ')}"`),
    fc.array(plain, { minLength: 2, maxLength: 3 }).map((words) => words.join('-')),
    fc.tuple(plain, cut).map(([word, beginning]) => `${word}-${beginning}*`),
  );
  const clause = fc
    .tuple(
      fc.constantFrom('', '', '', '-'),
      fc.constantFrom('', '', '', 'name:', 'path:', 'desc:', 'type:'),
      term,
      fc.constantFrom('', '', '^3'),
    )
    .map((parts) => parts.join(''));
  const query = fc.array(clause, { minLength: 1, maxLength: 4 }).map((clauses) => clauses.join(' '));
  return fc.array(query, { minLength: 1, maxLength: 2 }).filter((texts) => texts.every(isQuery));
}

/** Some put together so mean nothing, such as an asterisk between characters without spaces. */
function isQuery(text: string): boolean {
  try {
    parseWordQuery(text);
    return true;
  } catch {
    return false;
  }
}
