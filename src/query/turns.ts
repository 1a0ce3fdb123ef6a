/**
 * Takes work in turns on one thread. Each turn is a few milliseconds, and next is the work that has
 * had the least time so far: a short search is done soon whatever else is going on, and long ones
 * share what is left. Short ones that keep coming would leave them nothing, so whoever has had no turn
 * for a while has the next. Upkeep is always new and would always be first; it begins with as much time
 * as the least served search has had, and so takes half of the thread at most. Between turns the event
 * loop goes round, so that messages come in; a search that finds nothing else to do begins at once.
 */
import type { Clock } from '../clock.js';
import { AbortedError, LimitError } from '../errors.js';
import type { Pace, Work } from '../index/text-index.js';
import type { Budget } from './ere-matcher.js';

export interface TurnsInit {
  readonly turnMs: number;
  /** Searches under way at a time; each holds a state of the index. */
  readonly maxRunning: number;
  /** Searches that wait for others to end. */
  readonly maxWaiting: number;
}

export interface TurnOptions {
  /** On `clock.monotonic()`; from then on the work fails with `LimitError('queryDeadlineMs')`. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** Seven long searches that wait take a third of the thread with a turn of 8 ms in each of these. */
const LONGEST_WAIT_MS = 200;

class Task implements Pace, Budget {
  /** When it last had a turn; at first, when it came. */
  servedAtMs: number;
  #turnEndsMs = 0;
  #work: Work<void> | undefined;

  constructor(
    readonly clock: Clock,
    readonly start: (pace: Pace & Budget) => Work<void>,
    readonly deadlineMs: number,
    /** Ends it with this error, whatever it was doing. */
    readonly fail: (error: unknown) => void,
    public spentMs: number,
  ) {
    this.servedAtMs = clock.monotonic();
  }

  /** One turn. True when the work is at its end. Throws what the work throws. */
  turn(turnMs: number): boolean {
    const beganMs = this.clock.monotonic();
    this.#turnEndsMs = beganMs + turnMs;
    try {
      this.check();
      this.#work ??= this.start(this);
      return this.#work.next().done === true;
    } finally {
      this.servedAtMs = this.clock.monotonic();
      this.spentMs += this.servedAtMs - beganMs;
    }
  }

  drop(): void {
    this.#work?.return();
  }

  due(): boolean {
    const nowMs = this.clock.monotonic();
    if (nowMs >= this.deadlineMs) throw deadlineError();
    return nowMs >= this.#turnEndsMs;
  }

  check(): void {
    if (this.clock.monotonic() >= this.deadlineMs) throw deadlineError();
  }
}

function deadlineError(): LimitError {
  return new LimitError('queryDeadlineMs', 'the search took too long');
}

export class Turns {
  readonly #clock: Clock;
  readonly #init: TurnsInit;
  readonly #upkeep = new Set<Task>();
  readonly #running = new Set<Task>();
  readonly #waiting = new Set<Task>();
  #next: NodeJS.Immediate | undefined;
  #stopped = false;

  constructor(clock: Clock, init: TurnsInit) {
    this.#clock = clock;
    this.#init = init;
  }

  /** Runs a search. Throws `LimitError('queuedQueries')` when there are too many, and `AbortedError`. */
  search<T>(start: (pace: Pace & Budget) => Work<T>, options: TurnOptions = {}): Promise<T> {
    const first = this.#waiting.size === 0;
    if (first && this.#running.size < this.#init.maxRunning) return this.#add(this.#running, start, options);
    if (this.#waiting.size < this.#init.maxWaiting) return this.#add(this.#waiting, start, options);
    return Promise.reject(new LimitError('queuedQueries', 'too many searches at a time'));
  }

  /** Runs what has to be done for all searches. It is not counted among them and has no deadline. */
  upkeep<T>(start: (pace: Pace & Budget) => Work<T>): Promise<T> {
    return this.#add(this.#upkeep, start, {});
  }

  /** Ends all work with `AbortedError`, and what comes later too. */
  stop(): void {
    this.#stopped = true;
    if (this.#next) clearImmediate(this.#next);
    for (const task of this.#all()) task.fail(new AbortedError('the search engine was stopped'));
  }

  #all(): Task[] {
    return [...this.#upkeep, ...this.#running, ...this.#waiting];
  }

  #add<T>(queue: Set<Task>, start: (pace: Pace & Budget) => Work<T>, options: TurnOptions): Promise<T> {
    const { signal, deadlineMs = Number.POSITIVE_INFINITY } = options;
    if (this.#stopped) return Promise.reject(new AbortedError('the search engine was stopped'));
    if (signal?.aborted) return Promise.reject(new AbortedError('the search was withdrawn'));
    return new Promise<T>((resolve, reject) => {
      const onAbort = () => task.fail(new AbortedError('the search was withdrawn'));
      const end = () => {
        signal?.removeEventListener('abort', onAbort);
        this.#forget(task);
      };
      const task = new Task(
        this.#clock,
        function* (pace) {
          const result = yield* start(pace);
          end();
          resolve(result);
        },
        deadlineMs,
        (error) => {
          end();
          task.drop();
          reject(error);
        },
        queue === this.#upkeep ? this.#leastSpentMs() : 0,
      );
      signal?.addEventListener('abort', onAbort, { once: true });
      queue.add(task);
      // One in each round of the event loop, so that of many at once each has its turn and can be withdrawn.
      const isAlone = this.#next === undefined && queue !== this.#upkeep;
      this.#schedule();
      if (isAlone && !this.#stopped) this.#turn();
    });
  }

  #forget(task: Task): void {
    for (const queue of [this.#upkeep, this.#running, this.#waiting]) queue.delete(task);
  }

  #schedule(): void {
    if (this.#next !== undefined || this.#stopped) return;
    this.#next = setImmediate(() => {
      this.#next = undefined;
      this.#turn();
      if (this.#upkeep.size + this.#running.size + this.#waiting.size > 0) this.#schedule();
    });
  }

  #turn(): void {
    this.#admit();
    const task = this.#longestWaiting() ?? this.#leastServed();
    if (!task) return;
    try {
      task.turn(this.#init.turnMs);
    } catch (error) {
      task.fail(error);
    }
  }

  /** Ends those whose time was over before their turn came, and moves up those that wait. */
  #admit(): void {
    for (const task of [...this.#running, ...this.#waiting]) {
      if (this.#clock.monotonic() >= task.deadlineMs) task.fail(deadlineError());
    }
    for (const task of this.#waiting) {
      if (this.#running.size < this.#init.maxRunning) {
        this.#waiting.delete(task);
        this.#running.add(task);
      }
    }
  }

  #leastSpentMs(): number {
    return this.#running.size === 0 ? 0 : Math.min(...[...this.#running].map((task) => task.spentMs));
  }

  /** The search that has waited longest, if that is too long. */
  #longestWaiting(): Task | undefined {
    let longest: Task | undefined;
    for (const task of this.#running) if (!longest || task.servedAtMs < longest.servedAtMs) longest = task;
    const tooLong = longest && this.#clock.monotonic() - longest.servedAtMs > LONGEST_WAIT_MS;
    return tooLong ? longest : undefined;
  }

  #leastServed(): Task | undefined {
    let least: Task | undefined;
    for (const queue of [this.#upkeep, this.#running]) {
      for (const task of queue) if (!least || task.spentMs < least.spentMs) least = task;
    }
    return least;
  }
}
