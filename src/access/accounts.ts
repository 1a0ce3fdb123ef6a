/** What each of many may use up a minute: an account fills up evenly, and holds no more than a minute's worth. */
import type { Clock } from '../clock.js';

export interface Account {
  tokens: number;
  refilledAtMs: number;
  active: number;
  /** Who waits for a place, the oldest first. */
  readonly waiting: Set<() => void>;
}

const MAX_ACCOUNTS = 10_000; // about 1 MB; the account that was quiet longest goes first
const MINUTE_MS = 60_000;

/** One account a key; bounded, so that a flood of addresses takes no memory. */
export class Accounts {
  readonly #accounts = new Map<string, Account>();
  #perMinute: number;

  constructor(
    readonly clock: Pick<Clock, 'monotonic'>,
    perMinute: number,
  ) {
    this.#perMinute = perMinute;
  }

  get perMinute(): number {
    return this.#perMinute;
  }

  /** Holds at once: what has been used up so far stays used up. */
  setPerMinute(perMinute: number): void {
    if (perMinute === this.#perMinute) return;
    const nowMs = this.clock.monotonic();
    for (const account of this.#accounts.values()) {
      const used = this.#perMinute - this.#filled(account, nowMs).tokens;
      account.tokens = Math.max(-perMinute, perMinute - used);
    }
    this.#perMinute = perMinute;
  }

  /** Has everybody who waits look whether there is a place now. */
  wakeAll(): void {
    for (const { waiting } of this.#accounts.values()) for (const wake of [...waiting]) wake();
  }

  /** Tokens as of now. The account moves to the young end. */
  get(key: string): Account {
    const nowMs = this.clock.monotonic();
    const account = this.#accounts.get(key) ?? {
      tokens: this.perMinute,
      refilledAtMs: nowMs,
      active: 0,
      waiting: new Set(),
    };
    this.#filled(account, nowMs);
    this.#accounts.delete(key);
    this.#accounts.set(key, account);
    this.#evict();
    return account;
  }

  #filled(account: Account, nowMs: number): Account {
    const earned = ((nowMs - account.refilledAtMs) * this.#perMinute) / MINUTE_MS;
    account.tokens = Math.min(this.#perMinute, account.tokens + earned);
    account.refilledAtMs = nowMs;
    return account;
  }

  /** Takes what was used, which nobody knew before: the account may fall below nothing, by a minute's worth at most. */
  draw(key: string, amount: number): void {
    const account = this.get(key);
    account.tokens = Math.max(-this.perMinute, account.tokens - amount);
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
