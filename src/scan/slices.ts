/**
 * The scan's work on the main thread: one thing after the other, in the order in which it is handed over,
 * and everything in slices of a few milliseconds, between which all else goes on.
 */
import type { Clock } from '../clock.js';
import { AbortedError } from '../errors.js';

/** Work that may be interrupted wherever it yields; a step takes some microseconds. */
export type Steps = Generator<void, void>;

const SLICE_MS = 4;

export interface SliceInit {
  /** After every slice, also the last, with the time that it took. */
  readonly onSlice?: (workMs: number) => void;
  readonly signal: AbortSignal;
}

export class Slices {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #last: Promise<void> = Promise.resolve();
  /** When the slice ends. */
  #untilMs = Number.NEGATIVE_INFINITY;

  constructor(components: { readonly clock: Pick<Clock, 'monotonic'> }) {
    this.#clock = components.clock;
  }

  /** Resolves when the work is done, which begins when all before it is. Rejects with {@link AbortedError} and with what a step throws. */
  run(steps: Steps, init: SliceInit): Promise<void> {
    const run = this.#last.then(() => this.#run(steps, init));
    this.#last = run.catch(() => undefined); // the caller hears of it
    return run;
  }

  async #run(steps: Steps, { onSlice, signal }: SliceInit): Promise<void> {
    for (;;) {
      // Pieces of work that follow each other share a slice.
      if (this.#clock.monotonic() >= this.#untilMs) {
        await new Promise((resolve) => setImmediate(resolve));
        this.#untilMs = this.#clock.monotonic() + SLICE_MS;
      }
      if (signal.aborted) throw new AbortedError('the scan was stopped');
      const beganMs = onSlice ? this.#clock.monotonic() : 0;
      const isDone = this.#slice(steps);
      onSlice?.(this.#clock.monotonic() - beganMs);
      if (isDone) return;
    }
  }

  #slice(steps: Steps): boolean {
    do {
      if (steps.next().done === true) return true;
    } while (this.#clock.monotonic() < this.#untilMs);
    return false;
  }
}
