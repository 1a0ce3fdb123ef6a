/**
 * Who has a place among more than there are places for: sources that are read from, or groups of sources that
 * say different things of the blocks. Everybody may show in a turn what they give; then the places are for those
 * who gave most. Whoever gives nothing, however many names they have, so holds nobody up for longer than their turns.
 *
 * Turns cost something when others give meanwhile: all of them together take no more than a part of what is left.
 * They double in length, so that one who only takes long to begin is waited for as well. No I/O; handed the time.
 */

export interface TurnsInit {
  /** How many have a place at a time. */
  readonly places: number;
  /** The length of a first turn. */
  readonly turnMs: number;
}

interface Shown {
  /** How many turns it had to their end. */
  turns: number;
  /** Bytes a millisecond, in the last. */
  pace: number;
}

/** Turns take no more than such a part of the time that is left. */
const WORTH = 10;
/** Who has shown to be so much faster gets the place back. */
const FASTER = 2;

export class Turns<K> {
  readonly #init: TurnsInit;
  readonly #shown = new Map<K, Shown>();
  #spentMs = 0;

  constructor(init: TurnsInit) {
    this.#init = init;
  }

  /** How long the next turn is. */
  lengthMs(one: K): number {
    return this.#init.turnMs * 2 ** this.turnsOf(one);
  }

  turnsOf(one: K): number {
    return this.#shown.get(one)?.turns ?? 0;
  }

  paceOf(one: K): number {
    return this.#shown.get(one)?.pace ?? 0;
  }

  /** Its turn is over, and it gave so many bytes a millisecond. */
  ended(one: K, pace: number): void {
    this.#shown.set(one, { turns: this.turnsOf(one) + 1, pace });
  }

  /**
   * Who of `waiting` gets the place of one whose turn is over; undefined when it keeps it. `leftMs` is how long the rest
   * takes at the pace of the best.
   */
  next(holder: K, waiting: readonly K[], leftMs: number): K | undefined {
    let fewest = waiting[0];
    let fastest = waiting[0];
    if (fewest === undefined || fastest === undefined) return undefined;
    for (const each of waiting) {
      if (this.turnsOf(each) < this.turnsOf(fewest)) fewest = each;
      if (this.paceOf(each) > this.paceOf(fastest)) fastest = each;
    }
    const lengthMs = this.lengthMs(fewest);
    const isWorthIt = (this.#spentMs + lengthMs) * WORTH <= leftMs * this.#init.places;
    if (this.turnsOf(fewest) < this.turnsOf(holder) && isWorthIt) {
      this.#spentMs += lengthMs;
      return fewest;
    }
    return this.paceOf(fastest) > FASTER * this.paceOf(holder) ? fastest : undefined;
  }
}
