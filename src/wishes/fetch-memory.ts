/**
 * What a node has tried to fetch, from one run to the next: what failed waits, longer with each failure, and is not
 * tried whenever somebody offers it; what came is not fetched again on the same day.
 */
import type { DataFolder } from '../catalogue/data-folder.js';
import { SavedText } from '../catalogue/saved-text.js';
import type { Clock } from '../clock.js';
import type { Log } from '../log.js';

export interface FetchMemoryComponents {
  readonly folder: DataFolder;
  readonly clock: Clock;
  readonly log: Log;
  /** From 0 (inclusive) to 1. */
  readonly random: () => number;
}

interface Attempt {
  readonly failures: number;
  /** Milliseconds since 1970. */
  readonly againAtMs: number;
  readonly triedAtMs: number;
}

const FIRST_WAIT_MS = 5 * 60_000;
const LONGEST_WAIT_MS = 24 * 60 * 60_000;
/** The oldest are forgotten first; each takes some 150 bytes. */
const MAX_ATTEMPTS = 10_000;
const MAX_FILE_BYTES = 4 << 20;

export class FetchMemory {
  readonly #components: FetchMemoryComponents;
  readonly #file: SavedText;
  /** By hash, the latest last. */
  readonly #attempts = new Map<string, Attempt>();
  readonly #underWay = new Set<string>();

  constructor(components: FetchMemoryComponents) {
    this.#components = components;
    this.#file = new SavedText(components, {
      name: 'fetches.json',
      maxBytes: MAX_FILE_BYTES,
      text: () => JSON.stringify([...this.#attempts]),
    });
  }

  async start(): Promise<void> {
    for (const [sha256, attempt] of attemptsIn(await this.#file.read())) this.#attempts.set(sha256, attempt);
  }

  async stop(): Promise<void> {
    await this.#file.stop();
  }

  /** Milliseconds until it is worth trying; 0 when it is. */
  waitMs(sha256: string): number {
    const againAtMs = this.#attempts.get(sha256)?.againAtMs ?? 0;
    const leftMs = againAtMs - this.#components.clock.now();
    return leftMs > LONGEST_WAIT_MS * 2 ? 0 : Math.max(0, leftMs); // the clock was wrong then
  }

  /** When it was tried last, milliseconds since 1970. */
  triedAt(sha256: string): number | undefined {
    return this.#attempts.get(sha256)?.triedAtMs;
  }

  /** False while it is fetched already. */
  begin(sha256: string): boolean {
    if (this.#underWay.has(sha256)) return false;
    this.#underWay.add(sha256);
    const before = this.#attempts.get(sha256);
    this.#set(sha256, {
      failures: before?.failures ?? 0,
      againAtMs: 0,
      triedAtMs: this.#components.clock.now(),
    });
    return true;
  }

  isUnderWay(sha256: string): boolean {
    return this.#underWay.has(sha256);
  }

  /** However it ended. */
  end(sha256: string): void {
    this.#underWay.delete(sha256);
  }

  failed(sha256: string): void {
    const { clock, random } = this.#components;
    const nowMs = clock.now();
    const failures = (this.#attempts.get(sha256)?.failures ?? 0) + 1;
    const waitMs = Math.min(FIRST_WAIT_MS * 2 ** Math.min(failures - 1, 20), LONGEST_WAIT_MS);
    const againAtMs = Math.round(nowMs + waitMs * (0.8 + 0.4 * random()));
    this.#set(sha256, { failures, againAtMs, triedAtMs: nowMs });
  }

  /** It is here. Where it is not found in the share, because it was taken out or is not offered, it is not fetched at once again. */
  fetched(sha256: string): void {
    const nowMs = this.#components.clock.now();
    this.#set(sha256, { failures: 0, againAtMs: nowMs + LONGEST_WAIT_MS, triedAtMs: nowMs });
  }

  #set(sha256: string, attempt: Attempt): void {
    this.#attempts.delete(sha256);
    this.#attempts.set(sha256, attempt);
    for (const oldest of this.#attempts.keys()) {
      if (this.#attempts.size <= MAX_ATTEMPTS) break;
      this.#attempts.delete(oldest);
    }
    this.#file.changed();
  }
}

/** What can't be read is tried again. */
function attemptsIn(text: string): (readonly [string, Attempt])[] {
  let list: unknown;
  try {
    list = JSON.parse(text === '' ? '[]' : text);
  } catch {
    return [];
  }
  if (!Array.isArray(list)) return [];
  return list.slice(-MAX_ATTEMPTS).flatMap((each: unknown) => {
    const [sha256, attempt] = Array.isArray(each) ? (each as readonly unknown[]) : [];
    const { failures, againAtMs, triedAtMs } = (attempt ?? {}) as Readonly<Record<string, unknown>>;
    const numbers = [failures, againAtMs, triedAtMs].map(Number);
    if (typeof sha256 !== 'string' || !numbers.every(Number.isFinite)) return [];
    const [f = 0, a = 0, t = 0] = numbers;
    return [[sha256, { failures: f, againAtMs: a, triedAtMs: t }] as const];
  });
}
