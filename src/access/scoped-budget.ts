/**
 * How much of one thing is given a minute: to each asker, to all of a domain, through a channel, and to everybody
 * together. Whoever asks has to have something left on each account that is meant.
 */
import type { Clock } from '../clock.js';
import { LimitError } from '../errors.js';
import { type BareJid, domainOf } from '../stanza/jid.js';
import { type Account, Accounts } from './accounts.js';

/** The scopes with what they are called in the names of the limits. */
export const Scope = {
  asker: 'PerAsker',
  domain: 'PerDomain',
  channel: 'PerChannel',
  everybody: '',
} as const;
export type Scope = keyof typeof Scope;

/** The names of the limits that bound a measure: `queriesPerAskerPerMinute`, …, `queriesPerMinute`. */
export type MinuteLimit<M extends string, S extends Scope = Scope> = `${M}${(typeof Scope)[S]}PerMinute`;

/** Whose accounts: the keys by scope. */
export type Payers = Partial<Readonly<Record<Scope, string>>>;

/** Who pays for what one asker does, wherever it asks. */
export function payersOf(asker: string): Payers {
  return { asker, domain: domainOf(asker as BareJid), everybody: '' };
}

export interface ScopedBudgetInit {
  readonly measure: string;
  /** A scope without a number is not bounded. */
  readonly perMinute: Partial<Readonly<Record<Scope, number | undefined>>>;
}

export class ScopedBudget {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #measure: string;
  readonly #accounts = new Map<Scope, Accounts>();

  constructor(components: { readonly clock: Pick<Clock, 'monotonic'> }, init: ScopedBudgetInit) {
    this.#clock = components.clock;
    this.#measure = init.measure;
    this.setLimits(init);
  }

  /** Other bounds of the same measure, at once. What has been used up so far stays used up. */
  setLimits({ perMinute }: Pick<ScopedBudgetInit, 'perMinute'>): void {
    for (const scope of Object.keys(Scope) as Scope[]) {
      const bound = perMinute[scope];
      const accounts = this.#accounts.get(scope);
      if (bound === undefined) this.#accounts.delete(scope);
      else if (accounts === undefined) this.#accounts.set(scope, new Accounts(this.#clock, bound));
      else accounts.setPerMinute(bound);
    }
  }

  /** Throws {@link LimitError} naming the limit, with the time until it is worth trying again. Costs nothing. */
  check(payers: Payers): void {
    this.#each(payers, (scope, accounts, account) => {
      if (account.tokens >= 1) return;
      const bound = `${this.#measure}${Scope[scope]}PerMinute`;
      throw new LimitError(bound, `over the limit '${bound}'`, accounts.waitMs(account));
    });
  }

  /** Takes an amount from all accounts, whether it is there or not. */
  spend(payers: Payers, amount: number): void {
    if (amount <= 0) return;
    this.#each(payers, (_scope, accounts, _account, key) => accounts.draw(key, amount));
  }

  #each(
    payers: Payers,
    visit: (scope: Scope, accounts: Accounts, account: Account, key: string) => void,
  ): void {
    for (const [scope, accounts] of this.#accounts) {
      const key = payers[scope];
      if (key !== undefined) visit(scope, accounts, accounts.get(key), key);
    }
  }
}

/** The bounds of a measure out of a section of limits, by their names. */
export function minuteLimits(limits: Readonly<Record<string, unknown>>, measure: string) {
  const perMinute: Partial<Record<Scope, number>> = {};
  for (const [scope, name] of Object.entries(Scope) as [Scope, string][]) {
    const value = limits[`${measure}${name}PerMinute`];
    if (typeof value === 'number') perMinute[scope] = value;
  }
  return { measure, perMinute };
}
