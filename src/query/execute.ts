/** Runs one search over one state of the files, in slices. */
import type { Pace, Work } from '../index/text-index.js';
import type { Order } from '../stanza/file-criteria.js';
import type { Criteria } from './criteria.js';
import type { Budget } from './ere-matcher.js';
import type { FileView } from './file-view.js';
import { PageCollector } from './page-collector.js';
import { chooseDriver, type Driver } from './plan.js';
import type { SearchAnswer, SearchRequest } from './query-engine.js';
import { residualFilter } from './residual-filter.js';
import { SearchedSlot } from './searched-slot.js';

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

export interface ExecuteInit {
  /** Entries in one page, whatever is asked for. */
  readonly maxPageEntries: number;
}

/** Throws `ParseError` for a cursor that is not ours, and what `pace` and the index throw. */
export function* execute(
  request: SearchRequest,
  view: FileView,
  init: ExecuteInit,
  pace: Pace & Budget,
): Work<Executed> {
  const { criteria } = request;
  const driver = chooseDriver(criteria);
  const order = request.order ?? naturalOrder(criteria);
  const file = (slot: number) => new SearchedSlot(view.columns, slot);
  const collector = new PageCollector({ file }, order, request.page, init.maxPageEntries);
  const named = request.named && new Set(request.named.filter((slot) => view.shown.has(slot)));
  const test = yield* residualFilter(criteria, pace);
  let candidates = 0;
  const take = (slot: number, score: number) => {
    candidates += 1;
    if (test === undefined || test(file(slot), pace)) collector.add(slot, score);
  };
  if (criteria.text.length > 0) {
    for (const { ids, scores } of yield* view.words.search(criteria.text, { document: file }, pace)) {
      for (let at = 0; at < ids.length; at++) {
        const slot = ids[at] as number;
        if (named === undefined || named.has(slot)) take(slot, scores[at] as number);
        if ((test !== undefined || at % FILES_A_LOOK === 0) && pace.due()) yield;
      }
    }
  } else {
    for (const slot of named ?? view.shown) {
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
