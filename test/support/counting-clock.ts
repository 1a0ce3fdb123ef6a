/** The real clock, which knows how many of its timers still wait: none, once a part has closed everything. */
import { type Clock, systemClock, type Timer } from '../../src/clock.js';

export class CountingClock implements Clock {
  readonly #pending = new Set<object>();

  now(): number {
    return systemClock.now();
  }

  monotonic(): number {
    return systemClock.monotonic();
  }

  after(delayMs: number, callback: () => void): Timer {
    const entry = {};
    const timer = systemClock.after(delayMs, () => {
      this.#pending.delete(entry);
      callback();
    });
    this.#pending.add(entry);
    return {
      cancel: () => {
        this.#pending.delete(entry);
        timer.cancel();
      },
    };
  }

  get pendingTimers(): number {
    return this.#pending.size;
  }
}
