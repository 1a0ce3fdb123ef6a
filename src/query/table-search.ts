/** Searches a table that is written elsewhere, on the thread that it is called on: takes batches in, and answers. */
import type { TableState } from '../catalogue/table-feed.js';
import type { Clock } from '../clock.js';
import { AbortedError } from '../errors.js';
import { defaultTextIndexInit, PackedTextIndex, type TextIndexInit } from '../index/packed-text-index.js';
import { type Executed, type ExecuteInit, execute } from './execute.js';
import { FollowedTable } from './followed-table.js';
import type { IndexFiles, SavedIndex } from './index-files.js';
import { noWords } from './no-words.js';
import type { SearchRequest } from './query-engine.js';
import type { SearchBatch } from './search-batch.js';
import { Turns, type TurnsInit } from './turns.js';

export interface TableSearchInit extends TurnsInit, TextIndexInit, ExecuteInit {
  /** Whether words can be searched; everything else can. */
  readonly words: boolean;
  /** So many files that came or went are worth saving the words for: as many take a moment to read again. */
  readonly saveAfter: number;
}

export const defaultTableSearchInit: TableSearchInit = {
  ...defaultTextIndexInit,
  turnMs: 8,
  maxRunning: 8,
  maxWaiting: 256,
  maxPageEntries: 1000,
  words: true,
  saveAfter: 8192,
};

/** Who wants to know how far it is; see `search-feed.ts`. */
export interface TableSearchListener {
  /** Searches see the state or batch with this number. */
  reached(number: number): void;
  released(number: number): void;
  /** A change could not be made, nor will any later one be. */
  failed(error: unknown): void;
  /** The words could not be saved, or not be read again. Nothing else is wrong. */
  unsaved?(error: unknown): void;
}

export interface TableSearchComponents {
  readonly clock: Clock;
  readonly listener: TableSearchListener;
  /** Where words are kept from one run to the next; without it they are read anew. */
  readonly files?: IndexFiles;
}

export class TableSearch {
  readonly #clock: Clock;
  readonly #listener: TableSearchListener;
  readonly #files: IndexFiles | undefined;
  readonly #init: TableSearchInit;
  readonly #turns: Turns;
  readonly #table: FollowedTable;
  #changing: Promise<void> = Promise.resolve();
  #maintaining: Promise<void> | undefined;
  #begun = false;
  #broken = false;
  #isSaved = true;

  constructor({ clock, listener, files }: TableSearchComponents, init: Partial<TableSearchInit> = {}) {
    this.#clock = clock;
    this.#listener = listener;
    this.#files = files;
    this.#init = { ...defaultTableSearchInit, ...init };
    this.#turns = new Turns(clock, this.#init);
    this.#table = new FollowedTable(this.#init.words ? new PackedTextIndex(this.#init) : noWords, {
      onRelease: (number) => listener.released(number),
    });
  }

  /** To be called once, first. */
  begin(state: TableState): void {
    this.#change(state.number, async () => {
      const saved = await this.#load(state.restored);
      await this.#turns.upkeep((pace) => this.#table.begin(state, pace, saved));
      this.#begun = true;
      this.#maintain();
    });
  }

  /** To be called when the one before was reached. */
  apply(batch: SearchBatch): void {
    this.#change(batch.number, async () => {
      await this.#turns.upkeep((pace) => this.#table.apply(batch, pace));
      this.#maintain();
    });
  }

  execute(request: SearchRequest, signal?: AbortSignal): Promise<Executed> {
    const init = { maxPageEntries: this.#init.maxPageEntries, clock: this.#clock };
    const table = this.#table;
    return this.#turns.search(
      function* (pace) {
        const view = table.view();
        try {
          return yield* execute(request, view, init, pace);
        } finally {
          view.close();
        }
      },
      { deadlineMs: this.#clock.monotonic() + request.deadlineMs, ...(signal && { signal }) },
    );
  }

  /** Resolves when there is nothing to merge. */
  async tidy(): Promise<void> {
    await this.#changing;
    await this.#maintaining;
  }

  /** Saves the words, as far as it has come. */
  async stop(): Promise<void> {
    this.#turns.stop();
    await Promise.allSettled([this.#changing, this.#maintaining]);
    if (this.#begun && !this.#broken) await this.#save(this.#isSaved ? 1 : 0);
  }

  #change(number: number, change: () => Promise<void>): void {
    this.#changing = change().then(
      () => this.#listener.reached(number),
      (error: unknown) => this.#fail(error),
    );
  }

  /** Merges in the background until all is well. */
  #maintain(): void {
    if (this.#maintaining) return;
    const maintain = async () => {
      do {
        while (await this.#turns.upkeep((pace) => this.#table.maintain(pace)));
      } while (await this.#save(this.#init.saveAfter));
    };
    this.#maintaining = maintain()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#maintaining = undefined;
      });
  }

  async #load(number: number): Promise<SavedIndex | undefined> {
    try {
      return await this.#files?.load(number);
    } catch (error) {
      this.#listener.unsaved?.(error);
      return undefined;
    }
  }

  /** Whether it took a while, in which there may have been changes. */
  async #save(after: number): Promise<boolean> {
    if (this.#files === undefined || this.#table.unsaved < after) return false;
    try {
      await this.#files.save(this.#table.save());
      this.#isSaved = true;
    } catch (error) {
      this.#isSaved = false; // tried again after as many changes, and at the end
      this.#listener.unsaved?.(error);
    }
    return true;
  }

  #fail(error: unknown): void {
    if (error instanceof AbortedError) return;
    this.#broken = true;
    this.#listener.failed(error);
  }
}
