/** Bytes per second over the last seconds. */
import type { Clock } from '../clock.js';

const WINDOW_MS = 10_000;
/** Readings closer than this are one. */
const STEP_MS = 250;

export class RateMeter {
  readonly #clock: Clock;
  readonly #readings: { readonly atMs: number; readonly total: number }[] = [];

  constructor(components: { readonly clock: Clock }) {
    this.#clock = components.clock;
  }

  /** `total` is a count that only grows. */
  read(total: number): void {
    const atMs = this.#clock.monotonic();
    const last = this.#readings.at(-1);
    if (last !== undefined && atMs - last.atMs < STEP_MS) return;
    this.#readings.push({ atMs, total });
    while ((this.#readings[1]?.atMs ?? Number.POSITIVE_INFINITY) < atMs - WINDOW_MS) this.#readings.shift();
  }

  perSecond(total: number): number {
    const first = this.#readings[0];
    if (first === undefined) return 0;
    const overMs = this.#clock.monotonic() - first.atMs;
    return overMs < STEP_MS ? 0 : Math.round(((total - first.total) * 1000) / overMs);
  }

  reset(): void {
    this.#readings.length = 0;
  }
}
