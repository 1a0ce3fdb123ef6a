/** What is left of the criteria once a driver has named the candidates: a test of one file, cheapest parts first. */
import { toBytes, toDisplay } from '../catalogue/share-path.js';
import { caseless } from '../index/folding.js';
import type { Pace, Work } from '../index/text-index.js';
import { xmlSafe } from '../stanza/xml.js';
import { type Criteria, type FieldTest, MAX_PATTERNS } from './criteria.js';
import { type Budget, compileEre } from './ere-matcher.js';
import type { FileRow } from './file-row.js';

export type RowTest = (row: FileRow, budget: Budget) => boolean;

/** Tests all fields but `text`. The test throws what `budget.check` throws. */
export function* residualFilter(criteria: Criteria, pace: Pace): Work<RowTest> {
  const tests = [
    ...hashTests(criteria),
    ...sizeTests(criteria),
    ...dateTests(criteria),
    ...typeTests(criteria),
    ...(yield* fieldTests(criteria, criteria.name, NAME, pace)),
    ...(yield* fieldTests(criteria, criteria.path, PATH, pace)),
    ...(yield* fieldTests(criteria, criteria.desc, DESC, pace)),
  ];
  return (row, budget) => tests.every((test) => test(row, budget));
}

function hashTests({ sha256 }: Criteria): RowTest[] {
  if (sha256 === undefined) return [];
  const asked = new Set(sha256);
  return [(row) => row.entry.sha256 !== undefined && asked.has(row.entry.sha256)];
}

function sizeTests({ size, sizeMin = 0, sizeMax = Number.POSITIVE_INFINITY }: Criteria): RowTest[] {
  return [
    (row) => row.entry.size >= sizeMin && row.entry.size <= sizeMax,
    (row) => size.length === 0 || size.includes(row.entry.size),
  ];
}

function dateTests({ date, dateFromMs, dateBeforeMs }: Criteria): RowTest[] {
  const from = dateFromMs ?? Number.NEGATIVE_INFINITY;
  const before = dateBeforeMs ?? Number.POSITIVE_INFINITY;
  return [
    ({ entry: { mtimeMs } }) => mtimeMs >= from && mtimeMs < before,
    ({ entry: { mtimeMs } }) =>
      date.length === 0 || date.some((day) => mtimeMs >= day.fromMs && mtimeMs < day.beforeMs),
  ];
}

function typeTests({ ext, mediaType }: Criteria): RowTest[] {
  const tests: RowTest[] = [];
  if (ext.length > 0) {
    const ends = ext.map((each) => `.${each}`);
    // A name such as `.profile` is all name: there has to be something before the dot.
    tests.push((row) => {
      const name = row.caselessName;
      return ends.some((end) => name.endsWith(end) && name.length > end.length);
    });
  }
  if (mediaType.length > 0) {
    tests.push((row) => {
      const [type = '', subtype = ''] = row.entry.mediaType.toLowerCase().split(/[/;]/);
      return mediaType.some(
        (each) => each.type === type.trim() && (each.subtype === '*' || each.subtype === subtype.trim()),
      );
    });
  }
  return tests;
}

interface FieldValue {
  /** As it is. */
  readonly plain: (row: FileRow) => string;
  /** With case folded, in NFC. */
  readonly folded: (row: FileRow) => string;
}

const NAME: FieldValue = { plain: (row) => row.name, folded: (row) => row.caselessName };
const PATH: FieldValue = { plain: (row) => row.key, folded: (row) => row.caselessPath };
const DESC: FieldValue = { plain: (row) => row.words.desc, folded: (row) => caseless(row.words.desc) };

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
  const textOf = caseSensitive ? (row: FileRow) => field.plain(row).normalize('NFC') : field.folded;
  if (!value.includes('\uFFFD')) return (row) => textOf(row).includes(value);
  // An asker who was shown a name that XML can't carry has U+FFFD where it can't; only then the two differ.
  const shown = (row: FileRow) => xmlSafe(toDisplay(textOf(row)));
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
