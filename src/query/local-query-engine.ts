/** The query engine on the thread of the table: for tests and simulations, and to measure. */
import type { Clock } from '../clock.js';
import { AbortedError, messageOf } from '../errors.js';
import type { Log } from '../log.js';
import type { Executed } from './execute.js';
import { withNamedSlots } from './named-slots.js';
import type { QueryEngine, SearchAnswer, SearchRequest } from './query-engine.js';
import { type SearchedTable, SearchFeed } from './search-feed.js';
import { logSearch } from './search-log.js';
import { TableSearch, type TableSearchInit } from './table-search.js';

export interface LocalQueryEngineComponents {
  readonly clock: Clock;
  readonly log: Log;
  readonly table: SearchedTable;
}

export class LocalQueryEngine implements QueryEngine {
  readonly #components: LocalQueryEngineComponents;
  readonly #search: TableSearch;
  #feed: SearchFeed | undefined;

  constructor(components: LocalQueryEngineComponents, init: Partial<TableSearchInit> = {}) {
    this.#components = components;
    const { clock, log } = components;
    const listener = {
      reached: (number: number) => this.#feed?.reached(number),
      released: (number: number) => this.#feed?.released(number),
      failed: (error: unknown) => {
        log.error({ err: error }, 'files could not be indexed');
        this.#feed?.end(error instanceof Error ? error : new TypeError(messageOf(error)));
      },
    };
    this.#search = new TableSearch({ clock, listener }, init);
  }

  async start(): Promise<void> {
    this.#feed = new SearchFeed(this.#components.table, {
      begin: (state) => this.#search.begin(state),
      send: (batch) => this.#search.apply(batch),
    });
    await this.settled();
  }

  async stop(): Promise<void> {
    this.#feed?.end(new AbortedError('the search engine was stopped'));
    await this.#search.stop();
  }

  async search(request: SearchRequest, signal?: AbortSignal): Promise<SearchAnswer> {
    return (await this.explain(request, signal)).answer;
  }

  async explain(request: SearchRequest, signal?: AbortSignal): Promise<Executed> {
    const { clock, log, table } = this.#components;
    const beganMs = clock.monotonic();
    const executed = await this.#search.execute(withNamedSlots(table, request), signal);
    logSearch(log, request, executed.explanation, clock.monotonic() - beganMs);
    return executed;
  }

  async settled(): Promise<void> {
    await this.#feed?.when(this.#components.table.number);
  }

  /** Resolves when the index is in order for all batches so far. */
  async tidy(): Promise<void> {
    await this.settled();
    await this.#search.tidy();
  }
}
