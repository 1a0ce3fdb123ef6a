/**
 * What a download says to whoever listens, in order. Of progress only the latest is kept, so that a slow listener
 * costs nothing; of the rest there is no more than sources fail.
 */
import type { DownloadEvent, DownloadProgress } from './download-events.js';

/** More than a listener who lives will ever be behind. What is older is in the log. */
const MAX_EVENTS = 10_000;

export class EventQueue implements AsyncIterable<DownloadEvent> {
  #events: DownloadEvent[] = [];
  #progress: DownloadProgress | undefined;
  #wake: (() => void) | undefined;
  #state: 'open' | 'ended' = 'open';

  push(event: DownloadEvent): void {
    if (event.type === 'progress') {
      this.#progress = event;
    } else {
      // A listener sees how far it was before it hears what happened then.
      if (event.type === 'done' || event.type === 'waiting') this.#flush();
      this.#events.push(event);
      if (this.#events.length > MAX_EVENTS) this.#events.shift();
    }
    this.#wake?.();
  }

  /** Nothing more comes. */
  end(): void {
    this.#state = 'ended';
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<DownloadEvent, void, undefined> {
    for (;;) {
      const next = this.#events.shift() ?? this.#takeProgress();
      if (next !== undefined) yield next;
      else if (this.#state === 'ended') return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }

  #flush(): void {
    const progress = this.#takeProgress();
    if (progress !== undefined) this.#events.push(progress);
  }

  #takeProgress(): DownloadProgress | undefined {
    const progress = this.#progress;
    this.#progress = undefined;
    return progress;
  }
}
