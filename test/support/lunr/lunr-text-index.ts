/**
 * A text index made of lunr indexes: the oracle for ours. lunr is immutable and slow to build, so there are many small
 * ones: each batch of new documents becomes a segment, what goes is marked with a tombstone, and
 * segments are merged in the background. Fits some 50,000 files; then lunr takes too much memory.
 *
 * A searcher is the list of segments and the version at which it was made; a tombstone holds the
 * version from which its document is gone, so a searcher sees neither later documents nor later
 * removals.
 */

import { chooseMerge } from '../../../src/index/merge-policy.js';
import type { Pace, TextDocument, Work } from '../../../src/index/text-index.js';
import type { ObjectIndex, ObjectSearcher, PreparedObjects } from '../object-index.js';
import { LunrSearcher } from './lunr-searcher.js';
import { LunrSegment, type Marked } from './lunr-segment.js';

export interface LunrTextIndexInit {
  /** Documents in a segment: bounds how long building one and one lookup hold up everything else. */
  readonly maxSegmentDocuments: number;
  readonly mergeFactor: number;
  /** Different terms that one wildcard or fuzzy word may stand for. */
  readonly maxExpandedTerms: number;
}

/** 2048 documents: some 40 ms for lunr to finish a segment, 2 to 10 ms for a lookup of a common word. */
export const defaultTextIndexInit: LunrTextIndexInit = {
  maxSegmentDocuments: 2048,
  mergeFactor: 8,
  maxExpandedTerms: 4096,
};

interface Place<D extends TextDocument> {
  readonly marked: Marked<D>;
  readonly ordinal: number;
}

interface Prepared<D extends TextDocument> extends PreparedObjects<D> {
  readonly segments: readonly Marked<D>[];
}

export class LunrTextIndex<D extends TextDocument> implements ObjectIndex<D> {
  readonly #init: LunrTextIndexInit;
  /** Never changed in place: searchers hold it. */
  #segments: readonly Marked<D>[] = [];
  readonly #places = new Map<D, Place<D>>();
  #version = 0;

  constructor(init: LunrTextIndexInit = defaultTextIndexInit) {
    this.#init = init;
  }

  *prepare(documents: readonly D[], pace: Pace): Work<Prepared<D>> {
    const segments: Marked<D>[] = [];
    const step = this.#init.maxSegmentDocuments;
    for (let from = 0; from < documents.length; from += step) {
      segments.push(marked(yield* LunrSegment.build(documents.slice(from, from + step), pace)));
    }
    return { documents, segments };
  }

  commit(prepared: Prepared<D>, removed: Iterable<D>): void {
    this.#version += 1;
    for (const document of removed) {
      const place = this.#places.get(document);
      if (place) place.marked.goneSince[place.ordinal] = this.#version;
      this.#places.delete(document);
    }
    this.#segments = [...this.#segments, ...prepared.segments];
    for (const each of prepared.segments) this.#settle(each);
  }

  searcher(): ObjectSearcher<D> {
    return new LunrSearcher(this.#segments, this.#version, this.#init.maxExpandedTerms);
  }

  *maintain(pace: Pace): Work<boolean> {
    const chosen = chooseMerge(
      this.#segments.map(({ segment, goneSince }) => ({
        documents: goneSince.length,
        live: goneSince.length - tombstones(goneSince, segment.documents.length),
      })),
      { maxDocuments: this.#init.maxSegmentDocuments, mergeFactor: this.#init.mergeFactor },
    );
    if (chosen.length === 0) return false;
    const old = chosen.flatMap((at) => this.#segments[at] ?? []);
    const live = old.flatMap(({ segment, goneSince }) =>
      segment.documents.filter((_, ordinal) => goneSince[ordinal] === 0),
    );
    const merged = live.length === 0 ? undefined : marked(yield* LunrSegment.build(live, pace));
    this.#replace(old, merged);
    return true;
  }

  /** Documents may have gone while the merge was made: those get their tombstone now. */
  #replace(old: readonly Marked<D>[], merged: Marked<D> | undefined): void {
    const dropped = new Set(old);
    const kept = this.#segments.filter((each) => !dropped.has(each));
    this.#segments = merged ? [...kept, merged] : kept;
    if (!merged) return;
    for (const [ordinal, document] of merged.segment.documents.entries()) {
      // Too late a version does no harm: searchers older than the removal hold the old segments.
      if (this.#places.has(document)) this.#places.set(document, { marked: merged, ordinal });
      else merged.goneSince[ordinal] = this.#version;
    }
  }

  #settle(added: Marked<D>): void {
    for (const [ordinal, document] of added.segment.documents.entries()) {
      this.#places.set(document, { marked: added, ordinal });
    }
  }
}

function marked<D extends TextDocument>(segment: LunrSegment<D>): Marked<D> {
  return { segment, goneSince: new Uint32Array(segment.documents.length) };
}

function tombstones(goneSince: Uint32Array, length: number): number {
  let count = 0;
  for (let at = 0; at < length; at++) if (goneSince[at] !== 0) count += 1;
  return count;
}
