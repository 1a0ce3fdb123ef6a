/** How many files are shown, and how large they are together: of all, and share by share. */
import type { FileColumns, Slot } from './file-columns.js';

export interface TableTotals {
  readonly files: number;
  readonly bytes: number;
  readonly hashedFiles: number;
  readonly hashedBytes: number;
}

/** Files of a share that are shown. */
export interface ShareTotals {
  readonly files: number;
  readonly bytes: number;
}

export class FileTotals {
  readonly #columns: FileColumns;
  readonly #all = { files: 0, bytes: 0, hashedFiles: 0, hashedBytes: 0 };
  readonly #shares = new Map<string, { files: number; bytes: number }>();
  /** By folder: those of its share. */
  readonly #around: { files: number; bytes: number }[] = [];

  constructor(components: { readonly columns: FileColumns }) {
    this.#columns = components.columns;
  }

  get all(): TableTotals {
    return { ...this.#all };
  }

  of(share: string): ShareTotals {
    return { ...(this.#shares.get(share) ?? { files: 0, bytes: 0 }) };
  }

  /** A number that a folder has from now on; `text` begins with the share. */
  setFolder(number: number, text: string): void {
    const share = text.split('/', 1)[0] ?? text;
    const totals = this.#shares.get(share) ?? { files: 0, bytes: 0 };
    this.#shares.set(share, totals);
    this.#around[number] = totals;
  }

  /** The file is shown, or no more. */
  count(slot: Slot, one: 1 | -1): void {
    const bytes = one * this.#columns.size.get(slot);
    const around = this.#around[this.#columns.folder.get(slot)];
    this.#all.files += one;
    this.#all.bytes += bytes;
    if (around !== undefined) {
      around.files += one;
      around.bytes += bytes;
    }
    if (this.#columns.hasHash(slot)) this.countHash(slot, one);
  }

  /** The file, which is shown, has its hash from now on. */
  countHash(slot: Slot, one: 1 | -1): void {
    this.#all.hashedFiles += one;
    this.#all.hashedBytes += one * this.#columns.size.get(slot);
  }
}
