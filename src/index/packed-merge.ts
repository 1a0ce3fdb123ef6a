/** Makes one segment of several, without their texts: documents keep their order and lose their gaps. */

import { shared, shared16, shared32 } from '../columns/shared-arrays.js';
import { MAX_POSTING_BYTES, type PostingCursor, PostingWriter } from './packed-postings.js';
import { type LiveSegment, PackedSegment } from './packed-segment.js';
import { compareTerms, VocabularyWriter } from './packed-vocabulary.js';
import type { Pace, Work } from './text-index.js';

const GONE = 0xffffffff;
/** Terms, or postings of a term, between two looks at the time. */
const TERMS_A_LOOK = 64;
const POSTINGS_A_LOOK = 4096;

interface Source {
  readonly live: LiveSegment;
  /** The new ordinals. */
  readonly ordinals: Uint32Array;
  /** The next term. */
  term: number;
}

/** Undefined when none of the documents is left. */
export function* mergeSegments(
  segments: readonly LiveSegment[],
  pace: Pace,
): Work<PackedSegment | undefined> {
  const documents = segments.reduce(
    (sum, { segment, tombstones }) => sum + segment.documents - tombstones.count,
    0,
  );
  if (documents === 0) return undefined;
  const ids = shared32(documents);
  const nameLengths = shared16(documents);
  const sources: Source[] = [];
  let next = 0;
  for (const live of segments) {
    const ordinals = new Uint32Array(live.segment.documents);
    for (let ordinal = 0; ordinal < ordinals.length; ordinal++) {
      const gone = live.tombstones.has(ordinal);
      ordinals[ordinal] = gone ? GONE : next;
      if (gone) continue;
      ids[next] = live.segment.ids[ordinal] as number;
      nameLengths[next] = live.segment.nameLengths[ordinal] as number;
      next += 1;
    }
    sources.push({ live, ordinals, term: 0 });
    if (pace.due()) yield;
  }
  return new PackedSegment({ ...(yield* mergeTerms(sources, pace)), ids, nameLengths });
}

function* mergeTerms(
  sources: readonly Source[],
  pace: Pace,
): Work<{ vocabulary: ReturnType<VocabularyWriter['finish']>; postings: Uint8Array; starts: Uint32Array }> {
  const vocabulary = new VocabularyWriter(sources.map(({ live }) => live.segment.vocabulary));
  const bytes = sources.reduce((sum, { live }) => sum + live.segment.postingBytes, 0);
  const writer = new PostingWriter(bytes + MAX_POSTING_BYTES);
  const ends: number[] = [0];
  for (let terms = 1; ; terms++) {
    const sharing = nextOf(sources);
    const [first] = sharing;
    if (!first) break;
    const before = writer.end;
    writer.startList();
    for (const source of sharing) {
      yield* copyPostings(source.live.segment.postings(source.term), source.ordinals, writer, pace);
    }
    // A term that only documents had that are gone is gone as well.
    if (writer.end > before) {
      vocabulary.add(first.live.segment.vocabulary, first.term);
      ends.push(writer.end);
    }
    for (const source of sharing) source.term += 1;
    if (terms % TERMS_A_LOOK === 0 && pace.due()) yield;
  }
  if (pace.due()) yield;
  return {
    vocabulary: vocabulary.finish(),
    postings: shared(writer.written),
    starts: shared(Uint32Array.from(ends)),
  };
}

function* copyPostings(
  cursor: PostingCursor,
  ordinals: Uint32Array,
  writer: PostingWriter,
  pace: Pace,
): Work<void> {
  for (let count = 1; cursor.next(); count++) {
    const ordinal = ordinals[cursor.ordinal] as number;
    if (ordinal !== GONE) writer.add(ordinal, cursor.known);
    if (count % POSTINGS_A_LOOK === 0 && pace.due()) yield;
  }
}

/** The sources that have the term which sorts first among the next ones, in their order. */
function nextOf(sources: readonly Source[]): readonly Source[] {
  let sharing: Source[] = [];
  for (const source of sources) {
    if (source.term >= source.live.segment.vocabulary.size) continue;
    const difference = sharing[0] === undefined ? -1 : compareNext(source, sharing[0]);
    if (difference < 0) sharing = [source];
    else if (difference === 0) sharing.push(source);
  }
  return sharing;
}

function compareNext(one: Source, other: Source): number {
  return compareTerms(one.live.segment.vocabulary, one.term, other.live.segment.vocabulary, other.term);
}
