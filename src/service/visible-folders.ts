/**
 * Which folders somebody sees: those that hold a file that they may see. Made once for all who see the same, in
 * slices between which all else goes on, and brought up to date folder by folder while files come and go.
 */
import type { View } from '../access/access-policy.js';
import type { ReadonlyFileTable } from '../catalogue/catalogue.js';
import type { Slot } from '../catalogue/file-columns.js';
import type { TableBatch } from '../catalogue/table-feed.js';
import type { Clock } from '../clock.js';
import type { Slices, Steps } from '../scan/slices.js';
import { atLeast } from './sorted-texts.js';

export interface VisibleFoldersComponents {
  readonly table: Pick<ReadonlyFileTable, 'columns' | 'folders' | 'filesIn' | 'isShown'>;
  readonly slices: Slices;
  readonly clock: Clock;
}

/** Views whose folders are kept: some 8 MB each with 80,000 folders. */
const MAX_VIEWS = 4;
/** Folders looked at again one by one; when more have changed, all are. */
const MAX_CHANGED = 1000;
/** Nobody has browsed for so long: what is kept is let go. */
const KEEP_MS = 60_000;
const FILES_A_STEP = 64;

interface Folders {
  /** `share/folder`, sorted, of those that hold a visible file themselves. */
  readonly sorted: string[];
  readonly changed: Set<string>;
  usedAtMs: number;
}

export class VisibleFolders {
  readonly #components: VisibleFoldersComponents;
  readonly #kept = new Map<string, Promise<Folders>>();
  /** The same, and those that are being made. */
  readonly #told = new Map<string, Folders>();

  constructor(components: VisibleFoldersComponents) {
    this.#components = components;
  }

  /** Sorted; to be read at once. Rejects with AbortedError when `stopped` aborts. */
  async of(view: View, stopped: AbortSignal): Promise<readonly string[]> {
    const kept = this.#kept.get(view.key) ?? this.#make(view, stopped);
    const folders = await kept;
    this.#kept.delete(view.key);
    this.#kept.set(view.key, kept);
    folders.usedAtMs = this.#components.clock.monotonic();
    for (const folder of folders.changed) this.#lookAgain(folders, folder, view);
    folders.changed.clear();
    return folders.sorted;
  }

  /** `changed` are the folders in which files came or went. */
  changed(changed: ReadonlySet<string>): void {
    for (const [key, folders] of this.#told) {
      for (const folder of changed) folders.changed.add(folder);
      if (folders.changed.size > MAX_CHANGED) this.#forget(key);
    }
  }

  /** Lets go of what nobody asked for lately. */
  forgetOld(): void {
    const beforeMs = this.#components.clock.monotonic() - KEEP_MS;
    for (const [key, { usedAtMs }] of this.#told) if (usedAtMs <= beforeMs) this.#forget(key);
  }

  get isEmpty(): boolean {
    return this.#told.size === 0;
  }

  #forget(key: string): void {
    this.#kept.delete(key);
    this.#told.delete(key);
  }

  #make(view: View, stopped: AbortSignal): Promise<Folders> {
    for (const key of this.#kept.keys()) if (this.#kept.size >= MAX_VIEWS) this.#forget(key);
    const { slices, clock } = this.#components;
    const folders: Folders = { sorted: [], changed: new Set(), usedAtMs: clock.monotonic() };
    this.#told.set(view.key, folders);
    const made = slices.run(this.#fill(folders, view), { signal: stopped }).then(() => folders);
    this.#kept.set(view.key, made);
    made.catch(() => {
      if (this.#kept.get(view.key) === made) this.#forget(view.key);
    });
    return made;
  }

  *#fill({ sorted }: Folders, view: View): Steps {
    for (const folder of this.#components.table.folders()) {
      yield;
      const looked = this.#look(folder, view);
      let step = looked.next();
      for (; step.done !== true; step = looked.next()) yield;
      if (step.value) sorted.push(folder);
    }
    sorted.sort();
  }

  #lookAgain({ sorted }: Folders, folder: string, view: View): void {
    const looked = this.#look(folder, view);
    let step = looked.next();
    while (step.done !== true) step = looked.next();
    const at = atLeast(sorted, folder);
    const isThere = sorted[at] === folder;
    if (step.value && !isThere) sorted.splice(at, 0, folder);
    if (!step.value && isThere) sorted.splice(at, 1);
  }

  /** Whether the folder itself holds a file that the view shows. */
  *#look(folder: string, view: View): Generator<void, boolean> {
    const verdict = view.verdict(folder);
    if (verdict === 'none') return false;
    const { table } = this.#components;
    // Read at once: the list may change between two steps.
    const slots = [...table.filesIn(folder)].filter((slot) => table.isShown(slot));
    if (verdict === 'all') return slots.length > 0;
    for (const [index, slot] of slots.entries()) {
      if (index % FILES_A_STEP === FILES_A_STEP - 1) yield;
      if (table.isShown(slot) && view.maySee(table.columns.entryOf(slot))) return true;
    }
    return false;
  }
}

/** The folders that a batch of the table says something new of. */
export function changedFolders(
  { columns }: Pick<ReadonlyFileTable, 'columns'>,
  { added, removed }: TableBatch,
): Set<string> {
  const numbers = new Map<number, Slot>();
  for (const slots of [added, removed]) for (const slot of slots) numbers.set(columns.folder.get(slot), slot);
  return new Set([...numbers.keys()].map((number) => columns.folderText(number)));
}
