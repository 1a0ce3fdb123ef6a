/** Which files have the hashes asked for: the table knows, and the table is on the main thread. */
import type { SearchRequest } from './query-engine.js';
import type { SearchedTable } from './search-feed.js';

/** Beyond so many, as have the hash of an empty file, the worker looks for them: here, others wait meanwhile. */
const MAX_NAMED = 1024;

/** The request with the slots of its hashes, where they are few. */
export function withNamedSlots(
  table: Pick<SearchedTable, 'withHash'>,
  request: SearchRequest,
): SearchRequest {
  const { sha256 } = request.criteria;
  if (sha256 === undefined) return request;
  const named = new Set<number>();
  for (const hash of sha256) {
    for (const slot of table.withHash(hash, MAX_NAMED + 1)) named.add(slot);
    if (named.size > MAX_NAMED) return request;
  }
  return { ...request, named: Uint32Array.from(named) };
}
