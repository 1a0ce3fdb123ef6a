/** One state of the files, for one search. */

import type { SlotSet } from '../columns/slot-set.js';
import type { DocumentSource, TextSearcher } from '../index/text-index.js';
import { FileRow, type SearchedFile } from './file-row.js';
import type { SearchedFiles } from './page-collector.js';

export interface FileViewParts {
  readonly slots: SlotSet;
  readonly words: TextSearcher;
  /** What stands in a slot now. */
  readonly stored: (slot: number) => SearchedFile;
  /** Slots that have the hash now, among others that are not seen. */
  readonly withHash: (sha256: string) => readonly number[];
  readonly onClose: () => void;
}

export class FileView implements SearchedFiles, DocumentSource {
  readonly #parts: FileViewParts;
  /** Files whose slot was written anew since. */
  readonly #saved = new Map<number, SearchedFile>();

  constructor(parts: FileViewParts) {
    this.#parts = parts;
  }

  get slots(): Iterable<number> {
    return this.#parts.slots;
  }

  get words(): TextSearcher {
    return this.#parts.words;
  }

  file(slot: number): SearchedFile {
    const saved = this.#saved.size === 0 ? undefined : this.#saved.get(slot);
    return saved ?? this.#parts.stored(slot);
  }

  document(slot: number): SearchedFile {
    return this.file(slot);
  }

  /** Of the present state: to be called before the first slice is over. */
  withHash(sha256: string): readonly number[] {
    return this.#parts.withHash(sha256).filter((slot) => this.#parts.slots.has(slot));
  }

  /** Keeps what stands in the slot. To be called before that changes. */
  save(slot: number): void {
    if (!this.#parts.slots.has(slot) || this.#saved.has(slot)) return;
    this.#saved.set(slot, new FileRow(this.#parts.stored(slot).entry));
  }

  close(): void {
    this.#parts.onClose();
  }
}
