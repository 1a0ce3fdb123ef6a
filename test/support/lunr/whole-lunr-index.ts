/**
 * One lunr index over all documents, with our tokenizer and an empty pipeline, that evaluates queries all by
 * itself: words, wildcards, mistakes, fields and presence, but for its scores. What lunr has not is left out:
 * phrases, and words that the tokenizer takes apart.
 */
import './sound-token-sets.js';
import lunr from 'lunr';
import { type TextDocument, WordField } from '../../../src/index/text-index.js';
import { tokensOf } from '../../../src/index/tokenizer.js';

/** A clause with a single term, which is taken as it is. */
export interface TermClause {
  readonly presence: 'required' | 'prohibited';
  readonly fields: readonly WordField[];
  /** With asterisks, where there is no distance. */
  readonly term: string;
  readonly distance?: 1 | 2;
}

export class WholeLunrIndex {
  readonly #index: lunr.Index;

  /** A document is known by its place among them. */
  constructor(documents: readonly TextDocument[]) {
    const builder = new lunr.Builder();
    builder.ref('place');
    for (const field of WordField) builder.field(field);
    builder.tokenizer = Object.assign(
      (text?: string | object | object[] | null) =>
        tokensOf(String(text)).map(({ term }) => new lunr.Token(term, {})),
      { separator: lunr.tokenizer.separator },
    );
    for (const [place, { name, path, desc, type }] of documents.entries()) {
      // The name is the end of the path.
      builder.add({ place, name, path: `${path} ${name}`, desc, type });
    }
    this.#index = builder.build();
  }

  /** In lunr's query language, read by lunr. The places of what matches, ascending. */
  search(text: string): number[] {
    return placesOf(this.#index.search(text));
  }

  query(clauses: readonly TermClause[]): number[] {
    const { PROHIBITED, REQUIRED } = lunr.Query.presence;
    return placesOf(
      this.#index.query((query) => {
        for (const { presence, fields, term, distance } of clauses) {
          // An edit distance, even of 0, switches wildcards off.
          query.term(term, {
            fields: [...fields],
            presence: presence === 'required' ? REQUIRED : PROHIBITED,
            usePipeline: false,
            ...(distance !== undefined && { editDistance: distance }),
          });
        }
      }),
    );
  }
}

function placesOf(results: readonly lunr.Index.Result[]): number[] {
  return results.map(({ ref }) => Number(ref)).sort((one, other) => one - other);
}
