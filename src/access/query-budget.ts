/**
 * Who may ask how much: queries a minute and at once, for each asker, for each channel and
 * overall. Only counts; what a refusal leads to is decided by the doors.
 */
import type { Clock } from '../clock.js';
import { AbortedError, LimitError } from '../errors.js';

/** The names are those of the configured limits: a refusal tells which it was. */
export interface QueryBudgetInit {
  readonly queriesPerAskerPerMinute: number;
  readonly queriesPerChannelPerMinute: number;
  readonly queriesPerMinute: number;
  readonly concurrentQueriesPerAsker: number;
}

/** A query being worked on. `leave` must be called exactly once. */
export interface Admission {
  leave(): void;
}

export interface Account {
  tokens: number;
  refilledAtMs: number;
  active: number;
  /** Who waits for a place, the oldest first. */
  readonly waiting: Set<() => void>;
}

const MAX_ACCOUNTS = 10_000; // about 1 MB; the account that was quiet longest goes first
const MINUTE_MS = 60_000;

/** One bucket a key; bounded, so that a flood of addresses takes no memory. */
export class Accounts {
  readonly #accounts = new Map<string, Account>();

  constructor(
    readonly clock: Clock,
    readonly perMinute: number,
  ) {}

  /** Tokens as of now. The account moves to the young end. */
  get(key: string): Account {
    const nowMs = this.clock.monotonic();
    const account = this.#accounts.get(key) ?? {
      tokens: this.perMinute,
      refilledAtMs: nowMs,
      active: 0,
      waiting: new Set(),
    };
    const earned = ((nowMs - account.refilledAtMs) * this.perMinute) / MINUTE_MS;
    account.tokens = Math.min(this.perMinute, account.tokens + earned);
    account.refilledAtMs = nowMs;
    this.#accounts.delete(key);
    this.#accounts.set(key, account);
    this.#evict();
    return account;
  }

  /** Milliseconds until the account holds a whole token. */
  waitMs(account: Account): number {
    return ((1 - account.tokens) * MINUTE_MS) / this.perMinute;
  }

  #evict(): void {
    for (const [key, account] of this.#accounts) {
      if (this.#accounts.size <= MAX_ACCOUNTS) return;
      if (account.active === 0 && account.waiting.size === 0) this.#accounts.delete(key);
    }
  }
}

export class QueryBudget {
  readonly #init: QueryBudgetInit;
  readonly #askers: Accounts;
  readonly #channels: Accounts;
  readonly #everybody: Accounts;

  constructor(components: { readonly clock: Clock }, init: QueryBudgetInit) {
    this.#init = init;
    this.#askers = new Accounts(components.clock, init.queriesPerAskerPerMinute);
    this.#channels = new Accounts(components.clock, init.queriesPerChannelPerMinute);
    this.#everybody = new Accounts(components.clock, init.queriesPerMinute);
  }

  /** Counts a query of this asker. Throws `LimitError` naming the bound; a refused query costs nothing. */
  charge(asker: string): void {
    this.#pay([
      ['queriesPerAskerPerMinute', this.#askers, asker],
      ['queriesPerMinute', this.#everybody, ''],
    ]);
  }

  /** Counts a query that came by this channel, whoever asked. Throws `LimitError`. */
  chargeChannel(channel: string): void {
    this.#pay([['queriesPerChannelPerMinute', this.#channels, channel]]);
  }

  /** All or none. */
  #pay(bounds: readonly (readonly [keyof QueryBudgetInit, Accounts, string])[]): void {
    const payers = bounds.map(([bound, accounts, key]) => {
      const account = accounts.get(key);
      if (account.tokens < 1) throw refusal(bound, accounts.waitMs(account));
      return account;
    });
    for (const payer of payers) payer.tokens -= 1;
  }

  /** Begins the work on a query. Throws `LimitError` when too many of this asker are worked on. */
  enter(asker: string): Admission {
    const account = this.#askers.get(asker);
    if (account.active >= this.#init.concurrentQueriesPerAsker) {
      throw refusal('concurrentQueriesPerAsker', 1000);
    }
    return admitted(account);
  }

  /**
   * As `enter`, but waits until others of this asker are done. How many may wait is the caller's to
   * bound. Rejects with AbortedError when `signal` aborts first.
   */
  async enterInTurn(asker: string, signal: AbortSignal): Promise<Admission> {
    const account = this.#askers.get(asker);
    while (account.active >= this.#init.concurrentQueriesPerAsker) await aPlace(account, signal);
    return admitted(account);
  }
}

function admitted(account: Account): Admission {
  account.active += 1;
  return {
    leave: () => {
      account.active -= 1;
      const [next] = account.waiting;
      next?.();
    },
  };
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

function refusal(bound: keyof QueryBudgetInit, retryAfterMs: number): LimitError {
  return new LimitError(bound, `over the limit '${bound}'`, retryAfterMs);
}
