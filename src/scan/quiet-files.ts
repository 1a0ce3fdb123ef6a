/**
 * Since when files have been left alone, of those for which that matters: files that settle, and files
 * offered so lately that a change would make them restless. Of all others nothing is kept.
 */
import type { Slot } from '../catalogue/file-columns.js';
import { isCalm } from './quiet-period.js';

/** Times by the monotonic clock. */
export interface Quiet {
  readonly sinceMs: number;
  readonly quietMs: number;
}

/** Entries of restless files that {@link QuietFiles.tidy} passes over to find those that are not. */
const MAX_PASSED = 32;

export class QuietFiles {
  readonly #settling = new Map<Slot, Quiet>();
  readonly #offered = new Map<Slot, Quiet>();
  /** The last one made: files of one listing have it in common. */
  #last: Quiet = { sinceMs: 0, quietMs: 0 };

  /** How many files there is something to know of. */
  get size(): number {
    return this.#settling.size + this.#offered.size;
  }

  settle(slot: Slot, sinceMs: number, quietMs: number): void {
    this.#offered.delete(slot);
    this.#settling.set(slot, this.#quiet(sinceMs, quietMs));
  }

  offer(slot: Slot, sinceMs: number, quietMs: number): void {
    this.#settling.delete(slot);
    this.#offered.delete(slot); // so that it is the last
    this.#offered.set(slot, this.#quiet(sinceMs, quietMs));
  }

  of(slot: Slot): Quiet | undefined {
    return this.#settling.get(slot) ?? this.#offered.get(slot);
  }

  forget(slot: Slot): void {
    this.#settling.delete(slot);
    this.#offered.delete(slot);
  }

  /** Forgets files that were offered long ago. */
  tidy(nowMs: number): void {
    let passed = 0;
    for (const [slot, { sinceMs, quietMs }] of this.#offered) {
      if (isCalm(quietMs, nowMs - sinceMs)) this.#offered.delete(slot);
      else if (++passed > MAX_PASSED) break;
    }
  }

  #quiet(sinceMs: number, quietMs: number): Quiet {
    if (this.#last.sinceMs !== sinceMs || this.#last.quietMs !== quietMs) this.#last = { sinceMs, quietMs };
    return this.#last;
  }
}
