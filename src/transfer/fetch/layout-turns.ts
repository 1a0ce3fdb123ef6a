/**
 * How long a file is tried by one layout while others could be: who has a file says what blocks it has, and may say
 * so only to keep us waiting. No I/O; handed the time.
 */
import { Turns } from './turns.js';

/** Who is to be believed in something shows more. */
const HOPELESS_MS = 86_400_000;

/** Time to get the hashes of the blocks, to connect in one of several ways, and to show how fast they come. */
const TURN_MS = 30_000;

export class LayoutTurns {
  readonly #turns = new Turns<string>({ places: 1, turnMs: TURN_MS });
  #sinceMs = 0;
  #bytes = 0;

  /** A layout is tried. */
  begin(nowMs: number): void {
    this.#sinceMs = nowMs;
    this.#bytes = 0;
  }

  received(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Whether a layout that had a turn would take for days. */
  isHopeless(key: string, leftBytes: number): boolean {
    return this.#turns.turnsOf(key) > 0 && leftBytes > this.#turns.paceOf(key) * HOPELESS_MS;
  }

  /** Which of `others` is tried instead of `key`; undefined when it goes on. */
  next(key: string, others: () => readonly string[], leftBytes: number, nowMs: number): string | undefined {
    const tookMs = nowMs - this.#sinceMs;
    if (tookMs < this.#turns.lengthMs(key)) return undefined;
    this.#turns.ended(key, this.#bytes / tookMs);
    this.begin(nowMs);
    const waiting = others();
    const best = Math.max(...[key, ...waiting].map((each) => this.#turns.paceOf(each)));
    return this.#turns.next(key, waiting, leftBytes / best);
  }
}
