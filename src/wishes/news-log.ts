/**
 * The slots of files that are news, in the order in which they came. Each standing question reads on from where
 * it stands. The oldest are forgotten: who is so far behind misses them, and finds them when it asks again.
 */
import type { Slot } from '../catalogue/file-columns.js';
import { SlotSet } from '../columns/slot-set.js';

const DEFAULT_CAPACITY = 1 << 18; // 1 MB

export class NewsLog {
  readonly #capacity: number;
  /** Made with the first news: most nodes never need it. */
  #slots: Uint32Array | undefined;
  #end = 0;

  constructor(capacity = DEFAULT_CAPACITY) {
    this.#capacity = capacity;
  }

  /** The position behind the last. Positions only grow. */
  get end(): number {
    return this.#end;
  }

  append(slot: Slot): void {
    this.#slots ??= new Uint32Array(this.#capacity);
    this.#slots[this.#end % this.#capacity] = slot;
    this.#end += 1;
  }

  /** All slots from `position` on. */
  slotsFrom(position: number): SlotSet {
    const slots = new SlotSet();
    for (let at = Math.max(position, this.#end - this.#capacity); at < this.#end; at += 1) {
      slots.add(this.#slots?.[at % this.#capacity] ?? 0);
    }
    return slots;
  }

  /** At most `most` slots from `position` on, and the position behind them. */
  read(position: number, most: number): { readonly slots: Uint32Array; readonly next: number } {
    const from = Math.max(position, this.#end - this.#capacity);
    const next = Math.min(from + most, this.#end);
    const slots = Uint32Array.from(
      { length: Math.max(0, next - from) },
      (_, at) => this.#slots?.[(from + at) % this.#capacity] ?? 0,
    );
    return { slots, next };
  }
}
