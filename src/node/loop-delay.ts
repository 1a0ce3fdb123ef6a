/**
 * How long the main thread keeps others waiting: the delay of its event loop, looked at every few
 * milliseconds. Told for the time since it was told last, so that who asks twice learns what was between.
 */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { Startable } from '../startable.js';
import type { LoopDelayStatus } from './node-status.js';

/** One wake-up a look: often enough for delays that somebody feels, seldom enough to cost nothing. */
const LOOK_MS = 10;
const NANOSECONDS_A_MS = 1e6;

export class LoopDelay implements Startable {
  #histogram: IntervalHistogram | undefined;

  async start(): Promise<void> {
    this.#histogram = monitorEventLoopDelay({ resolution: LOOK_MS });
    this.#histogram.enable();
  }

  async stop(): Promise<void> {
    this.#histogram?.disable();
    this.#histogram = undefined;
  }

  /** Since the last call, or the start. What the caller's own turn of the event loop takes is not in it. */
  take(): LoopDelayStatus {
    const histogram = this.#histogram;
    if (histogram === undefined || histogram.max === 0) return { p50: 0, p99: 0, max: 0 };
    // It holds the time from look to look, which is the wait that was asked for and the delay.
    const delayMs = (ns: number) => Math.max(0, Math.round((ns / NANOSECONDS_A_MS - LOOK_MS) * 100) / 100);
    const told = {
      p50: delayMs(histogram.percentile(50)),
      p99: delayMs(histogram.percentile(99)),
      max: delayMs(histogram.max),
    };
    histogram.reset();
    return told;
  }
}
