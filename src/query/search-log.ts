/** One debug line a search: what drove it, on how many files, how long. */
import type { Log } from '../log.js';
import type { Explanation } from './execute.js';
import type { SearchRequest } from './query-engine.js';

export function logSearch(log: Log, request: SearchRequest, explanation: Explanation, ms: number): void {
  const { driver, candidates, matches } = explanation;
  log.debug(
    { asked: request.criteria.asked, driver, candidates, matches, ms: Math.round(ms * 10) / 10 },
    'search',
  );
}
