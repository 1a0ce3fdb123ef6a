/**
 * What is written of a file's block hashes: a record of fixed length in one file, which is read as a whole at a
 * start, and the hashes in another, which are read when somebody asks for them. Records carry a checksum each, so that one
 * that is damaged costs no other; the first stands at the beginning of the file and says what the file is.
 *
 *     header    "shoalblk", layout, zeros, CRC-32 of what stands before it
 *     record    sha-256 of the file, root, size of the file, place of its hashes, CRC-32 of the file's hash and of
 *               its hashes, number of blocks, logarithm of their size, CRC-32 of what stands before it
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { BLOCK_HASH_BYTES, type BlockTree } from '../blocks/block-tree.js';

export const RECORD_BYTES = 96;
/** Another number means that the bytes mean something else. */
const LAYOUT = 1;
const MAGIC = 'shoalblk';
const AT = {
  sha256: 0,
  root: 32,
  fileBytes: 64,
  place: 72,
  listCrc: 80,
  count: 84,
  log2: 88,
  crc: 92,
} as const;

export interface BlockListRecord {
  /** Of the file. */
  readonly sha256: Uint8Array;
  readonly tree: BlockTree;
  readonly fileBytes: number;
  /** Where the hashes begin, bytes from the beginning of their file. */
  readonly place: number;
  readonly listCrc: number;
}

export function encodeBlockListHeader(): Buffer {
  const header = Buffer.alloc(RECORD_BYTES);
  header.write(MAGIC, 'latin1');
  header.writeUInt32LE(LAYOUT, MAGIC.length);
  return sealed(header);
}

export function isBlockListHeader(bytes: Buffer): boolean {
  return bytes.equals(encodeBlockListHeader());
}

export function encodeRecord({ sha256, tree, fileBytes, place, listCrc }: BlockListRecord): Buffer {
  const record = Buffer.alloc(RECORD_BYTES);
  record.set(sha256, AT.sha256);
  record.write(tree.root, AT.root, 'base64');
  record.writeDoubleLE(fileBytes, AT.fileBytes);
  record.writeDoubleLE(place, AT.place);
  record.writeUInt32LE(listCrc, AT.listCrc);
  record.writeUInt32LE(tree.count, AT.count);
  record.writeUInt32LE(Math.log2(tree.blockBytes), AT.log2);
  return sealed(record);
}

/** Whether it is a record, and not damaged. */
export function isSound(record: Buffer): boolean {
  return record.length === RECORD_BYTES && record.readUInt32LE(AT.crc) === crc32(record.subarray(0, AT.crc));
}

/** Of the file; a view. */
export function sha256In(record: Buffer): Buffer {
  return record.subarray(AT.sha256, AT.sha256 + BLOCK_HASH_BYTES);
}

/** Of one that is sound; `sha256` is a view. */
export function decodeRecord(bytes: Buffer): BlockListRecord {
  const tree = {
    algo: 'sha-256',
    blockBytes: 2 ** bytes.readUInt32LE(AT.log2),
    count: bytes.readUInt32LE(AT.count),
    root: bytes.toString('base64', AT.root, AT.root + BLOCK_HASH_BYTES),
  } as const;
  return {
    sha256: sha256In(bytes),
    tree,
    fileBytes: bytes.readDoubleLE(AT.fileBytes),
    place: bytes.readDoubleLE(AT.place),
    listCrc: bytes.readUInt32LE(AT.listCrc),
  };
}

/** With the file's own hash in it, hashes that stand where those of another file stood are not taken for them. */
export function crcOfList(sha256: Uint8Array, hashes: Uint8Array): number {
  return crc32(hashes, crc32(sha256));
}

function sealed(record: Buffer): Buffer {
  record.writeUInt32LE(crc32(record.subarray(0, AT.crc)), AT.crc);
  return record;
}
