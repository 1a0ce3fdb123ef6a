/** How many pages of block hashes an asker, and everybody together, is given a minute. */
import type { Clock } from '../clock.js';
import { LimitError } from '../errors.js';
import { Accounts } from './accounts.js';

/** The names are those of the configured limits: a refusal tells which it was. */
export interface BlockListBudgetInit {
  readonly blockListsPerAskerPerMinute: number;
  readonly blockListsPerMinute: number;
}

export class BlockListBudget {
  readonly #askers: Accounts;
  readonly #everybody: Accounts;

  constructor(components: { readonly clock: Clock }, init: BlockListBudgetInit) {
    this.#askers = new Accounts(components.clock, init.blockListsPerAskerPerMinute);
    this.#everybody = new Accounts(components.clock, init.blockListsPerMinute);
  }

  /** Holds at once; what has been used up so far stays used up. */
  setLimits(init: BlockListBudgetInit): void {
    this.#askers.setPerMinute(init.blockListsPerAskerPerMinute);
    this.#everybody.setPerMinute(init.blockListsPerMinute);
  }

  /** Counts a page. Throws {@link LimitError} naming the bound; a refused one costs nothing. */
  charge(asker: string): void {
    const own = this.#askers.get(asker);
    if (own.tokens < 1) throw refusal('blockListsPerAskerPerMinute', this.#askers.waitMs(own));
    const all = this.#everybody.get('');
    if (all.tokens < 1) throw refusal('blockListsPerMinute', this.#everybody.waitMs(all));
    own.tokens -= 1;
    all.tokens -= 1;
  }
}

function refusal(bound: keyof BlockListBudgetInit, retryAfterMs: number): LimitError {
  return new LimitError(bound, `over the limit '${bound}'`, retryAfterMs);
}
