/** Evaluates word queries over the segments that there were when it was made. */
import { LimitError } from '../../../src/errors.js';
import { needsAdjacency, standsIn } from '../../../src/index/adjacency.js';
import { clauseScore, closeness, documentScore } from '../../../src/index/relevance.js';
import {
  type ChunkQuery,
  FIELD_BIT,
  type Pace,
  type TextDocument,
  type WordClause,
  WordField,
  type WordQuery,
  type Work,
} from '../../../src/index/text-index.js';
import type { ObjectSearcher } from '../object-index.js';
import { expandPieces } from './expand-pieces.js';
import type { Hits, LunrSegment, Marked } from './lunr-segment.js';

/** The fields of each set of bits. */
const FIELDS_OF = Array.from({ length: 16 }, (_, bits) =>
  WordField.filter((field) => (bits & FIELD_BIT[field]) !== 0),
);

/** Terms looked up between two chances to yield: lunr needs up to a tenth of a millisecond for each. */
const TERMS_A_LOOKUP = 64;

/** Counts the different terms that one word stands for in all segments. */
class Expansion {
  readonly #terms = new Set<string>();
  constructor(readonly maxTerms: number) {}

  add(term: string): void {
    this.#terms.add(term);
    if (this.#terms.size > this.maxTerms) {
      throw new LimitError('terms', `a word stands for more than ${this.maxTerms} different ones`);
    }
  }
}

export class LunrSearcher<D extends TextDocument> implements ObjectSearcher<D> {
  constructor(
    readonly segments: readonly Marked<D>[],
    readonly version: number,
    readonly maxExpandedTerms: number,
  ) {}

  *search(queries: readonly WordQuery[], pace: Pace): Work<Map<D, number>> {
    const scores = new Map<D, number>();
    const expansions = new Map<ChunkQuery, Expansion>();
    for (const chunk of queries.flatMap((query) => query.clauses.flatMap((clause) => clause.chunks))) {
      expansions.set(chunk, new Expansion(this.maxExpandedTerms));
    }
    yield* this.#checkWildcards(expansions, pace);
    for (const { segment, goneSince } of this.segments) {
      const visible = goneSince.map((since) => (since === 0 || since > this.version ? 1 : 0));
      for (const query of queries) {
        const evaluation = new Evaluation(segment, Uint8Array.from(visible), expansions, pace);
        yield* evaluation.run(query, scores);
      }
    }
    return scores;
  }

  /** Whether a word stands for too many is known from the vocabularies, before anything is looked up. */
  *#checkWildcards(expansions: ReadonlyMap<ChunkQuery, Expansion>, pace: Pace): Work<void> {
    for (const [chunk, expansion] of expansions) {
      if (chunk.type !== 'wildcard') continue;
      for (const { segment } of this.segments) {
        for (const term of expandPieces(chunk.pieces, segment.terms)) expansion.add(term);
        if (pace.due()) yield;
      }
    }
  }
}

/** One query over one segment. */
class Evaluation<D extends TextDocument> {
  readonly #segment: LunrSegment<D>;
  /** 1 for every document that still can match. */
  readonly #candidates: Uint8Array;
  readonly #sums: Float64Array;
  readonly #expansions: ReadonlyMap<ChunkQuery, Expansion>;
  readonly #pace: Pace;

  constructor(
    segment: LunrSegment<D>,
    candidates: Uint8Array,
    expansions: ReadonlyMap<ChunkQuery, Expansion>,
    pace: Pace,
  ) {
    this.#segment = segment;
    this.#candidates = candidates;
    this.#sums = new Float64Array(candidates.length);
    this.#expansions = expansions;
    this.#pace = pace;
  }

