/** Ends a call when its caller withdraws it, or long after it should have been answered. */
import type { Clock, Timer } from '../clock.js';
import { AbortedError, LimitError } from '../errors.js';

export class SearchWatch {
  readonly #abort = new AbortController();
  readonly #timer: Timer;
  readonly #over: Promise<never>;
  readonly #onAbort = () => this.#abort.abort();
  readonly #caller: AbortSignal | undefined;
  /** Called when the time is over. */
  onOver: () => void = () => {};

  constructor(clock: Clock, ms: number, caller?: AbortSignal) {
    this.#caller = caller;
    let reject: (error: Error) => void = () => {};
    this.#over = new Promise((_, rejectOver) => {
      reject = rejectOver;
    });
    this.#over.catch(() => {}); // told to whoever races it
    this.#timer = clock.after(ms, () => {
      this.onOver();
      reject(new LimitError('queryDeadlineMs', 'the search worker did not answer in time'));
      this.#abort.abort();
    });
    this.#abort.signal.addEventListener('abort', () => reject(new AbortedError('the search was withdrawn')));
    if (caller?.aborted) this.#abort.abort();
    caller?.addEventListener('abort', this.#onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  race<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#over]);
  }

  end(): void {
    this.#timer.cancel();
    this.#caller?.removeEventListener('abort', this.#onAbort);
  }
}
