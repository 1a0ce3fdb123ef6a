/** Who fetches many files: a few at a time, and others go on while nobody can give the files of these. */
import type { JobEvent } from './fetch-job.js';

/** Small files spend most of their time waiting for their sessions. */
const AT_ONCE = 4;
/** Files that nobody can give now: each is asked for now and then, and has its `.part` open. */
const MAX_WAITING = 60;

/** What one worker is at. */
export interface Turn {
  /** Whether there are enough others. */
  readonly isSpare: boolean;
  heard(event: JobEvent): void;
  /** The file has come, or not. */
  over(): void;
}

export class Crew {
  readonly #job: (turn: Turn) => Promise<void>;
  readonly #running = new Set<Promise<void>>();
  #waiting = 0;

  /** `job` never rejects. */
  constructor(job: (turn: Turn) => Promise<void>) {
    this.#job = job;
  }

  /** Resolves when nobody has anything to do any more. */
  async work(): Promise<void> {
    for (let at = 0; at < AT_ONCE; at += 1) this.#start();
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #start(): void {
    const running = this.#job(this.#turn()).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  #turn(): Turn {
    let isWaiting = false;
    let receivedBytes = 0;
    const wait = (waits: boolean) => {
      if (isWaiting === waits) return;
      isWaiting = waits;
      this.#waiting += waits ? 1 : -1;
      if (waits && this.#waiting <= MAX_WAITING && this.#active < AT_ONCE) this.#start();
    };
    const isSpare = () => this.#active > AT_ONCE;
    return {
      get isSpare() {
        return isSpare();
      },
      heard: (event) => {
        if (event.type === 'waiting') wait(true);
        if (event.type !== 'progress') return;
        if (event.receivedBytes > receivedBytes) wait(false);
        receivedBytes = Math.max(receivedBytes, event.receivedBytes);
      },
      over: () => {
        wait(false);
        receivedBytes = 0;
      },
    };
  }

  get #active(): number {
    return this.#running.size - this.#waiting;
  }
}
