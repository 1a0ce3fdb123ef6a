/**
 * How a file is cut into blocks: by its size alone, so that everybody who has it has the same blocks
 * (docs/protocol.md, "Block hashes").
 */

/** Smaller blocks would cost more to ask for than a bad one costs to fetch again. */
export const MIN_BLOCK_BYTES = 256 * 1024;
/** So that a list of hashes has 64 KiB at most. */
export const MAX_BLOCKS = 2048;
/** Of files up to 2^53 bytes, the largest that are spoken of, blocks need not be longer. */
export const MAX_BLOCK_BYTES = 2 ** 42;

/** The bytes `[offset, offset + length)` of a file. */
export interface BlockRange {
  readonly offset: number;
  readonly length: number;
}

/** The block size of a file: the smallest power of two with which there are at most {@link MAX_BLOCKS}. */
export function blockBytesOf(fileBytes: number, minBlockBytes = MIN_BLOCK_BYTES): number {
  let blockBytes = minBlockBytes;
  while (fileBytes > blockBytes * MAX_BLOCKS) blockBytes *= 2;
  return blockBytes;
}

/** Whether a list can have blocks of this size. */
export function isBlockBytes(bytes: number): boolean {
  return bytes >= MIN_BLOCK_BYTES && bytes <= MAX_BLOCK_BYTES && Number.isInteger(Math.log2(bytes));
}

/** The number of blocks; an empty file has one, which is empty. */
export function blockCountOf(fileBytes: number, blockBytes: number): number {
  return Math.max(1, Math.ceil(fileBytes / blockBytes));
}

/** Where a block lies; the last one is as long as what is left. */
export function blockRange(fileBytes: number, blockBytes: number, index: number): BlockRange {
  const offset = index * blockBytes;
  return { offset, length: Math.max(0, Math.min(blockBytes, fileBytes - offset)) };
}
