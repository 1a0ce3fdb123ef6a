/**
 * All files that can be searched, in memory: by key, by hash and by words. A file is a slot: its number
 * in the columns and in the text index. Changes are made ready in slices and seen all at once.
 *
 * A view keeps to the state in which it was made: it has the slots of that state, and is given the
 * entry of a slot before that is written anew.
 */
import { type CatalogueChange, type FileEntry, keyOf } from '../catalogue/file-entry.js';
import type { FullPath } from '../catalogue/share-path.js';
import { SlotChains } from '../columns/slot-chains.js';
import { SlotSet } from '../columns/slot-set.js';
import type { Pace, PreparedDocuments, TextIndex, Work } from '../index/text-index.js';
import { FileColumns, StoredFile } from './file-columns.js';
import type { SearchedFile } from './file-row.js';
import { FileView } from './file-view.js';

/** A change made ready. */
interface Plan {
  /** New slots, written but not seen yet. */
  readonly added: number[];
  readonly removed: number[];
  /** Slots where only size, date or hash differ: no word is indexed again. */
  readonly updated: { readonly slot: number; readonly entry: FileEntry }[];
}

export class FileTable {
  readonly #words: TextIndex;
  readonly #columns = new FileColumns();
  readonly #present = new SlotSet();
  readonly #byKey = new SlotChains();
  readonly #byHash = new SlotChains();
  readonly #views = new Set<FileView>();
  readonly #free: number[] = [];
  #slots = 0;
  #size = 0;

  constructor(words: TextIndex) {
    this.#words = words;
  }

  get size(): number {
    return this.#size;
  }

  /** One call at a time: what it finds at its beginning is there at its end. */
  *apply(changes: readonly CatalogueChange[], pace: Pace): Work<void> {
    const last = new Map<FullPath, FileEntry | undefined>();
    for (const change of changes) {
      if (change.type === 'put') last.set(keyOf(change.entry), change.entry);
      else last.set(change.key, undefined);
      if (pace.due()) yield;
    }
    const plan: Plan = { added: [], removed: [], updated: [] };
    for (const [key, entry] of last) {
      this.#plan(plan, key, entry);
      if (pace.due()) yield;
    }
    const source = { document: (slot: number) => this.#stored(slot) };
    this.#commit(plan, yield* this.#words.prepare(plan.added, source, pace));
    for (const slot of plan.removed) {
      this.#forget(slot);
      if (pace.due()) yield;
    }
  }

  /** Upkeep; false when there was nothing to do. */
  *maintain(pace: Pace): Work<boolean> {
    return this.#columns.tidy() || (yield* this.#words.maintain(pace));
  }

  /** To be closed. */
  view(): FileView {
    const view = new FileView({
      slots: this.#present.copy(),
      words: this.#words.searcher(),
      stored: (slot) => this.#stored(slot),
      withHash: (sha256) => this.#withHash(sha256),
      onClose: () => this.#views.delete(view),
    });
    this.#views.add(view);
    return view;
  }

  #stored(slot: number): SearchedFile {
    return new StoredFile(this.#columns, slot);
  }

  #plan(plan: Plan, key: FullPath, entry: FileEntry | undefined): void {
    const before = this.#find(key);
    if (entry && before !== undefined && this.#sameWords(before, entry)) {
      plan.updated.push({ slot: before, entry });
      return;
    }
    if (before !== undefined) plan.removed.push(before);
    if (!entry) return;
    const slot = this.#free.pop() ?? this.#slots++;
    this.#columns.put(slot, entry);
    this.#byKey.add(slot, hashOf(key));
    if (entry.sha256 !== undefined) this.#byHash.add(slot, hashOf(entry.sha256));
    plan.added.push(slot);
  }

  #sameWords(slot: number, { desc, mediaType }: FileEntry): boolean {
    return this.#columns.desc(slot) === desc && this.#columns.type(slot) === mediaType;
  }

  #commit({ added, removed, updated }: Plan, prepared: PreparedDocuments): void {
    this.#words.commit(prepared, removed);
    for (const slot of removed) this.#present.delete(slot);
    for (const slot of added) this.#present.add(slot);
    for (const { slot, entry } of updated) this.#update(slot, entry);
    this.#size += added.length - removed.length;
  }

  #update(slot: number, entry: FileEntry): void {
    this.#save(slot);
    const before = this.#columns.sha256(slot);
    this.#columns.update(slot, entry);
    if (before === entry.sha256) return;
    if (before !== undefined) this.#byHash.remove(slot);
    if (entry.sha256 !== undefined) this.#byHash.add(slot, hashOf(entry.sha256));
  }

  /** Makes room of a slot that is no longer seen. */
  #forget(slot: number): void {
    this.#save(slot);
    this.#byKey.remove(slot);
    if (this.#columns.sha256(slot) !== undefined) this.#byHash.remove(slot);
    this.#columns.clear(slot);
    this.#free.push(slot);
  }

  /** Gives the views that have the slot what stands there, before it is written anew. */
  #save(slot: number): void {
    for (const view of this.#views) view.save(slot);
  }

  #find(key: FullPath): number | undefined {
    const slash = key.lastIndexOf('/');
    const [folder, name] = [key.slice(0, slash), key.slice(slash + 1)];
    return this.#byKey.find(
      hashOf(key),
      (slot) => this.#present.has(slot) && this.#columns.isAt(slot, folder, name),
    );
  }

  #withHash(sha256: string): number[] {
    const slots: number[] = [];
    this.#byHash.find(hashOf(sha256), (slot) => {
      if (this.#columns.sha256(slot) === sha256) slots.push(slot);
      return false; // all of them
    });
    return slots;
  }
}

/** FNV-1a over UTF-16 units. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return (hash ^ (hash >>> 15)) >>> 0;
}
