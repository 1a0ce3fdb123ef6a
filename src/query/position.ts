/**
 * Where a file stands in an order of answers: a key and, among equals, its path. A position depends
 * on nothing but the file itself, and so a cursor, which is a position written down, stays good
 * while other files come and go, and after its own file has gone.
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { FileColumns } from '../catalogue/file-columns.js';
import { ParseError } from '../errors.js';
import { caseless } from '../index/folding.js';
import { type Order, OrderField } from '../stanza/file-criteria.js';
import type { SearchedFile } from './file-row.js';

export interface Position {
  readonly key: number | string;
  readonly path: string;
}

// Bytes of the texts as JSON. With them a cursor has at most 960 characters; XEP-0059 sets no bound,
// but nobody should have to carry a path of 4096 bytes. Linux names have at most 255 bytes.
const MAX_KEY_BYTES = 300;
const MAX_PATH_BYTES = 384;
const CHECK_BYTES = 4; // tells a cursor that was cut or altered, not one that was forged: there is no secret in it

/** The part of a position that decides among files with the same key. */
export function pathFor(file: Pick<SearchedFile, 'key'>): string {
  return bounded(file.key, MAX_PATH_BYTES);
}

/** Whether paths that begin with the text begin so as {@link pathFor} gives them, however long they are. */
export function isKeptInPaths(text: string): boolean {
  return takesAtMost(text, MAX_PATH_BYTES - DIGEST_CHARACTERS - NUL_AS_JSON);
}

/** The part of a position that decides first. */
export function keyFor(
  columns: FileColumns,
  slot: number,
  field: OrderField,
  score: number,
): number | string {
  switch (field) {
    case 'relevance':
      return 0 - score; // the best first, unless the order is descending
    case 'path':
      return '';
    case 'name':
      return bounded(caseless(columns.nameOf(slot)), MAX_KEY_BYTES);
    case 'size':
      return columns.size.get(slot);
    case 'date':
      return Math.floor(columns.mtimeMs.get(slot));
  }
}

/** Negative when `one` comes first. Equal keys go by path, upwards in either direction of any other key. */
export function comparePositions(order: Order, one: Position, other: Position): number {
  return compareKeys(order, one.key, other.key) || comparePaths(order, one.path, other.path);
}

export function compareKeys(order: Order, one: Position['key'], other: Position['key']): number {
  return order.descending ? compare(other, one) : compare(one, other);
}

/** Of positions with the same key. */
export function comparePaths(order: Order, one: string, other: string): number {
  return order.field === 'path' && order.descending ? compare(other, one) : compare(one, other);
}

function compare(one: number | string, other: number | string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** At most 960 characters of the base64url alphabet. */
export function formatCursor(order: Order, position: Position): string {
  const body = JSON.stringify([nameOfOrder(order), position.key, position.path]);
  const bytes = Buffer.allocUnsafe(CHECK_BYTES + Buffer.byteLength(body));
  bytes.write(body, CHECK_BYTES);
  bytes.writeUInt32LE(checkOf(bytes.subarray(CHECK_BYTES)));
  return bytes.toString('base64url');
}

/** Throws {@link ParseError} naming `field` for what `formatCursor` has not written for this order. */
export function parseCursor(text: string, order: Order, field: 'after' | 'before'): Position {
  const bytes = Buffer.from(text, 'base64url');
  const body = bytes.subarray(CHECK_BYTES);
  const intact =
    text.length <= 1024 &&
    bytes.length > CHECK_BYTES &&
    bytes.toString('base64url') === text &&
    checkOf(body) === bytes.readUInt32LE();
  const parts = intact ? parseBody(body.toString()) : [];
  const [name, key, path] = parts;
  const kind = order.field === 'path' || order.field === 'name' ? 'string' : 'number';
  if (
    parts.length !== 3 ||
    typeof path !== 'string' ||
    (typeof key !== 'number' && typeof key !== 'string')
  ) {
    throw new ParseError(`<${field}/> is not a cursor of ours`, { field });
  }
  if (name !== nameOfOrder(order) || typeof key !== kind) {
    throw new ParseError(`<${field}/> is a cursor of another order`, { field });
  }
  return { key, path };
}

function parseBody(body: string): unknown[] {
  try {
    const parts: unknown = JSON.parse(body);
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
}

function nameOfOrder({ field, descending }: Order): string {
  return `${OrderField.indexOf(field)}${descending ? 'd' : ''}`;
}

/** FNV-1a: no change of a single byte leaves it as it is. */
function checkOf(body: Uint8Array): number {
  let check = 0x811c9dc5;
  for (let at = 0; at < body.length; at++) check = Math.imul(check ^ (body[at] as number), 0x01000193);
  return check >>> 0;
}

const DIGEST_CHARACTERS = 22; // 128 bits
const NUL_AS_JSON = 6;
/** Each character is one byte, also as JSON. */
const PLAIN = /^[ !#-[\]-~]*$/;
/** Each UTF-16 unit is three bytes at most, also as JSON. */
const UNESCAPED = /^[^\0-\x1f\ud800-\udfff]*$/;

/**
 * A text that takes no more than `maxBytes` as JSON. A longer one is cut, and a digest takes the place of
 * what was cut off: the order among texts with so much in common is arbitrary, but it never changes.
 */
function bounded(text: string, maxBytes: number): string {
  if (takesAtMost(text, maxBytes)) return text;
  const digest = createHash('sha256').update(text, 'utf16le').digest('base64url').slice(0, DIGEST_CHARACTERS);
  let left = maxBytes - DIGEST_CHARACTERS - NUL_AS_JSON;
  let kept = '';
  for (const character of text) {
    left -= jsonBytes(character);
    if (left < 0) break;
    kept += character;
  }
  return `${kept}\0${digest}`; // no path holds a NUL
}

function takesAtMost(text: string, maxBytes: number): boolean {
  if (text.length * 6 <= maxBytes) return true;
  if (text.length > maxBytes) return false;
  return (
    PLAIN.test(text) || (text.length * 3 <= maxBytes && UNESCAPED.test(text)) || jsonBytes(text) <= maxBytes
  );
}

function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2;
}
