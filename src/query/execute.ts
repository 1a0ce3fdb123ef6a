/** Runs one search over one state of the table, in slices. */
import type { Pace, Work } from '../index/text-index.js';
import type { Order } from '../stanza/file-criteria.js';
import type { Criteria } from './criteria.js';
import type { Budget } from './ere-matcher.js';
import type { FileRow, FileWords } from './file-row.js';
import type { FileView } from './file-table.js';
import { PageCollector } from './page-collector.js';
import { chooseDriver, type Driver } from './plan.js';
import type { SearchAnswer, SearchRequest } from './query-engine.js';
import { residualFilter } from './residual-filter.js';

/** How an answer came about, for the log. */
export interface Explanation {
  readonly driver: Driver;
  /** Files that the driver named and the rest of the criteria was tested on. */
  readonly candidates: number;
  readonly matches: number;
}

export interface Executed {
  readonly answer: SearchAnswer;
  readonly explanation: Explanation;
}

/** Throws `ParseError` for a cursor that is not ours, and what `pace` and the index throw. */
export function* execute(
  request: SearchRequest,
  view: FileView,
  maxEntries: number,
  pace: Pace & Budget,
): Work<Executed> {
  const { criteria } = request;
  const driver = chooseDriver(criteria);
  const collector = new PageCollector(request.order ?? naturalOrder(criteria), request.page, maxEntries);
  const named = criteria.sha256?.flatMap((hash) => view.withHash(hash));
  const test = yield* residualFilter(criteria, pace);
  const scores = criteria.text.length === 0 ? undefined : yield* view.words.search(criteria.text, pace);
  let candidates = 0;
  // Over all rows also with words: the index knows words, and which row has them differs from view to view.
  for (const row of named ? new Set(named) : view.rows) {
    const score = scoreOf(row, scores);
    if (score === undefined) continue;
    candidates += 1;
    if (test(row, pace)) collector.add(row, score);
    if (pace.due()) yield;
  }
  return {
    answer: collector.finish(),
    explanation: { driver, candidates, matches: collector.total },
  };
}

function scoreOf(row: FileRow, scores: ReadonlyMap<FileWords, number> | undefined): number | undefined {
  return scores === undefined ? 0 : scores.get(row.words);
}

function naturalOrder(criteria: Criteria): Order {
  return { field: criteria.text.length > 0 ? 'relevance' : 'path', descending: false };
}
