/**
 * An immutable lunr index over a bounded number of documents: looks up terms, no more. The pipeline
 * is empty, since lunr's trimmer and stemmer are made for English prose; words come from our tokenizer.
 */
import './sound-token-sets.js';
import lunr from 'lunr';
import {
  FIELD_BIT,
  type Pace,
  type TextDocument,
  WordField,
  type Work,
} from '../../../src/index/text-index.js';
import { tokensOf } from '../../../src/index/tokenizer.js';

/** What a lookup found, by the ordinal of the document. */
export interface Hits {
  /** Bits of the fields in which it was found, by `FIELD_BIT`; 0 is no hit. */
  readonly fields: Uint8Array;
  /** The best of what `close` gave for its terms. */
  readonly close: Float32Array;
}

/** Says how close a term is to what is looked for. */
export type Closeness = (term: string) => number;

export class LunrSegment<D extends TextDocument> {
  private constructor(
    readonly documents: readonly D[],
    /** All terms, sorted. */
    readonly terms: readonly string[],
    readonly index: lunr.Index,
  ) {}

  static *build<D extends TextDocument>(documents: readonly D[], pace: Pace): Work<LunrSegment<D>> {
    const terms = new Set<string>();
    const builder = new lunr.Builder();
    builder.ref('ordinal');
    for (const field of WordField) builder.field(field);
    builder.tokenizer = Object.assign(
      (text?: string | object | object[] | null) => lunrTokens(String(text), terms),
      { separator: lunr.tokenizer.separator },
    );
    for (const [ordinal, document] of documents.entries()) {
      const { name, path, desc, type } = document;
      builder.add({ ordinal, name, path, desc, type });
      if (pace.due()) yield;
    }
    const index = builder.build();
    return new LunrSegment(documents, [...terms].sort(), index);
  }

  /** Documents with any of the terms in one of the fields. */
  lookUp(terms: readonly string[], fields: readonly WordField[], close: Closeness): Hits {
    const known = terms.filter((term) => this.has(term));
    if (known.length === 0) return this.#hits([], close);
    return this.#hits(
      this.index.query((query) => {
        // lunr writes the term into the options and keeps them: each term needs its own.
        for (const term of known) query.term(term, { fields: [...fields], usePipeline: false });
      }),
      close,
    );
  }

  /**
   * Documents with terms at most `distance` letters away, and those terms. In lunr an edit distance,
   * even of 0, switches a wildcard off: so this never stands together with one.
   */
  lookUpFuzzy(
    term: string,
    distance: 1 | 2,
    fields: readonly WordField[],
    close: Closeness,
  ): { hits: Hits; terms: ReadonlySet<string> } {
    const options = { fields: [...fields], usePipeline: false, editDistance: distance };
    const results = this.index.query((query) => void query.term(term, options));
    const terms = new Set(results.flatMap((result) => Object.keys(result.matchData.metadata)));
    return { hits: this.#hits(results, close), terms };
  }

  has(term: string): boolean {
    let low = 0;
    let high = this.terms.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.terms[middle] ?? '') < term) low = middle + 1;
      else high = middle;
    }
    return this.terms[low] === term;
  }

  #hits(results: readonly lunr.Index.Result[], close: Closeness): Hits {
    const hits = {
      fields: new Uint8Array(this.documents.length),
      close: new Float32Array(this.documents.length),
    };
    const known = new Map<string, number>();
    for (const { ref, matchData } of results) {
      const ordinal = Number(ref);
      for (const [term, byField] of Object.entries(matchData.metadata)) {
        const closest = known.get(term) ?? close(term);
        known.set(term, closest);
        hits.close[ordinal] = Math.max(hits.close[ordinal] ?? 0, closest);
        hits.fields[ordinal] = (hits.fields[ordinal] ?? 0) | bitsOf(byField);
      }
    }
    return hits;
  }
}

/** A segment and its tombstones: the version since when a document is gone, or 0. */
export interface Marked<D extends TextDocument> {
  readonly segment: LunrSegment<D>;
  readonly goneSince: Uint32Array;
}

function bitsOf(byField: object): number {
  return WordField.reduce((bits, field) => (field in byField ? bits | FIELD_BIT[field] : bits), 0);
}

function lunrTokens(text: string, terms: Set<string>): lunr.Token[] {
  return tokensOf(text).map(({ term }) => {
    terms.add(term);
    return new lunr.Token(term, {});
  });
}
