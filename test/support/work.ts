/** Drives work that comes in slices. */
import type { Pace, Work } from '../../src/index/text-index.js';

/** Never due: work is done in one go. */
export const unhurried: Pace = { due: () => false };

/** Always due: work stops wherever it can. */
export const hurried: Pace = { due: () => true };

export function finish<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}
