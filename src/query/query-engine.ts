/**
 * What the rest of the program knows of searching: one engine behind all doors. Behind it may be
 * anything that keeps these promises; `test/query/query-engine-compliance.ts` checks them.
 */
import type { ViewRules } from '../access/access-policy.js';
import type { FileEntry } from '../catalogue/file-entry.js';
import type { Order } from '../stanza/file-criteria.js';
import type { Startable } from '../startable.js';
import type { Criteria } from './criteria.js';
import type { Executed } from './execute.js';

export interface SearchRequest {
  readonly criteria: Criteria;
  /** Without one: by relevance where the criteria have words, else by path. Ties are broken by path. */
  readonly order?: Order;
  readonly page: { readonly max: number; readonly after?: string; readonly before?: string };
  /** Of whoever asks: what it does not let them see is not there. Without it everything is. */
  readonly view?: ViewRules;
  /** Looks at the files in these slots alone, those of them that are there. */
  readonly among?: Uint32Array;
  /** Milliseconds from now after which the search gives up with `LimitError('queryDeadlineMs')`. */
  readonly deadlineMs: number;
  /**
   * Slots of all files that have one of the hashes asked for, and perhaps others. The engine finds them where
   * they are few; callers leave this out.
   */
  readonly named?: Uint32Array;
}

export interface SearchAnswer {
  readonly entries: readonly { readonly entry: FileEntry; readonly cursor: string }[];
  /** All matches, also those outside the page. */
  readonly total: number;
  /** How many matches come before the first of the page. */
  readonly offset: number;
}

export interface QueryEngine extends Startable {
  /**
   * Searches one state of the files. Cursors stay good while files come and go. Throws
   * `LimitError` when a bound is reached (`deadline`, `states`, `terms`, `queue`),
   * `ParseError` for a cursor that is not ours, `AbortedError`.
   */
  search(query: SearchRequest, signal?: AbortSignal): Promise<SearchAnswer>;
  /** As `search`, and says how the answer came about. */
  explain(query: SearchRequest, signal?: AbortSignal): Promise<Executed>;
  /**
   * Resolves when searches see every batch that the table has told so far. Batches are seen in their order,
   * each of them all at once. Rejects with `AbortedError` when the engine is stopped before.
   */
  settled(): Promise<void>;
}
