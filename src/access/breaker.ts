/**
 * Knows how busy we are, by how late timers come and how many questions are worked on, so that some are turned away
 * before all of them suffer. It takes the mean of about a second, and waits for calm before it lets everybody in again.
 */
import type { Clock, Timer } from '../clock.js';
import type { Log } from '../log.js';
import type { Startable } from '../startable.js';
import type { Load } from './doorkeeper.js';

export interface BreakerComponents {
  readonly clock: Clock;
  readonly log: Log;
  /** Questions that are worked on, or wait. */
  readonly active: () => number;
}

export interface BreakerInit {
  /** How late the main thread is where questions of channels are turned away, and where all are. Milliseconds. */
  readonly busyDelayMs: number;
  readonly overloadDelayMs: number;
  /** The most questions that can be worked on or wait. */
  readonly maxActive: number;
}

const LOOK_MS = 100;
/** Of a look in the mean: that is of some ten looks. */
const WEIGHT = 0.1;
/** A machine that slept was not busy for so long. */
const LONGEST_DELAY_MS = 5000;
const BUSY_SHARE = 0.5;
const OVERLOAD_SHARE = 0.9;
const CALM_AFTER_MS = 2000;
const ORDER: readonly Load[] = ['calm', 'busy', 'overloaded'];

export class Breaker implements Startable {
  readonly #components: BreakerComponents;
  #init: BreakerInit;
  #timer: Timer | undefined;
  #delayMs = 0;
  #load: Load = 'calm';
  /** Since when it could be calmer. */
  #calmerSinceMs: number | undefined;

  constructor(components: BreakerComponents, init: BreakerInit) {
    this.#components = components;
    this.#init = init;
  }

  /** Holds from the next look on. */
  setLimits(init: Omit<BreakerInit, 'maxActive'>): void {
    this.#init = { ...this.#init, ...init };
  }

  get load(): Load {
    return this.#load;
  }

  async start(): Promise<void> {
    this.#lookAfter(this.#components.clock.monotonic());
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #lookAfter(fromMs: number): void {
    const { clock } = this.#components;
    this.#timer = clock.after(LOOK_MS, () => {
      const nowMs = clock.monotonic();
      this.#look(Math.min(LONGEST_DELAY_MS, Math.max(0, nowMs - fromMs - LOOK_MS)), nowMs);
      this.#lookAfter(nowMs);
    });
  }

  #look(delayMs: number, nowMs: number): void {
    this.#delayMs += (delayMs - this.#delayMs) * WEIGHT;
    const seen = this.#seen();
    if (ORDER.indexOf(seen) >= ORDER.indexOf(this.#load)) {
      this.#calmerSinceMs = undefined;
      if (seen !== this.#load) this.#become(seen);
      return;
    }
    this.#calmerSinceMs ??= nowMs;
    if (nowMs - this.#calmerSinceMs < CALM_AFTER_MS) return;
    this.#calmerSinceMs = undefined;
    this.#become(seen);
  }

  #seen(): Load {
    const { busyDelayMs, overloadDelayMs, maxActive } = this.#init;
    const share = this.#components.active() / maxActive;
    if (this.#delayMs >= overloadDelayMs || share >= OVERLOAD_SHARE) return 'overloaded';
    return this.#delayMs >= busyDelayMs || share >= BUSY_SHARE ? 'busy' : 'calm';
  }

  #become(load: Load): void {
    const details = {
      from: this.#load,
      delayMs: Math.round(this.#delayMs),
      active: this.#components.active(),
    };
    this.#load = load;
    if (load === 'calm') this.#components.log.info(details, 'no longer overloaded');
    else
      this.#components.log.warn(
        details,
        load === 'busy' ? 'busy: questions of channels are left out' : 'overloaded',
      );
  }
}
