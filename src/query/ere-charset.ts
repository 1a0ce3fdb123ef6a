/**
 * Sets of Unicode code points as sorted, disjoint, non-adjacent ranges. Surrogates are no
 * characters: no set of an ERE holds one, because what is matched is UTF-8.
 */

/** `[from, to, from, to, …]`, both ends inclusive, ascending, never touching. */
export type CodePointSet = readonly number[];

export const MAX_CODE_POINT = 0x10ffff;
const SURROGATES: CodePointSet = [0xd800, 0xdfff];

/** Every character that UTF-8 can hold. */
export const ALL_CHARACTERS: CodePointSet = complement(SURROGATES);

/** Sorts and merges pairs given in any order. */
export function codePointSet(pairs: Iterable<readonly [from: number, to: number]>): CodePointSet {
  const sorted = [...pairs].sort((a, b) => a[0] - b[0]);
  const merged: number[] = [];
  for (const [from, to] of sorted) {
    const last = merged.length - 1;
    const end = merged[last];
    if (end !== undefined && from <= end + 1) merged[last] = Math.max(end, to);
    else merged.push(from, to);
  }
  return merged;
}

export function* rangesOf(set: CodePointSet): Generator<readonly [from: number, to: number]> {
  for (let at = 0; at + 1 < set.length; at += 2) yield [set[at] as number, set[at + 1] as number];
}

export function union(sets: Iterable<CodePointSet>): CodePointSet {
  return codePointSet([...sets].flatMap((set) => [...rangesOf(set)]));
}

/** All characters that are not in the set, and no surrogates. */
export function otherCharacters(set: CodePointSet): CodePointSet {
  return complement(union([set, SURROGATES]));
}

/** The set without its surrogates. */
export function charactersOf(set: CodePointSet): CodePointSet {
  return otherCharacters(complement(set));
}

export function contains(set: CodePointSet, codePoint: number): boolean {
  let low = 0;
  let high = set.length;
  // The number of bounds at or below the code point is odd inside a range, except at a range's end.
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((set[middle] as number) <= codePoint) low = middle + 1;
    else high = middle;
  }
  return low % 2 === 1 || set[low - 1] === codePoint;
}

function complement(set: CodePointSet): CodePointSet {
  const gaps: number[] = [];
  let next = 0;
  for (const [from, to] of rangesOf(set)) {
    if (from > next) gaps.push(next, from - 1);
    next = to + 1;
  }
  if (next <= MAX_CODE_POINT) gaps.push(next, MAX_CODE_POINT);
  return gaps;
}
