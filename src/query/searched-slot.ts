/** A file as searches look at it, read from the columns when it is asked for. */
import type { FileColumns, Slot } from '../catalogue/file-columns.js';
import type { FileEntry } from '../catalogue/file-entry.js';
import type { FullPath } from '../catalogue/share-path.js';
import { type SearchedFile, searchedDesc } from './file-row.js';

export class SearchedSlot implements SearchedFile {
  constructor(
    readonly columns: FileColumns,
    readonly slot: Slot,
  ) {}

  get key(): FullPath {
    return this.columns.keyOf(this.slot);
  }

  get name(): string {
    return this.columns.nameOf(this.slot);
  }

  /** Share and folders. */
  get path(): string {
    return this.columns.folderOf(this.slot);
  }

  get desc(): string {
    return searchedDesc(this.columns.descOf(this.slot));
  }

  get type(): string {
    return this.columns.typeOf(this.slot);
  }

  get size(): number {
    return this.columns.size.get(this.slot);
  }

  /** Whole, as the entry has it. */
  get mtimeMs(): number {
    return Math.floor(this.columns.mtimeMs.get(this.slot));
  }

  get sha256(): string | undefined {
    return this.columns.sha256Of(this.slot);
  }

  get entry(): FileEntry {
    return this.columns.entryOf(this.slot);
  }
}
