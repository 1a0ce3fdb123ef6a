/** The words and flags of `shoal find` as criteria. */
import { ParseError } from '../errors.js';
import { parseCriteria } from '../query/criteria.js';
import type { FileCriteria } from '../stanza/file-criteria.js';
import { parseDateInterval } from '../stanza/xep0082-date-time.js';
import { type Hash, HashAlgorithm, parseHash, parseHashText } from '../stanza/xep0300-hashes.js';
import type { Arguments, Flag } from './arguments.js';
import { parseSize } from './quantities.js';
import { UsageError } from './usage-error.js';

export const criteriaFlags: readonly Flag[] = [
  { name: 'name', value: 'S', repeatable: true, help: 'The name contains S.' },
  { name: 'regex', value: 'ERE', help: 'A POSIX extended regular expression is found in the name.' },
  { name: 'ext', value: 'E', repeatable: true, help: 'The extension is E, such as pdf.' },
  {
    name: 'type',
    value: 'T',
    repeatable: true,
    help: 'The media type is T: audio/flac, or audio for all of them.',
  },
  { name: 'size-min', value: 'N', help: 'At least N bytes; 5M and 4KiB are understood.' },
  { name: 'size-max', value: 'N', help: 'At most N bytes.' },
  { name: 'after', value: 'D', help: 'Last changed at D or later: 2026-11-23 or 2026-11-23T10:00:00Z.' },
  { name: 'before', value: 'D', help: 'Last changed before D.' },
  {
    name: 'hash',
    value: 'ALGO:B64',
    repeatable: true,
    help: 'The content has this hash; base64, or hexadecimal.',
  },
];

/** Throws {@link UsageError} naming the flag; nothing that a node would refuse is sent. */
export function criteriaOf(args: Arguments): FileCriteria {
  const text = args.words.join(' ').trim();
  const criteria: FileCriteria = {
    ...(text !== '' && { text: [text] }),
    ...nameTests(args),
    ...list(args, 'ext', 'ext', (value) => value.replace(/^\./, '')),
    ...list(args, 'type', 'mediaType', mediaTypeOf),
    ...one(args, 'size-min', 'sizeMin', (value) => parseSize(value, 'size-min')),
    ...one(args, 'size-max', 'sizeMax', (value) => parseSize(value, 'size-max')),
    ...one(args, 'after', 'dateFromMs', (value) => startOf(value, 'after')),
    ...one(args, 'before', 'dateBeforeMs', (value) => startOf(value, 'before')),
    ...list(args, 'hash', 'hash', hashOf),
  };
  if (Object.keys(criteria).length === 0)
    throw new UsageError('say what to look for: words, or one of the options');
  check(criteria);
  return criteria;
}

/** Values of one field are alternatives, so a name that must pass two different tests can't be asked for. */
function nameTests(args: Arguments): Pick<FileCriteria, 'name'> {
  const contains = args
    .all('name')
    .map((value) => ({ type: 'contains', value: given(value, 'name') }) as const);
  const pattern = args.get('regex');
  if (contains.length > 0 && pattern !== undefined) {
    throw new UsageError('--name and --regex both test the name, and a query can hold one of them');
  }
  if (args.all('regex').length > 1) throw new UsageError('--regex can be given once; join patterns with |');
  if (pattern !== undefined) return { name: [{ type: 'regex', pattern: given(pattern, 'regex') }] };
  return contains.length > 0 ? { name: contains } : {};
}

function list<K extends keyof FileCriteria, T>(
  args: Arguments,
  flag: string,
  field: K,
  read: (value: string) => T,
): { readonly [P in K]?: readonly T[] } {
  const values = args.all(flag).map((value) => read(given(value, flag)));
  return values.length > 0 ? ({ [field]: values } as { [P in K]: T[] }) : {};
}

function one<K extends keyof FileCriteria>(
  args: Arguments,
  flag: string,
  field: K,
  read: (value: string) => number,
): { readonly [P in K]?: number } {
  const value = args.get(flag);
  return value === undefined ? {} : ({ [field]: read(given(value, flag)) } as { [P in K]: number });
}

function given(value: string, flag: string): string {
  if (value === '') throw new UsageError(`--${flag} needs a value`);
  return value;
}

function mediaTypeOf(value: string): string {
  const type = value.toLowerCase();
  return type.includes('/') ? type : `${type}/*`;
}

function startOf(value: string, flag: string): number {
  try {
    return parseDateInterval(value).fromMs;
  } catch (cause) {
    throw new UsageError(
      `--${flag} must be a date such as 2026-11-23 or 2026-11-23T10:00:00Z, not '${value}'`,
      {
        cause,
      },
    );
  }
}

function hashOf(text: string): Hash {
  const hash = readHash(text);
  if (hash !== undefined) return hash;
  const algorithms = Object.keys(HashAlgorithm).join(', ');
  throw new UsageError(
    `--hash must look like sha-256:BASE64, with one of ${algorithms} and as many bytes as it has, not '${text}'`,
  );
}

/** Reads `ALGO:BASE64`, `ALGO:HEX`, or either alone for sha-256; undefined when it is none of them. */
export function readHash(text: string): Hash | undefined {
  try {
    return text.includes(':') ? hexOr(text) : parseHash('sha-256', hexToBase64(text));
  } catch (thrown) {
    if (thrown instanceof ParseError) return undefined;
    throw thrown;
  }
}

function hexOr(text: string): Hash {
  const colon = text.indexOf(':');
  return parseHashText(`${text.slice(0, colon)}:${hexToBase64(text.slice(colon + 1))}`);
}

/** sha256sum and its like print hexadecimal. 40 characters are the shortest hash there is. */
function hexToBase64(text: string): string {
  return /^(?:[0-9a-f]{2}){20,}$/i.test(text) ? Buffer.from(text, 'hex').toString('base64') : text;
}

const flagOfField: Readonly<Record<string, string>> = {
  text: 'TEXT',
  name: '--regex',
  'size-min': '--size-min',
  'size-max': '--size-max',
  'date-min': '--after',
  'date-max': '--before',
  'media-type': '--type',
};

function check(criteria: FileCriteria): void {
  try {
    parseCriteria(criteria);
  } catch (thrown) {
    if (!(thrown instanceof ParseError)) throw thrown;
    throw new UsageError(inFlags(thrown), { cause: thrown });
  }
}

/** The fault with the flags for the fields of the wire. */
function inFlags({ field = '', message }: ParseError): string {
  const text = message.replace(/'([a-z-]+)'/g, (quoted, name: string) =>
    Object.hasOwn(flagOfField, name) ? (flagOfField[name] ?? quoted) : quoted,
  );
  const flag = Object.hasOwn(flagOfField, field) ? flagOfField[field] : undefined;
  return flag === undefined || text.includes(flag) ? text : `${flag}: ${text}`;
}
