/**
 * The hashes of a file's blocks, and the tree over them whose root stands for all of them.
 *
 * A leaf is the sha-256 of a block, an inner node that of its two children one after the other. A tree of
 * n leaves has on its left the largest power of two that is smaller than n (RFC 6962 §2.1). Leaves need no
 * mark of their own, as they have there: the sizes of file and block fix the shape, so that nobody takes an
 * inner node for a leaf. The root of one block is its hash, which is that of the file.
 */
import { createHash } from 'node:crypto';
import { blockCountOf, blockRange } from './block-size.js';

/** Bytes of one hash. */
export const BLOCK_HASH_BYTES = 32;

/** What an answer says of a file's blocks. */
export interface BlockTree {
  readonly algo: 'sha-256';
  /** Size of a block; the last one may be shorter. */
  readonly blockBytes: number;
  /** Number of blocks. */
  readonly count: number;
  /** Base64. */
  readonly root: string;
}

/** A tree with the hashes of its blocks, one after another. Plain data for messages between threads. */
export interface BlockHashes {
  readonly tree: BlockTree;
  readonly hashes: Uint8Array;
}

/** The hashes of all blocks, which are known to have the root. */
export interface BlockList extends BlockTree {
  readonly fileBytes: number;
  /** The sha-256 of a block, a view of {@link BLOCK_HASH_BYTES}. Throws RangeError where there is no such block. */
  hashOf(index: number): Uint8Array;
  /** All of them, one after another. */
  readonly hashes: Uint8Array;
}

/** Of a file that is one block: nobody has to store or to fetch anything. */
export function treeOfOneBlock(sha256: string, blockBytes: number): BlockTree {
  return { algo: 'sha-256', blockBytes, count: 1, root: sha256 };
}

/** Whether a tree can be that of a file of this size. */
export function fitsFile(tree: Pick<BlockTree, 'blockBytes' | 'count'>, fileBytes: number): boolean {
  return tree.count === blockCountOf(fileBytes, tree.blockBytes);
}

export function isSameTree(one: BlockTree, other: BlockTree): boolean {
  return one.root === other.root && one.blockBytes === other.blockBytes && one.count === other.count;
}

/** The root over `hashes`, one or more of them one after another; linear in their number. */
export function rootOf(hashes: Uint8Array): Uint8Array {
  const level = Uint8Array.from(hashes);
  const at = (index: number) => index * BLOCK_HASH_BYTES;
  // Two by two, level by level: whoever has no neighbour goes up as it is, which gives RFC 6962's shape.
  for (let count = level.length / BLOCK_HASH_BYTES; count > 1; count = Math.ceil(count / 2)) {
    for (let pair = 0; pair < count; pair += 2) {
      const isAlone = pair + 1 === count;
      const children = level.subarray(at(pair), at(pair + (isAlone ? 1 : 2)));
      level.set(isAlone ? children : createHash('sha256').update(children).digest(), at(pair / 2));
    }
  }
  return level.slice(0, BLOCK_HASH_BYTES);
}

/** The list, if `hashes` are those that the tree stands for; undefined otherwise. Keeps `hashes`. */
export function blockListOf(tree: BlockTree, fileBytes: number, hashes: Uint8Array): BlockList | undefined {
  const { algo, blockBytes, count, root } = tree;
  if (!fitsFile(tree, fileBytes) || hashes.length !== count * BLOCK_HASH_BYTES) return undefined;
  if (Buffer.from(rootOf(hashes)).toString('base64') !== root) return undefined;
  return {
    algo,
    blockBytes,
    count,
    root,
    fileBytes,
    hashes,
    hashOf(index) {
      if (!(index >= 0 && index < count)) throw new RangeError(`there is no block ${index} of ${count}`);
      return hashes.subarray(index * BLOCK_HASH_BYTES, (index + 1) * BLOCK_HASH_BYTES);
    },
  };
}

/** Where a block of this list lies in the file. */
export function rangeOfBlock({ fileBytes, blockBytes }: BlockList, index: number) {
  return blockRange(fileBytes, blockBytes, index);
}
