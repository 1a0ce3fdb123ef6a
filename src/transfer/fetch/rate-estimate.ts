/**
 * How fast bytes come: a mean that forgets within seconds. Handed the time. While it is paused no time
 * passes for it, so that it tells how fast a source is when it has something to do.
 */

/** What came before this counts a third. */
const MEMORY_MS = 2000;
/** Over less time a figure is more chance than speed. */
const SAMPLE_MS = 150;

export class RateEstimate {
  #rate: number | undefined;
  #bytes = 0;
  #sinceMs: number | undefined;

  /** Nothing is expected for now. */
  pause(nowMs: number): void {
    if (this.#sinceMs === undefined) return;
    this.#take(nowMs, 1);
    this.#sinceMs = undefined;
    this.#bytes = 0;
  }

  /** The first bytes after a pause only begin the time: they came in no time that is known. */
  add(bytes: number, nowMs: number): void {
    if (this.#sinceMs === undefined) {
      this.#sinceMs = nowMs;
      return;
    }
    this.#bytes += bytes;
    this.#take(nowMs, SAMPLE_MS);
  }

  /** Bytes a millisecond; undefined when nothing has been seen yet. */
  at(nowMs: number): number | undefined {
    if (this.#sinceMs !== undefined) this.#take(nowMs, SAMPLE_MS);
    return this.#rate;
  }

  #take(nowMs: number, leastMs: number): void {
    const spentMs = nowMs - (this.#sinceMs ?? nowMs);
    if (spentMs < leastMs) return;
    const sample = this.#bytes / spentMs;
    const weight = 1 - Math.exp(-spentMs / MEMORY_MS);
    this.#rate = this.#rate === undefined ? sample : this.#rate + weight * (sample - this.#rate);
    this.#bytes = 0;
    this.#sinceMs = nowMs;
  }
}
