/** When to ask again: after longer and longer times, and never all askers at once. */

export interface PollTimesInit {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** What a busy channel can bear of thousands of askers, when its nodes tell them of news. */
export const WISH_TIMES: PollTimesInit = { firstMs: 2 * 60_000, longestMs: 60 * 60_000 };
/** After a question that could not be asked. */
export const FAILURE_TIMES: PollTimesInit = { firstMs: 5000, longestMs: 5 * 60_000 };

/** Of the time itself, either way. */
const JITTER = 0.2;

export class PollTimes {
  readonly #init: PollTimesInit;
  readonly #random: () => number;
  #nextMs: number;

  /** `random` gives numbers from 0 (inclusive) to 1. */
  constructor(init: PollTimesInit, random: () => number) {
    this.#init = init;
    this.#random = random;
    this.#nextMs = init.firstMs;
  }

  /** Milliseconds; about twice as many each time, up to the longest. */
  next(): number {
    const ms = this.#nextMs;
    this.#nextMs = Math.min(ms * 2, this.#init.longestMs);
    return Math.round(ms * (1 + JITTER * (2 * this.#random() - 1)));
  }

  reset(): void {
    this.#nextMs = this.#init.firstMs;
  }
}
