/** A set of slots: a bit each. */
export class SlotSet {
  #bits: Uint32Array;

  constructor(bits: Uint32Array = new Uint32Array(32)) {
    this.#bits = bits;
  }

  has(slot: number): boolean {
    return ((this.#bits[slot >>> 5] ?? 0) & (1 << (slot & 31))) !== 0;
  }

  add(slot: number): void {
    const word = slot >>> 5;
    if (word >= this.#bits.length) {
      const larger = new Uint32Array(Math.max(word + 1, this.#bits.length * 2));
      larger.set(this.#bits);
      this.#bits = larger;
    }
    this.#bits[word] = (this.#bits[word] as number) | (1 << (slot & 31));
  }

  delete(slot: number): void {
    const word = slot >>> 5;
    if (word < this.#bits.length) this.#bits[word] = (this.#bits[word] as number) & ~(1 << (slot & 31));
  }

  /** 32 slots a number; not to be changed. */
  get words(): Uint32Array {
    return this.#bits;
  }

  copy(): SlotSet {
    return new SlotSet(this.#bits.slice());
  }

  /** The first slot of the set that is not below `from`. */
  next(from: number): number | undefined {
    let word = from >>> 5;
    let left = (this.#bits[word] ?? 0) & (-1 << (from & 31));
    while (left === 0) {
      word += 1;
      if (word >= this.#bits.length) return undefined;
      left = this.#bits[word] as number;
    }
    return word * 32 + 31 - Math.clz32(left & -left);
  }

  /** Ascending. */
  *[Symbol.iterator](): Generator<number> {
    for (let word = 0; word < this.#bits.length; word++) {
      for (let left = this.#bits[word] as number; left !== 0; left &= left - 1) {
        yield word * 32 + 31 - Math.clz32(left & -left);
      }
    }
  }
}
