/**
 * Follows the table for one search, on the thread of the table, and hands it a batch at a time: what
 * comes while one is under way waits, and goes as one.
 */
import type { FileTable, TableFollower } from '../catalogue/file-table.js';
import type { TableBatch, TableState } from '../catalogue/table-feed.js';
import { type SearchBatch, WaitingBatches } from './search-batch.js';

/** What searches need of the table. */
export type SearchedTable = Pick<FileTable, 'follow' | 'number' | 'withHash'>;

export interface SearchFeedInit {
  /** Takes over the state to begin with. {@link SearchFeed.reached} is called when searches see it. */
  readonly begin: (state: TableState) => void;
  /** Takes over a batch. {@link SearchFeed.reached} is called when searches see it. */
  readonly send: (batch: SearchBatch) => void;
}

interface Waiter {
  readonly number: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class SearchFeed {
  /** Not with the state, which has memory that the table lets go of. */
  readonly #follower: Omit<TableFollower, 'state'>;
  readonly #init: SearchFeedInit;
  /** Undefined when nothing is under way. At first the state is. */
  #underWay: number | undefined;
  #waiting: WaitingBatches | undefined;
  #reached = -1;
  /** The number of the state that it begins with. */
  readonly first: number;
  readonly #waiters = new Set<Waiter>();
  #ended: Error | undefined;

  /** Begins with the table as it is. */
  constructor(table: SearchedTable, init: SearchFeedInit) {
    this.#init = init;
    const { state, release, end } = table.follow((batch) => this.#take(batch));
    this.#follower = { release, end };
    this.#underWay = state.number;
    this.first = state.number;
    init.begin(state);
  }

  /** Searches see the batch with this number, or the state. */
  reached(number: number): void {
    this.#reached = number;
    for (const waiter of this.#waiters) {
      if (waiter.number > number) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
    if (this.#underWay !== number) return;
    this.#underWay = undefined;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) this.#send(waiting.take());
  }

  /** No search looks at a state before this batch any more. */
  released(number: number): void {
    this.#follower.release(number);
  }

  /** Resolves when searches see the batch. Rejects with what ended it before. */
  when(number: number): Promise<void> {
    if (this.#reached >= number) return Promise.resolve();
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => this.#waiters.add({ number, resolve, reject }));
  }

  end(reason: Error): void {
    if (this.#ended) return;
    this.#ended = reason;
    this.#follower.end();
    this.#waiting = undefined;
    for (const { reject } of this.#waiters) reject(reason);
    this.#waiters.clear();
  }

  #take(batch: TableBatch): void {
    if (this.#underWay === undefined) {
      this.#send(batch);
      return;
    }
    this.#waiting ??= new WaitingBatches();
    this.#waiting.add(batch);
  }

  #send({ number, added, removed, growth }: SearchBatch): void {
    this.#underWay = number;
    this.#init.send({ number, added, removed, growth });
  }
}
