/**
 * Which sources are read from, where there are more than may be read from at a time. The slower half of them have
 * to make room for others; of those who keep us waiting in a queue the ones that did so longest stay, so that
 * somebody gets to its head.
 */
import type { PooledSource } from './source-pool.js';
import { Turns } from './turns.js';

export interface SourcePlacesInit {
  readonly places: number;
}

/** Time to connect in one of several ways, and to show something. */
const TURN_MS = 8000;
/** Whoever puts us into a queue has said so: others are asked much sooner. */
const QUEUED_PART = 8;

export class SourcePlaces {
  readonly #places: number;
  readonly #turns: Turns<PooledSource>;
  /** Since when the turn lasts, in the order of their coming. */
  readonly #holders = new Map<PooledSource, number>();

  constructor({ places }: SourcePlacesInit) {
    this.#places = places;
    this.#turns = new Turns({ places, turnMs: TURN_MS });
  }

  /** Who has a place now, of those that could use one. */
  holders(able: readonly PooledSource[], leftBytes: number, nowMs: number): PooledSource[] {
    const isAble = new Set(able);
    for (const source of this.#holders.keys()) if (!isAble.has(source)) this.#holders.delete(source);
    const waiting = able.filter((source) => !this.#holders.has(source));
    waiting.sort(
      (a, b) => a.failures - b.failures || paceOf(b, nowMs) - paceOf(a, nowMs) || this.#fewer(a, b),
    );
    for (const source of waiting.splice(0, this.#places - this.#holders.size))
      this.#holders.set(source, nowMs);
    this.#endTurns(nowMs);
    if (waiting.length > 0) this.#makeRoom(waiting, leftBytes, nowMs);
    return [...this.#holders.keys()];
  }

  #endTurns(nowMs: number): void {
    for (const [source, sinceMs] of this.#holders) {
      const isQueued = source.source?.state.type === 'queued';
      const lengthMs = this.#turns.lengthMs(source) / (isQueued ? QUEUED_PART : 1);
      if (nowMs - sinceMs < lengthMs) continue;
      this.#turns.ended(source, paceOf(source, nowMs));
      this.#holders.set(source, nowMs);
    }
  }

  #makeRoom(waiting: PooledSource[], leftBytes: number, nowMs: number): void {
    const slowest = [...this.#holders.keys()].reverse();
    slowest.sort((a, b) => paceOf(a, nowMs) - paceOf(b, nowMs));
    const together = slowest.reduce((sum, source) => sum + paceOf(source, nowMs), 0);
    const best = waiting.reduce((most, source) => Math.max(most, this.#turns.paceOf(source)), together);
    for (const holder of slowest.slice(0, Math.ceil(this.#places / 2))) {
      if (this.#turns.turnsOf(holder) === 0) continue;
      const next = this.#turns.next(holder, waiting, leftBytes / best);
      if (next === undefined) continue;
      this.#holders.delete(holder);
      this.#holders.set(next, nowMs);
      waiting.splice(waiting.indexOf(next), 1);
    }
  }

  #fewer(a: PooledSource, b: PooledSource): number {
    return this.#turns.turnsOf(a) - this.#turns.turnsOf(b);
  }
}

function paceOf({ rate }: PooledSource, nowMs: number): number {
  return rate.at(nowMs) ?? 0;
}
