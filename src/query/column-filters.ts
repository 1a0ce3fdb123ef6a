/**
 * The criteria that go by numbers: size, date and media type. Each narrows the candidates in a loop over the
 * pieces of its column, in slices of one piece.
 */
import { type Column, PIECE } from '../columns/column.js';
import type { Pace, Work } from '../index/text-index.js';
import type { Candidates } from './candidates.js';
import type { Criteria } from './criteria.js';
import type { FileView } from './file-view.js';
import type { ColumnField } from './plan.js';
import { mediaTypeTest } from './residual-filter.js';

/** Keeps the candidates that have what is asked of the field. */
export function* keepByColumn(
  field: ColumnField,
  criteria: Criteria,
  candidates: Candidates,
  { columns }: FileView,
  pace: Pace,
): Work<void> {
  if (field === 'type') {
    const test = mediaTypeTest(criteria.mediaType);
    yield* keepByNumber(candidates, columns.type, (type) => test(columns.typeText(type)), pace);
    return;
  }
  const column = field === 'size' ? columns.size : columns.mtimeMs;
  const intervals = field === 'size' ? sizeIntervals(criteria) : dateIntervals(criteria);
  for (const each of intervals) yield* keepWithin(candidates, column, each, pace);
}

/** One after another: from, to; of those with `from <= value < to`. */
type Intervals = readonly number[];

/** A value has to be in one of each. Sizes are whole numbers. */
function sizeIntervals({ size, sizeMin, sizeMax }: Criteria): Intervals[] {
  const intervals: Intervals[] = [];
  if (sizeMin !== undefined || sizeMax !== undefined)
    intervals.push([sizeMin ?? 0, (sizeMax ?? Number.POSITIVE_INFINITY) + 1]);
  if (size.length > 0) intervals.push(size.flatMap((each) => [each, each + 1]));
  return intervals;
}

/** Files have the milliseconds that are over, the column has their fraction too: so what is asked is rounded up. */
function dateIntervals({ date, dateFromMs, dateBeforeMs }: Criteria): Intervals[] {
  const intervals: Intervals[] = [];
  if (dateFromMs !== undefined || dateBeforeMs !== undefined) {
    const from = dateFromMs ?? Number.NEGATIVE_INFINITY;
    intervals.push([Math.ceil(from), Math.ceil(dateBeforeMs ?? Number.POSITIVE_INFINITY)]);
  }
  if (date.length > 0)
    intervals.push(date.flatMap(({ fromMs, beforeMs }) => [Math.ceil(fromMs), Math.ceil(beforeMs)]));
  return intervals;
}

const WORDS_A_PIECE = PIECE / 32;
const NOTHING_SET = new Float64Array(PIECE);

function* keepWithin(
  candidates: Candidates,
  column: Column<Float64Array>,
  intervals: Intervals,
  pace: Pace,
): Work<void> {
  const { bits } = candidates;
  const bounds = Float64Array.from(intervals);
  for (let first = 0; first < bits.length; first += WORDS_A_PIECE) {
    const values = column.piece(first / WORDS_A_PIECE) ?? NOTHING_SET;
    const end = Math.min(bits.length, first + WORDS_A_PIECE);
    for (let word = first; word < end; word++) {
      let kept = 0;
      for (let left = bits[word] as number; left !== 0; left &= left - 1) {
        const bit = left & -left;
        const value = values[(word - first) * 32 + 31 - Math.clz32(bit)] as number;
        if (isWithin(value, bounds)) kept |= bit;
      }
      bits[word] = kept;
    }
    if (pace.due()) yield;
  }
  candidates.changed();
}

function isWithin(value: number, bounds: Float64Array): boolean {
  for (let at = 0; at < bounds.length; at += 2)
    if (value >= (bounds[at] as number) && value < (bounds[at + 1] as number)) return true;
  return false;
}

const [UNKNOWN, PASSES, FAILS] = [0, 1, 2];

/** Keeps the candidates with numbers that pass. The test is made once for each number that there is. */
export function* keepByNumber(
  candidates: Candidates,
  column: Column,
  test: (number: number) => boolean,
  pace: Pace,
): Work<void> {
  const { bits } = candidates;
  const verdicts: number[] = [];
  for (let first = 0; first < bits.length; first += WORDS_A_PIECE) {
    const values = column.piece(first / WORDS_A_PIECE) ?? NOTHING_SET;
    const end = Math.min(bits.length, first + WORDS_A_PIECE);
    for (let word = first; word < end; word++) {
      let kept = 0;
      for (let left = bits[word] as number; left !== 0; left &= left - 1) {
        const bit = left & -left;
        const number = values[(word - first) * 32 + 31 - Math.clz32(bit)] as number;
        while (verdicts.length <= number) verdicts.push(UNKNOWN);
        if (verdicts[number] === UNKNOWN) verdicts[number] = test(number) ? PASSES : FAILS;
        if (verdicts[number] === PASSES) kept |= bit;
      }
      bits[word] = kept;
    }
    if (pace.due()) yield;
  }
  candidates.changed();
}
