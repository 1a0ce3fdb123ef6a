/** One word query over one segment. */
import { needsAdjacency, standsIn } from './adjacency.js';
import {
  both,
  closeAt,
  type Hits,
  HitUnion,
  hitsOf,
  NO_HITS,
  partsOrWhole,
  within,
  withPath,
} from './hits.js';
import { ALL_FIELDS, bitsOf, SPELLED } from './packed-postings.js';
import type { LiveSegment } from './packed-segment.js';
import { clauseScore, closeness, documentScore, knownScore } from './relevance.js';
import {
  type ChunkQuery,
  type DocumentSource,
  FIELD_BIT,
  type Pace,
  type TextDocument,
  type WordClause,
  WordField,
  type WordQuery,
  type Work,
} from './text-index.js';

/** The numbers of the terms of this segment that a wildcard or fuzzy word stands for. */
export type TermsOf = (chunk: ChunkQuery) => readonly number[];

/** Documents between two looks at the time. */
const DOCUMENTS_A_LOOK = 512;
/** Of documents that are tokenized: some ten microseconds each. */
const TEXTS_A_LOOK = 16;

/** A clause with what was found for it: goes along with the candidates. */
interface Found {
  readonly clause: WordClause;
  readonly hits: Hits;
  /** Where the search for the candidate in `hits` goes on. */
  at: number;
  readonly test: Test;
  /** What the clause adds to the score, by what is known, where all hits are equally close. */
  readonly parts: Float64Array;
}

/**
 * What is left to look at in a document that has all terms: nothing, or their spelling or their places in
 * its texts; their places unless `partsOrWhole` knows of the chunk as a whole.
 */
type Test = 'index' | 'spelling' | 'adjacency' | 'whole';

/** How many different things can be known of a term in a document: a byte. */
const KNOWNS = 256;

/** Documents that match, by ordinal, ascending. */
export interface Scored {
  readonly ordinals: Uint32Array;
  readonly scores: Uint32Array;
}

export class PackedEvaluation {
  readonly #live: LiveSegment;
  readonly #terms: TermsOf;
  readonly #source: DocumentSource;
  readonly #pace: Pace;

  constructor(live: LiveSegment, terms: TermsOf, source: DocumentSource, pace: Pace) {
    this.#live = live;
    this.#terms = terms;
    this.#source = source;
    this.#pace = pace;
  }

  *run(query: WordQuery): Work<Scored> {
    const found = new Map<WordClause, Found>();
    const required = query.clauses.filter(({ presence }) => presence === 'required');
    let candidates: Uint32Array | undefined;
    // The rarest first: the others are then looked up among few.
    for (const clause of this.#cheapestFirst(required)) {
      const hits = yield* this.#found(clause, candidates);
      candidates = hits.ordinals;
      if (candidates.length === 0) return NOTHING;
      found.set(clause, foundFor(clause, hits));
    }
    candidates = this.#present(candidates);
    for (const clause of query.clauses) {
      if (clause.presence === 'required') continue;
      const hits = yield* this.#found(clause, candidates);
      if (hits.ordinals.length > 0) found.set(clause, foundFor(clause, hits));
    }
    // The score is summed in the order of the query, wherever it is computed.
    const inOrder = query.clauses.flatMap((clause) => found.get(clause) ?? []);
    return yield* this.#scored(candidates, inOrder);
  }

  #cheapestFirst(clauses: readonly WordClause[]): readonly WordClause[] {
    if (clauses.length < 2) return clauses;
    const costs = new Map(clauses.map((clause) => [clause, this.#cost(clause)]));
    return clauses.toSorted((one, other) => (costs.get(one) ?? 0) - (costs.get(other) ?? 0));
  }

  /** About how many documents it finds, and what it takes to find them. */
  #cost({ chunks }: WordClause): number {
    const { segment } = this.#live;
    const bytesOf = (term: string) => {
      const at = segment.vocabulary.find(term);
      return at < 0 ? 0 : segment.bytesOf(at);
    };
    const costs = chunks.map((chunk) =>
      chunk.type === 'word'
        ? Math.min(...chunk.terms.map(({ term }) => bytesOf(term))) + bytesOf(chunk.whole ?? '')
        : this.#terms(chunk).reduce((sum, term) => sum + segment.bytesOf(term), 0),
    );
    return Math.min(...costs);
  }

  /** Candidates that are still there; all documents where there are no candidates yet. */
  #present(candidates: Uint32Array | undefined): Uint32Array {
    const { segment, tombstones } = this.#live;
    const all = candidates ?? new Uint32Array(segment.documents);
    if (!candidates) for (let ordinal = 0; ordinal < all.length; ordinal++) all[ordinal] = ordinal;
    return tombstones.count === 0 ? all : all.filter((ordinal) => !tombstones.has(ordinal));
  }

  /** Documents with all chunks of the clause, in whatever order. */
  *#found(clause: WordClause, among: Uint32Array | undefined): Work<Hits> {
    const fields = fieldsToLookIn(clause);
    let all: Hits | undefined;
    for (const chunk of clause.chunks) {
      const hits = yield* this.#withChunk(chunk, fields, all?.ordinals ?? among);
      all = all ? both(all, hits) : hits;
      if (this.#pace.due()) yield;
    }
    return all ?? NO_HITS;
  }

