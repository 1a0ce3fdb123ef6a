/** The query engine on the thread that it is called on. The search worker runs it; tests and simulations too. */
import type { CatalogueChange } from '../catalogue/file-entry.js';
import type { Clock } from '../clock.js';
import { AbortedError } from '../errors.js';
import { defaultTextIndexInit, PackedTextIndex, type TextIndexInit } from '../index/packed-text-index.js';
import type { Log } from '../log.js';
import { type Executed, execute } from './execute.js';
import { FileTable } from './file-table.js';
import type { QueryEngine, SearchAnswer, SearchRequest } from './query-engine.js';
import { logSearch } from './search-log.js';
import { Turns, type TurnsInit } from './turns.js';

export interface LocalQueryEngineComponents {
  readonly clock: Clock;
  readonly log: Log;
}

export interface LocalQueryEngineInit extends TurnsInit, TextIndexInit {
  /** Entries in one page, whatever is asked for: bounds what goes from thread to thread at once. */
  readonly maxPageEntries: number;
}

export const defaultQueryEngineInit: LocalQueryEngineInit = {
  ...defaultTextIndexInit,
  turnMs: 8,
  maxRunning: 8,
  maxWaiting: 256,
  maxPageEntries: 1000,
};

export class LocalQueryEngine implements QueryEngine {
  readonly #components: LocalQueryEngineComponents;
  readonly #init: LocalQueryEngineInit;
  readonly #turns: Turns;
  readonly #table: FileTable;
  /** Resolves when all changes so far are seen. */
  #applied: Promise<void> = Promise.resolve();
  #maintaining: Promise<void> | undefined;

  constructor(components: LocalQueryEngineComponents, init: Partial<LocalQueryEngineInit> = {}) {
    this.#components = components;
    this.#init = { ...defaultQueryEngineInit, ...init };
    this.#turns = new Turns(components.clock, this.#init);
    this.#table = new FileTable(new PackedTextIndex(this.#init));
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#turns.stop();
    await Promise.allSettled([this.#applied, this.#maintaining]);
  }

  apply(changes: readonly CatalogueChange[]): Promise<void> {
    const applied = this.#applied.then(() => this.#turns.upkeep((pace) => this.#table.apply(changes, pace)));
    // Whoever called owns the error; the next changes are made all the same.
    this.#applied = applied.then(
      () => this.#maintain(),
      () => {},
    );
    return applied;
  }

  async search(request: SearchRequest, signal?: AbortSignal): Promise<SearchAnswer> {
    const { clock, log } = this.#components;
    const beganMs = clock.monotonic();
    const { answer, explanation } = await this.execute(request, signal);
    logSearch(log, request, explanation, clock.monotonic() - beganMs);
    return answer;
  }

  /** As `search`, and says how the answer came about. */
  execute(request: SearchRequest, signal?: AbortSignal): Promise<Executed> {
    return this.#turns.search((pace) => execute(request, this.#table, this.#init.maxPageEntries, pace), {
      deadlineMs: this.#components.clock.monotonic() + request.deadlineMs,
      ...(signal && { signal }),
    });
  }

  /** Resolves when the upkeep for all changes so far is done. */
  async settled(): Promise<void> {
    await this.#applied;
    await this.#maintaining;
  }

  /** Merges in the background until all is well. */
  #maintain(): void {
    if (this.#maintaining) return;
    const maintain = async () => {
      while (await this.#turns.upkeep((pace) => this.#table.maintain(pace)));
    };
    this.#maintaining = maintain()
      .catch((error: unknown) => {
        if (!(error instanceof AbortedError))
          this.#components.log.error({ err: error }, 'index upkeep failed');
      })
      .finally(() => {
        this.#maintaining = undefined;
      });
  }
}
