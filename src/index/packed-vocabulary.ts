/**
 * The terms of a segment, sorted, packed one after another. In UTF-16 units, as the strings they come
 * from: so they sort, and mistakes in them are counted, as in strings.
 */
import { shared, shared16, shared32 } from '../columns/shared-arrays.js';

export class PackedVocabulary {
  constructor(
    readonly units: Uint16Array,
    /** Term i is `units[starts[i], starts[i + 1])`: one entry more than there are terms. */
    readonly starts: Uint32Array,
  ) {}

  /** `terms` are sorted and all different. */
  static of(terms: readonly string[]): PackedVocabulary {
    const units = shared16(terms.reduce((sum, term) => sum + term.length, 0));
    const starts = shared32(terms.length + 1);
    let end = 0;
    for (const [at, term] of terms.entries()) {
      for (let unit = 0; unit < term.length; unit++) units[end++] = term.charCodeAt(unit);
      starts[at + 1] = end;
    }
    return new PackedVocabulary(units, starts);
  }

  get size(): number {
    return this.starts.length - 1;
  }

  lengthAt(at: number): number {
    return (this.starts[at + 1] as number) - (this.starts[at] as number);
  }

  term(at: number): string {
    return String.fromCharCode(...this.units.subarray(this.starts[at], this.starts[at + 1]));
  }

  /** The number of the term, or -1. */
  find(term: string): number {
    const at = this.#first((each) => this.#beginning(each, term) >= 0);
    return at < this.size && this.lengthAt(at) === term.length && this.#beginning(at, term) === 0 ? at : -1;
  }

  /** The terms that begin so: `[from, to)`. */
  range(prefix: string): { readonly from: number; readonly to: number } {
    return {
      from: this.#first((at) => this.#beginning(at, prefix) >= 0),
      to: this.#first((at) => this.#beginning(at, prefix) > 0),
    };
  }

  /** The first term after `at` that differs from it within the first `length` units. */
  skip(at: number, length: number): number {
    let step = 1;
    let low = at;
    while (low + step < this.size && this.inCommon(at, low + step) >= length) {
      low += step;
      step *= 2;
    }
    let high = Math.min(low + step, this.size);
    while (low + 1 < high) {
      const middle = (low + high) >>> 1;
      if (this.inCommon(at, middle) >= length) low = middle;
      else high = middle;
    }
    return high;
  }

  /** How many units two terms begin with alike. */
  inCommon(one: number, other: number): number {
    const { units, starts } = this;
    const oneStart = starts[one] as number;
    const otherStart = starts[other] as number;
    const most = Math.min(this.lengthAt(one), this.lengthAt(other));
    let length = 0;
    while (length < most && units[oneStart + length] === units[otherStart + length]) length += 1;
    return length;
  }

  /** 0 when the term begins so, else whether it sorts before (negative) or after. */
  #beginning(at: number, prefix: string): number {
    const start = this.starts[at] as number;
    const length = this.lengthAt(at);
    for (let unit = 0; unit < prefix.length; unit++) {
      if (unit >= length) return -1;
      const difference = (this.units[start + unit] as number) - prefix.charCodeAt(unit);
      if (difference !== 0) return difference;
    }
    return 0;
  }

  /** The first term for which `holds` is true; it is true for all after that. */
  #first(holds: (at: number) => boolean): number {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (holds(middle)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Writes a vocabulary term by term, out of others that hold all of its terms. */
export class VocabularyWriter {
  readonly #units: Uint16Array;
  readonly #starts: Uint32Array;
  #size = 0;

  constructor(sources: readonly PackedVocabulary[]) {
    this.#units = new Uint16Array(sources.reduce((sum, { units }) => sum + units.length, 0));
    this.#starts = new Uint32Array(sources.reduce((sum, { size }) => sum + size, 1));
  }

  get size(): number {
    return this.#size;
  }

  add(source: PackedVocabulary, at: number): void {
    const from = source.starts[at] as number;
    const to = source.starts[at + 1] as number;
    const end = this.#starts[this.#size] as number;
    for (let unit = from; unit < to; unit++) this.#units[end + unit - from] = source.units[unit] as number;
    this.#size += 1;
    this.#starts[this.#size] = end + to - from;
  }

  finish(): PackedVocabulary {
    const end = this.#starts[this.#size] as number;
    return new PackedVocabulary(
      shared(this.#units.subarray(0, end)),
      shared(this.#starts.subarray(0, this.#size + 1)),
    );
  }
}

/** Negative when the first term sorts before the second. */
export function compareTerms(
  one: PackedVocabulary,
  oneAt: number,
  other: PackedVocabulary,
  otherAt: number,
): number {
  const oneStart = one.starts[oneAt] as number;
  const otherStart = other.starts[otherAt] as number;
  const oneLength = one.lengthAt(oneAt);
  const otherLength = other.lengthAt(otherAt);
  const most = Math.min(oneLength, otherLength);
  for (let unit = 0; unit < most; unit++) {
    const difference = (one.units[oneStart + unit] as number) - (other.units[otherStart + unit] as number);
    if (difference !== 0) return difference;
  }
  return oneLength - otherLength;
}
