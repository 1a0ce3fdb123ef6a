/**
 * Ignoring case: Unicode simple case folding, character by character. Two characters are the same
 * when `CaseFolding.txt` folds them alike with its rows C and S: K, k and the Kelvin sign; s, S and
 * ſ; Σ, σ and ς; ß and ẞ; Å and the Ångström sign; ǅ with ǆ and Ǆ.
 *
 * Not the same: ß and `ss` (that folding makes two characters of one); İ and ı with `i` or `I`
 * (a rule of Turkish only).
 *
 * The table is derived from the running Node's Unicode at first use, in some 15 ms, and kept.
 */
import { type CodePointSet, codePointSet, contains, rangesOf } from './ere-charset.js';

interface FoldingTable {
  /** For a character that has others: all of them and itself, ascending. */
  readonly alike: ReadonlyMap<number, readonly number[]>;
  /** The keys of `alike`, ascending. */
  readonly cased: readonly number[];
}

/** No script beyond plane 1 has case. */
const LAST_CASED = 0x1ffff;
const DOTLESS_I = 0x131;

let table: FoldingTable | undefined;

function foldingTable(): FoldingTable {
  if (table) return table;
  const alike = new Map<number, number[]>();
  const join = (a: number, b: number) => {
    const one = alike.get(a) ?? [a];
    const other = alike.get(b) ?? [b];
    if (one === other) return;
    const both = [...one, ...other].sort((left, right) => left - right);
    for (const member of both) alike.set(member, both);
  };
  for (let codePoint = 0x41; codePoint <= LAST_CASED; codePoint += 1) {
    if (codePoint === DOTLESS_I || (codePoint >= 0xd800 && codePoint <= 0xdfff)) continue;
    const text = String.fromCodePoint(codePoint);
    for (const other of [text.toLowerCase(), text.toUpperCase()]) {
      const to = other.codePointAt(0) ?? codePoint;
      if (to !== codePoint && other.length === (to > 0xffff ? 2 : 1)) join(codePoint, to);
    }
  }
  const cased = [...alike.keys()].sort((left, right) => left - right);
  table = { alike, cased };
  return table;
}

/** All characters that are the same as one of the set. */
export function closeOverCase(set: CodePointSet): CodePointSet {
  const { alike, cased } = foldingTable();
  const ranges: (readonly [number, number])[] = [];
  for (const [from, to] of rangesOf(set)) {
    ranges.push([from, to]);
    for (let at = firstAtLeast(cased, from); (cased[at] ?? Infinity) <= to; at += 1) {
      for (const same of alike.get(cased[at] as number) ?? []) {
        if (!contains(set, same)) ranges.push([same, same]);
      }
    }
  }
  return codePointSet(ranges);
}

function firstAtLeast(sorted: readonly number[], least: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The one character that stands for all that are the same as this one. */
export function foldCodePoint(codePoint: number): number {
  if (codePoint < 0x80) return codePoint >= 0x41 && codePoint <= 0x5a ? codePoint + 0x20 : codePoint;
  const same = foldingTable().alike.get(codePoint);
  const first = same?.[0];
  if (!same || first === undefined) return codePoint;
  // The first in a class is mostly a capital: its small letter, where that is one character of the class.
  const small = String.fromCodePoint(first).toLowerCase().codePointAt(0) ?? first;
  return same.includes(small) ? small : first;
}

/**
 * A text as a matcher that ignores case sees it: it has the same matches before and after. One
 * character becomes one character; lone surrogates (bytes that are not UTF-8) stay.
 */
export function foldCase(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text.toLowerCase();
  let folded = '';
  for (const character of text) folded += String.fromCodePoint(foldCodePoint(character.codePointAt(0) ?? 0));
  return folded;
}
