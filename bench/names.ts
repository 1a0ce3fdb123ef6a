/** A million file names like those of people's disks, a fifth of them not ASCII; the same ones for the same seed. */

const ARTISTS = ['Chopin', 'Bach', 'Miles Davis', 'Nina Simone', 'Björk', 'Beyoncé', 'Кино', '久石譲'];
const WORDS = [
  ...[
    'Nocturne',
    'Prelude',
    'Sunday',
    'River',
    'Blue',
    'Garden',
    'Winter',
    'Letters',
    'House',
    'Queen',
    'Light',
  ],
  ...[
    'Journey',
    'Stone',
    'Paris',
    'Requiem',
    'Bleak',
    'Ocean',
    'Report',
    'Invoice',
    'Notes',
    'Session',
    'Draft',
  ],
  ...['Aqueous', 'Beautiful', 'Sonata', 'Theory', 'Analysis', 'Introduction', 'Manual', 'History', 'Physics'],
];
const FOREIGN = [
  ...['война', 'Мир', 'Мастер и Маргарита', 'лето', 'дорога', 'Ёлка', 'письма', 'зима'],
  ...['物語', '源氏物語', '東京', '写真', '夏目漱石', '音楽', '红楼梦', '三国演义'],
  ...['Été à Nîmes', 'Über allen Gipfeln', 'Señora', 'Ångström', 'Łódź', 'naïveté', 'كتاب', 'الف ليلة'],
];
const SOURCE_WORDS = [
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
];
const SOURCE_EXTENSIONS = ['c', 'h', 'ts', 'py', 'rs', 'go', 'md', 'json', 'txt'];

/** Mulberry32: small, and good enough to choose words by. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

export function* generateNames(count: number, seed = 1): Generator<string> {
  const below = randomFrom(seed);
  const oneOf = (list: readonly string[]) => list[below(list.length)] ?? '';
  const digits = (many: number) => String(below(10 ** many)).padStart(many, '0');
  const word = (isForeign: boolean) => (isForeign ? oneOf(FOREIGN) : oneOf(WORDS));
  const kinds: readonly ((isForeign: boolean) => string)[] = [
    (isForeign) =>
      `${digits(2)} ${oneOf(ARTISTS.slice(0, isForeign ? 8 : 4))} - ${word(isForeign)} ${oneOf(WORDS)} No. ${1 + below(30)}.${oneOf(['mp3', 'flac', 'ogg'])}`,
    (isForeign) =>
      isForeign
        ? `${oneOf(FOREIGN)} ${digits(4)}.jpg`
        : `${oneOf(['IMG', 'DSC', 'PXL'])}_20${10 + below(16)}${digits(4)}_${digits(6)}.${oneOf(['jpg', 'jpeg', 'png'])}`,
    (isForeign) =>
      `${word(isForeign)} ${oneOf(WORDS)}, ${1900 + below(125)}-${String(1 + below(12)).padStart(2, '0')} (${oneOf(WORDS)}).${oneOf(['epub', 'pdf'])}`,
    (isForeign) =>
      `${word(isForeign)}.${oneOf(WORDS)}.${1950 + below(75)}.${oneOf(['1080p', '720p'])}.x264.mkv`,
    (isForeign) =>
      isForeign
        ? `${oneOf(FOREIGN)}_${oneOf(SOURCE_WORDS)}.${oneOf(SOURCE_EXTENSIONS)}`
        : `${oneOf(SOURCE_WORDS)}_${oneOf(SOURCE_WORDS)}${below(3) === 0 ? digits(2) : ''}.${oneOf(SOURCE_EXTENSIONS)}`,
    (isForeign) => `${word(isForeign)} ${digits(3)} [${oneOf(WORDS)}]${below(4) === 0 ? '~' : '.doc'}`,
  ];
  for (let made = 0; made < count; made += 1) {
    yield kinds[below(kinds.length)]?.(below(5) === 0) ?? '';
  }
}
