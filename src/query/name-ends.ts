/** Tests the ends of names for extensions, on their bytes wherever these say enough. */
import { caseless } from '../index/folding.js';
import type { Criteria } from './criteria.js';

export class NameEnds {
  readonly #ends: readonly string[];
  readonly #longest: number;
  /** By the last byte: the ends that are ASCII, with their dots. */
  readonly #byLast: readonly (readonly Uint8Array[])[];

  /** Extensions in lower case, without a dot. */
  constructor(ext: Criteria['ext']) {
    this.#ends = ext.map((each) => `.${each}`);
    this.#longest = Math.max(...this.#ends.map((end) => end.length));
    const byLast: Uint8Array[][] = Array.from({ length: 0x80 }, () => []);
    for (const end of this.#ends) {
      const bytes = new TextEncoder().encode(end);
      byLast[bytes.at(-1) ?? 0]?.push(bytes);
    }
    this.#byLast = byLast;
  }

  /**
   * Undefined where the bytes don't say: where one at the end is not ASCII. One before the end changes nothing,
   * for nothing is folded across the dot.
   */
  test(bytes: Uint8Array, from: number, to: number): boolean | undefined {
    for (let at = Math.max(from, to - this.#longest); at < to; at++)
      if ((bytes[at] as number) >= 0x80) return undefined;
    if (to <= from) return false;
    for (const end of this.#byLast[lower(bytes[to - 1] as number)] ?? [])
      if (to - from > end.length && endsWith(bytes, to, end)) return true;
    return false;
  }

  testName(name: string): boolean {
    const folded = caseless(name);
    return this.#ends.some((end) => folded.endsWith(end) && folded.length > end.length);
  }
}

function endsWith(bytes: Uint8Array, to: number, end: Uint8Array): boolean {
  for (let back = 1; back <= end.length; back++)
    if (lower(bytes[to - back] as number) !== end[end.length - back]) return false;
  return true;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
