/**
 * What character classes and equivalence classes of a bracket expression mean in Unicode. Classes
 * are those of glibc's C.UTF-8 and en_US.UTF-8, written as Unicode properties, so that they follow
 * the Unicode version of the running Node; the tables of the two differ only in characters that
 * one of the versions does not know or has moved.
 *
 * Departure from grep in C.UTF-8: there `[[=e=]]` is `e` alone. Here, as in locales of a language,
 * it holds all characters whose canonical decomposition is the same letter and marks: e, é, è, ê, ẽ, ệ.
 * Case is kept, unless the whole pattern ignores it.
 *
 * Tables are made at first use, in some 15 ms each, and kept.
 */
import { type CodePointSet, codePointSet } from './ere-charset.js';
import type { CharacterClass } from './ere-tree.js';

const NO_BREAK = '\\u00a0\\u2007\\u202f';
const SPACE = `[\\t-\\r[\\p{Z}--[${NO_BREAK}]]]`; // a no-break space separates no words
const CONTROL = '[\\p{Cc}\\u2028\\u2029]';
const ALPHA = '[\\p{Alphabetic}[\\p{Nd}--[0-9]]]'; // digits of other scripts are letters: C allows ten digits only
const PRINT = `[\\p{Assigned}--\\p{Cs}--${CONTROL}]`;
const GRAPH = `[${PRINT}--${SPACE}]`;

const CLASS_PATTERNS: Readonly<Record<CharacterClass, string>> = {
  alnum: `[${ALPHA}[0-9]]`,
  alpha: ALPHA,
  blank: `[\\t[\\p{Zs}--[${NO_BREAK}]]]`,
  cntrl: CONTROL,
  digit: '[0-9]',
  graph: GRAPH,
  lower: '[\\p{Lowercase}ǅǈǋǲ]', // title case letters have both another upper and another lower case
  print: PRINT,
  punct: `[${GRAPH}--${ALPHA}--[0-9]]`,
  space: SPACE,
  upper: '[\\p{Uppercase}\\p{Lt}]',
  xdigit: '[0-9A-Fa-f]',
};

const classes = new Map<CharacterClass, CodePointSet>();

export function characterClass(name: CharacterClass): CodePointSet {
  let set = classes.get(name);
  if (!set) {
    const pattern = new RegExp(CLASS_PATTERNS[name], 'v');
    set = collect((codePoint) => pattern.test(String.fromCodePoint(codePoint)));
    classes.set(name, set);
  }
  return set;
}

/** `[=é=]`: all characters with the same base letter. */
export function equivalents(codePoint: number): CodePointSet {
  const letter = baseLetter(codePoint);
  const same = equivalenceClasses().get(letter) ?? [];
  return codePointSet([letter, codePoint, ...same].map((member) => [member, member]));
}

/** Beyond plane 1 only CJK compatibility ideographs decompose, and into no marks. */
const LAST_DECOMPOSED = 0x1ffff;

let byBaseLetter: Map<number, number[]> | undefined;

function equivalenceClasses(): Map<number, number[]> {
  if (byBaseLetter) return byBaseLetter;
  byBaseLetter = new Map();
  for (let codePoint = 0; codePoint <= LAST_DECOMPOSED; codePoint += 1) {
    const letter = baseLetter(codePoint);
    if (letter === codePoint) continue;
    const members = byBaseLetter.get(letter);
    if (members) members.push(codePoint);
    else byBaseLetter.set(letter, [codePoint]);
  }
  return byBaseLetter;
}

/** The first of a canonical decomposition, if all that follows are marks: a Hangul syllable is its own base. */
function baseLetter(codePoint: number): number {
  const text = String.fromCodePoint(codePoint);
  const decomposed = text.normalize('NFD');
  if (decomposed === text || !/^\P{M}\p{M}*$/u.test(decomposed)) return codePoint;
  return decomposed.codePointAt(0) ?? codePoint;
}

/** Outside these no code point is assigned, nor will be soon: the planes 0 to 3, tags, private use. */
const ASSIGNED_AREAS: readonly (readonly [from: number, to: number])[] = [
  [0, 0x3ffff],
  [0xe0000, 0xe0fff],
  [0xf0000, 0x10ffff],
];

function collect(has: (codePoint: number) => boolean): CodePointSet {
  const ranges: [number, number][] = [];
  for (const [first, last] of ASSIGNED_AREAS) {
    for (let codePoint = first; codePoint <= last; codePoint += 1) {
      if (!has(codePoint)) continue;
      const range = ranges.at(-1);
      if (range && range[1] === codePoint - 1) range[1] = codePoint;
      else ranges.push([codePoint, codePoint]);
    }
  }
  return codePointSet(ranges);
}
