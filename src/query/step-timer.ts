/** Measures work that is done in slices, without what is done between them. */
import type { Clock } from '../clock.js';
import type { Work } from '../index/text-index.js';

export class StepTimer {
  constructor(private readonly clock: Pick<Clock, 'monotonic'> | undefined) {}

  /** Does the work; gives the milliseconds that it took, where there is a clock. */
  *time(work: Work<void>): Work<{ readonly ms?: number }> {
    const { clock } = this;
    if (!clock) {
      yield* work;
      return {};
    }
    let ms = 0;
    try {
      for (;;) {
        const beganMs = clock.monotonic();
        const { done } = work.next();
        ms += clock.monotonic() - beganMs;
        if (done) return { ms };
        yield;
      }
    } finally {
      work.return(); // nothing, unless this was ended before
    }
  }
}
