/**
 * Gives equal sets of positions the same number: a hash table over rows of words, that only grows
 * until it is cleared, to a given size.
 */
const FIRST_ROWS = 64;

export class SetTable {
  /** The sets one after another, `words` each. */
  rows: Uint32Array;
  size = 0;
  readonly #words: number;
  readonly #mostRows: number;
  /** Number of a set plus 1, by hash; 0 is free. At most half full. */
  #slots: Uint32Array;

  /** @param mostRows how many sets it holds at most */
  constructor(words: number, mostRows: number) {
    this.#words = words;
    this.#mostRows = mostRows;
    this.rows = new Uint32Array(words * Math.min(FIRST_ROWS, mostRows));
    this.#slots = new Uint32Array(2 * FIRST_ROWS);
  }

  clear(): void {
    this.size = 0;
    this.#slots.fill(0);
  }

  /** The number of the set, a new one being added; -1 when there is no room for that. */
  numberOf(set: Uint32Array): number {
    const mask = this.#slots.length - 1;
    let slot = hash(set) & mask;
    for (;;) {
      const number = (this.#slots[slot] as number) - 1;
      if (number < 0) break;
      if (this.#equals(number, set)) return number;
      slot = (slot + 1) & mask;
    }
    if (this.size === this.#mostRows) return -1;
    if ((this.size + 1) * this.#words > this.rows.length) this.#growRows();
    this.rows.set(set, this.size * this.#words);
    this.size += 1;
    this.#slots[slot] = this.size;
    if (this.size * 2 > this.#slots.length) this.#growSlots();
    return this.size - 1;
  }

  #equals(number: number, set: Uint32Array): boolean {
    const offset = number * this.#words;
    for (let word = 0; word < this.#words; word += 1) {
      if (this.rows[offset + word] !== set[word]) return false;
    }
    return true;
  }

  #growRows(): void {
    const grown = new Uint32Array(this.#words * Math.min(2 * (this.size + 1), this.#mostRows));
    grown.set(this.rows);
    this.rows = grown;
  }

  #growSlots(): void {
    const grown = new Uint32Array(2 * this.#slots.length);
    const mask = grown.length - 1;
    for (let number = 0; number < this.size; number += 1) {
      const offset = number * this.#words;
      let slot = hash(this.rows.subarray(offset, offset + this.#words)) & mask;
      while (grown[slot] !== 0) slot = (slot + 1) & mask;
      grown[slot] = number + 1;
    }
    this.#slots = grown;
  }
}

function hash(set: Uint32Array): number {
  let value = 0x811c9dc5;
  for (let word = 0; word < set.length; word += 1) {
    value = Math.imul(value ^ (set[word] as number), 0x01000193);
    value ^= value >>> 15;
  }
  return value >>> 0;
}
