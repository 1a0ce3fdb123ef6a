/** Runs one search over one state of the table, in slices. */
import type { Pace, Work } from '../index/text-index.js';
import type { Order } from '../stanza/file-criteria.js';
import type { Criteria } from './criteria.js';
import type { Budget } from './ere-matcher.js';
import type { FileTable } from './file-table.js';
import type { FileView } from './file-view.js';
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

/** Files with nothing left to test between two looks at the time. */
const FILES_A_LOOK = 64;

export interface Executed {
  readonly answer: SearchAnswer;
  readonly explanation: Explanation;
}

/** Throws `ParseError` for a cursor that is not ours, and what `pace` and the index throw. */
export function* execute(
  request: SearchRequest,
  table: FileTable,
  maxEntries: number,
  pace: Pace & Budget,
): Work<Executed> {
  const view = table.view();
  try {
    return yield* executeOn(view, request, maxEntries, pace);
  } finally {
    view.close();
  }
}

function* executeOn(
  view: FileView,
  request: SearchRequest,
  maxEntries: number,
  pace: Pace & Budget,
): Work<Executed> {
  const { criteria } = request;
  const driver = chooseDriver(criteria);
  const order = request.order ?? naturalOrder(criteria);
  const collector = new PageCollector(view, order, request.page, maxEntries);
  const named = criteria.sha256 && new Set(criteria.sha256.flatMap((hash) => view.withHash(hash)));
  const test = yield* residualFilter(criteria, pace);
  let candidates = 0;
  const take = (slot: number, score: number) => {
    candidates += 1;
    if (test === undefined || test(view.file(slot), pace)) collector.add(slot, score);
  };
  if (criteria.text.length > 0) {
    for (const { ids, scores } of yield* view.words.search(criteria.text, view, pace)) {
      for (let at = 0; at < ids.length; at++) {
        const slot = ids[at] as number;
        if (named === undefined || named.has(slot)) take(slot, scores[at] as number);
        if ((test !== undefined || at % FILES_A_LOOK === 0) && pace.due()) yield;
      }
    }
  } else {
    for (const slot of named ?? view.slots) {
      take(slot, 0);
      if (pace.due()) yield;
    }
  }
  return {
    answer: collector.finish(),
    explanation: { driver, candidates, matches: collector.total },
  };
}

function naturalOrder(criteria: Criteria): Order {
  return { field: criteria.text.length > 0 ? 'relevance' : 'path', descending: false };
}
