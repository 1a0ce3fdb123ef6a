/**
 * The table of files as one search thread sees it: the columns, which the main thread writes, the set of what is
 * shown, and the words. Changes are made ready in slices and seen all at once.
 *
 * A view keeps to the state in which it was made. What it may look at stays as it is until the state is
 * released, which is when there is no older view left.
 */
import { FileColumns, type Slot } from '../catalogue/file-columns.js';
import type { TableState } from '../catalogue/table-feed.js';
import { SlotSet } from '../columns/slot-set.js';
import { Tombstones } from '../index/packed-segment.js';
import type { PackedTextIndex, SavedSegment } from '../index/packed-text-index.js';
import type { DocumentSource, Pace, TextIndex, TextSearcher, Work } from '../index/text-index.js';
import type { FileView } from './file-view.js';
import type { SavedIndex } from './index-files.js';
import type { SearchBatch } from './search-batch.js';
import { SearchedSlot } from './searched-slot.js';
import { SeenFiles } from './seen-files.js';

/** Files whose words are added together at the beginning: bounds what waits for its first merge. */
const FILES_A_PART = 16_384;

/** The words of files, and what of them can be saved. */
export type KeptWords = TextIndex & Pick<PackedTextIndex, 'segments' | 'adopt'>;

export interface FollowedTableInit {
  /** Nothing looks at a state before this one any more. */
  readonly onRelease: (number: number) => void;
}

export interface OpenView extends FileView {
  close(): void;
}

export class FollowedTable {
  readonly #columns = FileColumns.reader();
  readonly #words: KeptWords;
  readonly #source: DocumentSource = { document: (slot) => new SearchedSlot(this.#columns, slot) };
  readonly #init: FollowedTableInit;
  readonly #seen = new SeenFiles({ columns: this.#columns });
  /** Views have it: it is replaced, not changed. */
  #shown = new SlotSet();
  #number = 0;
  #released = 0;
  #unsaved = 0;
  /** By the number of their state. */
  readonly #views = new Map<number, number>();

  constructor(words: KeptWords, init: FollowedTableInit) {
    this.#words = words;
    this.#init = init;
  }

  /**
   * To be called once, first; nothing is seen before its end. Words that were saved are not read again: of an index
   * of the same table, before this state.
   */
  *begin({ number, shown, growth }: TableState, pace: Pace, saved?: SavedIndex): Work<void> {
    this.#columns.attach(growth);
    const slots = new SlotSet(shown);
    const missing = saved ? yield* this.#adopt(saved, slots, pace) : slots;
    let part: Slot[] = [];
    for (const slot of missing) {
      part.push(slot);
      if (part.length < FILES_A_PART) continue;
      yield* this.#addWords(part, pace);
      part = [];
    }
    yield* this.#addWords(part, pace);
    this.#shown = slots;
    this.#reach(number);
  }

  /** One call at a time. */
  *apply({ number, added, removed, growth }: SearchBatch, pace: Pace): Work<void> {
    // Nobody looks at what is dropped: texts are moved out of a piece, and the new places known, before.
    this.#columns.attach(growth);
    this.#columns.drop(growth);
    const prepared = yield* this.#words.prepare([...added], this.#source, pace);
    this.#words.commit(prepared, removed);
    this.#unsaved += added.length + removed.length;
    if (added.length + removed.length > 0) {
      this.#shown = this.#shown.copy();
      for (const slot of removed) this.#shown.delete(slot);
      for (const slot of added) this.#shown.add(slot);
      this.#seen.added(added);
    }
    this.#reach(number);
  }

  /** Files that came or went since the words were saved. */
  get unsaved(): number {
    return this.#unsaved;
  }

  /** The words as they are now, to be saved. */
  save(): SavedIndex {
    this.#unsaved = 0;
    return { number: this.#number, segments: this.#words.segments() };
  }

  /** Upkeep; false when there was nothing to do. */
  maintain(pace: Pace): Work<boolean> {
    return this.#words.maintain(pace);
  }

  /** To be closed. */
  view(): OpenView {
    const number = this.#number;
    this.#views.set(number, (this.#views.get(number) ?? 0) + 1);
    const words: TextSearcher = this.#words.searcher();
    return {
      columns: this.#columns,
      shown: this.#shown,
      words,
      seen: this.#seen,
      close: () => this.#close(number),
    };
  }

  /** Returns the slots whose words were not in it. */
  *#adopt({ number, segments }: SavedIndex, shown: SlotSet, pace: Pace): Work<SlotSet> {
    const missing = shown.copy();
    const alive: SavedSegment[] = [];
    for (const { segment, tombstones } of segments) {
      const dead = yield* Tombstones.where(
        segment.documents,
        (ordinal) => {
          const slot = segment.ids[ordinal] as Slot;
          // What was shown since is another file, or the same again.
          if (tombstones.has(ordinal) || !missing.has(slot) || this.#columns.bornAt.get(slot) > number)
            return true;
          missing.delete(slot);
          return false;
        },
        pace,
      );
      alive.push({ segment, dead: (ordinal) => dead.has(ordinal) });
    }
    yield* this.#words.adopt(alive, pace);
    this.#unsaved = 0;
    return missing;
  }

  *#addWords(slots: readonly Slot[], pace: Pace): Work<void> {
    this.#words.commit(yield* this.#words.prepare(slots, this.#source, pace), []);
    this.#unsaved += slots.length;
    while (yield* this.#words.maintain(pace));
  }

  #reach(number: number): void {
    this.#number = number;
    this.#release();
  }

  #close(number: number): void {
    const left = (this.#views.get(number) ?? 0) - 1;
    if (left > 0) {
      this.#views.set(number, left);
      return;
    }
    this.#views.delete(number);
    this.#release();
  }

  #release(): void {
    const released = Math.min(this.#number, ...this.#views.keys());
    if (released === this.#released) return;
    this.#released = released;
    this.#init.onRelease(released);
  }
}
