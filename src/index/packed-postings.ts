/**
 * Posting lists in bytes. A posting is the ordinal of a document and what is known of the term in it:
 * in which fields it is, and in which of them it is spelled without diacritics, as the term itself is.
 * Written is the distance from the ordinal before, doubled, and one more if the knowledge differs from
 * the posting before and follows as a byte: most postings of a common term take one byte.
 */
import { FIELD_BIT, type WordField } from './text-index.js';

/** Bits of {@link PostingCursor.known}: fields below, and `SPELLED` places higher the same fields again. */
export const SPELLED = 4;
export const ALL_FIELDS = 0b1111;
/**
 * Seven bits a byte: no distance doubled takes more, and one byte of knowledge. Nobody checks that an ordinal doubled fits
 * 32 bits: of so many documents the ids alone would take 8 GB.
 */
export const MAX_POSTING_BYTES = 6;

export function bitsOf(fields: readonly WordField[]): number {
  return fields.reduce((bits, field) => bits | FIELD_BIT[field], 0);
}

/** Reads one list from its beginning. */
export class PostingCursor {
  ordinal = -1;
  known = 0;
  #at: number;

  constructor(
    readonly bytes: Uint8Array,
    from: number,
    readonly end: number,
  ) {
    this.#at = from;
  }

  next(): boolean {
    const { bytes } = this;
    let at = this.#at;
    if (at >= this.end) return false;
    let byte = bytes[at++] as number;
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      byte = bytes[at++] as number;
      value |= (byte & 0x7f) << shift;
    }
    this.ordinal += value >>> 1;
    if ((value & 1) !== 0) this.known = bytes[at++] as number;
    this.#at = at;
    return true;
  }
}

/** Writes lists one after another. */
export class PostingWriter {
  #bytes: Uint8Array;
  #end = 0;
  #ordinal = -1;
  #known = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  get end(): number {
    return this.#end;
  }

  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#end);
  }

  /** What follows is another list. */
  startList(): void {
    this.#ordinal = -1;
    this.#known = 0;
  }

  /** `ordinal` is larger than the one before; `known` is never 0. */
  add(ordinal: number, known: number): void {
    if (this.#end + MAX_POSTING_BYTES > this.#bytes.length) this.#grow(MAX_POSTING_BYTES);
    const bytes = this.#bytes;
    const changed = known !== this.#known;
    let value = ((ordinal - this.#ordinal) << 1) | (changed ? 1 : 0);
    while (value > 0x7f) {
      bytes[this.#end++] = (value & 0x7f) | 0x80;
      value >>>= 7;
    }
    bytes[this.#end++] = value;
    if (changed) bytes[this.#end++] = known;
    this.#ordinal = ordinal;
    this.#known = known;
  }

  #grow(by: number): void {
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#end + by));
    larger.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = larger;
  }
}
