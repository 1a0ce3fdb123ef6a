/**
 * Which files have come since the node was ready, told when their content is known. What was there before, was
 * renamed, or is described anew is none.
 */
import type { ReadonlyFileTable } from '../catalogue/catalogue.js';
import type { Slot } from '../catalogue/file-columns.js';
import { type FileEntry, keyOf } from '../catalogue/file-entry.js';
import type { FullPath } from '../catalogue/share-path.js';
import type { TableBatch } from '../catalogue/table-feed.js';

/** Files that are not hashed yet; of more at once the first are told. */
const MAX_WAITING = 10_000;

export class NewFiles {
  readonly #table: Pick<ReadonlyFileTable, 'columns' | 'isShown'>;
  readonly #unhashed = new Set<FullPath>();

  constructor({ table }: { readonly table: Pick<ReadonlyFileTable, 'columns' | 'isShown'> }) {
    this.#table = table;
  }

  /** To be called while the batch is told: slots are given to other files later. Entries have their hash. */
  take({ added, removed, touched }: Pick<TableBatch, 'added' | 'removed' | 'touched'>): FileEntry[] {
    const { columns } = this.#table;
    const were = new Map<FullPath, FileEntry>();
    const contents = new Set<string>();
    for (const slot of removed.subarray(0, MAX_WAITING)) {
      const entry = columns.entryOf(slot);
      were.set(keyOf(entry), entry);
      if (entry.sha256 !== undefined) contents.add(entry.sha256);
    }
    const come = added.subarray(0, MAX_WAITING);
    for (const slot of come) {
      const entry = columns.entryOf(slot);
      const was = were.get(keyOf(entry));
      if (was === undefined || was.size !== entry.size || was.mtimeMs !== entry.mtimeMs) {
        if (this.#unhashed.size < MAX_WAITING) this.#unhashed.add(keyOf(entry));
      }
      were.delete(keyOf(entry));
    }
    for (const key of were.keys()) this.#unhashed.delete(key);
    if (this.#unhashed.size === 0) return [];
    return [come, touched].flatMap((slots) => this.#hashedOf(slots, contents));
  }

  #hashedOf(slots: Uint32Array, before: ReadonlySet<string>): FileEntry[] {
    const { columns } = this.#table;
    const found: FileEntry[] = [];
    const isHashed = (slot: Slot) => columns.hasHash(slot) && this.#table.isShown(slot);
    for (const slot of slots) {
      if (this.#unhashed.size === 0) break;
      if (!isHashed(slot)) continue;
      const entry = columns.entryOf(slot);
      if (!this.#unhashed.delete(keyOf(entry))) continue;
      if (entry.sha256 !== undefined && !before.has(entry.sha256)) found.push(entry);
    }
    return found;
  }
}
