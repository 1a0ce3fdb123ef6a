/**
 * BLAKE2b (RFC 7693) with a result of any length: OpenSSL has it with 512 bits only, and the one
 * with 256 bits is another function than its first half. 64-bit words are two halves of 32 bits, the low
 * one first, which is some twenty times as fast as with BigInt.
 */

const BLOCK_BYTES = 128;
const ROUNDS = 12;

/** RFC 7693 §2.6, as halves. */
const IV = Int32Array.of(
  0xf3bcc908,
  0x6a09e667,
  0x84caa73b,
  0xbb67ae85,
  0xfe94f82b,
  0x3c6ef372,
  0x5f1d36f1,
  0xa54ff53a,
  0xade682d1,
  0x510e527f,
  0x2b3e6c1f,
  0x9b05688c,
  0xfb41bd6b,
  0x1f83d9ab,
  0x137e2179,
  0x5be0cd19,
);

/** §2.7: the order of the message's words in each round; the first two rows come twice. */
const SIGMA = [
  '0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15',
  '14 10 4 8 9 15 13 6 1 12 0 2 11 7 5 3',
  '11 8 12 0 5 2 15 13 10 14 3 6 7 1 9 4',
  '7 9 3 1 13 12 11 14 2 6 5 10 4 0 15 8',
  '9 0 5 7 2 4 10 15 14 1 11 12 6 8 3 13',
  '2 12 6 10 0 11 8 3 4 13 7 5 15 14 1 9',
  '12 5 1 15 14 13 4 10 0 7 6 3 9 2 8 11',
  '13 11 7 14 12 1 3 9 5 0 15 4 8 6 2 10',
  '6 15 14 9 11 3 0 8 12 2 13 7 1 4 10 5',
  '10 2 8 4 7 6 1 5 15 11 9 14 3 12 13 0',
].map((row) => Uint8Array.from(row.split(' '), Number));

/** Which words each of the eight mixings of a round takes: columns, then diagonals (§3.2). */
const MIXINGS = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;

/** Every mixing of all the rounds: where the low halves of its words are, and those of its message. */
const STEPS = Uint8Array.from(
  Array.from({ length: ROUNDS }, (_, round) => SIGMA[round % SIGMA.length] ?? []).flatMap((order) =>
    MIXINGS.flatMap((words, index) => [...words, order[index * 2] ?? 0, order[index * 2 + 1] ?? 0]),
  ),
  (index) => index * 2,
);

export class Blake2b {
  readonly #lengthBytes: number;
  readonly #h = Int32Array.from(IV);
  readonly #v = new Int32Array(32);
  readonly #m = new Int32Array(32);
  readonly #block = new Uint8Array(BLOCK_BYTES);
  #filled = 0;
  #countedBytes = 0;

  /** `lengthBytes`: from 1 to 64. */
  constructor(lengthBytes: number) {
    this.#lengthBytes = lengthBytes;
    this.#h[0] = word(this.#h, 0) ^ 0x01010000 ^ lengthBytes; // no key, no tree (§2.5)
  }

  update(bytes: Uint8Array): this {
    for (let at = 0; at < bytes.length; ) {
      // The last block is told from the others, so a full one waits for what comes.
      if (this.#filled === BLOCK_BYTES) this.#flush(false);
      const count = Math.min(BLOCK_BYTES - this.#filled, bytes.length - at);
      this.#block.set(bytes.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
    }
    return this;
  }

  /** As far as it is now; more may follow. */
  copy(): Blake2b {
    const other = new Blake2b(this.#lengthBytes);
    other.#h.set(this.#h);
    other.#block.set(this.#block);
    other.#filled = this.#filled;
    other.#countedBytes = this.#countedBytes;
    return other;
  }

  /** Nothing may follow. */
  digest(): Buffer {
    this.#block.fill(0, this.#filled);
    this.#flush(true);
    const result = Buffer.alloc(64);
    for (let index = 0; index < 16; index += 1) result.writeInt32LE(word(this.#h, index), index * 4);
    return result.subarray(0, this.#lengthBytes);
  }

  #flush(last: boolean): void {
    this.#countedBytes += this.#filled;
    this.#filled = 0;
    const [h, v, m] = [this.#h, this.#v, this.#m];
    const view = new DataView(this.#block.buffer);
    for (let index = 0; index < 32; index += 1) m[index] = view.getInt32(index * 4, true);
    v.set(h);
    v.set(IV, 16);
    v[24] = word(v, 24) ^ (this.#countedBytes >>> 0);
    v[25] = word(v, 25) ^ Math.floor(this.#countedBytes / 2 ** 32);
    if (last) {
      v[28] = ~word(v, 28);
      v[29] = ~word(v, 29);
    }
    for (let at = 0; at < STEPS.length; at += 6) mix(v, m, at);
    for (let index = 0; index < 16; index += 1)
      h[index] = word(h, index) ^ word(v, index) ^ word(v, index + 16);
  }
}

/** §3.1, as the six numbers from `at` on in `STEPS` say. */
function mix(v: Int32Array, m: Int32Array, at: number): void {
  const a = STEPS[at] ?? 0;
  const b = STEPS[at + 1] ?? 0;
  const c = STEPS[at + 2] ?? 0;
  const d = STEPS[at + 3] ?? 0;
  const x = STEPS[at + 4] ?? 0;
  const y = STEPS[at + 5] ?? 0;
  add(v, a, word(v, b), word(v, b + 1), word(m, x), word(m, x + 1));
  let low = word(v, d) ^ word(v, a);
  let high = word(v, d + 1) ^ word(v, a + 1);
  v[d] = high; // turned right by 32
  v[d + 1] = low;
  add(v, c, word(v, d), word(v, d + 1), 0, 0);
  low = word(v, b) ^ word(v, c);
  high = word(v, b + 1) ^ word(v, c + 1);
  v[b] = (low >>> 24) | (high << 8);
  v[b + 1] = (high >>> 24) | (low << 8);
  add(v, a, word(v, b), word(v, b + 1), word(m, y), word(m, y + 1));
  low = word(v, d) ^ word(v, a);
  high = word(v, d + 1) ^ word(v, a + 1);
  v[d] = (low >>> 16) | (high << 16);
  v[d + 1] = (high >>> 16) | (low << 16);
  add(v, c, word(v, d), word(v, d + 1), 0, 0);
  low = word(v, b) ^ word(v, c);
  high = word(v, b + 1) ^ word(v, c + 1);
  v[b] = (high >>> 31) | (low << 1); // right by 63 is left by one
  v[b + 1] = (low >>> 31) | (high << 1);
}

/** Adds two 64-bit words to a third. */
function add(v: Int32Array, at: number, low: number, high: number, low2: number, high2: number): void {
  const before = word(v, at);
  const half = (before + low) | 0;
  const sum = (half + low2) | 0;
  const carried = (half >>> 0 < before >>> 0 ? 1 : 0) + (sum >>> 0 < half >>> 0 ? 1 : 0);
  v[at] = sum;
  v[at + 1] = (word(v, at + 1) + high + high2 + carried) | 0;
}

function word(words: Int32Array, at: number): number {
  return words[at] ?? 0;
}
