/**
 * Which files of a batch of the table are news to somebody who waits for them: those that can be fetched by
 * their hash from now on, and could not before. What was renamed, or described anew, is none.
 *
 * A file whose date alone changed may be told again. Whoever asked knows it by its hash.
 */
import type { ReadonlyFileTable } from '../catalogue/catalogue.js';
import type { Slot } from '../catalogue/file-columns.js';
import type { TableBatch } from '../catalogue/table-feed.js';
import { SlotSet } from '../columns/slot-set.js';

/**
 * To be called while the batch is told: slots are given to other files later. `take` gets each slot once; what is not
 * told yet stays news under another name.
 */
export function hashedIn(
  { added, touched, removed }: Pick<TableBatch, 'added' | 'touched' | 'removed'>,
  table: Pick<ReadonlyFileTable, 'columns' | 'isShown'>,
  isUntold: (slot: Slot) => boolean,
  take: (slot: Slot) => void,
): void {
  const { columns } = table;
  const hashOf = (slot: Slot) => Buffer.from(columns.sha256Bytes(slot)).toString('latin1');
  const before = new Set<string>();
  for (const slot of removed) if (columns.hasHash(slot) && !isUntold(slot)) before.add(hashOf(slot));
  const isNews = (slot: Slot) =>
    columns.hasHash(slot) && table.isShown(slot) && (before.size === 0 || !before.has(hashOf(slot)));
  const seen = new SlotSet();
  for (const slot of added) {
    seen.add(slot);
    if (isNews(slot)) take(slot);
  }
  for (const slot of touched) if (!seen.has(slot) && isNews(slot)) take(slot);
}
