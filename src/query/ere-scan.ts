/**
 * Searches many values that lie one after another in one buffer. Where the pattern requires a
 * literal, a plain byte search for it goes over the buffer first, and only values that hold it are
 * given to the automaton.
 */
import { Buffer } from 'node:buffer';
import type { Budget, EreMatcher } from './ere-matcher.js';

export interface PackedValues {
  /** For a matcher that ignores case: of values folded by `foldCase`, or it finds too few. */
  readonly utf8: Uint8Array;
  /** Value i is `utf8[starts[i], starts[i + 1])`: one entry more than there are values. */
  readonly starts: Uint32Array;
}

/** Searched for a literal at a time, in bytes: some tenths of a millisecond. */
const WINDOW = 1 << 20;
/** Values between two looks at how the literal does, and how many of them with it make it useless. */
const TRIAL = 1024;
const TOO_MANY = TRIAL / 4;

/** Says besides when it is time to let others go on. */
export interface ScanBudget extends Budget {
  readonly isDue: boolean;
}

/**
 * Calls `found` with the number of each value in `[from, to)` that matches, ascending. Returns the first that
 * it has not searched: `to`, unless the budget `isDue` before. Throws what `budget.check` throws.
 */
export function findMatches(
  matcher: EreMatcher,
  values: PackedValues,
  range: { readonly from: number; readonly to: number },
  budget: ScanBudget,
  found: (value: number) => void,
): number {
  const { utf8, starts } = values;
  const [literal] = matcher.requiredLiterals;
  let next = range.from;
  if (literal) next = skipByLiteral(matcher, literal, values, range, budget, found);
  for (; next < range.to && !budget.isDue; next += 1) {
    if (matcher.matches(utf8, starts[next] as number, starts[next + 1] as number, budget)) found(next);
  }
  return next;
}

/** Returns the first value not searched: before the end, if the literal is in too many values to be of use, or it is time. */
function skipByLiteral(
  matcher: EreMatcher,
  literal: Uint8Array,
  { utf8, starts }: PackedValues,
  range: { readonly from: number; readonly to: number },
  budget: ScanBudget,
  found: (value: number) => void,
): number {
  const bytes = Buffer.from(utf8.buffer as ArrayBuffer, utf8.byteOffset, utf8.byteLength);
  const end = starts[range.to] as number;
  let value = range.from;
  let trialEnds = value + TRIAL;
  let held = 0;
  for (let begin = starts[value] as number; begin < end; begin += WINDOW) {
    budget.check();
    // So far that a literal which begins in this window is seen whole.
    const window = bytes.subarray(begin, Math.min(end, begin + WINDOW + literal.length - 1));
    for (;;) {
      const offset = window.indexOf(literal, Math.max(0, (starts[value] as number) - begin));
      if (offset < 0) break;
      value = valueAt(starts, begin + offset, value, range.to);
      // A literal across the end of a value costs a look at that value, and is not found.
      const ends = starts[value + 1] as number;
      const matches = matcher.isLiteral
        ? begin + offset + literal.length <= ends
        : matcher.matches(utf8, starts[value] as number, ends, budget);
      if (matches) found(value);
      held += 1;
      value += 1;
      if (budget.isDue) return value;
      if (value < trialEnds) continue;
      if (held > TOO_MANY) return value;
      trialEnds = value + TRIAL;
      held = 0;
    }
  }
  return range.to;
}

/** The value in `[from, to)` that holds the byte at `at`. Gallops: mostly it is near. */
function valueAt(starts: Uint32Array, at: number, from: number, to: number): number {
  let low = from;
  let step = 1;
  while (low + step < to && (starts[low + step] as number) <= at) {
    low += step;
    step *= 2;
  }
  let high = Math.min(low + step, to);
  while (low + 1 < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] as number) <= at) low = middle;
    else high = middle;
  }
  return low;
}
