/**
 * A number for each hash of a cryptographic function, in ten bytes each. Of a hash 40 bits are kept: of a million
 * one may be taken for another, so that whoever finds a number has to look whether it is the right one.
 *
 * Chains in buckets, as many as half of the hashes, which are split one at a time (linear hashing): nothing is ever
 * copied, so that no addition takes long and no memory is left behind in holes.
 */
import { Column } from './column.js';

const NONE = 0; // numbers are stored one higher
/** One for each first byte of a hash: all in a bucket have the same, which so need not be kept. */
const FIRST_BUCKETS = 256;
const HASHES_A_BUCKET = 2;
const KEY_BYTES = 4;

export class HashPlaces {
  readonly #buckets = Column.uint32();
  /** By number: the four bytes after the first, and the next number of the bucket. */
  readonly #keys = Column.uint32();
  readonly #next = Column.uint32();
  /** Buckets in use: between `#level` and twice that. */
  #count = FIRST_BUCKETS;
  #level = FIRST_BUCKETS;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** What it takes. */
  get bytes(): number {
    const columns = [this.#buckets, this.#keys, this.#next];
    return columns.flatMap((each) => each.pieces()).reduce((sum, { values }) => sum + values.byteLength, 0);
  }

  /** Undefined where none was set. */
  get(hash: Uint8Array): number | undefined {
    const key = keyOf(hash);
    let at = this.#buckets.get(this.#bucketOf(hash[0] ?? 0, key));
    while (at !== NONE && this.#keys.get(at - 1) !== key) at = this.#next.get(at - 1);
    return at === NONE ? undefined : at - 1;
  }

  /** In place of the one before. No two hashes have the same number, and there are few that no hash has. */
  set(hash: Uint8Array, number: number): void {
    this.delete(hash);
    const key = keyOf(hash);
    this.#keys.set(number, key);
    this.#link(number, this.#bucketOf(hash[0] ?? 0, key));
    this.#size += 1;
    if (this.#size > this.#count * HASHES_A_BUCKET) this.#split();
  }

  delete(hash: Uint8Array): void {
    const key = keyOf(hash);
    const bucket = this.#bucketOf(hash[0] ?? 0, key);
    let before = NONE;
    let at = this.#buckets.get(bucket);
    while (at !== NONE && this.#keys.get(at - 1) !== key) {
      before = at;
      at = this.#next.get(at - 1);
    }
    if (at === NONE) return;
    const after = this.#next.get(at - 1);
    if (before === NONE) this.#buckets.set(bucket, after);
    else this.#next.set(before - 1, after);
    this.#size -= 1;
  }

  #bucketOf(first: number, key: number): number {
    const parts = this.#level / FIRST_BUCKETS;
    const bucket = first + FIRST_BUCKETS * (key & (2 * parts - 1));
    return bucket < this.#count ? bucket : first + FIRST_BUCKETS * (key & (parts - 1));
  }

  #link(number: number, bucket: number): void {
    this.#next.set(number, this.#buckets.get(bucket));
    this.#buckets.set(bucket, number + 1);
  }

  /** One more bucket, which takes its part of the one that it was a part of. */
  #split(): void {
    const from = this.#count - this.#level;
    let at = this.#buckets.get(from);
    this.#buckets.set(from, NONE);
    this.#count += 1;
    while (at !== NONE) {
      const number = at - 1;
      at = this.#next.get(number);
      this.#link(number, this.#bucketOf(from % FIRST_BUCKETS, this.#keys.get(number)));
    }
    if (this.#count === 2 * this.#level) this.#level *= 2;
  }
}

function keyOf(hash: Uint8Array): number {
  let key = 0;
  for (let at = 1; at <= KEY_BYTES; at += 1) key = (key << 8) | (hash[at] ?? 0);
  return key >>> 0;
}
