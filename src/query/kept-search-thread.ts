/**
 * A search worker that is there: should it end, its searches fail, another is started, which follows the
 * table anew, and searches wait for that.
 */
import { type Clock, sleep } from '../clock.js';
import { AbortedError } from '../errors.js';
import type { Log } from '../log.js';
import type { Startable } from '../startable.js';
import type { Executed } from './execute.js';
import type { SearchRequest } from './query-engine.js';
import { SearchWorkerError } from './search-messages.js';
import type { SearchThread } from './search-thread.js';
import { SearchWatch } from './search-watch.js';

export interface KeptSearchThreadComponents {
  readonly clock: Clock;
  readonly log: Log;
  readonly startThread: () => SearchThread;
}

export interface KeptSearchThreadInit {
  /** What the log calls it. */
  readonly name: string;
  /** How long after its deadline a search may still be answered before it is given up. */
  readonly graceMs: number;
}

/** Writing some hundred megabytes on a slow disk. */
const LEAVE_MS = 15_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;

export class KeptSearchThread implements Startable {
  readonly #components: KeptSearchThreadComponents;
  readonly #init: KeptSearchThreadInit;
  readonly #stopping = new AbortController();
  #thread: SearchThread | undefined;
  /** Lives begin and end in here. */
  #supervision: Promise<void> = Promise.resolve();
  /** Those who wait for the next life. */
  readonly #waiting = new Set<() => void>();

  constructor(components: KeptSearchThreadComponents, init: KeptSearchThreadInit) {
    this.#components = components;
    this.#init = init;
  }

  /** Resolves when it has all files. Rejects when the worker can't be started at all. */
  async start(): Promise<void> {
    const first = this.#begin();
    this.#supervision = this.#supervise(first);
    await first.ready;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    if (this.#thread) await this.#end(this.#thread);
    await this.#supervision;
  }

  /** It is given some time to save what it has. */
  async #end(thread: SearchThread): Promise<void> {
    const reason = new AbortedError('the search engine was stopped');
    const ended = new AbortController();
    const late = sleep(this.#components.clock, LEAVE_MS, ended.signal).then(
      () => thread.terminate(reason),
      () => {}, // it ended in time
    );
    thread.leave(reason);
    await thread.ended;
    ended.abort();
    await late;
  }

  /** Resolves when its searches see the batch with this number. */
  async reached(number: number): Promise<void> {
    for (;;) {
      const thread = await this.#ready();
      try {
        await thread.reached(number);
        return;
      } catch (error) {
        if (!thread.ending) throw error;
        await thread.ended; // the next one begins with a later state
      }
    }
  }

  /** The deadline counts from the call, waiting for a worker included. */
  async search(request: SearchRequest, signal?: AbortSignal): Promise<Executed> {
    const { clock } = this.#components;
    const until = clock.monotonic() + request.deadlineMs;
    const watch = new SearchWatch(clock, request.deadlineMs + this.#init.graceMs, signal);
    try {
      const thread = await watch.race(this.#ready());
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

  /** The present one, or the next one, once it has all files. */
  async #ready(): Promise<SearchThread> {
    for (;;) {
      if (this.#stopping.signal.aborted) throw new AbortedError('the search engine was stopped');
      const thread = this.#thread;
      if (thread) {
        const filled = await thread.ready.then(
          () => true,
          () => false,
        );
        if (filled && !thread.ending) return thread;
        await thread.ended;
      }
      if (this.#thread === thread) await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #begin(): SearchThread {
    const { startThread, log } = this.#components;
    const thread = startThread();
    this.#thread = thread;
    thread.onUnsaved = (error) =>
      log.warn({ err: error }, 'the index of words could not be saved, or not be read again');
    this.#wake();
    return thread;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** Starts another worker whenever one ends, after longer and longer pauses when they end early. */
  async #supervise(first: SearchThread): Promise<void> {
    const { clock, log } = this.#components;
    const { name } = this.#init;
    let thread = first;
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      const beganMs = clock.monotonic();
      const reason = await thread.ended;
      this.#thread = undefined;
      if (this.#stopping.signal.aborted) return;
      if (clock.monotonic() - beganMs > LONGEST_PAUSE_MS) pauseMs = FIRST_PAUSE_MS;
      log.error({ err: reason, worker: name, pauseMs }, 'a search worker ended; starting another');
      try {
        await sleep(clock, pauseMs, this.#stopping.signal);
      } catch {
        return; // stopping
      }
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      thread = this.#begin();
    }
  }
}
