/**
 * The files that wait to be hashed: a bit each, whatever their number. They are gone through in a
 * circle, in the order of their slots, which is about that in which they came.
 */
import type { Slot } from '../catalogue/file-columns.js';
import { SlotSet } from '../columns/slot-set.js';

export class WaitingFiles {
  readonly #slots = new SlotSet();
  #size = 0;
  #bytes = 0;
  /** Where the circle goes on. */
  #at = 0;

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  has(slot: Slot): boolean {
    return this.#slots.has(slot);
  }

  add(slot: Slot, bytes: number): void {
    if (this.#slots.has(slot)) return;
    this.#slots.add(slot);
    this.#size += 1;
    this.#bytes += bytes;
  }

  /** `bytes` as when it was added. */
  delete(slot: Slot, bytes: number): void {
    if (!this.#slots.has(slot)) return;
    this.#slots.delete(slot);
    this.#size -= 1;
    this.#bytes -= bytes;
  }

  /** Once round, from where the last round ended. Files may be deleted meanwhile. */
  *round(): Generator<Slot> {
    const end = this.#at;
    let from = end;
    for (let hasTurned = false; this.#size > 0; ) {
      const slot = this.#slots.next(from);
      if (slot === undefined) {
        if (hasTurned) return;
        hasTurned = true;
        from = 0;
      } else {
        if (hasTurned && slot >= end) return;
        from = slot + 1;
        this.#at = slot; // where it is passed over it comes first next time
        yield slot;
      }
    }
  }
}
