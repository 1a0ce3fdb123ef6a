/** What lookups in one segment found, by ordinal, ascending; and how such lists are put together. */

import { ALL_FIELDS, SPELLED } from './packed-postings.js';
import type { PackedSegment } from './packed-segment.js';
import { FIELD_BIT } from './text-index.js';

export interface Hits {
  readonly ordinals: Uint32Array;
  /** The fields with the term, and in which of them it is spelled so; see `packed-postings.ts`. */
  readonly known: Uint8Array;
  /** How close the best of the terms is to what was looked for; one number where it is the same for all. */
  readonly close: Float32Array | number;
}

export const NO_HITS: Hits = {
  ordinals: new Uint32Array(0),
  known: new Uint8Array(0),
  close: 1,
};

/** Collects hits in ascending order, without holding more memory than there can be of them. */
export class HitWriter {
  readonly #ordinals: Uint32Array;
  readonly #known: Uint8Array;
  readonly #close: Float32Array | number;
  #count = 0;

  /** `close` is that of all hits; without it, each is added with its own. */
  constructor(most: number, close?: number) {
    this.#ordinals = new Uint32Array(most);
    this.#known = new Uint8Array(most);
    this.#close = close ?? new Float32Array(most);
  }

  add(ordinal: number, known: number, close: number): void {
    this.#ordinals[this.#count] = ordinal;
    this.#known[this.#count] = known;
    if (typeof this.#close !== 'number') this.#close[this.#count] = close;
    this.#count += 1;
  }

  finish(): Hits {
    return {
      ordinals: this.#ordinals.subarray(0, this.#count),
      known: this.#known.subarray(0, this.#count),
      close: typeof this.#close === 'number' ? this.#close : this.#close.subarray(0, this.#count),
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
  const hits = new HitWriter(most, 1);
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

/**
 * Documents with both in the same field, for words that have to stand together; how they are spelled is
 * left out. The name is the end of the path: what is in the name is in the path as well.
 */
export function both(one: Hits, other: Hits): Hits {
  const same = typeof one.close === 'number' && typeof other.close === 'number';
  const hits = new HitWriter(
    Math.min(one.ordinals.length, other.ordinals.length),
    same ? Math.min(closeAt(one, 0), closeAt(other, 0)) : undefined,
  );
  for (let at = 0, otherAt = 0; at < one.ordinals.length && otherAt < other.ordinals.length; ) {
    const ordinal = one.ordinals[at] as number;
    const otherOrdinal = other.ordinals[otherAt] as number;
    if (ordinal === otherOrdinal) {
      const fields = withPath(one.known[at] as number) & withPath(other.known[otherAt] as number);
      if (fields !== 0) hits.add(ordinal, fields, Math.min(closeAt(one, at), closeAt(other, otherAt)));
    }
    if (ordinal <= otherOrdinal) at += 1;
    if (otherOrdinal <= ordinal) otherAt += 1;
  }
  return hits.finish();
}

/** The fields, with the path where there is the name. */
export function withPath(known: number): number {
  return (known & ALL_FIELDS) | ((known & FIELD_BIT.name) === 0 ? 0 : FIELD_BIT.path);
}

/** Those hits whose ordinals are among `ordinals`. */
export function within(hits: Hits, ordinals: Uint32Array): Hits {
  const kept = new HitWriter(
    Math.min(hits.ordinals.length, ordinals.length),
    typeof hits.close === 'number' ? hits.close : undefined,
  );
  for (let at = 0, place = 0; at < hits.ordinals.length; at++) {
    const ordinal = hits.ordinals[at] as number;
    while (place < ordinals.length && (ordinals[place] as number) < ordinal) place += 1;
    if (ordinals[place] === ordinal) kept.add(ordinal, hits.known[at] as number, closeAt(hits, at));
  }
  return kept.finish();
}

/**
 * Documents with a chunk in parts (`parts`: in which fields they all are) or as a whole. Where its parts
 * are in no field where it is not whole, the whole tells all: there the result has what is known of the
 * whole, how it is spelled included, and elsewhere only the fields to look at.
 */
export function partsOrWhole(parts: Hits, whole: Hits): Hits {
  const hits = new HitWriter(parts.ordinals.length + whole.ordinals.length, 1);
  for (let at = 0, wholeAt = 0; at < parts.ordinals.length || wholeAt < whole.ordinals.length; ) {
    const ordinal = parts.ordinals[at] ?? Number.POSITIVE_INFINITY;
    const wholeOrdinal = whole.ordinals[wholeAt] ?? Number.POSITIVE_INFINITY;
    const inParts = ordinal <= wholeOrdinal ? withPath(parts.known[at] as number) : 0;
    const asWhole = wholeOrdinal <= ordinal ? (whole.known[wholeAt] as number) : 0;
    const sure = withPath(asWhole);
    hits.add(Math.min(ordinal, wholeOrdinal), (inParts & ~sure) === 0 ? asWhole : inParts | sure, 1);
    if (ordinal <= wholeOrdinal) at += 1;
    if (wholeOrdinal <= ordinal) wholeAt += 1;
  }
  return hits.finish();
}

export function closeAt(hits: Hits, at: number): number {
  return typeof hits.close === 'number' ? hits.close : (hits.close[at] as number);
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
