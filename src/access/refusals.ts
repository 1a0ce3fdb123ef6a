/**
 * Counts whom we turned away, by the rule that did it, and logs it: a rule at most one line in a while, with how often it
 * was meanwhile. A flood of refusals is no flood of lines.
 */
import type { Clock } from '../clock.js';
import type { Log } from '../log.js';

export interface RefusalCount {
  /** The name of a limit, or what else decided: `banned`, `ignored`, `overload`, … */
  readonly rule: string;
  readonly count: number;
}

export interface RefusalsComponents {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: Log;
}

interface Counter {
  count: number;
  loggedCount: number;
  loggedAtMs: number;
}

const LOG_EVERY_MS = 30_000;
const MAX_RULES = 1000; // they are ours: limits, and rules of the configuration

export class Refusals {
  readonly #components: RefusalsComponents;
  readonly #counters = new Map<string, Counter>();

  constructor(components: RefusalsComponents) {
    this.#components = components;
  }

  /** `who` stands in the log line. */
  count(rule: string, who: string): void {
    const { clock, log } = this.#components;
    const counter = this.#counters.get(rule) ?? {
      count: 0,
      loggedCount: 0,
      loggedAtMs: Number.NEGATIVE_INFINITY,
    };
    if (counter.count === 0) {
      if (this.#counters.size >= MAX_RULES) return;
      this.#counters.set(rule, counter);
    }
    counter.count += 1;
    const nowMs = clock.monotonic();
    if (nowMs - counter.loggedAtMs < LOG_EVERY_MS) return;
    log.info({ rule, who, times: counter.count - counter.loggedCount }, 'refused');
    counter.loggedAtMs = nowMs;
    counter.loggedCount = counter.count;
  }

  /** Since the start, the most frequent first. */
  counts(): RefusalCount[] {
    return [...this.#counters]
      .map(([rule, { count }]) => ({ rule, count }))
      .sort((a, b) => b.count - a.count || (a.rule < b.rule ? -1 : 1));
  }
}
