/** What the main thread and a search worker say to each other, and how errors get across. */
import type { TableState } from '../catalogue/table-feed.js';
import { AbortedError, LimitError, messageOf, ParseError, ShoalError } from '../errors.js';
import type { Executed } from './execute.js';
import type { SearchRequest } from './query-engine.js';
import type { SearchBatch } from './search-batch.js';

export type ToSearchWorker =
  | { readonly type: 'begin'; readonly state: TableState }
  | { readonly type: 'apply'; readonly batch: SearchBatch }
  | { readonly type: 'search'; readonly id: number; readonly request: SearchRequest }
  | { readonly type: 'abort'; readonly id: number }
  /** Save what is to be saved, and end. */
  | { readonly type: 'stop' };

export type FromSearchWorker =
  | { readonly type: 'reached'; readonly number: number }
  | { readonly type: 'released'; readonly number: number }
  /** It can't go on. */
  | { readonly type: 'broken'; readonly error: PackedError }
  /** The words could not be saved, or not be read again. */
  | { readonly type: 'unsaved'; readonly error: PackedError }
  | { readonly type: 'found'; readonly id: number; readonly executed: Executed }
  | { readonly type: 'failed'; readonly id: number; readonly error: PackedError };

/** An error without its class, which does not survive the way between threads. */
export type PackedError =
  | {
      readonly code: 'limit';
      readonly bound: string;
      readonly message: string;
      readonly retryAfterMs?: number;
    }
  | { readonly code: 'parse'; readonly message: string; readonly field?: string; readonly position?: number }
  | { readonly code: 'aborted'; readonly message: string }
  | { readonly code: 'other'; readonly message: string; readonly stack?: string };

/** Thrown when a search or a change failed for a reason of ours: a fault in the program or the worker's end. */
export class SearchWorkerError extends ShoalError {
  readonly code = 'search-worker';
}

export function packError(thrown: unknown): PackedError {
  const message = messageOf(thrown);
  if (thrown instanceof LimitError) {
    const { bound, retryAfterMs } = thrown;
    return { code: 'limit', bound, message, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  }
  if (thrown instanceof AbortedError) return { code: 'aborted', message };
  if (thrown instanceof ParseError) {
    const { field, position } = thrown;
    return {
      code: 'parse',
      message,
      ...(field !== undefined && { field }),
      ...(position !== undefined && { position }),
    };
  }
  return {
    code: 'other',
    message,
    ...(thrown instanceof Error && thrown.stack !== undefined && { stack: thrown.stack }),
  };
}

export function unpackError(packed: PackedError): ShoalError {
  switch (packed.code) {
    case 'limit':
      return new LimitError(packed.bound, packed.message, packed.retryAfterMs);
    case 'aborted':
      return new AbortedError(packed.message);
    case 'parse':
      return new ParseError(packed.message, packed);
    case 'other':
      return new SearchWorkerError(packed.message, { cause: packed.stack });
  }
}
