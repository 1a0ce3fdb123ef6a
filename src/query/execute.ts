/** Runs one search over one state of the files, in slices: narrows the candidates field by field, then takes a page. */
import { Buffer } from 'node:buffer';
import type { Clock } from '../clock.js';
import type { SlotSet } from '../columns/slot-set.js';
import type { Matches, Pace, Work } from '../index/text-index.js';
import type { Order } from '../stanza/file-criteria.js';
import { Candidates } from './candidates.js';
import { keepByColumn } from './column-filters.js';
import type { Criteria } from './criteria.js';
import type { Budget } from './ere-matcher.js';
import type { Explanation } from './explanation.js';
import type { FileView } from './file-view.js';
import { PageCollector } from './page-collector.js';
import { areFew, chooseDriver, type Field, planFields, type TextField } from './plan.js';
import type { SearchAnswer, SearchRequest } from './query-engine.js';
import { fieldTest } from './residual-filter.js';
import { SearchedSlot } from './searched-slot.js';
import { StepTimer } from './step-timer.js';
import { TextScan } from './text-scan.js';

export type { Explanation } from './explanation.js';

export interface Executed {
  readonly answer: SearchAnswer;
  readonly explanation: Explanation;
}

export interface ExecuteInit {
  /** Entries in one page, whatever is asked for. */
  readonly maxPageEntries: number;
}

export interface ExecuteComponents {
  /** To tell how long each step took. */
  readonly clock?: Pick<Clock, 'monotonic'>;
}

/** Throws `ParseError` for a cursor that is not ours, and what `pace` and the index throw. */
export function* execute(
  request: SearchRequest,
  view: FileView,
  init: ExecuteInit & ExecuteComponents,
  pace: Pace & Budget,
): Work<Executed> {
  const { criteria } = request;
  const order = request.order ?? naturalOrder(criteria);
  const collector = new PageCollector(view.columns, order, request.page, init.maxPageEntries);
  const files = countOf(view.shown);
  const timer = new StepTimer(init.clock);
  const search = new Search(request, view, files, pace);
  const steps: Explanation['steps'][number][] = [];
  for (const step of stepsOf(request)) {
    const before = steps.at(-1)?.after ?? files;
    const { took } = yield* timer.time(search.narrow(step));
    steps.push({ step, before, after: search.count, ...took });
  }
  const candidates = steps[0]?.after ?? files;
  const { value: answer, took } = yield* timer.time(search.takePage(collector));
  steps.push({ step: 'page', before: collector.total, after: answer.entries.length, ...took });
  return {
    answer,
    explanation: { driver: chooseDriver(criteria), files, candidates, matches: collector.total, steps },
  };
}

/** Files read and decoded between two looks at the time, and files of which a number is compared. */
const ROWS_A_LOOK = 16;
const NUMBERS_A_LOOK = 512;

class Search {
  /** All that are shown, while there are none. */
  #candidates: Candidates | undefined;
  #words: readonly Matches[] | undefined;

  constructor(
    readonly request: SearchRequest,
    readonly view: FileView,
    readonly files: number,
    readonly pace: Pace & Budget,
  ) {
    if (request.among) this.#candidates = this.#these(request.among);
  }

  get count(): number {
    if (this.#candidates) return this.#candidates.count;
    return this.#words?.reduce((sum, { ids }) => sum + ids.length, 0) ?? this.files;
  }

  *narrow(field: Field | 'access'): Work<void> {
    const { criteria } = this.request;
    switch (field) {
      case 'access':
        yield* this.#keepSeen();
        break;
      case 'hash':
        yield* this.#keepHashes();
        break;
      case 'words':
        yield* this.#keepWords();
        break;
      case 'type':
      case 'size':
      case 'date':
        yield* keepByColumn(field, criteria, this.#some(), this.view, this.pace);
        break;
      default:
        yield* this.#keepTexts(field);
    }
  }

  *takePage(collector: PageCollector): Work<SearchAnswer> {
    yield* this.#collect(collector);
    return collector.finish();
  }

  *#collect(collector: PageCollector): Work<void> {
    let taken = 0;
    const candidates = this.#candidates;
    if (this.#words) {
      for (const { ids, scores } of this.#words) {
        for (let at = 0; at < ids.length; at++) {
          const slot = ids[at] as number;
          if (!candidates || candidates.has(slot)) collector.add(slot, scores[at] as number);
          if (at % NUMBERS_A_LOOK === 0 && this.pace.due()) yield;
        }
      }
      return;
    }
    const { bits } = candidates ?? { bits: this.view.shown.words };
    for (let word = 0; word < bits.length; word++) {
      for (let left = bits[word] as number; left !== 0; left &= left - 1) {
        collector.add(word * 32 + 31 - Math.clz32(left & -left), 0);
        taken += 1;
        if (taken % NUMBERS_A_LOOK === 0 && this.pace.due()) yield;
      }
    }
  }

  #some(): Candidates {
    this.#candidates ??= this.#words ? this.#withWords(this.#words) : Candidates.all(this.view.shown);
    return this.#candidates;
  }

