/**
 * The files of the catalogue on disk: a header, then blocks of rows (`file-rows.ts`), each after its length and
 * a checksum of both. What a killed process or a power cut left half written is recognised and not read.
 *
 *     header    "shoalcat", layout, kind, batch (of a log: that before its first), slots (of a snapshot: so many
 *               at most), 4 bytes unused, CRC-32 of the header before it
 *     block     length, CRC-32, bytes
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import type { DataReader } from './data-folder.js';
import { decodeRows, EMPTY_BLOCK_BYTES, type FileRows } from './file-rows.js';

/** Another number means that the bytes mean something else. */
export const LAYOUT = 2;
const MAGIC = 'shoalcat';
const HEADER_BYTES = 32;
const FRAME_BYTES = 8;

const KINDS = ['snapshot', 'log'] as const;
export type BlockFileKind = (typeof KINDS)[number];

export interface BlockFileHeader {
  readonly layout: number;
  readonly kind: BlockFileKind;
  readonly batch: number;
  readonly slots: number;
}

export function encodeHeader({ layout, kind, batch, slots }: BlockFileHeader): Buffer {
  const header = Buffer.alloc(HEADER_BYTES, MAGIC);
  new Uint32Array(header.buffer, header.byteOffset + MAGIC.length, 5).set([
    layout,
    KINDS.indexOf(kind),
    batch,
    slots,
    0,
  ]);
  header.writeUInt32LE(crc32(header.subarray(0, HEADER_BYTES - 4)), HEADER_BYTES - 4);
  return header;
}

/** Undefined when there is none, or not all of it. Of an unknown layout only that is sure. */
export async function readHeader(reader: DataReader): Promise<BlockFileHeader | undefined> {
  const header = Buffer.from(new ArrayBuffer(HEADER_BYTES));
  if ((await reader.read(header, 0)) < HEADER_BYTES) return undefined;
  if (header.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  if (header.readUInt32LE(HEADER_BYTES - 4) !== crc32(header.subarray(0, HEADER_BYTES - 4))) return undefined;
  const [layout = 0, kindAt = 0, batch = 0, slots = 0] = new Uint32Array(header.buffer, MAGIC.length, 4);
  return { layout, kind: KINDS[kindAt] ?? 'log', batch, slots };
}

/** The block with what goes before it in the file. */
export function framed(block: Uint8Array): readonly [Buffer, Uint8Array] {
  const frame = Buffer.alloc(FRAME_BYTES);
  frame.writeUInt32LE(block.byteLength, 0);
  frame.writeUInt32LE(checksum(block), 4);
  return [frame, block];
}

/**
 * The blocks of a file, from its first. After one that is damaged it goes on where the next one should be; two
 * in a row, or one that is cut off, are the end.
 */
export async function* readBlocks(reader: DataReader): AsyncGenerator<FileRows | 'damaged'> {
  const first = Buffer.alloc(FRAME_BYTES);
  const got = await reader.read(first, HEADER_BYTES);
  let next = readBlock(reader, HEADER_BYTES + FRAME_BYTES, first.subarray(0, got));
  for (let damaged = 0; next !== undefined && damaged < 2; ) {
    const { bytes, length, expected, at } = await next;
    if (bytes.length < length) {
      yield 'damaged';
      return;
    }
    // The next one is read while this one is looked at.
    next = readBlock(reader, at + length + FRAME_BYTES, bytes.subarray(length));
    next?.catch(() => undefined); // nobody may ask for it
    const block = bytes.subarray(0, length);
    const rows = checksum(block) === expected ? decodeRows(block) : undefined;
    damaged = rows === undefined ? damaged + 1 : 0;
    yield rows ?? 'damaged';
  }
}

interface ReadBlock {
  readonly at: number;
  readonly length: number;
  readonly expected: number;
  /** The block, at a multiple of 8 bytes, and the frame of the next one: as much of them as there is. */
  readonly bytes: Buffer;
}

/** Undefined at the end of the file. */
function readBlock(reader: DataReader, at: number, frame: Buffer): Promise<ReadBlock> | undefined {
  if (frame.length === 0) return undefined;
  const isWhole = frame.length === FRAME_BYTES;
  const length = isWhole ? frame.readUInt32LE(0) : 1;
  const expected = isWhole ? frame.readUInt32LE(4) : 0;
  if (length > reader.size - at) return Promise.resolve({ at, length, expected, bytes: Buffer.alloc(0) });
  const bytes = Buffer.from(new ArrayBuffer(length + FRAME_BYTES));
  return reader.read(bytes, at).then((got) => ({ at, length, expected, bytes: bytes.subarray(0, got) }));
}

/** The block without rows with which a whole file of this kind ends; undefined when it ends otherwise. */
export async function readEndBlock(reader: DataReader): Promise<FileRows | undefined> {
  const at = reader.size - FRAME_BYTES - EMPTY_BLOCK_BYTES;
  const bytes = Buffer.from(new ArrayBuffer(FRAME_BYTES + EMPTY_BLOCK_BYTES));
  if (at < HEADER_BYTES || (await reader.read(bytes, at)) < bytes.byteLength) return undefined;
  const block = bytes.subarray(FRAME_BYTES);
  const isSound = bytes.readUInt32LE(0) === block.byteLength && bytes.readUInt32LE(4) === checksum(block);
  return isSound ? decodeRows(block) : undefined;
}

function checksum(block: Uint8Array): number {
  return crc32(block, block.byteLength);
}
