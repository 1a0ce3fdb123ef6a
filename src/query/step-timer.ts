/** Measures work that is done in slices, without what is done between them. */
import type { Clock } from '../clock.js';
import type { Work } from '../index/text-index.js';

export interface Timed<T> {
  readonly value: T;
  /** Milliseconds, where there is a clock. */
  readonly took: { readonly ms?: number };
}

export class StepTimer {
  constructor(private readonly clock: Pick<Clock, 'monotonic'> | undefined) {}

  /** Does the work. */
  *time<T>(work: Work<T>): Work<Timed<T>> {
    const { clock } = this;
    if (!clock) return { value: yield* work, took: {} };
    let ms = 0;
    for (;;) {
      const beganMs = clock.monotonic();
      const step = work.next();
      ms += clock.monotonic() - beganMs;
      if (step.done) return { value: step.value, took: { ms } };
      yield;
    }
  }
}
