/** Block hashes of files that nobody has. */
import { createHash } from 'node:crypto';
import { blockBytesOf, blockCountOf } from '../../src/blocks/block-size.js';
import { BLOCK_HASH_BYTES, type BlockHashes, rootOf } from '../../src/blocks/block-tree.js';
import type { HashedBlocks } from '../../src/catalogue/block-list-store.js';

export function sha256Of(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** The same for the same name. */
export function hashedBlocks(name: string, fileBytes: number): HashedBlocks {
  return { sha256: sha256Of(name).toString('base64'), fileBytes, blocks: blocksOf(name, fileBytes) };
}

function blocksOf(name: string, fileBytes: number): BlockHashes {
  const blockBytes = blockBytesOf(fileBytes);
  const count = blockCountOf(fileBytes, blockBytes);
  const hashes = new Uint8Array(count * BLOCK_HASH_BYTES);
  for (let at = 0; at < count; at += 1) hashes.set(sha256Of(`${name} ${at}`), at * BLOCK_HASH_BYTES);
  const root = Buffer.from(rootOf(hashes)).toString('base64');
  return { tree: { algo: 'sha-256', blockBytes, count, root }, hashes };
}
