/** Looks at folders when they are due, some at a time, over all shares. */
import type { Clock, Timer } from '../clock.js';
import type { LookSchedule } from './look-schedule.js';

/** Looks under way at once. The walker does one after the other; this bounds what waits in it. */
const MAX_LOOKS = 64;

export interface DueLooksInit {
  /** By share. */
  readonly schedules: readonly LookSchedule[];
  /** Never rejects; resolves when the look is over, with the milliseconds the walker spent, or undefined when it failed. */
  readonly look: (share: number, directory: string) => Promise<number | undefined>;
  /** More folders were to be looked at than wait in a schedule. */
  readonly onOverflow: () => void;
}

export class DueLooks {
  readonly #clock: Clock;
  readonly #init: DueLooksInit;
  #underWay = 0;
  #timer: Timer | undefined;
  #timerMs = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor(components: { readonly clock: Clock }, init: DueLooksInit) {
    this.#clock = components.clock;
    this.#init = init;
  }

  stop(): void {
    this.#stopped = true;
    this.#setTimer(Number.POSITIVE_INFINITY);
  }

  /** To be called when something was added to a schedule; costs little when it changes nothing. */
  wake(): void {
    if (this.#underWay > 0 || this.#stopped) return;
    let first = Number.POSITIVE_INFINITY;
    for (const schedule of this.#init.schedules) first = Math.min(first, schedule.next() ?? first);
    if (first !== this.#timerMs) this.#setTimer(first);
  }

  #setTimer(atMs: number): void {
    this.#timer?.cancel();
    this.#timerMs = atMs;
    this.#timer = undefined;
    if (atMs === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#clock.after(Math.max(0, atMs - this.#clock.monotonic()), () => {
      this.#timerMs = Number.POSITIVE_INFINITY;
      this.#lookAtDue();
    });
  }

  #lookAtDue(): void {
    const now = this.#clock.monotonic();
    let overflowed = false;
    for (const [share, schedule] of this.#init.schedules.entries()) {
      schedule.tidy(now);
      for (const directory of schedule.take(now, MAX_LOOKS)) {
        this.#underWay += 1;
        void this.#look(share, directory);
      }
      overflowed ||= schedule.overflowed;
    }
    if (overflowed) this.#init.onOverflow();
    this.wake();
  }

  async #look(share: number, directory: string): Promise<void> {
    const tookMs = await this.#init.look(share, directory);
    if (tookMs !== undefined) this.#init.schedules[share]?.looked(directory, this.#clock.monotonic(), tookMs);
    this.#underWay -= 1;
    this.wake();
  }
}
