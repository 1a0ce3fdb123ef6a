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
import { Lookalikes } from './lookalikes.js';
import { atLeast, sortInSteps } from './sorted-texts.js';

export interface VisibleFoldersComponents {
  readonly table: Pick<ReadonlyFileTable, 'columns' | 'folders' | 'filesIn' | 'isShown'>;
  readonly slices: Slices;
  readonly clock: Clock;
}

/** Views whose folders are kept. */
const MAX_VIEWS = 32;
/** Folders of all of them together: some 50 MB. One view is kept however many it has. */
const MAX_FOLDERS = 500_000;
/** Folders looked at again one by one; when more have changed, all are. */
const MAX_CHANGED = 1000;
/** Nobody has browsed for so long: what is kept is let go. */
const KEEP_MS = 60_000;
const FILES_A_STEP = 64;

/** To be read at once. While it is the same object, all that has changed was told. */
export interface SeenFolders {
  /** `share/folder`, sorted, of those that hold a visible file themselves. */
  readonly sorted: readonly string[];
  readonly odd: Pick<Lookalikes, 'find'>;
}

export interface LookInit {
  readonly signal: AbortSignal;
  /** Hears of the time that went into it. */
  readonly onWork?: ((workMs: number) => void) | undefined;
}

class Folders implements SeenFolders {
  readonly sorted: string[] = [];
  readonly odd = new Lookalikes();
  readonly changed = new Set<string>();
  /** When it is as the table was when it was asked for. */
  ready: Promise<void> = Promise.resolve();

  constructor(public usedAtMs: number) {}
}

export class VisibleFolders {
  readonly #components: VisibleFoldersComponents;
  /** Those that are told of changes, also while they are being made; the one used last comes last. */
  readonly #kept = new Map<string, Folders>();

  constructor(components: VisibleFoldersComponents) {
    this.#components = components;
  }

  /** Rejects with AbortedError when the signal aborts. */
  async of(view: View, init: LookInit): Promise<SeenFolders> {
    const { key } = view;
    const folders = this.#kept.get(key) ?? this.#make(view, init);
    folders.usedAtMs = this.#components.clock.monotonic();
    await this.#whenReady(folders, view, init);
    // It may have been let go meanwhile; then it hears of nothing any more, and is good for this once.
    if (this.#kept.get(key) === folders) {
      this.#kept.delete(key);
      this.#kept.set(key, folders);
      this.#letGo();
    }
    return folders;
  }

  /** `changed` are the folders in which files came or went. */
  changed(changed: ReadonlySet<string>): void {
    for (const [key, folders] of this.#kept) {
      for (const folder of changed) folders.changed.add(folder);
      if (folders.changed.size > MAX_CHANGED) this.#kept.delete(key);
    }
  }

  /** Lets go of what nobody asked for lately. */
  forgetOld(): void {
    const beforeMs = this.#components.clock.monotonic() - KEEP_MS;
    for (const [key, { usedAtMs }] of this.#kept) if (usedAtMs <= beforeMs) this.#kept.delete(key);
  }

  get isEmpty(): boolean {
    return this.#kept.size === 0;
  }

  /** Of what was used longest ago, as far as there is too much. */
  #letGo(): void {
    let folders = 0;
    for (const { sorted } of this.#kept.values()) folders += sorted.length;
    for (const [key, { sorted }] of this.#kept) {
      if (this.#kept.size <= MAX_VIEWS && (folders <= MAX_FOLDERS || this.#kept.size === 1)) return;
      this.#kept.delete(key);
      folders -= sorted.length;
    }
  }

  #make(view: View, init: LookInit): Folders {
    const folders = new Folders(this.#components.clock.monotonic());
    this.#kept.set(view.key, folders);
    this.#letGo();
    this.#begin(folders, view, this.#fill(folders, view), init);
    return folders;
  }

  #begin(folders: Folders, { key }: View, steps: Steps, { signal, onWork }: LookInit): void {
    const { slices } = this.#components;
    folders.ready = slices.run(steps, { signal, ...(onWork && { onSlice: onWork }) });
    folders.ready.catch(() => {
      if (this.#kept.get(key) === folders) this.#kept.delete(key);
    });
  }

  /** When all is in it that had changed by now. */
  async #whenReady(folders: Folders, view: View, init: LookInit): Promise<void> {
    // Work that had begun already may have passed what has changed since; that which begins afterwards has not.
    for (let round = 0; round < 3; round += 1) {
      const { ready } = folders;
      await ready;
      if (folders.ready !== ready) continue; // somebody else saw to it
      if (folders.changed.size === 0) return;
      this.#begin(folders, view, this.#catchUp(folders, view), init);
    }
    await folders.ready;
  }

  *#fill({ sorted, odd }: Folders, view: View): Steps {
    for (const folder of this.#components.table.folders()) {
      yield;
      if (!(yield* this.#look(folder, view))) continue;
      sorted.push(folder);
      odd.add(folder);
    }
    yield* sortInSteps(sorted);
  }

  *#catchUp(folders: Folders, view: View): Steps {
    // Of now: what changes again meanwhile has its turn in the next round.
    for (const folder of [...folders.changed]) {
      folders.changed.delete(folder); // before the look: what changes during it is looked at once more
      const isThere = yield* this.#look(folder, view);
      const { sorted, odd } = folders;
      const at = atLeast(sorted, folder);
      // More than once where it went and came while all were gone through.
      while (sorted[at] === folder) {
        sorted.splice(at, 1);
        odd.remove(folder);
      }
      if (isThere) {
        sorted.splice(at, 0, folder);
        odd.add(folder);
      }
      yield;
    }
  }

  /** Whether the folder itself holds a file that the view shows. */
  *#look(folder: string, view: View): Generator<void, boolean> {
    const verdict = view.verdict(folder);
    if (verdict === 'none') return false;
    const { table } = this.#components;
    if (verdict === 'all') {
      for (const slot of table.filesIn(folder)) if (table.isShown(slot)) return true;
      return false;
    }
    // Read at once: the list may change between two steps.
    const slots = [...table.filesIn(folder)];
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
