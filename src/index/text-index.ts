/**
 * The words of files: what the rest of the program knows of the text index. Nothing outside
 * `lunr-*.ts` knows what stands behind it.
 *
 * Work that may take long is a generator: it stops at every `yield`, and whoever drives it decides
 * when it goes on. Nothing is seen half done: a searcher keeps to the state it was made in.
 */

/**
 * What a search looks at. Every word is looked up in all fields unless the query says otherwise. Texts
 * are indexed whole: whoever makes a document bounds them.
 */
export interface TextDocument {
  readonly name: string;
  /** Share and folders, without the name. */
  readonly path: string;
  readonly desc: string;
  readonly type: string;
}

export const WordField = ['name', 'path', 'desc', 'type'] as const;
export type WordField = (typeof WordField)[number];

/** Terms are as `tokenizer.ts` makes them. */
export type ChunkQuery =
  /** Either all `terms`, each `offset` units after the start, or the `whole` as one term. */
  | {
      readonly type: 'word';
      readonly terms: readonly { readonly term: string; readonly offset: number }[];
      /** In units. */
      readonly length: number;
      readonly whole?: string;
      /** With diacritics: what is written just like this ranks first. */
      readonly exact: string;
    }
  /** What stands between the asterisks: `jul*` is `['jul', '']`. */
  | { readonly type: 'wildcard'; readonly pieces: readonly string[] }
  /** At most `distance` letters inserted, left out, changed or swapped. Stands alone in its clause. */
  | { readonly type: 'fuzzy'; readonly term: string; readonly distance: 1 | 2 };

/** Chunks that follow one another in one field. The name counts as the end of the path. */
export interface WordClause {
  readonly presence: 'required' | 'prohibited';
  readonly fields: readonly WordField[];
  readonly chunks: readonly ChunkQuery[];
  /** Factor of the clause's part of the score. */
  readonly boost: number;
}

/** All required clauses and none of the prohibited ones. */
export interface WordQuery {
  readonly clauses: readonly WordClause[];
}

/** Work in slices. */
export type Work<T> = Generator<void, T, void>;

export interface Pace {
  /** True when it is time to yield. Throws what ends the work for good: `LimitError('deadline')`. */
  due(): boolean;
}

export interface TextSearcher<D extends TextDocument> {
  /**
   * The documents that match any of the queries, with their score: a whole number, higher is better,
   * which depends on the query and the document only, so that it stays while other documents come and
   * go. Throws `LimitError('terms')` when a word stands for too many terms.
   */
  search(queries: readonly WordQuery[], pace: Pace): Work<Map<D, number>>;
}

/** Documents made ready to be added. */
export interface PreparedDocuments<D extends TextDocument> {
  readonly documents: readonly D[];
}

export interface TextIndex<D extends TextDocument> {
  /** Does the long part of adding documents. Nothing is seen of them before `commit`. */
  prepare(documents: readonly D[], pace: Pace): Work<PreparedDocuments<D>>;
  /** Adds and removes in one step. `removed` are documents added before, as the same objects. */
  commit(prepared: PreparedDocuments<D>, removed: Iterable<D>): void;
  searcher(): TextSearcher<D>;
  /** Does one piece of upkeep, such as a merge. Returns false when there was nothing to do. */
  maintain(pace: Pace): Work<boolean>;
}
