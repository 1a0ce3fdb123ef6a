/** Lists of slots by number, for a few bytes a slot; a slot is in one of them at most. */
import { Column } from './column.js';

const NONE = 0; // slots are stored one higher

export class SlotLists {
  readonly #first = Column.uint32();
  readonly #next = Column.uint32();
  readonly #previous = Column.uint32();

  /** The slot is in no list. */
  add(slot: number, list: number): void {
    const first = this.#first.get(list);
    this.#next.set(slot, first);
    this.#previous.set(slot, NONE);
    if (first !== NONE) this.#previous.set(first - 1, slot + 1);
    this.#first.set(list, slot + 1);
  }

  /** The slot is in this list. */
  remove(slot: number, list: number): void {
    const next = this.#next.get(slot);
    const previous = this.#previous.get(slot);
    if (next !== NONE) this.#previous.set(next - 1, previous);
    if (previous !== NONE) this.#next.set(previous - 1, next);
    else this.#first.set(list, next);
  }

  isEmpty(list: number): boolean {
    return this.#first.get(list) === NONE;
  }

  /** The last added first. The caller may remove what it was given. */
  *of(list: number): Generator<number> {
    let at = this.#first.get(list);
    while (at !== NONE) {
      const slot = at - 1;
      at = this.#next.get(slot);
      yield slot;
    }
  }
}
