/**
 * What is to be said of files on a channel: which content is new, and which that was announced is gone. Pure. The last
 * word on a content counts, and what nobody has heard of is not taken back.
 */
import type { FullPath } from '../catalogue/share-path.js';

export type Announcement =
  /** The file at `key` has this content. */
  | { readonly type: 'publish'; readonly sha256: string; readonly key: FullPath }
  | { readonly type: 'retract'; readonly sha256: string };

export interface AnnouncementQueueInit {
  /** Announcements that wait; of more nobody hears. */
  readonly maxWaiting: number;
  /** What was announced is remembered so far back, to be taken back. */
  readonly maxRemembered: number;
}

export class AnnouncementQueue {
  readonly #init: AnnouncementQueueInit;
  /** By content, the oldest first. */
  readonly #waiting = new Map<string, Announcement>();
  readonly #announced = new Set<string>();
  #missed = 0;

  constructor(init: AnnouncementQueueInit) {
    this.#init = init;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** How many were left out since this was last asked. */
  takeMissed(): number {
    const missed = this.#missed;
    this.#missed = 0;
    return missed;
  }

  /** Whether it matters that this content is gone. */
  knows(sha256: string): boolean {
    return this.#waiting.has(sha256) || this.#announced.has(sha256);
  }

  /** All content that it matters of. */
  known(): string[] {
    return [...new Set([...this.#waiting.keys(), ...this.#announced])];
  }

  isNew(sha256: string, key: FullPath): void {
    if (this.#announced.has(sha256)) {
      this.#waiting.delete(sha256); // it is back before anybody heard that it was gone
      return;
    }
    if (!this.#waiting.has(sha256) && this.#waiting.size >= this.#init.maxWaiting) this.#missed += 1;
    else this.#waiting.set(sha256, { type: 'publish', sha256, key });
  }

  isGone(sha256: string): void {
    this.#waiting.delete(sha256);
    // There can't be more of these than are remembered.
    if (this.#announced.has(sha256)) this.#waiting.set(sha256, { type: 'retract', sha256 });
  }

  /** What is said next; it stays until it is {@link done} or {@link dropped}. */
  next(): Announcement | undefined {
    const [first] = this.#waiting.values();
    return first;
  }

  /** It was said. */
  done(announcement: Announcement): void {
    const { type, sha256 } = announcement;
    const since = this.#waiting.get(sha256);
    this.dropped(announcement);
    this.#announced.delete(sha256);
    if (type === 'retract') return;
    this.#announced.add(sha256);
    for (const oldest of this.#announced) {
      if (this.#announced.size <= this.#init.maxRemembered) break;
      this.#announced.delete(oldest);
    }
    if (since === undefined)
      this.isGone(sha256); // it went while it was being said
    else this.#waiting.delete(sha256);
  }

  /** It is not to be said any more. */
  dropped(announcement: Announcement): void {
    if (this.#waiting.get(announcement.sha256) === announcement) this.#waiting.delete(announcement.sha256);
  }
}
