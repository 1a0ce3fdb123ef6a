/**
 * The only place that reads the time or sets a timer, so that a whole network can run in
 * virtual time. Tests use `test/support/virtual-clock.ts`.
 */
import { AbortedError } from './errors.js';

/** A pending timer. `cancel` may be called any number of times, also after it fired. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since 1970-01-01T00:00Z; may jump. For dates on the wire. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back. For measuring and deadlines. */
  monotonic(): number;
  /** Calls `callback` once, `delayMs` from now. A pending timer does not keep the process alive. */
  after(delayMs: number, callback: () => void): Timer;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback) {
    const handle = setTimeout(callback, delayMs);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Keeps the process alive until it is cancelled: timers don't, and a socket only while it is connected. */
export function stayAlive(): Timer {
  const handle = setInterval(() => undefined, LONGEST_INTERVAL_MS);
  return { cancel: () => clearInterval(handle) };
}

const LONGEST_INTERVAL_MS = 2 ** 31 - 1;

/** Resolves after `delayMs`; rejects with {@link AbortedError} when `signal` aborts first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new AbortedError('aborted before the wait began'));
      return;
    }
    const onAbort = () => {
      timer.cancel();
      reject(new AbortedError('aborted while waiting'));
    };
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
