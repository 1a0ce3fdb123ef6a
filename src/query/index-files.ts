/**
 * The words that were indexed, from one run to the next: what the words worker asks of the disk. An index is of a
 * state of the table, named by the number of its batch; the segments in it never change, and those of the
 * last time are among them unless they were merged.
 */
import type { LiveSegment } from '../index/packed-segment.js';

export interface SavedIndex {
  /** The batch whose state the words are of. */
  readonly number: number;
  readonly segments: readonly LiveSegment[];
}

export interface IndexFiles {
  /**
   * What was saved last; undefined when there is nothing. One of a batch after `number` is of a table that is
   * lost: it is removed, and undefined is what there is. Rejects when it can't be read.
   */
  load(number: number): Promise<SavedIndex | undefined>;
  /** Puts it in the place of the last one, all or nothing. Rejects when it can't be written. */
  save(index: SavedIndex): Promise<void>;
}
