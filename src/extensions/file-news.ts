/** Tells extensions which files are offered from now on, and which no more; in bounded pieces, one after another. */
import type { ReadonlyCatalogue } from '../catalogue/catalogue.js';
import { keyOf } from '../catalogue/file-entry.js';
import { toDisplay } from '../catalogue/share-path.js';
import type { TableBatch } from '../catalogue/table-feed.js';
import type { Startable } from '../startable.js';
import type { FileNews as News, OurFile } from './api.js';
import type { Extensions } from './extension-host.js';
import { ourFileOf } from './our-file.js';
import type { RunningExtension } from './running-extension.js';

export interface FileNewsComponents {
  readonly catalogue: Pick<ReadonlyCatalogue, 'onBatch' | 'table'>;
  readonly extensions: Extensions;
  /** Files that are found before are no news. */
  readonly ready: Promise<unknown>;
}

/** So many wait for an extension to take them; of more it hears the number. */
const MAX_WAITING = 10_000;

export class FileNews implements Startable {
  readonly #components: FileNewsComponents;
  readonly #readers = new Map<RunningExtension, Reader>();
  #unsubscribe: (() => void) | undefined;
  #stopped = false;

  constructor(components: FileNewsComponents) {
    this.#components = components;
  }

  async start(): Promise<void> {
    const { catalogue, extensions, ready } = this.#components;
    if (extensions.having('onFiles').length === 0) return;
    void ready.then(
      () => {
        if (!this.#stopped) this.#unsubscribe = catalogue.onBatch((batch) => this.#take(batch));
      },
      () => undefined, // the node does not start, and says so itself
    );
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe?.();
    await Promise.all([...this.#readers.values()].map((each) => each.end()));
  }

  /** What the batch says must be looked up now: slots are given to other files later. */
  #take(batch: TableBatch): void {
    const listeners = this.#components.extensions.having('onFiles');
    if (listeners.length === 0) return;
    const { columns } = this.#components.catalogue.table;
    const removed = new Map<string, OurFile>();
    const over = (slots: Uint32Array) => Math.max(0, slots.length - MAX_WAITING);
    const missed = over(batch.removed) + over(batch.added);
    for (const slot of batch.removed.subarray(0, MAX_WAITING)) {
      const entry = columns.entryOf(slot);
      removed.set(keyOf(entry), ourFileOf(entry));
    }
    const added: OurFile[] = [];
    for (const slot of batch.added.subarray(0, MAX_WAITING)) {
      const entry = columns.entryOf(slot);
      const file = ourFileOf(entry);
      const before = removed.get(keyOf(entry));
      // It has its hash now, or moved in memory: nothing that is news.
      if (before && isSame(before, file)) removed.delete(keyOf(entry));
      else added.push(file);
    }
    if (added.length + removed.size + missed === 0) return;
    for (const each of listeners) {
      const reader = this.#readers.get(each) ?? new Reader(each);
      this.#readers.set(each, reader);
      reader.take({ added, removed: [...removed.keys()].map(toDisplay), missed });
    }
  }
}

/** One extension, which is told more when it has dealt with what it was told before. */
class Reader {
  readonly #extension: RunningExtension;
  #waiting: { added: OurFile[]; removed: string[]; missed: number } = { added: [], removed: [], missed: 0 };
  #work: Promise<void> | undefined;
  #ended = false;

  constructor(extension: RunningExtension) {
    this.#extension = extension;
  }

  take(news: News): void {
    const waiting = this.#waiting;
    waiting.missed += news.missed;
    if (
      waiting.added.length + waiting.removed.length + news.added.length + news.removed.length >
      MAX_WAITING
    ) {
      waiting.missed += news.added.length + news.removed.length;
    } else {
      waiting.added.push(...news.added);
      waiting.removed.push(...news.removed);
    }
    this.#work ??= this.#run();
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#work;
  }

  async #run(): Promise<void> {
    const isEmpty = () => {
      const { added, removed, missed } = this.#waiting;
      return added.length + removed.length + missed === 0;
    };
    while (!this.#ended && !isEmpty()) {
      const news = this.#waiting;
      this.#waiting = { added: [], removed: [], missed: 0 };
      await this.#extension.told('onFiles', news);
    }
    this.#work = undefined;
  }
}

function isSame(one: OurFile, other: OurFile): boolean {
  return (
    one.size === other.size &&
    one.modifiedMs === other.modifiedMs &&
    one.mediaType === other.mediaType &&
    one.desc === other.desc
  );
}
