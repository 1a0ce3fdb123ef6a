/**
 * The query engine in a worker thread, so that no search holds up the network. Should the worker
 * end, its searches fail, another is started and filled again, and searches wait for that.
 */
import { type CatalogueChange, type FileEntry, keyOf } from '../catalogue/file-entry.js';
import type { FullPath } from '../catalogue/share-path.js';
import { type Clock, sleep, type Timer } from '../clock.js';
import { AbortedError, LimitError } from '../errors.js';
import type { Log } from '../log.js';
import type { Executed } from './execute.js';
import type { LocalQueryEngineInit } from './local-query-engine.js';
import type { QueryEngine, SearchAnswer, SearchRequest } from './query-engine.js';
import { logSearch } from './search-log.js';
import { SearchWorkerError } from './search-messages.js';
import { SearchThread } from './search-thread.js';

export interface WorkerQueryEngineComponents {
  readonly clock: Clock;
  readonly log: Log;
  /** Starts a worker. Without it: `new SearchThread`. */
  readonly startThread?: (init: Partial<LocalQueryEngineInit>) => SearchThread;
}

export interface WorkerQueryEngineInit extends Partial<LocalQueryEngineInit> {
  /** How long after its deadline a search may still be answered before it is given up. Default 3000. */
  readonly graceMs?: number;
}

const GRACE_MS = 3000; // much longer than any turn of the worker on a busy machine
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;

/** A worker; `ready` resolves when it has all files, and rejects when it ended before. */
interface Life {
  readonly thread: SearchThread;
  readonly ready: Promise<void>;
}

export class WorkerQueryEngine implements QueryEngine {
  readonly #components: WorkerQueryEngineComponents;
  readonly #init: WorkerQueryEngineInit;
  /** What the worker holds: to fill the next one. The entries are the catalogue's own objects. */
  readonly #entries = new Map<FullPath, FileEntry>();
  readonly #stopping = new AbortController();
  #life: Life | undefined;
  /** Lives begin and end in here. */
  #supervision: Promise<void> = Promise.resolve();
  /** Resolves when the changes so far have been made. */
  #applied: Promise<unknown> = Promise.resolve();
  /** Those who wait for the next life. */
  readonly #waiting = new Set<() => void>();

  constructor(components: WorkerQueryEngineComponents, init: WorkerQueryEngineInit = {}) {
    this.#components = components;
    this.#init = init;
  }

  /** Rejects when the worker can't be started at all. */
  async start(): Promise<void> {
    const first = this.#begin();
    this.#supervision = this.#supervise(first);
    await first.ready;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const wake of this.#waiting) wake();
    await this.#life?.thread.terminate(new AbortedError('the search engine was stopped'));
    await this.#supervision;
    await this.#applied;
  }

  apply(changes: readonly CatalogueChange[]): Promise<void> {
    const applied = this.#applied.then(() => this.#apply(changes));
    this.#applied = applied.catch(() => {}); // whoever called owns the error
    return applied;
  }

  async search(request: SearchRequest, signal?: AbortSignal): Promise<SearchAnswer> {
    const { clock, log } = this.#components;
    const beganMs = clock.monotonic();
    const { answer, explanation } = await this.#search(request, signal);
    logSearch(log, request, explanation, clock.monotonic() - beganMs);
    return answer;
  }

  async #apply(changes: readonly CatalogueChange[]): Promise<void> {
    for (const change of changes) {
      if (change.type === 'put') this.#entries.set(keyOf(change.entry), change.entry);
      else this.#entries.delete(change.key);
    }
    // A worker that ends meanwhile is followed by one that is filled from the entries, changes included;
    // made once more they change nothing.
    for (;;) {
      const life = await this.#ready();
      try {
        await life.thread.apply(changes);
        return;
      } catch (error) {
        if (!life.thread.ending) throw error;
        await life.thread.ended;
      }
    }
  }

  /** The deadline counts from the call, waiting for a worker included. */
  async #search(request: SearchRequest, signal?: AbortSignal): Promise<Executed> {
    const { clock } = this.#components;
    const until = clock.monotonic() + request.deadlineMs;
    const watch = new Watch(clock, request.deadlineMs + (this.#init.graceMs ?? GRACE_MS), signal);
    try {
      const life = await watch.race(this.#ready());
      const { thread } = life;
      const before = thread.messages;
      watch.onOver = () => {
        if (thread.messages === before) this.#stuck(thread);
      };
      const left = { ...request, deadlineMs: Math.max(0, until - clock.monotonic()) };
      return await watch.race(thread.search(left, watch.signal));
    } finally {
      watch.end();
    }
  }

  /** A worker that says nothing past a deadline is not busy but stuck. */
  #stuck(thread: SearchThread): void {
    void thread.terminate(new SearchWorkerError('the search worker does not answer'));
  }

  /** The present life, or the next one, once it has all files. */
  async #ready(): Promise<Life> {
    for (;;) {
      if (this.#stopping.signal.aborted) throw new AbortedError('the search engine was stopped');
      const life = this.#life;
      if (life) {
        const filled = await life.ready.then(
          () => true,
          () => false,
        );
        if (filled && !life.thread.ending) return life;
        await life.thread.ended;
      }
      if (this.#life === life) await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #begin(): Life {
    const { startThread = (init) => new SearchThread(init) } = this.#components;
    const thread = startThread(this.#init);
    const ready = thread.fill(this.#filling());
    this.#life = { thread, ready };
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
    return this.#life;
  }

  *#filling(): Generator<CatalogueChange> {
    for (const entry of [...this.#entries.values()]) yield { type: 'put', entry };
  }

  /** Starts another worker whenever one ends, after longer and longer pauses when they end early. */
  async #supervise(first: Life): Promise<void> {
    const { clock, log } = this.#components;
    let life = first;
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      const beganMs = clock.monotonic();
      life.ready.catch(() => {}); // told by `ended`
      const reason = await life.thread.ended;
      this.#life = undefined;
      if (this.#stopping.signal.aborted) return;
      if (clock.monotonic() - beganMs > LONGEST_PAUSE_MS) pauseMs = FIRST_PAUSE_MS;
      log.error(
        { err: reason, files: this.#entries.size, pauseMs },
        'the search worker ended; starting another',
      );
      try {
        await sleep(clock, pauseMs, this.#stopping.signal);
      } catch {
        return; // stopping
      }
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      life = this.#begin();
    }
  }
}

/** Ends a call when its caller withdraws it, or long after it should have been answered. */
class Watch {
  readonly #abort = new AbortController();
  readonly #timer: Timer;
  readonly #over: Promise<never>;
  readonly #onAbort = () => this.#abort.abort();
  readonly #caller: AbortSignal | undefined;
  /** Called when the time is over. */
  onOver: () => void = () => {};

  constructor(clock: Clock, ms: number, caller?: AbortSignal) {
    this.#caller = caller;
    let reject: (error: Error) => void = () => {};
    this.#over = new Promise((_, rejectOver) => {
      reject = rejectOver;
    });
    this.#over.catch(() => {}); // told to whoever races it
    this.#timer = clock.after(ms, () => {
      this.onOver();
      reject(new LimitError('deadline', 'the search worker did not answer in time'));
      this.#abort.abort();
    });
    this.#abort.signal.addEventListener('abort', () => reject(new AbortedError('the search was withdrawn')));
    if (caller?.aborted) this.#abort.abort();
    caller?.addEventListener('abort', this.#onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  race<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#over]);
  }

  end(): void {
    this.#timer.cancel();
    this.#caller?.removeEventListener('abort', this.#onAbort);
  }
}
