/** An immutable part of the text index: terms, where they are, and what scores need of the documents. */

import { PostingCursor } from './packed-postings.js';
import type { PackedVocabulary } from './packed-vocabulary.js';
import type { Pace, Work } from './text-index.js';

const ORDINALS_A_LOOK = 1024;

export interface PackedSegmentParts {
  readonly vocabulary: PackedVocabulary;
  readonly postings: Uint8Array;
  /** The list of term i is `postings[starts[i], starts[i + 1])`. */
  readonly starts: Uint32Array;
  /** The number of the document with each ordinal. */
  readonly ids: Uint32Array;
  /** Of each document, in UTF-16 units, as far as 16 bits go. */
  readonly nameLengths: Uint16Array;
}

export class PackedSegment {
  readonly vocabulary: PackedVocabulary;
  readonly ids: Uint32Array;
  readonly nameLengths: Uint16Array;
  readonly #postings: Uint8Array;
  readonly #starts: Uint32Array;

  constructor({ vocabulary, postings, starts, ids, nameLengths }: PackedSegmentParts) {
    this.vocabulary = vocabulary;
    this.ids = ids;
    this.nameLengths = nameLengths;
    this.#postings = postings;
    this.#starts = starts;
  }

  get documents(): number {
    return this.ids.length;
  }

  /** All that it is made of, for saving it. */
  get parts(): PackedSegmentParts {
    const { vocabulary, ids, nameLengths } = this;
    return { vocabulary, postings: this.#postings, starts: this.#starts, ids, nameLengths };
  }

  /** Of all posting lists together. */
  get postingBytes(): number {
    return this.#postings.length;
  }

  postings(term: number): PostingCursor {
    return new PostingCursor(this.#postings, this.#starts[term] as number, this.#starts[term + 1] as number);
  }

  /** At least as many as the term has postings. */
  bytesOf(term: number): number {
    return (this.#starts[term + 1] as number) - (this.#starts[term] as number);
  }
}

/** A segment and which of its documents are still there. Neither is ever changed in place. */
export interface LiveSegment {
  readonly segment: PackedSegment;
  readonly tombstones: Tombstones;
}

/** A bit for every ordinal whose document is gone. */
export class Tombstones {
  constructor(
    readonly bits: Uint32Array,
    readonly count: number,
  ) {}

  has(ordinal: number): boolean {
    return ((this.bits[ordinal >>> 5] as number) & (1 << (ordinal & 31))) !== 0;
  }

  /** These and more. */
  with(ordinals: readonly number[]): Tombstones {
    const bits = this.bits.slice();
    let { count } = this;
    for (const ordinal of ordinals) {
      const mask = 1 << (ordinal & 31);
      if (((bits[ordinal >>> 5] as number) & mask) === 0) count += 1;
      bits[ordinal >>> 5] = (bits[ordinal >>> 5] as number) | mask;
    }
    return new Tombstones(bits, count);
  }

  /** For the ordinals of which `isDead` is true. */
  static *where(documents: number, isDead: (ordinal: number) => boolean, pace: Pace): Work<Tombstones> {
    const bits = new Uint32Array((documents + 31) >>> 5);
    let count = 0;
    for (let ordinal = 0; ordinal < documents; ordinal++) {
      if (isDead(ordinal)) {
        bits[ordinal >>> 5] = (bits[ordinal >>> 5] as number) | (1 << (ordinal & 31));
        count += 1;
      }
      if (ordinal % ORDINALS_A_LOOK === 0 && pace.due()) yield;
    }
    return new Tombstones(bits, count);
  }

  static none(documents: number): Tombstones {
    return new Tombstones(new Uint32Array((documents + 31) >>> 5), 0);
  }
}
