/** Decides which part of the criteria names the candidates: the one that names the fewest. */
import type { Criteria } from './criteria.js';
import { hasRequired } from './word-query.js';

/** In the order of their cost. The rest of the criteria is tested on every candidate. */
export type Driver = 'hash' | 'words' | 'scan';

export function chooseDriver(criteria: Criteria): Driver {
  if (criteria.sha256 !== undefined) return 'hash';
  return criteria.text.length > 0 && criteria.text.every(hasRequired) ? 'words' : 'scan';
}
