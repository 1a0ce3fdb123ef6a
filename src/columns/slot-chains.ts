/**
 * A hash table of numbers that costs a few bytes each: what is hashed, the caller knows, who
 * looks at each of them, and says their hashes again when asked. It grows a bucket at a time (linear hashing), so that no addition takes long,
 * and forgets in constant time however many share a hash.
 */
import { Column } from './column.js';

const NONE = 0; // slots are stored one higher
const FIRST_BUCKETS = 16;

export class SlotChains {
  readonly #hashOf: (slot: number) => number;
  readonly #buckets = Column.uint32();
  /** Buckets in use: between `#level` and twice that. */
  #count = FIRST_BUCKETS;
  #level = FIRST_BUCKETS;
  readonly #next = Column.uint32();
  readonly #previous = Column.uint32();
  #size = 0;

  /** `hashOf` gives the 32 bits with which a slot was added, as long as the slot is in it. */
  constructor(hashOf: (slot: number) => number) {
    this.#hashOf = hashOf;
  }

  /** Makes room for so many at once, which is quicker than growing. Only while it is empty. */
  reserve(slots: number): void {
    if (this.#size > 0) return;
    while (this.#level < slots) this.#level *= 2;
    this.#count = this.#level;
  }

  /** The slot is not in it. */
  add(slot: number, hash: number): void {
    this.#link(slot, this.#bucketOf(hash));
    this.#size += 1;
    if (this.#size > this.#count) this.#split();
  }

  /** The slot is in it. */
  remove(slot: number): void {
    this.#unlink(slot, this.#bucketOf(this.#hashOf(slot)));
    this.#size -= 1;
  }

  /**
   * The first slot for which `isIt` holds, the last one added first. It is asked of all with this hash, and of
   * some others.
   */
  find(hash: number, isIt: (slot: number) => boolean): number | undefined {
    let at = this.#buckets.get(this.#bucketOf(hash));
    while (at !== NONE) {
      const slot = at - 1;
      if (isIt(slot)) return slot;
      at = this.#next.get(slot);
    }
    return undefined;
  }

  #bucketOf(hash: number): number {
    const bucket = (hash & (2 * this.#level - 1)) >>> 0;
    return bucket < this.#count ? bucket : (hash & (this.#level - 1)) >>> 0;
  }

  #link(slot: number, bucket: number): void {
    const head = this.#buckets.get(bucket);
    this.#next.set(slot, head);
    this.#previous.set(slot, NONE);
    if (head !== NONE) this.#previous.set(head - 1, slot + 1);
    this.#buckets.set(bucket, slot + 1);
  }

  #unlink(slot: number, bucket: number): void {
    const next = this.#next.get(slot);
    const previous = this.#previous.get(slot);
    if (next !== NONE) this.#previous.set(next - 1, previous);
    if (previous !== NONE) this.#next.set(previous - 1, next);
    else this.#buckets.set(bucket, next);
  }

  /** One more bucket, which takes its part of the one that it was a part of. */
  #split(): void {
    const from = this.#count - this.#level;
    let at = this.#buckets.get(from);
    this.#count += 1;
    while (at !== NONE) {
      const slot = at - 1;
      at = this.#next.get(slot);
      const bucket = (this.#hashOf(slot) & (2 * this.#level - 1)) >>> 0;
      if (bucket === from) continue;
      this.#unlink(slot, from);
      this.#link(slot, bucket);
    }
    if (this.#count === 2 * this.#level) this.#level *= 2;
  }
}
