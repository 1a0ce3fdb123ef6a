/** What is left of the criteria once a driver has named the candidates: a test of one file, cheapest parts first. */
import { toBytes, toDisplay } from '../catalogue/share-path.js';
import { caseless } from '../index/folding.js';
import type { Pace, Work } from '../index/text-index.js';
import { xmlSafe } from '../stanza/xml.js';
import { type Criteria, type FieldTest, MAX_PATTERNS } from './criteria.js';
import { type Budget, compileEre } from './ere-matcher.js';
import type { SearchedFile } from './file-row.js';

export type RowTest = (row: SearchedFile, budget: Budget) => boolean;

/** Tests all fields but `text`; undefined when nothing is left to test. The test throws what `budget.check` throws. */
export function* residualFilter(criteria: Criteria, pace: Pace): Work<RowTest | undefined> {
  const tests = [
    ...hashTests(criteria),
    ...sizeTests(criteria),
    ...dateTests(criteria),
    ...typeTests(criteria),
    ...(yield* fieldTests(criteria, criteria.name, NAME, pace)),
    ...(yield* fieldTests(criteria, criteria.path, PATH, pace)),
    ...(yield* fieldTests(criteria, criteria.desc, DESC, pace)),
  ];
  return tests.length === 0 ? undefined : (row, budget) => tests.every((test) => test(row, budget));
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

function typeTests({ ext, mediaType }: Criteria): RowTest[] {
  const tests: RowTest[] = [];
  if (ext.length > 0) {
    const ends = ext.map((each) => `.${each}`);
    // A name such as `.profile` is all name: there has to be something before the dot.
    tests.push((row) => {
      const name = caseless(row.name);
      return ends.some((end) => name.endsWith(end) && name.length > end.length);
    });
  }
  if (mediaType.length > 0) {
    tests.push((row) => {
      const [type = '', subtype = ''] = row.type.toLowerCase().split(/[/;]/);
      return mediaType.some(
        (each) => each.type === type.trim() && (each.subtype === '*' || each.subtype === subtype.trim()),
      );
    });
  }
  return tests;
}

interface FieldValue {
  /** As it is. */
  readonly plain: (row: SearchedFile) => string;
  /** With case folded, in NFC. */
  readonly folded: (row: SearchedFile) => string;
}

const NAME: FieldValue = { plain: (row) => row.name, folded: (row) => caseless(row.name) };
const PATH: FieldValue = { plain: (row) => row.key, folded: (row) => caseless(row.key) };
const DESC: FieldValue = { plain: (row) => row.desc, folded: (row) => caseless(row.desc) };

/** States of the automata of one query together: some 8 MB of tables at most. */
const MAX_STATES = 8192;

/** Compiling a pattern takes milliseconds, so that there is a chance to yield after each. */
function* fieldTests(
  criteria: Criteria,
  tests: readonly FieldTest[],
  field: FieldValue,
  pace: Pace,
): Work<RowTest[]> {
  if (tests.length === 0) return [];
  const any: RowTest[] = [];
  const { caseSensitive } = criteria;
  for (const test of tests) {
    if (test.type === 'contains') any.push(contains(test.value, caseSensitive, field));
    else {
      const maxStates = Math.floor(MAX_STATES / MAX_PATTERNS);
      any.push(regex(compileEre(test.tree, { caseSensitive, maxStates }), field));
      if (pace.due()) yield;
    }
  }
  return [(row, budget) => any.some((test) => test(row, budget))];
}

function contains(value: string, caseSensitive: boolean, field: FieldValue): RowTest {
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
