/**
 * All files that this node offers now, in memory: by full path and by hash. The scan is its only
 * writer; everyone else reads, and hears of changes in the order in which they were made.
 */

import { type CatalogueChange, type FileEntry, keyOf } from './file-entry.js';
import type { FullPath } from './share-path.js';

export interface CatalogueTotals {
  readonly files: number;
  readonly bytes: number;
  readonly hashedFiles: number;
  readonly hashedBytes: number;
}

export type CatalogueListener = (changes: readonly CatalogueChange[]) => void;

/** What everyone but the scan sees of a {@link Catalogue}. */
export interface ReadonlyCatalogue {
  readonly size: number;
  readonly totals: CatalogueTotals;
  get(key: FullPath): FileEntry | undefined;
  /** All files with this content, by full path. */
  withHash(sha256: string): readonly FileEntry[];
  entries(): IterableIterator<FileEntry>;
  /** The listener is called for every later change; it must not throw. Returns what ends that. */
  onChange(listener: CatalogueListener): () => void;
}

export class Catalogue implements ReadonlyCatalogue {
  readonly #byKey = new Map<FullPath, FileEntry>();
  /** Most contents exist once: a bare key then, so that a million of them cost no million sets. */
  readonly #byHash = new Map<string, FullPath | Set<FullPath>>();
  readonly #listeners = new Set<CatalogueListener>();
  #bytes = 0;
  #hashedFiles = 0;
  #hashedBytes = 0;

  get size(): number {
    return this.#byKey.size;
  }

  get totals(): CatalogueTotals {
    return {
      files: this.#byKey.size,
      bytes: this.#bytes,
      hashedFiles: this.#hashedFiles,
      hashedBytes: this.#hashedBytes,
    };
  }

  get(key: FullPath): FileEntry | undefined {
    return this.#byKey.get(key);
  }

  withHash(sha256: string): readonly FileEntry[] {
    const found = this.#byHash.get(sha256);
    if (found === undefined) return [];
    const keys = typeof found === 'string' ? [found] : [...found].sort();
    return keys.flatMap((key) => this.#byKey.get(key) ?? []);
  }

  entries(): IterableIterator<FileEntry> {
    return this.#byKey.values();
  }

  onChange(listener: CatalogueListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Makes the changes in their order, then tells the listeners of all of them at once. */
  apply(changes: readonly CatalogueChange[]): void {
    if (changes.length === 0) return;
    for (const change of changes) {
      if (change.type === 'put') {
        const key = keyOf(change.entry);
        this.#remove(key);
        this.#add(key, change.entry);
      } else {
        this.#remove(change.key);
      }
    }
    for (const listener of this.#listeners) listener(changes);
  }

  #add(key: FullPath, entry: FileEntry): void {
    this.#byKey.set(key, entry);
    this.#bytes += entry.size;
    if (entry.sha256 === undefined) return;
    this.#hashedFiles += 1;
    this.#hashedBytes += entry.size;
    const others = this.#byHash.get(entry.sha256);
    if (others === undefined) this.#byHash.set(entry.sha256, key);
    else if (typeof others === 'string') this.#byHash.set(entry.sha256, new Set([others, key]));
    else others.add(key);
  }

  #remove(key: FullPath): void {
    const entry = this.#byKey.get(key);
    if (entry === undefined) return;
    this.#byKey.delete(key);
    this.#bytes -= entry.size;
    if (entry.sha256 === undefined) return;
    this.#hashedFiles -= 1;
    this.#hashedBytes -= entry.size;
    const keys = this.#byHash.get(entry.sha256);
    if (typeof keys === 'object') keys.delete(key);
    if (keys === key || (typeof keys === 'object' && keys.size === 0)) this.#byHash.delete(entry.sha256);
  }
}
