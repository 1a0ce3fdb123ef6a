/**
 * Keeps one page out of any number of matches, in memory for twice a page, and counts the rest. Of a
 * match that is no candidate for the page, as most are not, no more is read than its key and its folder, and
 * its name only in folders where that decides.
 */
import type { FileColumns } from '../catalogue/file-columns.js';
import { ParseError } from '../errors.js';
import type { Order } from '../stanza/file-criteria.js';
import { compareFolders, FolderOrder } from './folder-order.js';
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
import { SearchedSlot } from './searched-slot.js';

interface Match {
  readonly slot: number;
  readonly key: Position['key'];
  /** As {@link FolderOrder.text} gives it. */
  readonly folder: string | null;
  /** Read when it is first needed. */
  path: string | undefined;
}

/** From which end of the matches the page is taken, and where it begins; without a place, at that end. */
interface Cut {
  readonly from: 'start' | 'end';
  readonly place?: Position;
}

export class PageCollector {
  readonly #columns: FileColumns;
  readonly #order: Order;
  readonly #max: number;
  readonly #cut: Cut;
  /** 1 where the page is taken from the start of the order, -1 from its end. */
  readonly #towards: 1 | -1;
  /** Where keys are numbers: 1 where larger ones are further off, else -1. */
  readonly #further: 1 | -1;
  /** Keys that are further off than this are of no use. */
  #limit: number;
  #kept: Match[] = [];
  /** The last one on a page that is full: what is further off is only counted. */
  #worst: Match | undefined;
  readonly #folders: FolderOrder;
  readonly #isPathReversed: boolean;
  #total = 0;
  /** Matches before the place, or at it: all of them before the page, or all of them up to its end. */
  #passed = 0;

  /** Throws {@link ParseError} for a cursor that is not ours. */
  constructor(columns: FileColumns, order: Order, page: SearchRequest['page'], maxEntries: number) {
    this.#columns = columns;
    this.#order = order;
    this.#max = Math.min(page.max, maxEntries);
    this.#cut = cutOf(order, page);
    this.#towards = this.#cut.from === 'start' ? 1 : -1;
    this.#further = this.#towards > 0 === order.descending ? -1 : 1;
    this.#limit = this.#further * Number.POSITIVE_INFINITY;
    this.#folders = new FolderOrder(columns);
    this.#isPathReversed = order.field === 'path' && order.descending;
  }

  get total(): number {
    return this.#total;
  }

  add(slot: number, score: number): void {
    this.#total += 1;
    const { place } = this.#cut;
    if (this.#max === 0 && place === undefined) return;
    const key = keyFor(this.#columns, slot, this.#order.field, score);
    if (typeof key === 'number' && this.#further * (key - this.#limit) > 0) return;
    if (place !== undefined) this.#addBeyond(place, slot, key);
    else if (!this.#isWorse(slot, key)) this.#keep(this.#match(slot, key));
  }

  finish(): SearchAnswer {
    this.#trim();
    const { from, place } = this.#cut;
    const upTo = place === undefined ? (from === 'start' ? 0 : this.#total) : this.#passed;
    return {
      entries: this.#kept.map((match) => ({
        entry: this.#columns.entryOf(match.slot),
        cursor: formatCursor(this.#order, { key: match.key, path: this.#pathOf(match) }),
      })),
      total: this.#total,
      offset: from === 'start' ? upTo : upTo - this.#kept.length,
    };
  }

  #match(slot: number, key: Position['key']): Match {
    return { slot, key, folder: this.#folders.text(this.#columns.folder.get(slot)), path: undefined };
  }

  #addBeyond(place: Position, slot: number, key: Position['key']): void {
    const match = this.#match(slot, key);
    const side = this.#compare(match, place);
    if (this.#towards > 0 ? side <= 0 : side < 0) this.#passed += 1;
    if (this.#towards * side > 0 && this.#max > 0 && !this.#isWorse(slot, key)) this.#keep(match);
  }

  /** Further off than the last of a full page; not so where it takes the name to tell. */
  #isWorse(slot: number, key: Position['key']): boolean {
    const worst = this.#worst;
    if (worst === undefined) return false;
    const byKey = compareKeys(this.#order, key, worst.key);
    if (byKey !== 0) return this.#towards * byKey > 0;
    const side = this.#folders.sideOf(this.#columns.folder.get(slot));
    const byFolder = this.#isPathReversed ? 0 - side : side;
    return this.#towards * byFolder > 0;
  }

  #keep(match: Match): void {
    const worst = this.#worst;
    if (worst && this.#towards * this.#compare(match, worst) > 0) return;
    this.#kept.push(match);
    if (this.#kept.length >= 2 * this.#max + 16) this.#trim();
  }

  #trim(): void {
    const sorted = this.#kept.sort((one, other) => this.#compare(one, other));
    const surplus = Math.max(0, sorted.length - this.#max);
    this.#kept = this.#cut.from === 'start' ? sorted.slice(0, this.#max) : sorted.slice(surplus);
    if (this.#kept.length < this.#max) return;
    const worst = this.#kept.at(this.#cut.from === 'start' ? -1 : 0);
    this.#worst = worst;
    if (worst === undefined) return;
    this.#folders.markPath(this.#pathOf(worst));
    // Of what lies before the place, or after it, all are counted.
    if (typeof worst.key === 'number' && this.#cut.place === undefined) this.#limit = worst.key;
  }

  #compare(match: Match, other: Match | Position): number {
    const byKey = compareKeys(this.#order, match.key, other.key);
    if (byKey !== 0) return byKey;
    if ('slot' in other) {
      const byFolder = compareFolders(match.folder, other.folder);
      if (byFolder !== 0) return this.#isPathReversed ? 0 - byFolder : byFolder;
    }
    return comparePaths(this.#order, this.#pathOf(match), this.#pathOf(other));
  }

  #pathOf(match: Match | Position): string {
    if (!('slot' in match)) return match.path;
    match.path ??= pathFor(new SearchedSlot(this.#columns, match.slot));
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
