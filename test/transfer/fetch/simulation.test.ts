/**
 * Thousands of downloads on simulated networks: sources of all speeds that die, return, fall silent, lie, queue, come
 * late or have another file, and a process that is killed in between. What must hold whatever happens is
 * checked after each. A failure names its seed; `SHOAL_TEST_SEED=n` runs that one alone.
 */
import { Story } from '../../support/download/story.js';

const DOWNLOADS = 2000;
const FIRST_SEED = 1;

describe('a simulated network', () => {
  it(`gives the right bytes ${DOWNLOADS} times, soon, and blames nobody who is honest`, async function () {
    this.timeout(240_000); // some ten seconds on a machine that does nothing else
    const only = Number(process.env.SHOAL_TEST_SEED ?? Number.NaN);
    const seeds = Number.isNaN(only) ? Array.from({ length: DOWNLOADS }, (_, i) => FIRST_SEED + i) : [only];
    for (const seed of seeds) {
      try {
        const story = new Story(seed);
        story.check(await story.run());
      } catch (error) {
        throw new Error(
          `SHOAL_TEST_SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`,
          { cause: error },
        );
      }
    }
  });
});
