/**
 * Files that have just gone, by what a file keeps when it is moved: one that appears elsewhere with the
 * same identity is that file and needs no hashing. They stay in the table, where nobody finds them, until
 * the hash has its new place or nobody came for it; so it outlives the process too.
 */
import type { Slot } from '../catalogue/file-columns.js';
import { type FileStamp, hashOfMoved, isSameMoved } from '../catalogue/file-stamp.js';
import type { FileTable } from '../catalogue/file-table.js';
import { Column } from '../columns/column.js';
import { SlotChains } from '../columns/slot-chains.js';

/** A file that is gone costs what one that is offered costs: so many at most, in a share where files come and go. */
const MAX_FILES = 200_000;
/** A file is offered at its new place some seconds after it went; this leaves room for a slow scan. */
const KEEP_MS = 120_000;

export class MovedFiles {
  readonly #table: Pick<FileTable, 'stampOf'>;
  /** What is added; the stamp itself may change before the slot is taken out. */
  readonly #hashes = Column.uint32();
  readonly #byIdentity = new SlotChains((slot) => this.#hashes.get(slot));
  /** When each went, in the order of going. */
  readonly #gone = new Map<Slot, number>();

  constructor(components: { readonly table: Pick<FileTable, 'stampOf'> }) {
    this.#table = components.table;
  }

  get size(): number {
    return this.#gone.size;
  }

  has(slot: Slot): boolean {
    return this.#gone.has(slot);
  }

  /** The slot is not in it. Returns one to be given up for it. */
  add(slot: Slot, nowMs: number): Slot | undefined {
    this.#gone.set(slot, nowMs);
    const hash = hashOfMoved(this.#table.stampOf(slot));
    this.#hashes.set(slot, hash);
    this.#byIdentity.add(slot, hash);
    return this.#gone.size > MAX_FILES ? this.#takeFirst(Number.POSITIVE_INFINITY) : undefined;
  }

  /** The file that this stamp belonged to under another path. It is handed out once. */
  claim(stamp: FileStamp): Slot | undefined {
    if (this.#gone.size === 0) return undefined;
    const found = this.#byIdentity.find(hashOfMoved(stamp), (slot) =>
      isSameMoved(this.#table.stampOf(slot), stamp),
    );
    if (found !== undefined) this.forget(found);
    return found;
  }

  forget(slot: Slot): void {
    if (this.#gone.delete(slot)) this.#byIdentity.remove(slot);
  }

  /** Gives up one that nobody came for, if there is any. */
  expire(nowMs: number): Slot | undefined {
    return this.#takeFirst(nowMs - KEEP_MS);
  }

  #takeFirst(untilMs: number): Slot | undefined {
    for (const [slot, goneMs] of this.#gone) {
      if (goneMs > untilMs) return undefined;
      this.forget(slot);
      return slot;
    }
    return undefined;
  }
}
