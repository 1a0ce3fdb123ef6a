/**
 * A hash table of numbers that costs a few bytes each: who has what hash is known to the caller, who
 * looks at each of them. It grows a bucket at a time (linear hashing), so that no addition takes long,
 * and forgets in constant time however many share a hash.
 */
const NONE = 0; // slots are stored one higher
const FIRST_BUCKETS = 16;

export class SlotChains {
  #buckets = new Uint32Array(FIRST_BUCKETS);
  /** Buckets in use: between `#level` and twice that. */
  #count = FIRST_BUCKETS;
  #level = FIRST_BUCKETS;
  #hashes = new Uint32Array(FIRST_BUCKETS);
  #next = new Uint32Array(FIRST_BUCKETS);
  #previous = new Uint32Array(FIRST_BUCKETS);
  #size = 0;

  /** The slot is not in it. */
  add(slot: number, hash: number): void {
    if (slot >= this.#hashes.length) this.#growSlots(slot + 1);
    this.#hashes[slot] = hash;
    this.#link(slot, this.#bucketOf(hash));
    this.#size += 1;
    if (this.#size > this.#count) this.#split();
  }

  /** The slot is in it. */
  remove(slot: number): void {
    this.#unlink(slot, this.#bucketOf(this.#hashes[slot] as number));
    this.#size -= 1;
  }

  /** Slots with this hash, the last one added first. */
  *slots(hash: number): Generator<number> {
    let at = this.#buckets[this.#bucketOf(hash)] as number;
    while (at !== NONE) {
      const slot = at - 1;
      at = this.#next[slot] as number;
      if (this.#hashes[slot] === hash >>> 0) yield slot;
    }
  }

  #bucketOf(hash: number): number {
    const bucket = (hash & (2 * this.#level - 1)) >>> 0;
    return bucket < this.#count ? bucket : (hash & (this.#level - 1)) >>> 0;
  }

  #link(slot: number, bucket: number): void {
    const head = this.#buckets[bucket] as number;
    this.#next[slot] = head;
    this.#previous[slot] = NONE;
    if (head !== NONE) this.#previous[head - 1] = slot + 1;
    this.#buckets[bucket] = slot + 1;
  }

  #unlink(slot: number, bucket: number): void {
    const next = this.#next[slot] as number;
    const previous = this.#previous[slot] as number;
    if (next !== NONE) this.#previous[next - 1] = previous;
    if (previous !== NONE) this.#next[previous - 1] = next;
    else this.#buckets[bucket] = next;
  }

  /** One more bucket, which takes its part of the one that it was a part of. */
  #split(): void {
    if (this.#count === this.#buckets.length) this.#buckets = grown(this.#buckets, this.#count * 2);
    const from = this.#count - this.#level;
    let at = this.#buckets[from] as number;
    this.#count += 1;
    while (at !== NONE) {
      const slot = at - 1;
      at = this.#next[slot] as number;
      const bucket = ((this.#hashes[slot] as number) & (2 * this.#level - 1)) >>> 0;
      if (bucket === from) continue;
      this.#unlink(slot, from);
      this.#link(slot, bucket);
    }
    if (this.#count === 2 * this.#level) this.#level *= 2;
  }

  #growSlots(least: number): void {
    const capacity = Math.max(least, Math.ceil(this.#hashes.length * 1.5));
    this.#hashes = grown(this.#hashes, capacity);
    this.#next = grown(this.#next, capacity);
    this.#previous = grown(this.#previous, capacity);
  }
}

function grown(values: Uint32Array<ArrayBuffer>, capacity: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(capacity);
  larger.set(values);
  return larger;
}
