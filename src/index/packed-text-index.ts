/**
 * The text index: immutable packed segments. Each batch of new documents becomes segments, what goes is
 * marked with a tombstone, and segments are merged in the background. A searcher is a list of segments
 * with their tombstones; neither changes in place, so it sees neither later documents nor later removals.
 */
import { Column } from '../columns/column.js';
import { chooseMerge } from './merge-policy.js';
import { buildSegments } from './packed-builder.js';
import { mergeSegments } from './packed-merge.js';
import { PackedSearcher } from './packed-searcher.js';
import { type LiveSegment, type PackedSegment, Tombstones } from './packed-segment.js';
import type { DocumentSource, Pace, PreparedDocuments, TextIndex, TextSearcher, Work } from './text-index.js';

export interface TextIndexInit {
  /** Documents in a segment: bounds the memory that a merge takes, twice that of the segment. */
  readonly maxSegmentDocuments: number;
  readonly mergeFactor: number;
  /** Different terms that one wildcard or fuzzy word may stand for. */
  readonly maxExpandedTerms: number;
}

/** 524,288 documents: some 20 MB. A search goes through all segments, and a million files are in three or four. */
export const defaultTextIndexInit: TextIndexInit = {
  maxSegmentDocuments: 524_288,
  mergeFactor: 8,
  maxExpandedTerms: 4096,
};

interface Prepared extends PreparedDocuments {
  readonly segments: readonly PackedSegment[];
}

/** A segment that was saved, and which of its documents are gone since it was made. */
export interface SavedSegment {
  readonly segment: PackedSegment;
  readonly dead: (ordinal: number) => boolean;
}

/** Documents settled between two looks at the time. */
const DOCUMENTS_A_LOOK = 1024;

/** The number of no segment: what a column has where nothing was set. */
const NOWHERE = 0;

export class PackedTextIndex implements TextIndex {
  readonly #init: TextIndexInit;
  /** By number, which is never used again. Never changed in place: searchers hold the values. */
  #segments: ReadonlyMap<number, LiveSegment> = new Map();
  #lastNumber = NOWHERE;
  /** Where each document is: the number of its segment and its ordinal there. */
  readonly #segmentOf = Column.uint32();
  readonly #ordinalOf = Column.uint32();

  constructor(init: TextIndexInit = defaultTextIndexInit) {
    this.#init = init;
  }

  /** As they are now: neither they nor their tombstones change. */
  segments(): readonly LiveSegment[] {
    return [...this.#segments.values()];
  }

  /**
   * Starts an index, in which there was never a document, from segments of another. Each document is alive in one of
   * them at most. Nothing is seen of them before the end, and nothing else is done to the index until then.
   */
  *adopt(saved: readonly SavedSegment[], pace: Pace): Work<void> {
    if (this.#lastNumber !== NOWHERE) throw new TypeError('an index that was in use can adopt no segments');
    const segments = new Map<number, LiveSegment>();
    for (const { segment, dead } of saved) {
      const tombstones = yield* Tombstones.where(segment.documents, dead, pace);
      this.#lastNumber += 1;
      segments.set(this.#lastNumber, { segment, tombstones });
      for (let ordinal = 0; ordinal < segment.documents; ordinal++) {
        if (!tombstones.has(ordinal)) this.#settleOne(segment, this.#lastNumber, ordinal);
        if (ordinal % DOCUMENTS_A_LOOK === 0 && pace.due()) yield;
      }
    }
    this.#segments = segments;
  }

  *prepare(ids: readonly number[], source: DocumentSource, pace: Pace): Work<Prepared> {
    return { ids, segments: yield* buildSegments(ids, source, pace) };
  }

  commit(prepared: Prepared, removed: Iterable<number>): void {
    const segments = new Map(this.#segments);
    for (const [number, ordinals] of this.#places(removed)) {
      const live = segments.get(number);
      if (live) segments.set(number, { ...live, tombstones: live.tombstones.with(ordinals) });
    }
    for (const segment of prepared.segments) {
      this.#lastNumber += 1;
      segments.set(this.#lastNumber, { segment, tombstones: Tombstones.none(segment.documents) });
      this.#settle(segment, this.#lastNumber);
    }
    this.#segments = segments;
  }

  searcher(): TextSearcher {
    return new PackedSearcher([...this.#segments.values()], this.#init.maxExpandedTerms);
  }

  *maintain(pace: Pace): Work<boolean> {
    const entries = [...this.#segments];
    const positions = chooseMerge(
      entries.map(([, { segment, tombstones }]) => ({
        documents: segment.documents,
        live: segment.documents - tombstones.count,
      })),
      { maxDocuments: this.#init.maxSegmentDocuments, mergeFactor: this.#init.mergeFactor },
    );
    const chosen = entries.filter((_, at) => positions.includes(at));
    if (chosen.length === 0) return false;
    const merged = yield* mergeSegments(
      chosen.map(([, live]) => live),
      pace,
    );
    this.#replace(chosen, merged);
    return true;
  }

  /** Documents may have gone while the merge was made: those get their tombstone now. */
  #replace(old: readonly (readonly [number, LiveSegment])[], merged: PackedSegment | undefined): void {
    const segments = new Map(this.#segments);
    const gone: number[] = [];
    let next = 0;
    for (const [number, before] of old) {
      const now = segments.get(number);
      segments.delete(number);
      for (let ordinal = 0; ordinal < before.segment.documents; ordinal++) {
        if (before.tombstones.has(ordinal)) continue;
        if (now?.tombstones.has(ordinal)) gone.push(next);
        next += 1;
      }
    }
    if (merged) {
      this.#lastNumber += 1;
      const tombstones = Tombstones.none(merged.documents).with(gone);
      segments.set(this.#lastNumber, { segment: merged, tombstones });
      this.#settle(merged, this.#lastNumber, tombstones);
    }
    this.#segments = segments;
  }

  /** The ordinals of documents by the number of their segment; those that are not there are passed over. */
  #places(ids: Iterable<number>): Map<number, number[]> {
    const places = new Map<number, number[]>();
    for (const id of ids) {
      const number = this.#segmentOf.get(id);
      if (number === NOWHERE) continue;
      const ordinals = places.get(number);
      if (ordinals) ordinals.push(this.#ordinalOf.get(id));
      else places.set(number, [this.#ordinalOf.get(id)]);
      this.#segmentOf.set(id, NOWHERE);
    }
    return places;
  }

  #settle(segment: PackedSegment, number: number, gone?: Tombstones): void {
    for (let ordinal = 0; ordinal < segment.documents; ordinal++) {
      // Where one is gone, its number may be another document's by now.
      if (!gone?.has(ordinal)) this.#settleOne(segment, number, ordinal);
    }
  }

  #settleOne(segment: PackedSegment, number: number, ordinal: number): void {
    const id = segment.ids[ordinal] as number;
    this.#segmentOf.set(id, number);
    this.#ordinalOf.set(id, ordinal);
  }
}
