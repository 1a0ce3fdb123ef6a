/**
 * A number for each hash of a cryptographic function, in some nine to eleven bytes each. Of a hash 40 bits are kept:
 * of a million one may be taken for another, so that whoever finds a number has to look whether it is the right one.
 *
 * Open addressing in 256 tables, one for each first byte; each grows by itself, so that no addition takes long.
 */

const TABLES = 256;
const KEY_BYTES = 4;
const FIRST_PLACES = 8;
/** Fuller ones are slow to look in. */
const MAX_LOAD = 0.85;
const GROWTH = 1.25;
const KEYS = 2 ** 32;
/** A key and a number. */
const PLACE_BYTES = 2 * Uint32Array.BYTES_PER_ELEMENT;

export class HashPlaces {
  readonly #tables = new Map<number, Places>();
  readonly #firstPlaces: number;
  #size = 0;

  /** `expected` hashes find room without growing, which leaves holes in memory. */
  constructor(expected = 0) {
    // Each table gets its share give or take a few: three times the root of it.
    const share = expected / TABLES;
    this.#firstPlaces = Math.max(FIRST_PLACES, Math.ceil((share + 3 * Math.sqrt(share)) / MAX_LOAD));
  }

  get size(): number {
    return this.#size;
  }

  /** What it takes. */
  get bytes(): number {
    let bytes = 0;
    for (const { capacity } of this.#tables.values()) bytes += capacity * PLACE_BYTES;
    return bytes;
  }

  /** Undefined where none was set. */
  get(hash: Uint8Array): number | undefined {
    return this.#tables.get(tableOf(hash))?.get(keyOf(hash));
  }

  /** A whole number below 2^32 - 1, in place of the one before. */
  set(hash: Uint8Array, number: number): void {
    const at = tableOf(hash);
    let table = this.#tables.get(at);
    if (table === undefined) {
      table = new Places(this.#firstPlaces);
      this.#tables.set(at, table);
    }
    const before = table.size;
    if ((before + 1) / table.capacity > MAX_LOAD) {
      table = table.grown();
      this.#tables.set(at, table);
    }
    table.set(keyOf(hash), number);
    this.#size += table.size - before;
  }

  delete(hash: Uint8Array): void {
    if (this.#tables.get(tableOf(hash))?.delete(keyOf(hash)) === true) this.#size -= 1;
  }
}

function tableOf(hash: Uint8Array): number {
  return (hash[0] ?? 0) % TABLES;
}

function keyOf(hash: Uint8Array): number {
  let key = 0;
  for (let at = 1; at <= KEY_BYTES; at += 1) key = (key << 8) | (hash[at] ?? 0);
  return key >>> 0;
}

class Places {
  readonly #keys: Uint32Array;
  /** One more than the number; 0 where there is nothing. */
  readonly #numbers: Uint32Array;
  #size = 0;

  constructor(readonly capacity: number) {
    this.#keys = new Uint32Array(capacity);
    this.#numbers = new Uint32Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  get(key: number): number | undefined {
    const at = this.#find(key);
    const number = this.#numbers[at] ?? 0;
    return number === 0 ? undefined : number - 1;
  }

  set(key: number, number: number): void {
    const at = this.#find(key);
    if (this.#numbers[at] === 0) this.#size += 1;
    this.#keys[at] = key;
    this.#numbers[at] = number + 1;
  }

  delete(key: number): boolean {
    let gap = this.#find(key);
    if (this.#numbers[gap] === 0) return false;
    // What follows and would be looked for from the gap on moves up, so that no search ends too early.
    for (let at = this.#after(gap); this.#numbers[at] !== 0; at = this.#after(at)) {
      const fromHome = this.#distance(this.#home(this.#keys[at] ?? 0), at);
      if (fromHome < this.#distance(gap, at)) continue;
      this.#keys[gap] = this.#keys[at] ?? 0;
      this.#numbers[gap] = this.#numbers[at] ?? 0;
      gap = at;
    }
    this.#numbers[gap] = 0;
    this.#size -= 1;
    return true;
  }

  grown(): Places {
    const grown = new Places(Math.ceil(this.capacity * GROWTH));
    for (let at = 0; at < this.capacity; at += 1) {
      const number = this.#numbers[at] ?? 0;
      if (number !== 0) grown.set(this.#keys[at] ?? 0, number - 1);
    }
    return grown;
  }

  /** Where the key is, or would be. */
  #find(key: number): number {
    let at = this.#home(key);
    while (this.#numbers[at] !== 0 && this.#keys[at] !== key) at = this.#after(at);
    return at;
  }

  #home(key: number): number {
    return Math.floor((key / KEYS) * this.capacity);
  }

  #after(at: number): number {
    return at + 1 === this.capacity ? 0 : at + 1;
  }

  #distance(from: number, to: number): number {
    return to >= from ? to - from : to + this.capacity - from;
  }
}