  *#withChunk(chunk: ChunkQuery, fields: number, among: Uint32Array | undefined): Work<Hits> {
    if (chunk.type !== 'word') return yield* this.#withAnyTerm(chunk, fields, among);
    let all: Hits | undefined;
    for (const { term } of chunk.terms) {
      const hits = this.#withTerm(term, fields, all?.ordinals ?? among);
      all = all ? both(all, hits) : hits;
      if (this.#pace.due()) yield;
    }
    if (chunk.whole === undefined) return all ?? NO_HITS;
    return partsOrWhole(all ?? NO_HITS, this.#withTerm(chunk.whole, fields, among));
  }

  #withTerm(term: string, fields: number, among: Uint32Array | undefined): Hits {
    const { segment } = this.#live;
    const at = segment.vocabulary.find(term);
    return at < 0 ? NO_HITS : hitsOf(segment, at, fields, among);
  }

  *#withAnyTerm(chunk: ChunkQuery, fields: number, among: Uint32Array | undefined): Work<Hits> {
    const { segment } = this.#live;
    const terms = this.#terms(chunk);
    if (terms.length === 0) return NO_HITS;
    const [first] = terms;
    if (first !== undefined && terms.length === 1) {
      // Rounded as it is where there are several.
      const close = Math.fround(closeness(chunk, segment.vocabulary.term(first)));
      return { ...hitsOf(segment, first, fields, among), close };
    }
    const union = new HitUnion(segment.documents);
    for (const term of terms) {
      union.add(segment, term, fields, closeness(chunk, segment.vocabulary.term(term)));
      if (this.#pace.due()) yield;
    }
    const hits = union.finish();
    return among ? within(hits, among) : hits;
  }

  *#scored(candidates: Uint32Array, found: readonly Found[]): Work<Scored> {
    const { nameLengths } = this.#live.segment;
    const ordinals = new Uint32Array(candidates.length);
    const scores = new Uint32Array(candidates.length);
    const look = found.every(({ test }) => test === 'index') ? DOCUMENTS_A_LOOK : TEXTS_A_LOOK;
    let count = 0;
    for (let at = 0; at < candidates.length; at++) {
      const ordinal = candidates[at] as number;
      const sum = this.#sum(ordinal, found);
      if (sum !== undefined) {
        ordinals[count] = ordinal;
        scores[count] = documentScore(sum, nameLengths[ordinal] as number);
        count += 1;
      }
      if (at % look === 0 && this.#pace.due()) yield;
    }
    return { ordinals: ordinals.subarray(0, count), scores: scores.subarray(0, count) };
  }

  /** Undefined when it does not match after all. */
  #sum(ordinal: number, found: readonly Found[]): number | undefined {
    let document: TextDocument | undefined;
    let sum = 0;
    for (const each of found) {
      const { clause, hits, test, parts } = each;
      const { ordinals } = hits;
      while (each.at < ordinals.length && (ordinals[each.at] as number) < ordinal) each.at += 1;
      if (ordinals[each.at] !== ordinal) continue; // prohibited, and not there
      const known = hits.known[each.at] as number;
      const isRequired = clause.presence === 'required';
      if (test === 'index' || (test === 'whole' && known >>> SPELLED !== 0)) {
        if (!isRequired) return undefined;
        sum +=
          typeof hits.close === 'number'
            ? (parts[known] as number)
            : partOf(clause, known, closeAt(hits, each.at));
        continue;
      }
      document ??= this.#source.document(this.#live.segment.ids[ordinal] as number);
      const fields = test === 'spelling' ? fieldsOf(known) : adjacentFields(clause, known, document);
      if (fields.length > 0 !== isRequired) return undefined;
      if (isRequired) sum += clauseScore(clause, document, fields, closeAt(hits, each.at));
    }
    return sum;
  }
}

const NOTHING: Scored = { ordinals: new Uint32Array(0), scores: new Uint32Array(0) };

/** The fields of each set of bits. */
const FIELDS_OF = Array.from({ length: 16 }, (_, bits) =>
  WordField.filter((field) => (bits & FIELD_BIT[field]) !== 0),
);

function fieldsOf(known: number): readonly WordField[] {
  return FIELDS_OF[known & ALL_FIELDS] ?? [];
}

function foundFor(clause: WordClause, hits: Hits): Found {
  const close = typeof hits.close === 'number' ? hits.close : 1;
  const parts = Float64Array.from({ length: KNOWNS }, (_, known) => partOf(clause, known, close));
  return { clause, hits, at: 0, test: testFor(clause), parts };
}

/** What a clause adds to the score as far as the index knows. Only words are spelled one way or another. */
function partOf({ chunks, boost }: WordClause, known: number, close: number): number {
  const spelled = chunks[0]?.type === 'word' ? known >>> SPELLED : ALL_FIELDS;
  return knownScore(known & ALL_FIELDS, spelled, close) * boost;
}

/** What the index knows of a single term is all there is to know, unless it was asked for with diacritics. */
function testFor({ chunks, fields }: WordClause): Test {
  const [chunk] = chunks;
  if (needsAdjacency(chunks)) {
    const single = chunks.length === 1 && chunk?.type === 'word' && chunk.exact === chunk.whole;
    // Where the path alone is asked for, how it is spelled there can't be told from the name.
    return single && (fields.includes('name') || !fields.includes('path')) ? 'whole' : 'adjacency';
  }
  return chunk?.type === 'word' && chunk.exact !== chunk.terms[0]?.term ? 'spelling' : 'index';
}

/** The name counts as the end of the path, and is kept apart from it in the index. */
function fieldsToLookIn({ fields }: WordClause): number {
  return bitsOf(fields) | (fields.includes('path') ? FIELD_BIT.name : 0);
}

/** The fields in which all chunks stand in a row, among those that have all of them. */
function adjacentFields(clause: WordClause, known: number, document: TextDocument): readonly WordField[] {
  const having = withPath(known);
  return clause.fields.filter((field) => {
    if ((having & FIELD_BIT[field]) === 0) return false;
    const text = field === 'path' ? `${document.path}/${document.name}` : document[field];
    return standsIn(clause.chunks, text);
  });
}
