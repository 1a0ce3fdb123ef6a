/**
 * All files that this node offers now, in memory: by full path and by hash. The scan is its only
 * writer, through the table; everyone else reads, and hears of changes in the order in which they were made.
 */

import type { Slot } from './file-columns.js';
import { type CatalogueChange, type FileEntry, keyOf } from './file-entry.js';
import { FileTable } from './file-table.js';
import type { TableTotals } from './file-totals.js';
import { baseName, type FullPath, parentOf } from './share-path.js';
import type { TableBatch } from './table-feed.js';

/** What everyone but the scan sees of a {@link FileTable}. */
export type ReadonlyFileTable = Pick<
  FileTable,
  | 'columns'
  | 'number'
  | 'totals'
  | 'totalsOf'
  | 'slotCount'
  | 'isShown'
  | 'shown'
  | 'find'
  | 'withHash'
  | 'stampOf'
  | 'follow'
  | 'onBatch'
  | 'folders'
  | 'filesIn'
>;

/** What everyone but the scan sees of a {@link Catalogue}. */
export interface ReadonlyCatalogue {
  readonly size: number;
  readonly totals: TableTotals;
  readonly table: ReadonlyFileTable;
  get(key: FullPath): FileEntry | undefined;
  /** Made one by one: not to be held. */
  entries(): IterableIterator<FileEntry>;
  /** The slot of a file that is offered. */
  slotOf(key: FullPath): Slot | undefined;
  /** The listener is called for every later batch of changes; it must not throw. Returns what ends that. */
  onBatch(listener: (batch: TableBatch) => void): () => void;
}

export class Catalogue implements ReadonlyCatalogue {
  constructor(readonly table: FileTable = new FileTable()) {}

  get size(): number {
    return this.table.totals.files;
  }

  get totals(): TableTotals {
    return this.table.totals;
  }

  get(key: FullPath): FileEntry | undefined {
    const slot = this.slotOf(key);
    return slot === undefined ? undefined : this.table.columns.entryOf(slot);
  }

  slotOf(key: FullPath): Slot | undefined {
    const slot = this.table.find(parentOf(key), baseName(key));
    return slot !== undefined && this.table.isShown(slot) ? slot : undefined;
  }

  *entries(): Generator<FileEntry> {
    for (const slot of this.table.shown()) yield this.table.columns.entryOf(slot);
  }

  onBatch(listener: (batch: TableBatch) => void): () => void {
    return this.table.onBatch(listener);
  }

  /** Makes the changes in their order, then tells of all of them at once. */
  apply(changes: readonly CatalogueChange[]): void {
    if (changes.length === 0) return;
    for (const change of changes) {
      if (change.type === 'put') this.#put(change.entry);
      else this.#remove(change.key);
    }
    this.table.commit();
  }

  #put(entry: FileEntry): void {
    const { table } = this;
    const key = keyOf(entry);
    this.#remove(key);
    const times = { mtimeMs: entry.mtimeMs, ctimeMs: entry.mtimeMs, birthtimeMs: entry.mtimeMs };
    const slot = table.add({
      folder: parentOf(key),
      name: baseName(key),
      mediaType: entry.mediaType,
      desc: entry.desc,
      stamp: { size: entry.size, ...times, ino: 0 },
      sha256: entry.sha256,
      state: 'offered',
    });
    table.show(slot);
  }

  #remove(key: FullPath): void {
    const slot = this.table.find(parentOf(key), baseName(key));
    if (slot !== undefined) this.table.remove(slot);
  }
}
