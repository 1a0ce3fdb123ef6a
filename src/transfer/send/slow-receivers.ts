/**
 * Watches how fast each session takes what it is sent, and ends those that are too slow when others wait for a slot: who
 * hardly reads can't keep slots from everybody. What we hold back ourselves is not held against anybody.
 */
import type { Clock, Timer } from '../../clock.js';

export interface SlowReceiversComponents {
  readonly clock: Clock;
  /** How many wait for a slot. */
  readonly waiting: () => number;
}

export interface SlowReceiversInit {
  /** 0: nobody is too slow. */
  readonly leastBytesPerSecond: number;
  /** Longest piece that goes out at once: progress is seen in steps of it. */
  readonly stepBytes: number;
}

/** One file on its way. */
export interface WatchedFile {
  /** Of its peer and session. */
  readonly session: string;
  /** So far. */
  readonly progress: () => { readonly bytes: number; readonly heldMs: number };
  /** Ends it, with the session where there is one. */
  readonly end: () => void;
}

/** Of one session, since `sinceMs`. */
interface Window {
  readonly files: Set<WatchedFile>;
  sinceMs: number;
  /** What had been sent and held back before, by those that are under way. */
  readonly before: Map<WatchedFile, { readonly bytes: number; readonly heldMs: number }>;
  /** By those that have ended since. */
  bytes: number;
  heldMs: number;
  wasSlow: boolean;
}

const LOOK_MS = 5000;
const SHORTEST_WINDOW_MS = 60_000;
const MS_A_SECOND = 1000;

export class SlowReceivers {
  readonly #components: SlowReceiversComponents;
  readonly #stepBytes: number;
  #least = 0;
  #windowMs = Number.POSITIVE_INFINITY;
  readonly #windows = new Map<string, Window>();
  #timer: Timer | undefined;

  constructor(components: SlowReceiversComponents, { leastBytesPerSecond, stepBytes }: SlowReceiversInit) {
    this.#components = components;
    this.#stepBytes = stepBytes;
    this.setLeast(leastBytesPerSecond);
  }

  /** Holds for those that are under way too. 0: nobody is too slow. */
  setLeast(bytesPerSecond: number): void {
    this.#least = bytesPerSecond;
    // Two steps: one may be counted before, and one after.
    this.#windowMs = Math.max(SHORTEST_WINDOW_MS, (2 * this.#stepBytes * MS_A_SECOND) / bytesPerSecond);
    if (this.#windows.size > 0) this.#lookLater();
  }

  /** Until what it returns is called. */
  watch(file: WatchedFile): () => void {
    const window = this.#windows.get(file.session) ?? {
      files: new Set(),
      sinceMs: this.#components.clock.monotonic(),
      before: new Map(),
      bytes: 0,
      heldMs: 0,
      wasSlow: false,
    };
    this.#windows.set(file.session, window);
    window.files.add(file);
    window.before.set(file, file.progress());
    this.#lookLater();
    return () => this.#ended(file, window);
  }

  #ended(file: WatchedFile, window: Window): void {
    if (!window.files.delete(file)) return;
    const { bytes, heldMs } = sinceThen(window, file);
    window.bytes += bytes;
    window.heldMs += heldMs;
    window.before.delete(file);
    if (window.files.size > 0) return;
    this.#windows.delete(file.session); // so is its slot
    if (this.#windows.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #lookLater(): void {
    if (this.#least === 0) return;
    this.#timer ??= this.#components.clock.after(LOOK_MS, () => this.#look());
  }

  #look(): void {
    const { clock, waiting } = this.#components;
    this.#timer = undefined;
    if (this.#least === 0) return;
    this.#lookLater();
    for (const window of this.#windows.values()) this.#judge(window, clock.monotonic());
    let wanted = waiting();
    for (const window of [...this.#windows.values()]) {
      if (wanted === 0) return;
      if (!window.wasSlow) continue;
      wanted -= 1;
      for (const file of [...window.files]) file.end();
    }
  }

  #judge(window: Window, nowMs: number): void {
    if (nowMs - window.sinceMs < this.#windowMs) return;
    let { bytes, heldMs } = window;
    for (const file of window.files) {
      const own = sinceThen(window, file);
      bytes += own.bytes;
      heldMs = Math.max(heldMs, own.heldMs);
      window.before.set(file, file.progress());
    }
    const takenMs = nowMs - window.sinceMs - heldMs;
    window.wasSlow = takenMs > this.#windowMs / 2 && bytes < (this.#least * takenMs) / MS_A_SECOND;
    window.sinceMs = nowMs;
    window.bytes = 0;
    window.heldMs = 0;
  }
}

function sinceThen({ before }: Window, file: WatchedFile) {
  const then = before.get(file) ?? { bytes: 0, heldMs: 0 };
  const now = file.progress();
  return { bytes: now.bytes - then.bytes, heldMs: now.heldMs - then.heldMs };
}
