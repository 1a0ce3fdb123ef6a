/** One debug line a search: what drove it, on how many files, what each step left, how long. */
import type { Log } from '../log.js';
import type { Explanation } from './explanation.js';
import type { SearchRequest } from './query-engine.js';

export function logSearch(log: Log, request: SearchRequest, explanation: Explanation, ms: number): void {
  const { driver, candidates, matches } = explanation;
  const steps = explanation.steps.map(
    (each) => `${each.step}: ${each.after}${each.ms === undefined ? '' : `, ${tenths(each.ms)} ms`}`,
  );
  const { asked } = request.criteria;
  log.debug({ asked, driver, candidates, matches, ms: tenths(ms), steps }, 'search');
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
