/**
 * Who may ask how much: queries a minute and at once, and what answering them took (time of the search, files, bytes),
 * for each asker, each domain, each channel and overall. Only counts; what a refusal leads to is decided by the doors.
 */
import type { Clock } from '../clock.js';
import { AbortedError, LimitError } from '../errors.js';
import { type BareJid, domainOf } from '../stanza/jid.js';
import { type Account, Accounts } from './accounts.js';
import { type MinuteLimit, minuteLimits, type Payers, payersOf, ScopedBudget } from './scoped-budget.js';

/** What is known before a query is answered. */
const BEFORE = 'queries';
/** What is known only afterwards: who has used up more than there was waits until it is made good. */
export const QueryCost = ['searchMs', 'answerFiles', 'answerBytes'] as const;
export type QueryCost = (typeof QueryCost)[number];

/** What a query took. */
export type QueryCosts = Readonly<Record<QueryCost, number>> & {
  /** How many queries it counts for beyond the one that was charged. Default 0. */
  readonly queries?: number;
};

/** The names are those of the configured limits: a refusal tells which it was. What is left out is not bounded. */
export type QueryBudgetInit = Partial<
  Readonly<Record<MinuteLimit<typeof BEFORE | QueryCost>, number>> & {
    readonly concurrentQueriesPerDomain: number;
    readonly concurrentQueriesPerChannel: number;
  }
> & { readonly concurrentQueriesPerAsker: number };

/** A query being worked on. `leave` must be called exactly once. */
export interface Admission {
  leave(): void;
}

/** Decides before any budget does; throws {@link LimitError}. */
export interface QueryGate {
  check(asker: string): void;
  checkChannel(channel: string): void;
}

export interface QueryBudgetComponents {
  readonly clock: Clock;
  readonly gate?: QueryGate;
}

/** A bound of what runs at once, on one account. */
interface Place {
  readonly bound: `concurrentQueriesPer${'Asker' | 'Domain' | 'Channel'}`;
  readonly account: Account;
  readonly max: number;
}

export class QueryBudget {
  readonly #gate: QueryGate | undefined;
  readonly #queries: ScopedBudget;
  readonly #costs: ReadonlyMap<QueryCost, ScopedBudget>;
  /** Of what runs at once: their tokens are not used. */
  readonly #running: Readonly<Record<'asker' | 'domain' | 'channel', Accounts>>;
  #init: QueryBudgetInit;
  #active = 0;

  constructor({ clock, gate }: QueryBudgetComponents, init: QueryBudgetInit) {
    this.#init = init;
    this.#gate = gate;
    this.#queries = new ScopedBudget({ clock }, minuteLimits(init, BEFORE));
    this.#costs = new Map(
      QueryCost.map((cost) => [cost, new ScopedBudget({ clock }, minuteLimits(init, cost))]),
    );
    const accounts = () => new Accounts(clock, 1);
    this.#running = { asker: accounts(), domain: accounts(), channel: accounts() };
  }

  /** Holds at once, and for whoever waits for a place. What has been used up so far stays used up. */
  setLimits(init: QueryBudgetInit): void {
    this.#init = init;
    this.#queries.setLimits(minuteLimits(init, BEFORE));
    for (const [cost, budget] of this.#costs) budget.setLimits(minuteLimits(init, cost));
    for (const accounts of Object.values(this.#running)) accounts.wakeAll();
  }

  /** Queries that are worked on. */
  get active(): number {
    return this.#active;
  }

  /** Throws `LimitError` where queries of this asker are not even counted. */
  check(asker: string): void {
    this.#gate?.check(asker);
  }

  /** Counts a query of this asker. Throws `LimitError` naming the bound; a refused query costs nothing. */
  charge(asker: string): void {
    this.#gate?.check(asker);
    this.#charge(payersOf(asker));
  }

  /**
   * Counts a query that came by this channel and, where it is known already who asks, of that asker too: so nobody uses
   * up a channel. Throws `LimitError`.
   */
  chargeChannel(channel: string, asker?: string): void {
    this.#gate?.checkChannel(channel);
    if (asker !== undefined) this.#gate?.check(asker);
    this.#charge({ ...(asker !== undefined && payersOf(asker)), channel });
  }

  #charge(payers: Payers): void {
    this.#queries.check(payers);
    for (const budget of this.#costs.values()) budget.check(payers);
    this.#queries.spend(payers, 1);
  }

  /** Counts what an answer took. */
  spend(asker: string, channel: string | undefined, costs: QueryCosts): void {
    const payers = { ...payersOf(asker), ...(channel !== undefined && { channel }) };
    for (const [cost, budget] of this.#costs) budget.spend(payers, costs[cost]);
    if (costs.queries !== undefined) this.#queries.spend({ asker }, costs.queries);
  }

  /** Begins the work on a query. Throws `LimitError` when too many of this asker, or of its domain, are worked on. */
  enter(asker: string): Admission {
    const places = this.#places(asker, undefined);
    const full = places.find(isFull);
    if (full) throw new LimitError(full.bound, `over the limit '${full.bound}'`, 1000);
    return this.#admitted(places);
  }

  /**
   * As `enter`, but waits until others are done. How many may wait is the caller's to bound. Rejects with AbortedError
   * when `signal` aborts first.
   */
  async enterInTurn(asker: string, signal: AbortSignal, channel?: string): Promise<Admission> {
    let passed: Account | undefined;
    for (;;) {
      const places = this.#places(asker, channel); // with the bounds of now
      const full = places.find(isFull);
      if (!full) return this.#admitted(places);
      if (passed && passed !== full.account) wakeNext(passed); // the place there is not for us yet
      passed = full.account;
      await aPlace(full.account, signal);
    }
  }

  #places(asker: string, channel: string | undefined): Place[] {
    const { concurrentQueriesPerAsker, concurrentQueriesPerDomain, concurrentQueriesPerChannel } = this.#init;
    const { asker: askers, domain: domains, channel: channels } = this.#running;
    const unbounded = Number.POSITIVE_INFINITY;
    return [
      { bound: 'concurrentQueriesPerAsker', account: askers.get(asker), max: concurrentQueriesPerAsker },
      {
        bound: 'concurrentQueriesPerDomain',
        account: domains.get(domainOf(asker as BareJid)),
        max: concurrentQueriesPerDomain ?? unbounded,
      },
      ...(channel === undefined
        ? []
        : ([
            {
              bound: 'concurrentQueriesPerChannel',
              account: channels.get(channel),
              max: concurrentQueriesPerChannel ?? unbounded,
            },
          ] as const)),
    ];
  }

  #admitted(places: readonly Place[]): Admission {
    this.#active += 1;
    for (const { account } of places) account.active += 1;
    return {
      leave: () => {
        this.#active -= 1;
        for (const { account } of places) {
          account.active -= 1;
          wakeNext(account);
        }
      },
    };
  }
}

function isFull({ account, max }: Place): boolean {
  return account.active >= max;
}

function wakeNext(account: Account): void {
  const [next] = account.waiting;
  next?.();
}

/** Resolves when a place may be free. Rejects with AbortedError. */
function aPlace(account: Account, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) throw new AbortedError('withdrawn while it waited for its turn');
    const done = () => {
      account.waiting.delete(done);
      signal.removeEventListener('abort', abort);
      resolve();
    };
    const abort = () => {
      account.waiting.delete(done);
      reject(new AbortedError('withdrawn while it waited for its turn'));
    };
    account.waiting.add(done);
    signal.addEventListener('abort', abort, { once: true });
  });
}
