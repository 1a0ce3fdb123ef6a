/** Looks at blocks that are on the disk already: after a kill, or when the whole is not what it should be. */
import { createHash } from 'node:crypto';
import { blockCountOf } from '../../blocks/block-size.js';
import type { BlockList } from '../../blocks/block-tree.js';
import type { PartStore } from './part-store.js';

/** Some 0.2 ms of the thread that calls. */
const READ_BYTES = 256 * 1024;

export function blockLength({ layout }: Pick<PartStore, 'layout'>, block: number): number {
  const at = block * layout.blockBytes;
  return Math.max(0, Math.min(layout.blockBytes, layout.file.size - at));
}

/** Whether the bytes of a block on the disk are those of the list. Throws `DiskError`. */
export async function isBlockRight(part: PartStore, list: BlockList, block: number): Promise<boolean> {
  const hash = createHash('sha256');
  const length = blockLength(part, block);
  const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, length));
  for (let into = 0; into < length; ) {
    const piece = buffer.subarray(0, Math.min(buffer.length, length - into));
    await part.read(piece, block * part.layout.blockBytes + into);
    hash.update(piece);
    into += piece.length;
  }
  return hash.digest().equals(list.hashOf(block));
}

/** Settled blocks that the disk has damaged; none of them is settled any more. Throws `DiskError`. */
export async function dropDamaged(part: PartStore, list: BlockList, signal: AbortSignal): Promise<number> {
  let damaged = 0;
  for (let block = 0; block < list.count && !signal.aborted; block++) {
    if (!part.settled.has(block) || (await isBlockRight(part, list, block))) continue;
    part.drop(block);
    damaged += 1;
  }
  return damaged;
}

/** Whether anything of the file is there, be it less than a block. */
export function isBegun(part: PartStore): boolean {
  const { file, blockBytes } = part.layout;
  if (part.settled.size > 0) return true;
  for (let block = 0; block < blockCountOf(file.size, blockBytes); block++)
    if (part.writtenOf(block) > 0) return true;
  return false;
}
