/**
 * Hashes the blocks of a file while it is read. What is read may end anywhere in a block.
 */
import { createHash, type Hash } from 'node:crypto';
import { blockBytesOf, blockCountOf } from '../blocks/block-size.js';
import { BLOCK_HASH_BYTES, type BlockHashes, rootOf } from '../blocks/block-tree.js';

/** A file's blocks with their hashes, which are as many as it has blocks. */
export function blockHashesOf(fileBytes: number, hashes: Uint8Array): BlockHashes {
  const blockBytes = blockBytesOf(fileBytes);
  const count = blockCountOf(fileBytes, blockBytes);
  const root = Buffer.from(rootOf(hashes)).toString('base64');
  return { tree: { algo: 'sha-256', blockBytes, count, root }, hashes };
}

export class BlockHasher {
  readonly #fileBytes: number;
  readonly #blockBytes: number;
  readonly #count: number;
  readonly #hashes: Uint8Array;
  #hash: Hash = createHash('sha256');
  /** Of the block that is being read. */
  #bytes = 0;
  #done = 0;

  constructor(fileBytes: number) {
    this.#fileBytes = fileBytes;
    this.#blockBytes = blockBytesOf(fileBytes);
    this.#count = blockCountOf(fileBytes, this.#blockBytes);
    this.#hashes = new Uint8Array(this.#count * BLOCK_HASH_BYTES);
  }

  /** Whether all of the file has been read. */
  get isWhole(): boolean {
    return this.#done * this.#blockBytes + this.#bytes === this.#fileBytes || this.#done === this.#count;
  }

  /** What follows. No more than the file was said to have. */
  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const length = Math.min(bytes.length - at, this.#blockBytes - this.#bytes);
      const isAll = length === bytes.length;
      this.#hash.update(isAll ? bytes : bytes.subarray(at, at + length));
      at += length;
      this.#bytes += length;
      if (this.#bytes === this.#blockBytes) this.#endBlock();
    }
  }

  /** After the last byte. */
  end(): BlockHashes {
    if (this.#bytes > 0) this.#endBlock();
    if (this.#done !== this.#count) throw new TypeError('not all of the file was hashed');
    return blockHashesOf(this.#fileBytes, this.#hashes);
  }

  #endBlock(): void {
    this.#hashes.set(this.#hash.digest(), this.#done * BLOCK_HASH_BYTES);
    this.#hash = createHash('sha256');
    this.#bytes = 0;
    this.#done += 1;
  }
}
