/**
 * The query engine in two worker threads, so that no search holds up the network, and none that goes
 * through all files holds up those that look words up.
 */
import type { Clock } from '../clock.js';
import type { Log } from '../log.js';
import type { Executed } from './execute.js';
import { KeptSearchThread } from './kept-search-thread.js';
import { withNamedSlots } from './named-slots.js';
import { type SearchWorker, workerFor } from './plan.js';
import type { QueryEngine, SearchAnswer, SearchRequest } from './query-engine.js';
import type { SearchedTable } from './search-feed.js';
import { logSearch } from './search-log.js';
import { SearchThread, type SearchThreadInit } from './search-thread.js';
import type { TableSearchInit } from './table-search.js';

export interface WorkerQueryEngineComponents {
  readonly clock: Clock;
  readonly log: Log;
  readonly table: SearchedTable;
  /** Starts a worker. Without it: `new SearchThread`. */
  readonly startThread?: (worker: SearchWorker, start: () => SearchThread) => SearchThread;
}

export interface WorkerQueryEngineInit extends Partial<Omit<TableSearchInit, 'words'>> {
  /** How long after its deadline a search may still be answered before it is given up. Default 3000. */
  readonly graceMs?: number;
  /** Folder in which the words are kept from one run to the next. Without it they are read anew. */
  readonly indexLocation?: string;
}

const GRACE_MS = 3000; // much longer than any turn of the worker on a busy machine

export class WorkerQueryEngine implements QueryEngine {
  readonly #components: WorkerQueryEngineComponents;
  readonly #workers: Readonly<Record<SearchWorker, KeptSearchThread>>;

  constructor(components: WorkerQueryEngineComponents, init: WorkerQueryEngineInit = {}) {
    this.#components = components;
    const { clock, log, table, startThread = (_worker, start) => start() } = components;
    const { graceMs = GRACE_MS, indexLocation, ...rest } = init;
    const threads: Readonly<Record<SearchWorker, SearchThreadInit>> = {
      words: { ...rest, words: true, ...(indexLocation !== undefined && { indexLocation }) },
      scan: { ...rest, words: false },
    };
    const kept = (name: SearchWorker) => {
      const start = () => new SearchThread({ table }, threads[name]);
      return new KeptSearchThread(
        { clock, log, startThread: () => startThread(name, start) },
        { name, graceMs },
      );
    };
    this.#workers = { words: kept('words'), scan: kept('scan') };
  }

  /** Resolves when every file of the table can be searched. Rejects when a worker can't be started at all. */
  async start(): Promise<void> {
    await Promise.all(this.#each((worker) => worker.start()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#each((worker) => worker.stop()));
  }

  async search(request: SearchRequest, signal?: AbortSignal): Promise<SearchAnswer> {
    return (await this.explain(request, signal)).answer;
  }

  async explain(request: SearchRequest, signal?: AbortSignal): Promise<Executed> {
    const { clock, log, table } = this.#components;
    const beganMs = clock.monotonic();
    const worker = this.#workers[workerFor(request.criteria)];
    const executed = await worker.search(withNamedSlots(table, request), signal);
    logSearch(log, request, executed.explanation, clock.monotonic() - beganMs);
    return executed;
  }

  async settled(): Promise<void> {
    const { number } = this.#components.table;
    await Promise.all(this.#each((worker) => worker.reached(number)));
  }

  #each(call: (worker: KeptSearchThread) => Promise<void>): Promise<void>[] {
    return [call(this.#workers.words), call(this.#workers.scan)];
  }
}
