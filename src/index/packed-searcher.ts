/** Evaluates word queries over the segments that there were when it was made. */
import { LimitError } from '../errors.js';
import { PackedEvaluation, type Scored, type TermsOf } from './packed-evaluation.js';
import type { LiveSegment, PackedSegment } from './packed-segment.js';
import { TermAutomaton } from './term-automaton.js';
import type {
  ChunkQuery,
  DocumentSource,
  Matches,
  Pace,
  TextSearcher,
  WordQuery,
  Work,
} from './text-index.js';

export class PackedSearcher implements TextSearcher {
  constructor(
    readonly segments: readonly LiveSegment[],
    readonly maxExpandedTerms: number,
  ) {}

  *search(queries: readonly WordQuery[], source: DocumentSource, pace: Pace): Work<readonly Matches[]> {
    const chunks = queries.flatMap((query) => query.clauses.flatMap((clause) => clause.chunks));
    const expanded = yield* this.#expand(chunks, pace);
    const parts: Matches[] = [];
    for (const live of this.segments) {
      const terms: TermsOf = (chunk) => expanded.get(chunk)?.get(live.segment) ?? [];
      let all: Scored | undefined;
      for (const query of queries) {
        const scored = yield* new PackedEvaluation(live, terms, source, pace).run(query);
        all = all ? eitherOrBoth(all, scored) : scored;
      }
      if (!all || all.ordinals.length === 0) continue;
      const { ids } = live.segment;
      parts.push({ ids: all.ordinals.map((ordinal) => ids[ordinal] as number), scores: all.scores });
    }
    return parts;
  }

  /** Whether a word stands for too many is known from the vocabularies, before anything is looked up. */
  *#expand(
    chunks: readonly ChunkQuery[],
    pace: Pace,
  ): Work<ReadonlyMap<ChunkQuery, ReadonlyMap<PackedSegment, readonly number[]>>> {
    const expanded = new Map<ChunkQuery, ReadonlyMap<PackedSegment, readonly number[]>>();
    for (const chunk of chunks) {
      if (chunk.type === 'word') continue;
      const automaton =
        chunk.type === 'fuzzy'
          ? TermAutomaton.fuzzy(chunk.term, chunk.distance)
          : TermAutomaton.wildcard(chunk.pieces);
      const bySegment = new Map<PackedSegment, readonly number[]>();
      for (const { segment } of this.segments) {
        bySegment.set(segment, yield* automaton.matches(segment.vocabulary, pace));
        if (pace.due()) yield;
      }
      this.#check(bySegment);
      expanded.set(chunk, bySegment);
    }
    return expanded;
  }

  /** The same term in several segments counts once. */
  #check(bySegment: ReadonlyMap<PackedSegment, readonly number[]>): void {
    const counts = [...bySegment.values()].map((terms) => terms.length);
    if (counts.reduce((sum, count) => sum + count, 0) <= this.maxExpandedTerms) return;
    const different = new Set<string>();
    for (const [segment, terms] of bySegment) {
      for (const term of terms) {
        different.add(segment.vocabulary.term(term));
        if (different.size > this.maxExpandedTerms) {
          throw new LimitError(
            'terms',
            `a word stands for more than ${this.maxExpandedTerms} different ones`,
          );
        }
      }
    }
  }
}

/** Of a document in both, the better score. */
function eitherOrBoth(one: Scored, other: Scored): Scored {
  const most = one.ordinals.length + other.ordinals.length;
  const ordinals = new Uint32Array(most);
  const scores = new Uint32Array(most);
  let count = 0;
  for (let at = 0, otherAt = 0; at < one.ordinals.length || otherAt < other.ordinals.length; count++) {
    const ordinal = one.ordinals[at] ?? Number.POSITIVE_INFINITY;
    const otherOrdinal = other.ordinals[otherAt] ?? Number.POSITIVE_INFINITY;
    const score = ordinal <= otherOrdinal ? (one.scores[at++] as number) : 0;
    const otherScore = otherOrdinal <= ordinal ? (other.scores[otherAt++] as number) : 0;
    ordinals[count] = Math.min(ordinal, otherOrdinal);
    scores[count] = Math.max(score, otherScore);
  }
  return { ordinals: ordinals.subarray(0, count), scores: scores.subarray(0, count) };
}
