/**
 * The alphabet of one pattern: characters that none of its sets tells apart are one symbol, so that
 * `[0-9]{4}` has two symbols for all of Unicode. Also the way from UTF-8 to symbols, both a character
 * at a time and byte by byte, the latter for the table of the deterministic automaton.
 *
 * A byte that belongs to no valid character (a file name may hold any) is `INVALID`: no set holds it.
 * Validity is Unicode's table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
import { type CodePointSet, rangesOf } from './ere-charset.js';
import type { WorkMeter } from './ere-work-meter.js';

/** A byte that is no part of a character; not a symbol of any alphabet. */
export const INVALID = -1;

/**
 * Where a byte leads, as one number. Positive: in the middle of a character, to go on with.
 * Negative: the character ended, its symbol is `-1 - value`. Zero: not a character.
 */
export type Decoded = number;

const UNIFORM = 1 << 21; // above every code point
const LEVEL = 1 << 22;

export class Alphabet {
  readonly size: number;
  /** The symbol of each ASCII character. */
  readonly ascii: Uint16Array;
  /** Interval i begins at `#starts[i]` and has the symbol `#symbols[i]`. */
  readonly #starts: Uint32Array;
  readonly #symbols: Uint16Array;

  constructor(sets: readonly CodePointSet[], work: WorkMeter) {
    this.#starts = boundaries(sets);
    const { symbols, size } = refine(this.#starts, sets, work);
    this.#symbols = symbols;
    this.size = size;
    this.ascii = Uint16Array.from({ length: 0x80 }, (_, codePoint) => this.symbolOf(codePoint));
  }

  symbolOf(codePoint: number): number {
    return this.#symbols[intervalAt(this.#starts, codePoint)] as number;
  }

  /** By symbol: 1 if the set, one of those that the alphabet was made from, holds its characters. */
  membership(set: CodePointSet): Uint8Array {
    const holds = new Uint8Array(this.size);
    for (const [from, to] of rangesOf(set)) {
      const first = intervalAt(this.#starts, from);
      for (let at = first; (this.#starts[at] ?? Infinity) <= to; at += 1)
        holds[this.#symbols[at] as number] = 1;
    }
    return holds;
  }

  /** The character at `at`: its symbol times 8 plus its length in bytes, or `INVALID`, which is one byte. */
  decode(utf8: Uint8Array, at: number, to: number): number {
    let state = this.lead(utf8[at] as number);
    let next = at + 1;
    while (state > 0) {
      if (next === to) return INVALID;
      state = this.continuation(state, utf8[next] as number);
      next += 1;
    }
    return state === 0 ? INVALID : (-1 - state) * 8 + (next - at);
  }

  /** The first byte of a character. */
  lead(byte: number): Decoded {
    if (byte < 0x80) return -1 - (this.ascii[byte] as number);
    if (byte < 0xc2) return 0;
    if (byte < 0xe0) return this.#pending(1, (byte & 0x1f) << 6);
    if (byte < 0xf0) return this.#pending(2, (byte & 0x0f) << 12);
    return byte < 0xf5 ? this.#pending(3, (byte & 0x07) << 18) : 0;
  }

  /** A further byte of a character. */
  continuation(state: Decoded, byte: number): Decoded {
    if ((byte & 0xc0) !== 0x80) return 0;
    const level = Math.floor(state / LEVEL);
    const rest = state % LEVEL;
    if (rest >= UNIFORM) return level === 1 ? -1 - (rest - UNIFORM) : state - LEVEL;
    const codePoint = rest + (byte & 0x3f) * 64 ** (level - 1);
    if (level === 1) return -1 - this.symbolOf(codePoint);
    if (level === 2 && (codePoint < 0x800 || (codePoint & 0xf800) === 0xd800)) return 0;
    if (level === 3 && (codePoint < 0x10000 || codePoint > 0x10ffff)) return 0;
    return this.#pending(level - 1, codePoint);
  }

  /** True when all continuation bytes lead from here to the same place. */
  isUniform(state: Decoded): boolean {
    return state % LEVEL >= UNIFORM;
  }

  /** `level` bytes are to come, for the characters from `base`. Where all have one symbol, that is all to remember. */
  #pending(level: number, base: number): Decoded {
    const last = base + 64 ** level - 1;
    const interval = intervalAt(this.#starts, base);
    const oneSymbol = last < (this.#starts[interval + 1] ?? Infinity);
    // Below these bases are second bytes that no character has.
    const allValid = level === 1 || (base !== 0 && base !== 0xd000 && base !== 0x100000);
    return level * LEVEL + (oneSymbol && allValid ? UNIFORM + (this.#symbols[interval] as number) : base);
  }
}

function boundaries(sets: readonly CodePointSet[]): Uint32Array {
  const starts = new Set([0]);
  for (const set of sets) {
    for (const [from, to] of rangesOf(set)) starts.add(from).add(to + 1);
  }
  return Uint32Array.from(starts).sort();
}

/** Splits the intervals by one set after another until no set tells two of the same symbol apart. */
function refine(
  starts: Uint32Array,
  sets: readonly CodePointSet[],
  work: WorkMeter,
): { symbols: Uint16Array; size: number } {
  const symbols = new Uint32Array(starts.length);
  let next = 1;
  for (const set of sets) {
    work.add(2 * set.length);
    const inside = new Map<number, number>();
    for (const [from, to] of rangesOf(set)) {
      for (let at = intervalAt(starts, from); (starts[at] ?? Infinity) <= to; at += 1) {
        const before = symbols[at] as number;
        const after = inside.get(before) ?? next++;
        inside.set(before, after);
        symbols[at] = after;
      }
    }
  }
  const dense = new Map<number, number>();
  for (const symbol of symbols) if (!dense.has(symbol)) dense.set(symbol, dense.size);
  return { symbols: Uint16Array.from(symbols, (symbol) => dense.get(symbol) ?? 0), size: dense.size };
}

/** The last interval that begins at or before the code point. */
function intervalAt(starts: Uint32Array, codePoint: number): number {
  let low = 0;
  let high = starts.length;
  while (low + 1 < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] as number) <= codePoint) low = middle;
    else high = middle;
  }
  return low;
}
