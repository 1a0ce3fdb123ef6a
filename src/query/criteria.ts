/**
 * Checks what an asker asks and makes of it what the engine runs: patterns and word queries parsed,
 * texts folded, every list and length within its bound. Plain data: it is sent to a worker.
 */
import { LimitError, ParseError } from '../errors.js';
import { caseless } from '../index/folding.js';
import type { WordQuery } from '../index/text-index.js';
import type { FileCriteria, StringTest } from '../stanza/file-criteria.js';
import type { DateInterval } from '../stanza/xep0082-date-time.js';
import { parseEre } from './ere-parse.js';
import type { EreTree } from './ere-tree.js';
import { hasRequired, parseWordQuery } from './word-query.js';

/** `value` is in NFC; with its case folded unless the criteria are case-sensitive. */
export type FieldTest =
  | { readonly type: 'contains'; readonly value: string }
  | { readonly type: 'regex'; readonly tree: EreTree };

/** Criteria as the engine runs them. Fields are ANDed, values inside a field ORed; an empty list asks nothing. */
export interface Criteria {
  /** What was asked. */
  readonly asked: FileCriteria;
  readonly caseSensitive: boolean;
  readonly text: readonly WordQuery[];
  readonly name: readonly FieldTest[];
  readonly path: readonly FieldTest[];
  readonly desc: readonly FieldTest[];
  /** In lower case, without a dot before. */
  readonly ext: readonly string[];
  /** In lower case. `*` for the subtype is any. */
  readonly mediaType: readonly { readonly type: string; readonly subtype: string }[];
  readonly size: readonly number[];
  readonly sizeMin?: number;
  readonly sizeMax?: number;
  readonly date: readonly DateInterval[];
  readonly dateFromMs?: number;
  readonly dateBeforeMs?: number;
  /** The sha-256 values among the hashes asked for, base64; undefined when no hash was asked for. */
  readonly sha256?: readonly string[];
}

/** Values of one field, of one query. Each is tested on every candidate. */
export const MAX_VALUES = 100;
/** Patterns in one query: each is an automaton of its own, with a table of up to a megabyte. */
export const MAX_PATTERNS = 8;
/** In UTF-16 units; a longer text is in no name and hardly in a path. */
const MAX_VALUE_LENGTH = 4096;

/** Of questions as they came: a door checks what is answered after it, and words take a while to read. */
const parsed = new WeakMap<FileCriteria, Criteria>();

/**
 * Throws `ParseError` naming the field and, for a pattern or words, the position; `LimitError` for
 * patterns too large or too many to run.
 */
export function parseCriteria(asked: FileCriteria): Criteria {
  const known = parsed.get(asked);
  if (known) return known;
  const criteria = criteriaOf(asked);
  parsed.set(asked, criteria);
  return criteria;
}

function criteriaOf(asked: FileCriteria): Criteria {
  const caseSensitive = asked.caseSensitive ?? false;
  checkBounds(asked);
  const criteria: Criteria = {
    asked,
    caseSensitive,
    text: (asked.text ?? []).map((text) => parseWordQuery(text)),
    name: fieldTests('name', asked.name, caseSensitive),
    path: fieldTests('path', asked.path, caseSensitive),
    desc: fieldTests('desc', asked.desc, caseSensitive),
    ext: (asked.ext ?? []).map(parseExtension),
    mediaType: (asked.mediaType ?? []).map(parseMediaType),
    size: asked.size ?? [],
    ...(asked.sizeMin !== undefined && { sizeMin: asked.sizeMin }),
    ...(asked.sizeMax !== undefined && { sizeMax: asked.sizeMax }),
    date: asked.date ?? [],
    ...(asked.dateFromMs !== undefined && { dateFromMs: asked.dateFromMs }),
    ...(asked.dateBeforeMs !== undefined && { dateBeforeMs: asked.dateBeforeMs }),
    ...(asked.hash !== undefined &&
      asked.hash.length > 0 && {
        sha256: asked.hash.filter(({ algo }) => algo === 'sha-256').map(({ value }) => value),
      }),
  };
  checkSense(criteria);
  return criteria;
}

