/**
 * Which folders are to be looked at, and when. However many events come, a folder waits once, and
 * is not looked at again until some multiple of what the last look took has passed.
 */

/** Times by the monotonic clock. */
export interface DueLook {
  readonly directory: string;
  readonly dueMs: number;
}

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
  }

  /** Takes out at most `max` folders that are due. */
  take(nowMs: number, max: number): string[] {
    const taken: string[] = [];
    for (const [directory, dueMs] of this.#due) {
      if (taken.length === max) break;
      if (dueMs <= nowMs) taken.push(directory);
    }
    for (const directory of taken) this.#due.delete(directory);
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

  /** When the next folder is due; undefined when none waits. */
  next(): number | undefined {
    let first: number | undefined;
    for (const dueMs of this.#due.values()) if (first === undefined || dueMs < first) first = dueMs;
    return first;
  }

  /** A scan of everything begins: it sees all there is. */
  restart(): void {
    if (this.#overflowed) this.#due.clear();
    this.#overflowed = false;
  }

  /** Forgets pauses that are over. */
  tidy(nowMs: number): void {
    for (const [directory, until] of this.#pausing) if (until <= nowMs) this.#pausing.delete(directory);
  }
}
