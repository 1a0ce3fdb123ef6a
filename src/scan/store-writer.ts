/**
 * Writes to the store one after the other, those that come meanwhile together. A store that can't
 * be written is no reason to stop sharing: it is told once, and costs hashing after a restart.
 */
import type { CatalogueStore, StoreChange } from '../catalogue/store.js';
import type { Log } from '../log.js';

export class StoreWriter {
  readonly #store: Pick<CatalogueStore, 'write'>;
  readonly #log: Log;
  #waiting: StoreChange[] = [];
  #next: Promise<void> | undefined;
  #last: Promise<void> = Promise.resolve();
  #hasFailed = false;

  constructor(components: { readonly store: Pick<CatalogueStore, 'write'>; readonly log: Log }) {
    this.#store = components.store;
    this.#log = components.log;
  }

  /** Resolves when the changes, and all before them, are written or have failed. Never rejects. */
  write(changes: readonly StoreChange[]): Promise<void> {
    if (changes.length === 0) return this.#next ?? this.#last;
    for (const change of changes) this.#waiting.push(change);
    this.#next ??= this.#last.then(() => this.#writeWaiting());
    return this.#next;
  }

  #writeWaiting(): Promise<void> {
    const changes = this.#waiting;
    this.#waiting = [];
    this.#next = undefined;
    this.#last = this.#store.write(changes).then(
      () => {
        this.#hasFailed = false;
      },
      (error: unknown) => {
        if (!this.#hasFailed)
          this.#log.error({ err: error }, 'the store cannot be written; hashes will be lost');
        this.#hasFailed = true;
      },
    );
    return this.#last;
  }
}
