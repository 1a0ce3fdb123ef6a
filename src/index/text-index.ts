/**
 * The words of files: what the rest of the program knows of the text index. Nothing outside
 * `packed-*.ts` knows what stands behind it.
 *
 * A document is a number to the index; its texts are read when it is added, and again only where a match
 * has to be looked at closely. Who numbers the documents may use a number again once it was removed.
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

/** Documents by their numbers, which are small whole numbers. */
export interface DocumentSource {
  document(id: number): TextDocument;
}

export const WordField = ['name', 'path', 'desc', 'type'] as const;
export type WordField = (typeof WordField)[number];

/** For sets of fields. */
export const FIELD_BIT: Readonly<Record<WordField, number>> = { name: 1, path: 2, desc: 4, type: 8 };

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
  /** True when it is time to yield. Throws what ends the work for good: `LimitError('queryDeadlineMs')`. */
  due(): boolean;
}

/** A part of the matches: document `ids[i]` has `scores[i]`. Every document is in one part at most. */
export interface Matches {
  readonly ids: Uint32Array;
  readonly scores: Uint32Array;
}

export interface TextSearcher {
  /**
   * The documents that match any of the queries, with their score: a whole number, higher is better,
   * which depends on the query and the document only, so that it stays while other documents come and
   * go. `source` has the documents as they were when the searcher was made. Throws
   * `LimitError('terms')` when a word stands for too many terms.
   */
  search(queries: readonly WordQuery[], source: DocumentSource, pace: Pace): Work<readonly Matches[]>;
}

/** Documents made ready to be added. */
export interface PreparedDocuments {
  readonly ids: readonly number[];
}

export interface TextIndex {
  /** Does the long part of adding documents. Nothing is seen of them before `commit`. */
  prepare(ids: readonly number[], source: DocumentSource, pace: Pace): Work<PreparedDocuments>;
  /** Removes documents added before, and adds, in one step. */
  commit(prepared: PreparedDocuments, removed: Iterable<number>): void;
  searcher(): TextSearcher;
  /** Does one piece of upkeep, such as a merge. Returns false when there was nothing to do. */
  maintain(pace: Pace): Work<boolean>;
}
