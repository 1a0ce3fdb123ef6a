/** Keeps one page out of any number of matches, in memory for twice a page, and counts the rest. */
import type { FileEntry } from '../catalogue/file-entry.js';
import { ParseError } from '../errors.js';
import type { Order } from '../stanza/file-criteria.js';
import type { FileRow } from './file-row.js';
import { comparePositions, formatCursor, type Position, parseCursor, positionOf } from './position.js';
import type { SearchAnswer, SearchRequest } from './query-engine.js';

interface Match {
  readonly entry: FileEntry;
  readonly position: Position;
}

/** From which end of the matches the page is taken, and where it begins; without a place, at that end. */
interface Cut {
  readonly from: 'start' | 'end';
  readonly place?: Position;
}

export class PageCollector {
  readonly #order: Order;
  readonly #max: number;
  readonly #cut: Cut;
  #kept: Match[] = [];
  #total = 0;
  /** Matches before the place, or at it: all of them before the page, or all of them up to its end. */
  #passed = 0;

  /** Throws {@link ParseError} for a cursor that is not ours. */
  constructor(order: Order, page: SearchRequest['page'], maxEntries: number) {
    this.#order = order;
    this.#max = Math.min(page.max, maxEntries);
    this.#cut = cutOf(order, page);
  }

  get total(): number {
    return this.#total;
  }

  add(row: FileRow, score: number): void {
    this.#total += 1;
    const position = positionOf(row, this.#order, score);
    const { from, place } = this.#cut;
    const side = place === undefined ? 0 : comparePositions(this.#order, position, place);
    if (place !== undefined && (from === 'start' ? side <= 0 : side < 0)) this.#passed += 1;
    const inReach = place === undefined || (from === 'start' ? side > 0 : side < 0);
    if (!inReach || this.#max === 0) return;
    this.#kept.push({ entry: row.entry, position });
    if (this.#kept.length >= 2 * this.#max + 16) this.#trim();
  }

  finish(): SearchAnswer {
    this.#trim();
    const { from, place } = this.#cut;
    const upTo = place === undefined ? (from === 'start' ? 0 : this.#total) : this.#passed;
    return {
      entries: this.#kept.map(({ entry, position }) => ({
        entry,
        cursor: formatCursor(this.#order, position),
      })),
      total: this.#total,
      offset: from === 'start' ? upTo : upTo - this.#kept.length,
    };
  }

  #trim(): void {
    const sorted = this.#kept.sort((one, other) =>
      comparePositions(this.#order, one.position, other.position),
    );
    const surplus = Math.max(0, sorted.length - this.#max);
    this.#kept = this.#cut.from === 'start' ? sorted.slice(0, this.#max) : sorted.slice(surplus);
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
