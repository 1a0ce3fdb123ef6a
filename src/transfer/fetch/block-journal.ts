/**
 * What `TARGET.part.blocks` says of the `.part` beside it: a head that names the file and its blocks, then
 * records of sixteen bytes and a checksum, added as blocks come. Reading stops at the first that is damaged.
 *
 * A record is there as soon as the operating system has it: it outlives a killed process, as the bytes do that it
 * speaks of. For a power cut `synced` says how many records were on the disk for certain, with their bytes.
 */
import { crc32 } from 'node:zlib';
import { blockCountOf, blockRange } from '../../blocks/block-size.js';
import { type BlockTree, fitsFile } from '../../blocks/block-tree.js';
import { formatHash, parseHashText } from '../../stanza/xep0300-hashes.js';
import type { PartLayout } from './part-store.js';
import { RangeSet } from './range-set.js';

export type JournalRecord =
  | { readonly type: 'settled'; readonly block: number }
  /** So many bytes from the block's beginning were written. */
  | { readonly type: 'written'; readonly block: number; readonly bytes: number }
  | { readonly type: 'dropped'; readonly block: number }
  /** Of the records before, the first `records` are safe from a power cut, and the bytes that they speak of. */
  | { readonly type: 'synced'; readonly records: number };

/** What a part holds. */
export interface JournalState {
  readonly layout: PartLayout;
  readonly settled: RangeSet;
  /** By block, of those that are not settled. */
  readonly written: Map<number, number>;
}

export const JOURNAL_RECORD_BYTES = 20;
const FORMAT = 'shoal part 2';
const KINDS = ['settled', 'written', 'dropped', 'synced'] as const;
const MAX_HEAD_BYTES = 4096; // a hash, a root and some numbers
/** A journal is written anew long before it has so many. */
export const MAX_JOURNAL_RECORDS = 200_000;
export const MAX_JOURNAL_FILE_BYTES = MAX_HEAD_BYTES + MAX_JOURNAL_RECORDS * JOURNAL_RECORD_BYTES;

/** A head, a line of text. `boot` is what the machine calls the time since it was started. */
export function formatHead(layout: PartLayout, boot: string | undefined): Buffer {
  const { file, blockBytes, tree } = layout;
  const text = JSON.stringify({
    format: FORMAT,
    hash: formatHash(file.hash),
    size: file.size,
    blockBytes,
    count: tree?.count,
    root: tree?.root,
    boot,
  });
  return Buffer.from(`${text} ${crc32(text).toString(16)}\n`);
}

/** `seed` is the checksum of the head, so that records of another journal are none of this. */
export function formatRecord(record: JournalRecord, seed: number): Buffer {
  const bytes = Buffer.alloc(JOURNAL_RECORD_BYTES);
  bytes.writeUInt32LE(KINDS.indexOf(record.type) + 1, 0);
  bytes.writeUInt32LE('block' in record ? record.block : 0, 4);
  const value = record.type === 'written' ? record.bytes : record.type === 'synced' ? record.records : 0;
  bytes.writeDoubleLE(value, 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 16), seed), 16);
  return bytes;
}

export function seedOf(head: Uint8Array): number {
  return crc32(head);
}

/** What a journal says; undefined when it is none of ours. Of one that another boot wrote only what was synced counts. */
export function readJournal(bytes: Uint8Array, boot: string | undefined): JournalState | undefined {
  const end = bytes.subarray(0, MAX_HEAD_BYTES).indexOf(0x0a);
  const head = end < 0 ? undefined : headOf(Buffer.from(bytes.subarray(0, end)).toString('utf8'));
  if (head === undefined) return undefined;
  const { layout } = head;
  const records = recordsOf(Buffer.from(bytes.subarray(end + 1)), seedOf(bytes.subarray(0, end + 1)));
  return replay(layout, records, boot !== undefined && boot === head.boot);
}

/** `trusted`: nothing was lost since they were written. */
function replay(layout: PartLayout, records: readonly JournalRecord[], trusted: boolean): JournalState {
  const { file, blockBytes } = layout;
  const count = blockCountOf(file.size, blockBytes);
  const settledAt = new Map<number, number>();
  const written = new Map<number, number>();
  let safe = 0;
  for (const [index, record] of records.entries()) {
    if (record.type === 'synced') {
      safe = Math.max(safe, Math.min(record.records, index));
      continue;
    }
    const { block } = record;
    if (block >= count) break; // no journal of ours says that
    if (record.type === 'settled') settledAt.set(block, index);
    if (record.type === 'dropped') settledAt.delete(block);
    if (record.type === 'written') {
      const { length } = blockRange(file.size, blockBytes, block);
      written.set(block, Math.min(length, record.bytes));
    } else written.delete(block);
  }
  const settled = new RangeSet();
  for (const [block, index] of settledAt) if (trusted || index < safe) settled.add(block, block + 1);
  return { layout, settled, written: trusted ? written : new Map() };
}

function recordsOf(bytes: Buffer, seed: number): JournalRecord[] {
  const records: JournalRecord[] = [];
  for (let at = 0; at + JOURNAL_RECORD_BYTES <= bytes.length; at += JOURNAL_RECORD_BYTES) {
    if (records.length === MAX_JOURNAL_RECORDS) break;
    const record = recordOf(bytes.subarray(at, at + JOURNAL_RECORD_BYTES), seed);
    if (record === undefined) break;
    records.push(record);
  }
  return records;
}

function recordOf(bytes: Buffer, seed: number): JournalRecord | undefined {
  if (bytes.readUInt32LE(16) !== crc32(bytes.subarray(0, 16), seed)) return undefined;
  const type = KINDS[bytes.readUInt32LE(0) - 1];
  const block = bytes.readUInt32LE(4);
  const value = bytes.readDoubleLE(8);
  if (type === undefined || !Number.isSafeInteger(value) || value < 0) return undefined;
  if (type === 'synced') return { type, records: value };
  return type === 'written' ? { type, block, bytes: value } : { type, block };
}

function headOf(
  line: string,
): { readonly layout: PartLayout; readonly boot: string | undefined } | undefined {
  const [, text = '', sum] = /^(.*) ([0-9a-f]{1,8})$/.exec(line) ?? [];
  if (sum === undefined || Number.parseInt(sum, 16) !== crc32(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const { format, hash, size, blockBytes, count, root, boot } = value as Record<string, unknown>;
    if (format !== FORMAT || typeof hash !== 'string' || !isCount(size) || !isCount(blockBytes))
      return undefined;
    if (blockBytes === 0 || blockCountOf(size, blockBytes) > MAX_JOURNAL_RECORDS) return undefined;
    const tree = treeOf(blockBytes, count, root);
    if (tree !== undefined && !fitsFile(tree, size)) return undefined;
    const file = { hash: parseHashText(hash), size };
    return {
      layout: { file, blockBytes, ...(tree !== undefined && { tree }) },
      boot: typeof boot === 'string' ? boot : undefined,
    };
  } catch {
    return undefined;
  }
}

function treeOf(blockBytes: number, count: unknown, root: unknown): BlockTree | undefined {
  return isCount(count) && typeof root === 'string'
    ? { algo: 'sha-256', blockBytes, count, root }
    : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
