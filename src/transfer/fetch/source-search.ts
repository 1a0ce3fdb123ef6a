/** Looks for more sources while a download goes on: again and again, ever more seldom; soon when nobody is left. */
import type { Clock, Timer } from '../../clock.js';
import { messageOf } from '../../errors.js';
import type { Log } from '../../log.js';
import type { FoundSource, SourceFinder, WantedFile } from './range-source.js';

export interface SourceSearchComponents {
  readonly finder: SourceFinder;
  readonly clock: Clock;
  readonly log: Log;
}

export interface SourceSearchInit {
  readonly file: WantedFile;
  /** Before the second time; doubles. */
  readonly intervalMs: number;
  readonly onFound: (found: FoundSource) => void;
  /** A round is over. */
  readonly onRound: () => void;
}

/** A download of days asks as seldom as that. */
const MAX_INTERVAL_MS = 600_000;
/** Nobody is asked more often than that. */
const MIN_INTERVAL_MS = 3000;

export class SourceSearch {
  readonly #components: SourceSearchComponents;
  readonly #init: SourceSearchInit;
  readonly #abort = new AbortController();
  #timer: Timer | undefined;
  #round: Promise<void> | undefined;
  #intervalMs: number;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #state: 'open' | 'stopped' = 'open';

  constructor(components: SourceSearchComponents, init: SourceSearchInit) {
    this.#components = components;
    this.#init = init;
    this.#intervalMs = init.intervalMs;
  }

  get isAsking(): boolean {
    return this.#round !== undefined;
  }

  /** When the last round began, as of `Clock.monotonic`. */
  get askedAtMs(): number {
    return this.#askedAtMs;
  }

  /** Asks after `delayMs`, unless it is asking. */
  askAfter(delayMs: number): void {
    if (this.#state === 'stopped' || this.isAsking) return;
    const nowMs = this.#components.clock.monotonic();
    const earliestMs = this.#askedAtMs + MIN_INTERVAL_MS - nowMs;
    this.#timer?.cancel();
    this.#timer = this.#components.clock.after(Math.max(delayMs, earliestMs, 0), () => {
      this.#round ??= this.#ask();
    });
  }

  /** Nobody is left: asks as soon as may be, and often again. */
  hurry(): void {
    this.#intervalMs = this.#init.intervalMs;
    this.askAfter(0);
  }

  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#timer?.cancel();
    this.#abort.abort();
    await this.#round;
  }

  async #ask(): Promise<void> {
    const { finder, clock, log } = this.#components;
    this.#askedAtMs = clock.monotonic();
    try {
      for await (const found of finder.find(this.#init.file, this.#abort.signal)) {
        if (this.#state === 'stopped') return;
        this.#init.onFound(found);
      }
    } catch (error) {
      if (this.#state === 'open') log.info({ error: messageOf(error) }, 'no sources found');
    } finally {
      this.#round = undefined;
      if (this.#state === 'open') {
        this.askAfter(this.#intervalMs);
        this.#intervalMs = Math.min(MAX_INTERVAL_MS, 2 * this.#intervalMs);
        this.#init.onRound();
      }
    }
  }
}
