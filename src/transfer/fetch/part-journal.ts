/**
 * What `TARGET.part.json` says of the `.part` beside it, so that only bytes of the same file are
 * ever put behind those that are there. A `.part` with no journal was not written by us.
 */
import { parseJid } from '../../stanza/jid.js';
import type { Range } from '../../stanza/xep0234-file-transfer.js';
import { formatHash, type Hash, parseHashText } from '../../stanza/xep0300-hashes.js';
import type { KnownFile, Told } from './known-file.js';

export interface PartJournal {
  readonly file: KnownFile;
  /** So many bytes were on the disk for certain, whatever happened to the machine afterwards. */
  readonly syncedBytes: number;
  /** So many bytes from the beginning have matched a sender's checksum. */
  readonly provenBytes: number;
  /** Who sent what is there. */
  readonly senders: readonly string[];
}

const FORMAT = 'shoal part 1';
/** A journal is never longer than this; what is, is none. */
export const MAX_JOURNAL_BYTES = 1_048_576;
const MAX_SENDERS = 100;

export function formatJournal(journal: PartJournal): string {
  const { asked, name, askedSize, range, told } = journal.file;
  return `${JSON.stringify(
    {
      format: FORMAT,
      hash: asked && formatHash(asked),
      name,
      size: askedSize,
      range,
      told: told && { ...told, hashes: told.hashes.map(formatHash) },
      syncedBytes: journal.syncedBytes,
      provenBytes: journal.provenBytes,
      senders: journal.senders.slice(0, MAX_SENDERS),
    },
    null,
    2,
  )}\n`;
}

/** Reads a journal; undefined when it is not one of ours, whole and sensible. */
export function parseJournal(text: string): PartJournal | undefined {
  try {
    const value = record(JSON.parse(text));
    if (value.format !== FORMAT) return undefined;
    const { hash, name, size, range, told } = value;
    return {
      file: {
        ...(hash !== undefined && { asked: parseHashText(string(hash)) }),
        ...(name !== undefined && { name: string(name) }),
        ...(size !== undefined && { askedSize: count(size) }),
        ...(range !== undefined && { range: rangeOf(record(range)) }),
        ...(told !== undefined && { told: toldOf(record(told)) }),
      },
      syncedBytes: count(value.syncedBytes),
      provenBytes: count(value.provenBytes),
      senders: list(value.senders).map(string),
    };
  } catch {
    return undefined;
  }
}

function rangeOf(value: Record<string, unknown>): Range {
  return {
    offset: count(value.offset),
    ...(value.length !== undefined && { length: count(value.length) }),
  };
}

function toldOf(value: Record<string, unknown>): Told {
  const source = record(value.source);
  return {
    hashes: list(value.hashes).map((hash): Hash => parseHashText(string(hash))),
    ...(value.size !== undefined && { size: count(value.size) }),
    ...(value.dateMs !== undefined && { dateMs: whole(value.dateMs) }),
    source: {
      jid: parseJid(string(source.jid)),
      ...(source.path !== undefined && { path: string(source.path) }),
    },
  };
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('no object');
  return value as Record<string, unknown>;
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError('no list');
  return value;
}

function string(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('no string');
  return value;
}

function whole(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new TypeError('no whole number');
  return value;
}

function count(value: unknown): number {
  if (whole(value) < 0) throw new TypeError('less than nothing');
  return whole(value);
}
