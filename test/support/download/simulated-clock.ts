/**
 * A clock that runs as fast as there is work: each timer fires when everything before it has gone as far as
 * it can. Cheap enough for millions of timers.
 */
import type { Clock, Timer } from '../../../src/clock.js';

interface Pending {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
  isCancelled: boolean;
}

export class SimulatedClock implements Clock {
  #nowMs = 0;
  #made = 0;
  #live = 0;
  readonly #heap: Pending[] = [];

  now(): number {
    return Date.UTC(2026, 10, 23) + this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  /** Timers that wait. */
  get pendingTimers(): number {
    return this.#live;
  }

  after(delayMs: number, callback: () => void): Timer {
    const pending = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      order: this.#made++,
      callback,
      isCancelled: false,
    };
    this.#push(pending);
    this.#live += 1;
    return {
      cancel: () => {
        if (!pending.isCancelled) this.#live -= 1;
        pending.isCancelled = true;
      },
    };
  }

  /** Lets time pass until `work` has settled, and gives what it gives. Throws when it takes more than `mostMs`. */
  async runUntil<T>(work: Promise<T>, mostMs: number): Promise<T> {
    const state = { isSettled: false };
    const done = () => {
      state.isSettled = true;
    };
    work.then(done, done);
    const endMs = this.#nowMs + mostMs;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (state.isSettled) return work;
      const next = this.#pop();
      if (next === undefined) throw new Error(`nothing will ever happen again, at ${this.#nowMs} ms`);
      if (next.atMs > endMs) throw new Error(`it takes longer than ${mostMs} ms`);
      this.#nowMs = next.atMs;
      next.isCancelled = true;
      this.#live -= 1;
      next.callback();
    }
  }

  #push(pending: Pending): void {
    const heap = this.#heap;
    let at = heap.push(pending) - 1;
    for (let up = (at - 1) >> 1; at > 0; up = (at - 1) >> 1) {
      const above = heap[up];
      if (above === undefined || isBefore(above, pending)) break;
      heap[at] = above;
      at = up;
    }
    heap[at] = pending;
  }

  #pop(): Pending | undefined {
    for (;;) {
      const heap = this.#heap;
      const first = heap[0];
      const last = heap.pop();
      if (first === undefined || last === undefined) return undefined;
      if (heap.length > 0) this.#sink(last);
      if (!first.isCancelled) return first;
    }
  }

  #sink(pending: Pending): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      let below = heap[down];
      const right = heap[down + 1];
      if (below !== undefined && right !== undefined && isBefore(right, below)) {
        down += 1;
        below = right;
      }
      if (below === undefined || isBefore(pending, below)) break;
      heap[at] = below;
      at = down;
    }
    heap[at] = pending;
  }
}

function isBefore(one: Pending, other: Pending): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}
