/** What `shoal get` was told to fetch: how it is asked for, and which of the answers are meant. */
import { basename } from 'node:path';
import { ShoalError } from '../errors.js';
import type { FileCriteria } from '../stanza/file-criteria.js';
import type { Jid } from '../stanza/jid.js';
import type { Range } from '../stanza/xep0234-file-transfer.js';
import type { Hash } from '../stanza/xep0300-hashes.js';
import { readHash } from './criteria-arguments.js';
import type { FoundRow } from './found-rows.js';
import { printable, unprintable } from './printable.js';
import { UsageError } from './usage-error.js';

export type Wanted =
  | { readonly type: 'hash'; readonly hash: Hash }
  /** In NFC; as it was typed, which may be as `printable` shows it. */
  | { readonly type: 'name'; readonly name: string };

/** Whatever reads as a hash is one. */
export function wantedOf(word: string): Wanted {
  const hash = readHash(word);
  return hash === undefined ? { type: 'name', name: word.normalize('NFC') } : { type: 'hash', hash };
}

/** Reads `0-1023` or `1024-`. Throws {@link UsageError}. */
export function rangeOf(text: string | undefined): Range | undefined {
  if (text === undefined) return undefined;
  const match = /^([0-9]{1,16})-([0-9]{1,16})?$/.exec(text);
  const offset = Number(match?.[1]);
  const end = match?.[2] === undefined ? undefined : Number(match[2]);
  if (!Number.isSafeInteger(offset) || (end !== undefined && !(Number.isSafeInteger(end) && end >= offset))) {
    throw new UsageError(
      `--range must look like 0-1023, the first and the last byte, or 1024-, not '${text}'`,
    );
  }
  return end === undefined ? { offset } : { offset, length: end - offset + 1 };
}

/** Thrown when bytes are asked for that the file does not have. */
export class BeyondEndError extends ShoalError {
  readonly code = 'beyond-end';
}

/** The range as it is asked for: none where it is the whole file. Throws {@link BeyondEndError}. */
export function rangeIn(range: Range | undefined, size: number | undefined): Range | undefined {
  if (range === undefined || size === undefined) return range;
  const end = range.length === undefined ? size : range.offset + range.length;
  if (range.offset > size || end > size) {
    throw new BeyondEndError(
      `--range goes beyond the end: the file has ${size} bytes, the last is ${size - 1}`,
    );
  }
  return range.offset === 0 && end === size ? undefined : range;
}

const MAX_PATTERN_LENGTH = 1000; // nodes take 1024 characters

/**
 * By name an exact pattern is asked for, not `contains`: a short name would find more than the node
 * shows. U+FFFD stands for what can't be said in XML, which no pattern finds but `contains` does.
 */
export function criteriaFor(wanted: Wanted): FileCriteria {
  if (wanted.type === 'hash') return { hash: [wanted.hash] };
  const names = [...new Set([wanted.name, unprintable(wanted.name)])].map((each) => basename(each));
  const pattern = exactPattern(names);
  return names.some((name) => name.includes('\ufffd')) || pattern.length > MAX_PATTERN_LENGTH
    ? { name: names.map((value) => ({ type: 'contains', value })) }
    : { name: [{ type: 'regex', pattern }] };
}

/** An ERE for these names alone, however their accents are composed on the node's disk. */
function exactPattern(names: readonly string[]): string {
  return `^(${formsOf(names).map(escaped).join('|')})$`;
}

function formsOf(names: readonly string[]): string[] {
  return [...new Set(names.flatMap((name) => [name.normalize('NFC'), name.normalize('NFD')]))];
}

function escaped(form: string): string {
  // XML makes a line feed of each end of a line (XML 1.0 §2.11): it was CR LF or CR perhaps.
  return form.replace(/[\\^$.[\]|()*+?{}]/g, '\\$&').replaceAll('\n', '[^/]{1,2}');
}

/** Whether a file is the one that is wanted, and not just alike. */
export function matches(
  file: { readonly name: string; readonly path?: string; readonly hashes?: readonly Hash[] },
  wanted: Wanted,
): boolean {
  if (wanted.type === 'hash') {
    const { algo, value } = wanted.hash;
    return file.hashes?.some((hash) => hash.algo === algo && hash.value === value) === true;
  }
  const names = [file.name, file.path].flatMap((each) => each?.normalize('NFC') ?? []);
  return names.some((each) => each === wanted.name || printable(each) === wanted.name);
}

/** A file asked of a node that serves files but can't search, such as other programs' Jingle file transfer. */
export function unseen(wanted: Wanted, from: Jid): FoundRow {
  if (wanted.type === 'name') {
    const path = wanted.name.includes('/') ? { path: wanted.name } : {};
    return { name: basename(wanted.name), ...path, hashes: [], sources: [{ jid: from, ...path }] };
  }
  const hex = Buffer.from(wanted.hash.value, 'base64').toString('hex');
  return { name: hex, hashes: [wanted.hash], sources: [{ jid: from }] };
}

/** Everything below a folder of a node, as it is asked for; `path` ends with a slash. */
export function criteriaOfFolder(path: string): FileCriteria {
  const names = [...new Set([path, unprintable(path)])];
  const pattern = `^(${formsOf(names).map(escaped).join('|')})`;
  return names.some((name) => name.includes('\ufffd')) || pattern.length > MAX_PATTERN_LENGTH
    ? { path: names.map((value) => ({ type: 'contains', value })), caseSensitive: true }
    : { path: [{ type: 'regex', pattern }], caseSensitive: true };
}
