/** Decides which part of the criteria names the candidates: the one that names the fewest. */
import type { Criteria } from './criteria.js';
import { hasRequired } from './word-query.js';

/** In the order of their cost. The rest of the criteria is tested on every candidate. */
export type Driver = 'hash' | 'words' | 'scan';

export function chooseDriver(criteria: Criteria): Driver {
  if (criteria.sha256 !== undefined) return 'hash';
  return criteria.text.length > 0 && criteria.text.every(hasRequired) ? 'words' : 'scan';
}

/** The search workers: the one that has the words of files, and the one that goes through all of them. */
export type SearchWorker = 'words' | 'scan';

/** What may take long goes to a worker of its own, so that nothing else waits for it. */
export function workerFor(criteria: Criteria): SearchWorker {
  return criteria.text.length > 0 || chooseDriver(criteria) === 'hash' ? 'words' : 'scan';
}
