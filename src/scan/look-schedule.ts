/**
 * Which folders are to be looked at, and when. However many events come, a folder waits once, and
 * is not looked at again until some multiple of what the last look took has passed.
 */

/** Folders that wait at once; beyond, everything is scanned, which costs less than as many looks. */
const MAX_WAITING = 10_000;
/** Between two looks at a folder at least this, and {@link REST} times what the look took; but nobody waits for long. */
const MIN_PAUSE_MS = 100;
const MAX_PAUSE_MS = 2000;
const REST = 4;

export class LookSchedule {
  readonly #due = new Map<string, number>();
  /** Folders looked at lately: not again before. */
  readonly #pausing = new Map<string, number>();
  /** No folder is due before this. */
  #nextMs = Number.POSITIVE_INFINITY;
  #overflowed = false;

  /** True from when too many folders waited until {@link restart}: what waits is not all there is to see. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  get size(): number {
    return this.#due.size;
  }

  /** The folder is to be looked at, not before `atMs`. */
  add(directory: string, atMs: number): void {
    const known = this.#due.get(directory);
    if (known === undefined && this.#due.size >= MAX_WAITING) {
      this.#overflowed = true;
      return;
    }
    const at = Math.max(atMs, this.#pausing.get(directory) ?? 0);
    if (known === undefined || at < known) this.#due.set(directory, at);
    this.#nextMs = Math.min(this.#nextMs, at);
  }

  /** Takes out at most `max` folders that are due. */
  take(nowMs: number, max: number): string[] {
    const taken: string[] = [];
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [directory, dueMs] of this.#due) {
      if (dueMs > nowMs) nextMs = Math.min(nextMs, dueMs);
      else if (taken.length < max) taken.push(directory);
      else {
        nextMs = nowMs; // there are more, and others may be due before
        break;
      }
    }
    for (const directory of taken) this.#due.delete(directory);
    this.#nextMs = nextMs;
    return taken;
  }

  /** The folder has been looked at, which took `tookMs`. */
  looked(directory: string, nowMs: number, tookMs: number): void {
    const until = nowMs + Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, tookMs * REST));
    const [oldest] = this.#pausing.size >= MAX_WAITING ? this.#pausing.keys() : [];
    if (oldest !== undefined) this.#pausing.delete(oldest);
    this.#pausing.delete(directory);
    this.#pausing.set(directory, until);
    const due = this.#due.get(directory);
    if (due !== undefined && due < until) this.#due.set(directory, until);
  }

  /** When to {@link take} next: a folder may be due then, none is before; undefined when none waits. */
  next(): number | undefined {
    return this.#due.size === 0 ? undefined : this.#nextMs;
  }

  /** A scan of everything begins: it sees all there is. */
  restart(): void {
    if (this.#overflowed) {
      this.#due.clear();
      this.#nextMs = Number.POSITIVE_INFINITY;
    }
    this.#overflowed = false;
  }

  /** Forgets pauses that are over. */
  tidy(nowMs: number): void {
    for (const [directory, until] of this.#pausing) if (until <= nowMs) this.#pausing.delete(directory);
  }
}
