/**
 * One search worker from its start to its end: calls in, answers out. When it ends, however it ends,
 * all calls under way fail; `worker-query-engine.ts` starts another.
 */
import { Worker } from 'node:worker_threads';
import type { CatalogueChange } from '../catalogue/file-entry.js';
import { AbortedError, messageOf } from '../errors.js';
import type { Executed } from './execute.js';
import type { LocalQueryEngineInit } from './local-query-engine.js';
import type { SearchRequest } from './query-engine.js';
import {
  type FromSearchWorker,
  SearchWorkerError,
  type ToSearchWorker,
  unpackError,
} from './search-messages.js';

/** Changes in one message: copying them takes the main thread about a millisecond. */
const CHANGES_A_MESSAGE = 256;
/** Some megabytes of entries, until they are packed. */
const CHANGES_A_FILLING = 8192;

/** What it keeps are few large arrays: more room for short-lived objects is only memory that stays with it. */
const MEMORY = { maxYoungGenerationSizeMb: 16 };

const ENTRY = new URL('../../workers/search.js', import.meta.url);

interface Call {
  readonly resolve: (message: FromSearchWorker) => void;
  readonly reject: (error: Error) => void;
}

export class SearchThread {
  readonly #worker: Worker;
  readonly #calls = new Map<number, Call>();
  #lastId = 0;
  #messages = 0;
  #error: Error | undefined;
  /** Why it ended. Never rejects. */
  readonly ended: Promise<Error>;

  constructor(init: Partial<LocalQueryEngineInit>) {
    this.#worker = new Worker(ENTRY, { workerData: init, resourceLimits: MEMORY });
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
        for (const call of this.#calls.values()) call.reject(this.#error);
        this.#calls.clear();
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

  /** As many calls of `apply` as keep it from holding all changes at once: for a worker that nobody searches yet. */
  async fill(changes: Iterable<CatalogueChange>): Promise<void> {
    let part: CatalogueChange[] = [];
    for (const change of changes) {
      part.push(change);
      if (part.length < CHANGES_A_FILLING) continue;
      await this.apply(part);
      part = [];
    }
    await this.apply(part);
  }

  /** Resolves when searches see the changes. Calls may not overlap. */
  async apply(changes: Iterable<CatalogueChange>): Promise<void> {
    let part: CatalogueChange[] = [];
    for (const change of changes) {
      part.push(change);
      if (part.length < CHANGES_A_MESSAGE) continue;
      this.#post({ type: 'stage', changes: part });
      part = [];
      await nextRound();
    }
    if (part.length > 0) this.#post({ type: 'stage', changes: part });
    await this.#call((id) => ({ type: 'commit', id }));
  }

  async search(request: SearchRequest, signal?: AbortSignal): Promise<Executed> {
    const message = await this.#call((id) => ({ type: 'search', id, request }), signal);
    if (message.type !== 'found') throw new SearchWorkerError('the search worker gave no answer');
    return message.executed;
  }

  /** Ends it with this reason. */
  async terminate(reason: Error): Promise<void> {
    this.#error ??= reason;
    await this.#worker.terminate();
  }

  #call(message: (id: number) => ToSearchWorker, signal?: AbortSignal): Promise<FromSearchWorker> {
    if (this.#error) return Promise.reject(this.#error);
    if (signal?.aborted) return Promise.reject(new AbortedError('the search was withdrawn'));
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise<FromSearchWorker>((resolve, reject) => {
      const onAbort = () => {
        this.#calls.delete(id);
        this.#post({ type: 'abort', id });
        reject(new AbortedError('the search was withdrawn'));
      };
      const end = () => signal?.removeEventListener('abort', onAbort);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#calls.set(id, {
        resolve: (answer) => {
          end();
          resolve(answer);
        },
        reject: (error) => {
          end();
          reject(error);
        },
      });
      try {
        this.#post(message(id));
      } catch (error) {
        this.#calls.delete(id); // it can't be copied: the call never left
        end();
        reject(error);
      }
    });
  }

  #post(message: ToSearchWorker): void {
    this.#worker.postMessage(message);
  }

  #take(message: FromSearchWorker): void {
    this.#messages += 1;
    const call = this.#calls.get(message.id);
    this.#calls.delete(message.id);
    if (message.type === 'failed') call?.reject(unpackError(message.error));
    else call?.resolve(message);
  }
}

/** Lets the event loop go round, so that sending much holds nothing up. */
function nextRound(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