  #these(slots: Uint32Array): Candidates {
    const { shown } = this.view;
    const candidates = Candidates.none(shown);
    for (const slot of slots) if (shown.has(slot)) candidates.add(slot);
    return candidates;
  }

  #withWords(parts: readonly Matches[]): Candidates {
    const candidates = Candidates.none(this.view.shown);
    for (const { ids } of parts) for (const slot of ids) candidates.add(slot);
    return candidates;
  }

  /** Those that are named are all that there are, if any are. */
  *#keepHashes(): Work<void> {
    const { criteria, named } = this.request;
    const { columns, shown } = this.view;
    const asked = (criteria.sha256 ?? []).map((hash) => Buffer.from(hash, 'base64'));
    const candidates = named ? this.#these(named) : Candidates.all(shown);
    if (this.#candidates) candidates.keepIn(this.#candidates);
    const hasOne = (slot: number) => {
      if (!columns.hasHash(slot)) return false;
      const bytes = columns.sha256Bytes(slot);
      return asked.some((hash) => hash.equals(bytes));
    };
    yield* candidates.keep(hasOne, this.pace, ROWS_A_LOOK);
    this.#candidates = candidates;
  }

  *#keepSeen(): Work<void> {
    const { view: rules } = this.request;
    if (rules) yield* this.view.seen.keep(rules, this.#some(), this.pace);
  }

  *#keepWords(): Work<void> {
    const { columns } = this.view;
    const source = { document: (slot: number) => new SearchedSlot(columns, slot) };
    this.#words = yield* this.view.words.search(this.request.criteria.text, source, this.pace);
    this.#candidates?.keepIn(this.#withWords(this.#words));
  }

  *#keepTexts(field: TextField): Work<void> {
    const { criteria } = this.request;
    const candidates = this.#some();
    if (areFew(candidates.count, this.files)) {
      const { columns } = this.view;
      const test = yield* fieldTest(criteria, field, this.pace);
      const testSlot = (slot: number) => test(new SearchedSlot(columns, slot), this.pace);
      yield* candidates.keep(testSlot, this.pace, ROWS_A_LOOK);
      return;
    }
    const scan = new TextScan(this.view, this.pace);
    if (field === 'ext') yield* scan.keepExtensions(criteria, candidates);
    else yield* scan.keep(field, criteria, candidates);
  }
}

/**
 * What may not be seen is left out as soon as candidates are named, and before anything is found out about them: no
 * later step takes longer for it.
 */
function stepsOf({ criteria, view }: SearchRequest): readonly (Field | 'access')[] {
  const fields = planFields(criteria);
  if (!view) return fields;
  const driver = chooseDriver(criteria);
  const named = driver === 'hash' || driver === 'words' ? 1 : 0;
  return [...fields.slice(0, named), 'access', ...fields.slice(named)];
}

function naturalOrder(criteria: Criteria): Order {
  return { field: criteria.text.length > 0 ? 'relevance' : 'path', descending: false };
}

/** Of sets that never change, so that the same need not be counted for each search. */
const counts = new WeakMap<SlotSet, number>();

function countOf(shown: SlotSet): number {
  const known = counts.get(shown);
  if (known !== undefined) return known;
  const count = Candidates.all(shown).count;
  counts.set(shown, count);
  return count;
}
