/**
 * Keeps one page out of any number of matches, in memory for twice a page, and counts the rest. Of a
 * match that is no candidate for the page, as most are not, no more is read than its key, and the path
 * of a file only where keys are equal.
 */
import { ParseError } from '../errors.js';
import type { Order } from '../stanza/file-criteria.js';
import type { SearchedFile } from './file-row.js';
import {
  compareKeys,
  comparePaths,
  formatCursor,
  keyFor,
  type Position,
  parseCursor,
  pathFor,
} from './position.js';
import type { SearchAnswer, SearchRequest } from './query-engine.js';

export interface SearchedFiles {
  file(slot: number): SearchedFile;
}

interface Match {
  readonly slot: number;
  readonly key: Position['key'];
  /** Read when it is first needed. */
  path: string | undefined;
}

/** From which end of the matches the page is taken, and where it begins; without a place, at that end. */
interface Cut {
  readonly from: 'start' | 'end';
  readonly place?: Position;
}

export class PageCollector {
  readonly #files: SearchedFiles;
  readonly #order: Order;
  readonly #max: number;
  readonly #cut: Cut;
  #kept: Match[] = [];
  /** The last one on a page that is full: what is further off is only counted. */
  #worst: Match | undefined;
  #total = 0;
  /** Matches before the place, or at it: all of them before the page, or all of them up to its end. */
  #passed = 0;

  /** Throws {@link ParseError} for a cursor that is not ours. */
  constructor(files: SearchedFiles, order: Order, page: SearchRequest['page'], maxEntries: number) {
    this.#files = files;
    this.#order = order;
    this.#max = Math.min(page.max, maxEntries);
    this.#cut = cutOf(order, page);
  }

  get total(): number {
    return this.#total;
  }

  add(slot: number, score: number): void {
    this.#total += 1;
    const { place, from } = this.#cut;
    const { field } = this.#order;
    if (this.#max === 0 && place === undefined) return;
    const key = field === 'relevance' ? 0 - score : keyFor(this.#files.file(slot), field, score);
    const towards = from === 'start' ? 1 : -1;
    const worst = this.#worst;
    if (place === undefined && worst && towards * compareKeys(this.#order, key, worst.key) > 0) return;
    const match: Match = { slot, key, path: undefined };
    if (place !== undefined) {
      const side = this.#compare(match, place);
      if (from === 'start' ? side <= 0 : side < 0) this.#passed += 1;
      if (towards * side <= 0 || this.#max === 0) return;
    }
    if (worst && towards * this.#compare(match, worst) > 0) return;
    this.#kept.push(match);
    if (this.#kept.length >= 2 * this.#max + 16) this.#trim();
  }

  finish(): SearchAnswer {
    this.#trim();
    const { from, place } = this.#cut;
    const upTo = place === undefined ? (from === 'start' ? 0 : this.#total) : this.#passed;
    return {
      entries: this.#kept.map((match) => ({
        entry: this.#files.file(match.slot).entry,
        cursor: formatCursor(this.#order, { key: match.key, path: this.#pathOf(match) }),
      })),
      total: this.#total,
      offset: from === 'start' ? upTo : upTo - this.#kept.length,
    };
  }

  #trim(): void {
    const sorted = this.#kept.sort((one, other) => this.#compare(one, other));
    const surplus = Math.max(0, sorted.length - this.#max);
    this.#kept = this.#cut.from === 'start' ? sorted.slice(0, this.#max) : sorted.slice(surplus);
    if (this.#kept.length === this.#max) this.#worst = this.#kept.at(this.#cut.from === 'start' ? -1 : 0);
  }

  #compare(match: Match, other: Match | Position): number {
    const byKey = compareKeys(this.#order, match.key, other.key);
    return byKey || comparePaths(this.#order, this.#pathOf(match), this.#pathOf(other));
  }

  #pathOf(match: Match | Position): string {
    if (!('slot' in match)) return match.path;
    match.path ??= pathFor(this.#files.file(match.slot));
    return match.path;
  }
}

function cutOf(order: Order, { after, before }: SearchRequest['page']): Cut {
  if (after !== undefined && before !== undefined) {
    throw new ParseError('<after/> and <before/> exclude each other', { field: 'after' });
  }
  if (after !== undefined) return { from: 'start', place: parseCursor(after, order, 'after') };
  if (before === undefined) return { from: 'start' };
  // XEP-0059 §2.5: an empty <before/> asks for the last page.
  return before === '' ? { from: 'end' } : { from: 'end', place: parseCursor(before, order, 'before') };
}