  *run(query: WordQuery, scores: Map<D, number>): Work<void> {
    for (const clause of query.clauses) {
      if (!this.#candidates.includes(1)) return;
      yield* this.#narrow(clause);
    }
    for (const [ordinal, document] of this.#segment.documents.entries()) {
      if (this.#candidates[ordinal] === 0) continue;
      const score = documentScore(this.#sums[ordinal] ?? 0, document.name.length);
      scores.set(document, Math.max(scores.get(document) ?? 0, score));
      if (this.#pace.due()) yield;
    }
  }

  *#narrow(clause: WordClause): Work<void> {
    const hits = yield* this.#found(clause);
    const verify = needsAdjacency(clause.chunks);
    for (const [ordinal, document] of this.#segment.documents.entries()) {
      if (this.#candidates[ordinal] === 0) continue;
      const bits = hits.fields[ordinal] ?? 0;
      const found = FIELDS_OF[bits] ?? [];
      const fields = verify && bits !== 0 ? adjacentFields(clause, document) : found;
      if (fields.length > 0 !== (clause.presence === 'required')) this.#candidates[ordinal] = 0;
      else if (fields.length > 0) {
        const sum = this.#sums[ordinal] ?? 0;
        this.#sums[ordinal] = sum + clauseScore(clause, document, fields, hits.close[ordinal] ?? 0);
      }
      if (this.#pace.due()) yield;
    }
  }

  /** Documents with all chunks of the clause, in whatever order. */
  *#found(clause: WordClause): Work<Hits> {
    const fields = fieldsToLookIn(clause);
    let all: Hits | undefined;
    for (const chunk of clause.chunks) {
      const hits = yield* this.#withChunk(chunk, fields);
      all = all ? both(all, hits) : hits;
      if (this.#pace.due()) yield;
    }
    return all ?? { fields: new Uint8Array(0), close: new Float32Array(0) };
  }

  *#withChunk(chunk: ChunkQuery, fields: readonly WordField[]): Work<Hits> {
    const close = (term: string) => closeness(chunk, term);
    switch (chunk.type) {
      case 'word': {
        let all: Hits | undefined;
        for (const { term } of chunk.terms) {
          const hits = this.#segment.lookUp([term], fields, close);
          all = all ? both(all, hits) : hits;
          if (this.#pace.due()) yield;
        }
        const whole = this.#segment.lookUp(chunk.whole === undefined ? [] : [chunk.whole], fields, close);
        return all ? either(all, whole) : whole;
      }
      case 'wildcard': {
        const terms = [...expandPieces(chunk.pieces, this.#segment.terms)];
        let all = this.#segment.lookUp([], fields, close);
        for (let from = 0; from < terms.length; from += TERMS_A_LOOKUP) {
          const hits = this.#segment.lookUp(terms.slice(from, from + TERMS_A_LOOKUP), fields, close);
          all = either(all, hits);
          if (this.#pace.due()) yield;
        }
        return all;
      }
      case 'fuzzy': {
        const { hits, terms } = this.#segment.lookUpFuzzy(chunk.term, chunk.distance, fields, close);
        for (const term of terms) this.#expansions.get(chunk)?.add(term);
        return hits;
      }
    }
  }
}

/** The name counts as the end of the path, and is kept apart from it in the index. */
function fieldsToLookIn({ fields }: WordClause): readonly WordField[] {
  return fields.includes('path') && !fields.includes('name') ? [...fields, 'name'] : fields;
}

function adjacentFields(clause: WordClause, document: TextDocument): readonly WordField[] {
  return clause.fields.filter((field) => {
    const text = field === 'path' ? `${document.path}/${document.name}` : document[field];
    return standsIn(clause.chunks, text);
  });
}

/** Hits of both, whichever field each is in: whether they stand together is for `adjacency.ts` to say. */
function both(one: Hits, other: Hits): Hits {
  return {
    fields: one.fields.map((bits, at) =>
      bits !== 0 && other.fields[at] ? bits | (other.fields[at] ?? 0) : 0,
    ),
    close: one.close.map((close, at) => Math.min(close, other.close[at] ?? 0)),
  };
}

function either(one: Hits, other: Hits): Hits {
  return {
    fields: one.fields.map((bits, at) => bits | (other.fields[at] ?? 0)),
    close: one.close.map((close, at) => Math.max(close, other.close[at] ?? 0)),
  };
}
