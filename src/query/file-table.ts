/**
 * All files that can be searched, in memory: by key, by hash and by words. Changes are made ready in
 * slices and seen all at once; a view keeps to the state in which it was made.
 */
import { type CatalogueChange, type FileEntry, keyOf } from '../catalogue/file-entry.js';
import type { FullPath } from '../catalogue/share-path.js';
import type { Pace, TextIndex, TextSearcher, Work } from '../index/text-index.js';
import { FileRow, type FileWords } from './file-row.js';

export interface FileView {
  readonly rows: readonly FileRow[];
  readonly words: TextSearcher<FileWords>;
  /** Of the present state: to be called before the first slice is over. */
  withHash(sha256: string): readonly FileRow[];
}

export class FileTable {
  readonly #words: TextIndex<FileWords>;
  readonly #rows = new Map<FullPath, FileRow>();
  readonly #byHash = new Map<string, Set<FileRow>>();
  /** All rows, made when a view needs it. Never changed in place: views hold it. */
  #list: readonly FileRow[] | undefined;

  constructor(words: TextIndex<FileWords>) {
    this.#words = words;
  }

  get size(): number {
    return this.#rows.size;
  }

  /** One call at a time: what it finds at its beginning is there at its end. */
  *apply(changes: readonly CatalogueChange[], pace: Pace): Work<void> {
    const last = new Map<FullPath, FileEntry | undefined>();
    for (const change of changes) {
      if (change.type === 'put') last.set(keyOf(change.entry), change.entry);
      else last.set(change.key, undefined);
      if (pace.due()) yield;
    }
    const removed: FileRow[] = [];
    const added: FileRow[] = [];
    for (const [key, entry] of last) {
      const before = this.#rows.get(key);
      if (before) removed.push(before);
      if (entry) added.push(new FileRow(entry, before));
      if (pace.due()) yield;
    }
    const goneWords = new Set(removed.map((row) => row.words));
    const newWords = new Set(added.map((row) => row.words));
    const prepared = yield* this.#words.prepare(
      [...newWords].filter((words) => !goneWords.has(words)),
      pace,
    );
    this.#words.commit(
      prepared,
      [...goneWords].filter((words) => !newWords.has(words)),
    );
    for (const row of removed) this.#remove(row);
    for (const row of added) this.#add(row);
    this.#list = undefined;
  }

  /** Upkeep; false when there was nothing to do. */
  maintain(pace: Pace): Work<boolean> {
    return this.#words.maintain(pace);
  }

  view(): FileView {
    this.#list ??= [...this.#rows.values()];
    return {
      rows: this.#list,
      words: this.#words.searcher(),
      withHash: (sha256) => [...(this.#byHash.get(sha256) ?? [])],
    };
  }

  #add(row: FileRow): void {
    this.#rows.set(row.key, row);
    const { sha256 } = row.entry;
    if (sha256 === undefined) return;
    const same = this.#byHash.get(sha256);
    if (same) same.add(row);
    else this.#byHash.set(sha256, new Set([row]));
  }

  #remove(row: FileRow): void {
    this.#rows.delete(row.key);
    const { sha256 } = row.entry;
    if (sha256 === undefined) return;
    const same = this.#byHash.get(sha256);
    same?.delete(row);
    if (same?.size === 0) this.#byHash.delete(sha256);
  }
}
