/** Slots that may still match, a bit each: what criteria narrow, one after another. */
import type { SlotSet } from '../columns/slot-set.js';
import type { Pace, Work } from '../index/text-index.js';

export class Candidates {
  #count: number | undefined;

  private constructor(
    /** 32 slots a number. Whoever changes them says so by {@link changed}. */
    readonly bits: Uint32Array,
  ) {}

  static all(shown: SlotSet): Candidates {
    return new Candidates(shown.words.slice());
  }

  static none(shown: SlotSet): Candidates {
    return new Candidates(new Uint32Array(shown.words.length));
  }

  copy(): Candidates {
    return new Candidates(this.bits.slice());
  }

  get count(): number {
    this.#count ??= countBits(this.bits);
    return this.#count;
  }

  changed(): void {
    this.#count = undefined;
  }

  has(slot: number): boolean {
    return ((this.bits[slot >>> 5] as number) & (1 << (slot & 31))) !== 0;
  }

  /** No slot above all those shown. */
  add(slot: number): void {
    this.bits[slot >>> 5] = (this.bits[slot >>> 5] as number) | (1 << (slot & 31));
    this.#count = undefined;
  }

  /** Keeps those in both. */
  keepIn(others: Candidates): void {
    for (let word = 0; word < this.bits.length; word++)
      this.bits[word] = (this.bits[word] as number) & (others.bits[word] as number);
    this.#count = undefined;
  }

  addAll(others: Candidates): void {
    for (let word = 0; word < this.bits.length; word++)
      this.bits[word] = (this.bits[word] as number) | (others.bits[word] as number);
    this.#count = undefined;
  }

  /** Keeps those that pass, in slices. For tests that take longer than a call. */
  *keep(test: (slot: number) => boolean, pace: Pace, testsALook: number): Work<void> {
    let tests = 0;
    for (let word = 0; word < this.bits.length; word++) {
      for (let left = this.bits[word] as number; left !== 0; left &= left - 1) {
        const bit = left & -left;
        if (!test(word * 32 + 31 - Math.clz32(bit))) this.bits[word] = (this.bits[word] as number) & ~bit;
        tests += 1;
        if (tests % testsALook === 0 && pace.due()) yield;
      }
    }
    this.#count = undefined;
  }
}

function countBits(bits: Uint32Array): number {
  let count = 0;
  for (let word = 0; word < bits.length; word++) {
    let left = bits[word] as number;
    if (left === 0) continue;
    left -= (left >>> 1) & 0x5555_5555;
    left = (left & 0x3333_3333) + ((left >>> 2) & 0x3333_3333);
    count += Math.imul((left + (left >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
  }
  return count;
}
