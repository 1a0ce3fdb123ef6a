/** What lookups in one segment found, by ordinal, ascending; and how such lists are put together. */

import { ALL_FIELDS, SPELLED } from './packed-postings.js';
import type { PackedSegment } from './packed-segment.js';

export interface Hits {
  readonly ordinals: Uint32Array;
  /** The fields with the term, and in which of them it is spelled so; see `packed-postings.ts`. */
  readonly known: Uint8Array;
  /** How close the best of the terms is to what was looked for; undefined where all are 1. */
  readonly close: Float32Array | undefined;
}

export const NO_HITS: Hits = {
  ordinals: new Uint32Array(0),
  known: new Uint8Array(0),
  close: undefined,
};

/** Collects hits in ascending order, without holding more memory than there can be of them. */
export class HitWriter {
  readonly #ordinals: Uint32Array;
  readonly #known: Uint8Array;
  readonly #close: Float32Array | undefined;
  #count = 0;

  constructor(most: number, options: { readonly withClose: boolean }) {
    this.#ordinals = new Uint32Array(most);
    this.#known = new Uint8Array(most);
    this.#close = options.withClose ? new Float32Array(most) : undefined;
  }

  add(ordinal: number, known: number, close: number): void {
    this.#ordinals[this.#count] = ordinal;
    this.#known[this.#count] = known;
    if (this.#close) this.#close[this.#count] = close;
    this.#count += 1;
  }

  finish(): Hits {
    return {
      ordinals: this.#ordinals.subarray(0, this.#count),
      known: this.#known.subarray(0, this.#count),
      close: this.#close?.subarray(0, this.#count),
    };
  }
}

/** Documents with the term in one of the fields; only those among `within`, where it is given. */
export function hitsOf(
  segment: PackedSegment,
  term: number,
  fields: number,
  within: Uint32Array | undefined,
): Hits {
  const cursor = segment.postings(term);
  const mask = fields | (fields << SPELLED);
  const most = Math.min(segment.bytesOf(term), segment.documents, within?.length ?? segment.documents);
  const hits = new HitWriter(most, { withClose: false });
  let at = 0;
  while (cursor.next()) {
    const { ordinal } = cursor;
    const known = cursor.known & mask;
    if (within) {
      while (at < within.length && (within[at] as number) < ordinal) at += 1;
      if (at === within.length) break;
      if (within[at] !== ordinal) continue;
    }
    if ((known & ALL_FIELDS) !== 0) hits.add(ordinal, known, 1);
  }
  return hits.finish();
}

/** Hits of both, whichever field each is in: whether they stand together is for `adjacency.ts` to say. */
export function both(one: Hits, other: Hits): Hits {
  const withClose = one.close !== undefined || other.close !== undefined;
  const hits = new HitWriter(Math.min(one.ordinals.length, other.ordinals.length), { withClose });
  for (let at = 0, otherAt = 0; at < one.ordinals.length && otherAt < other.ordinals.length; ) {
    const ordinal = one.ordinals[at] as number;
    const otherOrdinal = other.ordinals[otherAt] as number;
    if (ordinal === otherOrdinal) {
      const known = (one.known[at] as number) | (other.known[otherAt] as number);
      hits.add(ordinal, known, Math.min(closeAt(one, at), closeAt(other, otherAt)));
    }
    if (ordinal <= otherOrdinal) at += 1;
    if (otherOrdinal <= ordinal) otherAt += 1;
  }
  return hits.finish();
}

export function either(one: Hits, other: Hits): Hits {
  if (one.ordinals.length === 0) return other;
  if (other.ordinals.length === 0) return one;
  const withClose = one.close !== undefined || other.close !== undefined;
  const hits = new HitWriter(one.ordinals.length + other.ordinals.length, { withClose });
  for (let at = 0, otherAt = 0; at < one.ordinals.length || otherAt < other.ordinals.length; ) {
    const ordinal = one.ordinals[at] ?? Number.POSITIVE_INFINITY;
    const otherOrdinal = other.ordinals[otherAt] ?? Number.POSITIVE_INFINITY;
    const inOne = ordinal <= otherOrdinal;
    const inOther = otherOrdinal <= ordinal;
    const known = (inOne ? (one.known[at] ?? 0) : 0) | (inOther ? (other.known[otherAt] ?? 0) : 0);
    const close = Math.max(inOne ? closeAt(one, at) : 0, inOther ? closeAt(other, otherAt) : 0);
    hits.add(inOne ? ordinal : otherOrdinal, known, close);
    if (inOne) at += 1;
    if (inOther) otherAt += 1;
  }
  return hits.finish();
}

export function closeAt(hits: Hits, at: number): number {
  return hits.close === undefined ? 1 : (hits.close[at] as number);
}

/** Puts the hits of many terms together: a place for every document, of which only those touched cost anything. */
export class HitUnion {
  readonly #known: Uint8Array;
  readonly #close: Float32Array;
  #touched: Uint32Array = new Uint32Array(64);
  #count = 0;

  constructor(readonly documents: number) {
    this.#known = new Uint8Array(documents);
    this.#close = new Float32Array(documents);
  }

  /** `close` is that of the term. */
  add(segment: PackedSegment, term: number, fields: number, close: number): void {
    const cursor = segment.postings(term);
    const mask = fields | (fields << SPELLED);
    while (cursor.next()) {
      const known = cursor.known & mask;
      if ((known & ALL_FIELDS) === 0) continue;
      const { ordinal } = cursor;
      const before = this.#known[ordinal] as number;
      if (before === 0) this.#touch(ordinal);
      this.#known[ordinal] = before | known;
      if ((this.#close[ordinal] as number) < close) this.#close[ordinal] = close;
    }
  }

  finish(): Hits {
    const ordinals = this.#touched.subarray(0, this.#count).sort();
    const known = new Uint8Array(ordinals.length);
    const close = new Float32Array(ordinals.length);
    for (let at = 0; at < ordinals.length; at++) {
      known[at] = this.#known[ordinals[at] as number] as number;
      close[at] = this.#close[ordinals[at] as number] as number;
    }
    return { ordinals, known, close };
  }

  #touch(ordinal: number): void {
    if (this.#count === this.#touched.length) {
      const larger = new Uint32Array(this.#count * 2);
      larger.set(this.#touched);
      this.#touched = larger;
    }
    this.#touched[this.#count] = ordinal;
    this.#count += 1;
  }
}
