/**
 * One search worker from its start to its end: follows the table, calls in, answers out. When it ends,
 * however it ends, all calls under way fail; `kept-search-thread.ts` starts another.
 */
import { Worker } from 'node:worker_threads';
import { AbortedError, messageOf } from '../errors.js';
import type { Executed } from './execute.js';
import type { SearchRequest } from './query-engine.js';
import { type SearchedTable, SearchFeed } from './search-feed.js';
import {
  type FromSearchWorker,
  SearchWorkerError,
  type ToSearchWorker,
  unpackError,
} from './search-messages.js';
import type { TableSearchInit } from './table-search.js';

/** What it keeps are few large arrays: more room for short-lived objects is only memory that stays with it. */
const MEMORY = { maxYoungGenerationSizeMb: 8 };

const ENTRY = new URL('../../workers/search.js', import.meta.url);

export interface SearchThreadInit extends Partial<TableSearchInit> {
  /** Folder in which the words are kept; without it they are read anew at each start. */
  readonly indexLocation?: string;
}

interface Call {
  readonly resolve: (executed: Executed) => void;
  readonly reject: (error: Error) => void;
}

export class SearchThread {
  readonly #worker: Worker;
  readonly #feed: SearchFeed;
  readonly #calls = new Map<number, Call>();
  #lastId = 0;
  #messages = 0;
  #error: Error | undefined;
  /** Hears when the words could not be saved, or not be read again. */
  onUnsaved: (error: Error) => void = () => {};
  /** Why it ended. Never rejects. */
  readonly ended: Promise<Error>;

  constructor({ table }: { readonly table: SearchedTable }, init: SearchThreadInit) {
    this.#worker = new Worker(ENTRY, { workerData: init, resourceLimits: MEMORY });
    this.#feed = new SearchFeed(table, {
      begin: (state) => this.#post({ type: 'begin', state }),
      send: (batch) => this.#post({ type: 'apply', batch }),
    });
    this.#worker.on('message', (message: FromSearchWorker) => this.#take(message));
    this.ended = new Promise((resolve) => {
      // An 'error' is always followed by an 'exit', which comes alone when the worker was terminated.
      this.#worker.on('error', (error) => {
        this.#error ??= new SearchWorkerError(`the search worker failed: ${messageOf(error)}`, {
          cause: error,
        });
      });
      this.#worker.on('exit', () => {
        this.#error ??= new SearchWorkerError('the search worker ended');
        this.#fail(this.#error);
        resolve(this.#error);
      });
    });
  }

  /** True from when its end is known to come: calls fail from then on. */
  get ending(): boolean {
    return this.#error !== undefined;
  }

  /** How many messages have come from it: one that sends nothing for long is stuck. */
  get messages(): number {
    return this.#messages;
  }

  /** Resolves when its searches see the table as it was when it was started. Rejects when it ends before. */
  get ready(): Promise<void> {
    return this.reached(this.#feed.first);
  }

  /** Resolves when its searches see the batch with this number. Rejects when it ends before. */
  reached(number: number): Promise<void> {
    return this.#feed.when(number);
  }

  search(request: SearchRequest, signal?: AbortSignal): Promise<Executed> {
    if (this.#error) return Promise.reject(this.#error);
    if (signal?.aborted) return Promise.reject(new AbortedError('the search was withdrawn'));
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise<Executed>((resolve, reject) => {
      const onAbort = () => {
        this.#calls.delete(id);
        this.#post({ type: 'abort', id });
        reject(new AbortedError('the search was withdrawn'));
      };
      const end = () => signal?.removeEventListener('abort', onAbort);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#calls.set(id, {
        resolve: (executed) => {
          end();
          resolve(executed);
        },
        reject: (error) => {
          end();
          reject(error);
        },
      });
      try {
        this.#post({ type: 'search', id, request });
      } catch (error) {
        this.#calls.delete(id); // it can't be copied: the call never left
        end();
        reject(error);
      }
    });
  }

  /** Ends it with this reason once it has saved what is to be saved. Calls fail at once. */
  leave(reason: Error): void {
    this.#error ??= reason;
    this.#fail(this.#error);
    this.#post({ type: 'stop' });
  }

  /** Ends it with this reason. */
  async terminate(reason: Error): Promise<void> {
    this.#error ??= reason;
    await this.#worker.terminate();
  }

  #fail(reason: Error): void {
    this.#feed.end(reason);
    for (const call of this.#calls.values()) call.reject(reason);
    this.#calls.clear();
  }

  #post(message: ToSearchWorker): void {
    this.#worker.postMessage(message);
  }

  #take(message: FromSearchWorker): void {
    this.#messages += 1;
    switch (message.type) {
      case 'reached':
        this.#feed.reached(message.number);
        return;
      case 'released':
        this.#feed.released(message.number);
        return;
      case 'broken':
        void this.terminate(unpackError(message.error));
        return;
      case 'unsaved':
        this.onUnsaved(unpackError(message.error));
        return;
      case 'found':
        this.#answered(message.id)?.resolve(message.executed);
        return;
      case 'failed':
        this.#answered(message.id)?.reject(unpackError(message.error));
        return;
    }
  }

  #answered(id: number): Call | undefined {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    return call;
  }
}
