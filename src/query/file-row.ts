/** A file as searches look at it, wherever it is kept. */
import { type FileEntry, keyOf } from '../catalogue/file-entry.js';
import { baseName, type FullPath } from '../catalogue/share-path.js';
import type { TextDocument } from '../index/text-index.js';

/**
 * How much of a description is searched, in UTF-16 units: as much as the longest path has bytes, twice.
 * A pattern runs over one value without a pause, and none may make it long.
 */
const MAX_DESC_LENGTH = 8192;

/** The part of a description that is searched. */
export function searchedDesc(desc: string | undefined): string {
  return (desc ?? '').slice(0, MAX_DESC_LENGTH);
}

/** What criteria, orders and answers need of a file; most searches need little of it. */
export interface SearchedFile extends TextDocument {
  readonly key: FullPath;
  readonly size: number;
  readonly mtimeMs: number;
  readonly sha256: string | undefined;
  readonly entry: FileEntry;
}

/** A file that is at hand as an entry. */
export class FileRow implements SearchedFile {
  readonly entry: FileEntry;
  readonly key: FullPath;

  constructor(entry: FileEntry) {
    this.entry = entry;
    this.key = keyOf(entry);
  }

  get name(): string {
    return baseName(this.key);
  }

  /** Share and folders. */
  get path(): string {
    return this.key.slice(0, this.key.lastIndexOf('/'));
  }

  get desc(): string {
    return searchedDesc(this.entry.desc);
  }

  get type(): string {
    return this.entry.mediaType;
  }

  get size(): number {
    return this.entry.size;
  }

  get mtimeMs(): number {
    return this.entry.mtimeMs;
  }

  get sha256(): string | undefined {
    return this.entry.sha256;
  }
}
