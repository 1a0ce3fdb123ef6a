/**
 * How many files somebody sees, and their bytes. Shares of which all may be seen, or nothing, are known at once; the
 * others are counted once for all who see the same, in slices, and not again for a while.
 */
import type { View } from '../access/access-policy.js';
import type { ReadonlyFileTable } from '../catalogue/catalogue.js';
import type { ShareTotals } from '../catalogue/file-totals.js';
import type { Clock } from '../clock.js';
import type { Slices, Steps } from '../scan/slices.js';

export interface ViewTotalsComponents {
  readonly table: Pick<
    ReadonlyFileTable,
    'columns' | 'folders' | 'filesIn' | 'isShown' | 'totals' | 'totalsOf'
  >;
  readonly slices: Slices;
  readonly clock: Clock;
}

const KEEP_MS = 60_000;
const MAX_VIEWS = 32;
const FILES_A_STEP = 64;

interface Counted {
  readonly atMs: number;
  readonly totals: Promise<ShareTotals>;
}

export class ViewTotals {
  readonly #components: ViewTotalsComponents;
  readonly #counted = new Map<string, Counted>();

  constructor(components: ViewTotalsComponents) {
    this.#components = components;
  }

  /** Rejects with AbortedError when `stopped` aborts. */
  async of(view: View, stopped: AbortSignal): Promise<ShareTotals> {
    const { table, clock } = this.#components;
    const verdict = view.verdict('');
    if (verdict === 'none') return { files: 0, bytes: 0 };
    if (verdict === 'all') return table.totals;
    const nowMs = clock.monotonic();
    const known = this.#counted.get(view.key);
    if (known !== undefined && known.atMs > nowMs - KEEP_MS) return await known.totals;
    this.#counted.delete(view.key);
    const totals = this.#count(view, stopped);
    this.#counted.set(view.key, { atMs: nowMs, totals });
    for (const key of this.#counted.keys()) if (this.#counted.size > MAX_VIEWS) this.#counted.delete(key);
    totals.catch(() => this.#counted.delete(view.key));
    return await totals;
  }

  async #count(view: View, stopped: AbortSignal): Promise<ShareTotals> {
    const totals = { files: 0, bytes: 0 };
    await this.#components.slices.run(this.#steps(view, totals), { signal: stopped });
    return totals;
  }

  *#steps(view: View, totals: { files: number; bytes: number }): Steps {
    const { table } = this.#components;
    for (const folder of table.folders()) {
      yield;
      const verdict = view.verdict(folder);
      if (verdict === 'none') continue;
      // Read at once: the list may change between two steps.
      for (const [index, slot] of [...table.filesIn(folder)].entries()) {
        if (index % FILES_A_STEP === FILES_A_STEP - 1) yield;
        if (!table.isShown(slot)) continue;
        if (verdict === 'some' && !view.maySee(table.columns.entryOf(slot))) continue;
        totals.files += 1;
        totals.bytes += table.columns.size.get(slot);
      }
    }
  }
}
