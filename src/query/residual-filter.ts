/**
 * Criteria as tests of one file: for those few that are left when the cheaper criteria have been looked at.
 * What is done for many at once (`column-filters.ts`, `text-scan.ts`) finds the same.
 */
import { toBytes, toDisplay } from '../catalogue/share-path.js';
import { caseless } from '../index/folding.js';
import type { Pace, Work } from '../index/text-index.js';
import { xmlSafe } from '../stanza/xml.js';
import { type Criteria, MAX_PATTERNS } from './criteria.js';
import { type Budget, compileEre } from './ere-matcher.js';
import type { SearchedFile } from './file-row.js';
import type { TextField } from './plan.js';

export type RowTest = (row: SearchedFile, budget: Budget) => boolean;

/** Tests all fields but `text`. The test throws what `budget.check` throws. */
export function* residualFilter(criteria: Criteria, pace: Pace): Work<RowTest> {
  const tests = [
    ...hashTests(criteria),
    ...sizeTests(criteria),
    ...dateTests(criteria),
    ...(criteria.mediaType.length > 0 ? [typeTest(criteria)] : []),
  ];
  for (const field of ['ext', 'name', 'path', 'desc'] as const)
    if (criteria[field].length > 0) tests.push(yield* fieldTest(criteria, field, pace));
  return (row, budget) => tests.every((test) => test(row, budget));
}

/** Tests a field that is asked for. Compiling a pattern takes milliseconds, so that there is a chance to yield after each. */
export function* fieldTest(criteria: Criteria, field: TextField, pace: Pace): Work<RowTest> {
  if (field === 'ext') return extTest(criteria.ext);
  const any: RowTest[] = [];
  const { caseSensitive } = criteria;
  for (const test of criteria[field]) {
    if (test.type === 'contains') any.push(containsTest(test.value, caseSensitive, field));
    else {
      any.push(regex(compileEre(test.tree, { caseSensitive, maxStates: MAX_STATES_EACH }), VALUE[field]));
      if (pace.due()) yield;
    }
  }
  return (row, budget) => any.some((test) => test(row, budget));
}

function hashTests({ sha256 }: Criteria): RowTest[] {
  if (sha256 === undefined) return [];
  const asked = new Set(sha256);
  return [(row) => row.sha256 !== undefined && asked.has(row.sha256)];
}

function sizeTests({ size, sizeMin, sizeMax }: Criteria): RowTest[] {
  const tests: RowTest[] = [];
  if (sizeMin !== undefined) tests.push((row) => row.size >= sizeMin);
  if (sizeMax !== undefined) tests.push((row) => row.size <= sizeMax);
  if (size.length > 0) tests.push((row) => size.includes(row.size));
  return tests;
}

function dateTests({ date, dateFromMs, dateBeforeMs }: Criteria): RowTest[] {
  const tests: RowTest[] = [];
  if (dateFromMs !== undefined) tests.push(({ mtimeMs }) => mtimeMs >= dateFromMs);
  if (dateBeforeMs !== undefined) tests.push(({ mtimeMs }) => mtimeMs < dateBeforeMs);
  if (date.length > 0) {
    tests.push(({ mtimeMs }) => date.some((day) => mtimeMs >= day.fromMs && mtimeMs < day.beforeMs));
  }
  return tests;
}

/** A name such as `.profile` is all name: there has to be something before the dot. */
export function extTest(ext: Criteria['ext']): RowTest {
  const ends = ext.map((each) => `.${each}`);
  return (row) => {
    const name = caseless(row.name);
    return ends.some((end) => name.endsWith(end) && name.length > end.length);
  };
}

function typeTest({ mediaType }: Criteria): RowTest {
  const test = mediaTypeTest(mediaType);
  return (row) => test(row.type);
}

export function mediaTypeTest(asked: Criteria['mediaType']): (mediaType: string) => boolean {
  return (mediaType) => {
    const [type = '', subtype = ''] = mediaType.toLowerCase().split(/[/;]/);
    return asked.some(
      (each) => each.type === type.trim() && (each.subtype === '*' || each.subtype === subtype.trim()),
    );
  };
}

interface FieldValue {
  /** As it is. */
  readonly plain: (row: SearchedFile) => string;
  /** With case folded, in NFC. */
  readonly folded: (row: SearchedFile) => string;
}

const VALUE: Readonly<Record<'name' | 'path' | 'desc', FieldValue>> = {
  name: { plain: (row) => row.name, folded: (row) => caseless(row.name) },
  path: { plain: (row) => row.key, folded: (row) => caseless(row.key) },
  desc: { plain: (row) => row.desc, folded: (row) => caseless(row.desc) },
};

/** States of the automata of one query together: some 8 MB of tables at most. */
const MAX_STATES = 8192;
export const MAX_STATES_EACH = Math.floor(MAX_STATES / MAX_PATTERNS);

export function containsTest(value: string, caseSensitive: boolean, of: 'name' | 'path' | 'desc'): RowTest {
  const field = VALUE[of];
  const textOf = caseSensitive ? (row: SearchedFile) => field.plain(row).normalize('NFC') : field.folded;
  if (!value.includes('\uFFFD')) return (row) => textOf(row).includes(value);
  // An asker who was shown a name that XML can't carry has U+FFFD where it can't; only then the two differ.
  const shown = (row: SearchedFile) => xmlSafe(toDisplay(textOf(row)));
  return (row) => textOf(row).includes(value) || shown(row).includes(value);
}

const encoder = new TextEncoder();

function regex(matcher: ReturnType<typeof compileEre>, field: FieldValue): RowTest {
  let bytes = new Uint8Array(1024);
  return (row, budget) => {
    const text = field.plain(row).normalize('NFC');
    if (text === '') return false; // no description at all; nothing else is ever empty
    if (!text.isWellFormed()) {
      const raw = toBytes(text);
      return matcher.matches(raw, 0, raw.length, budget);
    }
    if (bytes.length < text.length * 3) bytes = new Uint8Array(text.length * 6); // UTF-16 unit: 3 bytes at most
    const { written } = encoder.encodeInto(text, bytes);
    return matcher.matches(bytes, 0, written, budget);
  };
}