const FIELDS = {
  text: 'text',
  name: 'name',
  path: 'path',
  desc: 'desc',
  ext: 'ext',
  mediaType: 'media-type',
  size: 'size',
  date: 'date',
  hash: 'hash',
} as const;

function checkBounds(asked: FileCriteria): void {
  for (const [key, field] of Object.entries(FIELDS)) {
    const values = asked[key as keyof typeof FIELDS] ?? [];
    if (values.length > MAX_VALUES) {
      throw new ParseError(`'${field}' has more than ${MAX_VALUES} values`, { field });
    }
  }
  const tests = [...(asked.name ?? []), ...(asked.path ?? []), ...(asked.desc ?? [])];
  if (tests.filter((test) => test.type === 'regex').length > MAX_PATTERNS) {
    throw new LimitError('patterns', `a query holds at most ${MAX_PATTERNS} regular expressions`);
  }
}

function checkSense(criteria: Criteria): void {
  const { sizeMin, sizeMax, dateFromMs, dateBeforeMs, text } = criteria;
  if (sizeMin !== undefined && sizeMax !== undefined && sizeMin > sizeMax) {
    throw new ParseError("'size-min' is larger than 'size-max'", { field: 'size-min' });
  }
  if (dateFromMs !== undefined && dateBeforeMs !== undefined && dateFromMs >= dateBeforeMs) {
    throw new ParseError("'date-min' is later than 'date-max'", { field: 'date-min' });
  }
  const others = [
    ...[criteria.name, criteria.path, criteria.desc, criteria.ext, criteria.mediaType],
    ...[criteria.size, criteria.date, criteria.asked.hash ?? []],
  ].some((values) => values.length > 0);
  const range = [sizeMin, sizeMax, dateFromMs, dateBeforeMs].some((bound) => bound !== undefined);
  if (others || range) return;
  if (text.length === 0) throw new ParseError('at least one field must say what to look for');
  if (!text.every(hasRequired)) {
    throw new ParseError("'text' says only what to leave out", { field: 'text' });
  }
}

function fieldTests(
  field: string,
  tests: readonly StringTest[] | undefined,
  caseSensitive: boolean,
): FieldTest[] {
  return (tests ?? []).map((test) => {
    if (test.type === 'regex') return { type: 'regex', tree: parsePattern(field, test.pattern) };
    checkText(field, test.value);
    return { type: 'contains', value: caseSensitive ? test.value.normalize('NFC') : caseless(test.value) };
  });
}

function checkText(field: string, value: string): void {
  if (value === '') throw new ParseError(`'${field}' is empty`, { field });
  if (value.length > MAX_VALUE_LENGTH) {
    throw new ParseError(`'${field}' is longer than ${MAX_VALUE_LENGTH} characters`, { field });
  }
}

/** Values are compared in NFC, and so the pattern is read in NFC. */
function parsePattern(field: string, pattern: string): EreTree {
  try {
    return parseEre(pattern.normalize('NFC'));
  } catch (error) {
    if (error instanceof LimitError) throw new LimitError(error.bound, `'${field}': ${error.message}`);
    if (!(error instanceof ParseError)) throw error;
    const { position } = error;
    const where = position === undefined ? '' : ` at character ${position + 1}`;
    throw new ParseError(`'${field}' is not an extended regular expression${where}: ${error.message}`, {
      field,
      ...(position !== undefined && { position }),
      cause: error,
    });
  }
}

function parseExtension(value: string): string {
  checkText('ext', value);
  const ext = caseless(value.replace(/^\./, ''));
  if (ext === '' || ext.includes('/')) {
    throw new ParseError("'ext' must be a file extension such as flac", { field: 'ext' });
  }
  return ext;
}

function parseMediaType(value: string): { type: string; subtype: string } {
  checkText('media-type', value);
  const match = /^([a-z0-9][a-z0-9!#$&^_.+-]*)\/([a-z0-9][a-z0-9!#$&^_.+-]*|\*)$/.exec(
    value.trim().toLowerCase(),
  );
  if (!match) {
    throw new ParseError("'media-type' must look like audio/flac or audio/*", { field: 'media-type' });
  }
  return { type: match[1] ?? '', subtype: match[2] ?? '' };
}
