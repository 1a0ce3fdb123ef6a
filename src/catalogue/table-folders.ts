/**
 * The folders of the table's files: each has a number, and knows its files. A folder without files is found no
 * more, though followers may still look at files that were in it: when it comes back it has another number.
 */
import { SlotLists } from '../columns/slot-lists.js';
import type { TextWriter } from '../columns/text-pieces.js';
import { TextTable } from '../columns/text-table.js';
import type { FileColumns, Slot } from './file-columns.js';
import { toBytes } from './share-path.js';

export interface TableFoldersInit {
  /** A number that a folder has from now on. */
  readonly onFolder: (number: number, text: string) => void;
}

export class TableFolders {
  readonly #columns: FileColumns<TextWriter>;
  readonly #init: TableFoldersInit;
  readonly #texts: TextTable;
  readonly #files = new SlotLists();
  /** The one asked for last: files of a folder come one after another. */
  #last: { readonly text: string; readonly number: number } | undefined;

  constructor(components: { readonly columns: FileColumns<TextWriter> }, init: TableFoldersInit) {
    this.#columns = components.columns;
    this.#init = init;
    this.#texts = new TextTable({ texts: this.#columns.folders, at: this.#columns.folderAt });
  }

  /** `text` is share and folders. */
  find(text: string): number | undefined {
    if (this.#last?.text === text) return this.#last.number;
    const number = this.#texts.find(toBytes(text));
    if (number !== undefined) this.#last = { text, number };
    return number;
  }

  /** The number of the folder, new where there is none. Whoever asks puts a file into it. */
  numberOf(text: string): number {
    const known = this.find(text);
    if (known !== undefined) return known;
    const number = this.#texts.add(toBytes(text));
    this.#init.onFolder(number, text);
    return number;
  }

  holdsFiles(folder: number): boolean {
    return !this.#files.isEmpty(folder);
  }

  /** The last added first. The caller may remove what it was given. */
  filesIn(folder: number): Iterable<Slot> {
    return this.#files.of(folder);
  }

  /** All that hold files. */
  *texts(): Generator<string> {
    for (let number = 0; number < this.#texts.count; number++)
      if (this.holdsFiles(number)) yield this.#columns.folderText(number);
  }

  add(slot: Slot, folder: number): void {
    this.#columns.folder.set(slot, folder);
    this.#texts.hold(folder);
    this.#files.add(slot, folder);
  }

  /** The file is gone; followers may still look at it. */
  remove(slot: Slot): void {
    const folder = this.#columns.folder.get(slot);
    this.#files.remove(slot, folder);
    if (this.holdsFiles(folder)) return;
    this.#texts.retire(folder);
    if (this.#last?.number === folder) this.#last = undefined;
  }

  /** Nobody looks at the file, which was removed, any more. */
  giveUp(slot: Slot): void {
    this.#texts.release(this.#columns.folder.get(slot));
  }
}
