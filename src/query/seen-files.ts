/**
 * Which files each kind of asker may see, as far as somebody has looked: a bit for each file, kept from one search to the
 * next, so that rules cost a search next to nothing.
 */
import type { ViewRules } from '../access/access-policy.js';
import type { FolderRules } from '../access/folder-rules.js';
import { RuleView } from '../access/rule-view.js';
import type { FileColumns, Slot } from '../catalogue/file-columns.js';
import type { Pace, Work } from '../index/text-index.js';
import type { Candidates } from './candidates.js';

/** Kinds of askers: 250 kB each for a million files. The one that came longest ago goes first. */
const MAX_KINDS = 32;
/** Files looked at between two looks at the time. */
const FILES_A_LOOK = 256;
/** Folders whose verdict is kept during one search; files of a folder mostly lie together. */
const MAX_FOLDERS = 4096;

export class SeenFiles {
  readonly #columns: FileColumns;
  /** The oldest first. */
  readonly #kinds = new Map<string, Seen>();

  constructor({ columns }: { readonly columns: FileColumns }) {
    this.#columns = columns;
  }

  /** These slots have files of which nobody knows yet. No search may be looking at what they had before. */
  added(slots: Iterable<Slot>): void {
    const kinds = [...this.#kinds.values()];
    if (kinds.length === 0) return;
    for (const slot of slots) for (const each of kinds) each.forget(slot);
  }

  /** Keeps those that may be seen. Where many were never looked at, that takes a while. */
  *keep(rules: ViewRules, candidates: Candidates, pace: Pace): Work<void> {
    const seen = this.#kinds.get(rules.key) ?? new Seen(this.#columns, new RuleView(rules));
    this.#kinds.delete(rules.key);
    this.#kinds.set(rules.key, seen);
    for (const oldest of this.#kinds.keys()) {
      if (this.#kinds.size <= MAX_KINDS) break;
      this.#kinds.delete(oldest);
    }
    yield* seen.keep(candidates, pace);
  }
}

/** Grown as slots are looked at: 32 a number. */
class Seen {
  #known = new Uint32Array(0);
  #visible = new Uint32Array(0);

  constructor(
    readonly columns: FileColumns,
    readonly view: RuleView,
  ) {}

  forget(slot: Slot): void {
    const word = slot >>> 5;
    if (word < this.#known.length) this.#known[word] = (this.#known[word] as number) & ~(1 << (slot & 31));
  }

  *keep(candidates: Candidates, pace: Pace): Work<void> {
    const { bits } = candidates;
    this.#grow(bits.length);
    const folders = new Map<number, FolderRules>();
    let looks = 0;
    for (let word = 0; word < bits.length; word++) {
      for (let left = (bits[word] as number) & ~(this.#known[word] as number); left !== 0; left &= left - 1) {
        const bit = left & -left;
        this.#look(word, bit, folders);
        looks += 1;
        if (looks % FILES_A_LOOK === 0 && pace.due()) yield;
      }
      bits[word] = (bits[word] as number) & (this.#visible[word] as number);
    }
    candidates.changed();
  }

  /** Known and visible change together, with no turn of others between them. */
  #look(word: number, bit: number, folders: Map<number, FolderRules>): void {
    const slot = word * 32 + 31 - Math.clz32(bit);
    const isSeen = this.#isSeen(slot, folders);
    const visible = this.#visible[word] as number;
    this.#visible[word] = isSeen ? visible | bit : visible & ~bit;
    this.#known[word] = (this.#known[word] as number) | bit;
  }

  #isSeen(slot: Slot, folders: Map<number, FolderRules>): boolean {
    const { columns } = this;
    const folder = columns.folder.get(slot);
    let rules = folders.get(folder);
    if (rules === undefined) {
      rules = this.view.inFolder(columns.folderText(folder));
      if (folders.size >= MAX_FOLDERS) folders.clear();
      folders.set(folder, rules);
    }
    if (rules.ofFiles !== 'some') return rules.ofFiles === 'all';
    const file = { name: () => columns.nameOf(slot), mediaType: () => columns.typeOf(slot) };
    return rules.permission(file) !== 'nothing';
  }

  #grow(words: number): void {
    if (this.#known.length >= words) return;
    this.#known = grown(this.#known, words);
    this.#visible = grown(this.#visible, words);
  }
}

function grown(bits: Uint32Array<ArrayBuffer>, words: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(words);
  larger.set(bits);
  return larger;
}
