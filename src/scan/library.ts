/**
 * The files of this node: shares, catalogue, hashes, kept like the folders from `start` to `stop`.
 * Puts scanner, watcher, hash queue and store together; the rest of the program deals with this.
 */
import { Catalogue, type ReadonlyCatalogue } from '../catalogue/catalogue.js';
import { type FileEntry, keyOf } from '../catalogue/file-entry.js';
import { mediaTypeOf } from '../catalogue/media-type.js';
import type { ShareConfig } from '../catalogue/share.js';
import type { FullPath } from '../catalogue/share-path.js';
import type { CatalogueStore, StoreChange } from '../catalogue/store.js';
import type { Clock } from '../clock.js';
import { AbortedError } from '../errors.js';
import type { FileSystem } from '../fs/file-system.js';
import { FileAbsentError, openShared, type SharedFile } from '../fs/shared-file.js';
import { type HashPool, PiscinaHashPool } from '../hashing/hash-pool.js';
import { type HashedFile, type HashProgress, HashQueue } from '../hashing/hash-queue.js';
import type { Log } from '../log.js';
import type { Startable } from '../startable.js';
import { type WatchFolders, watchWithChokidar } from './chokidar-watch.js';
import { Scanner, type ShareStatus } from './scanner.js';
import { StoreWriter } from './store-writer.js';
import { Walker } from './walker.js';
import { Watcher } from './watcher.js';

export interface LibraryComponents {
  readonly fs: FileSystem;
  /** Started and stopped by the library. */
  readonly store: CatalogueStore;
  readonly clock: Clock;
  readonly log: Log;
  /** Default: chokidar. */
  readonly watchFolders?: WatchFolders;
  /** Default: piscina, with `hashThreads`. Started and stopped by the library. */
  readonly hashPool?: HashPool;
}

export interface LibraryInit {
  readonly shares: readonly ShareConfig[];
  /** How long size and date of a file must stay as they are before it is offered. */
  readonly quietMs: number;
  /** From the end of one scan of everything to the next. */
  readonly rescanMs: number;
  /** The same while there are folders that cannot be watched. */
  readonly unwatchedRescanMs: number;
  /** Files hashed at the same time, not counting one that a query waits for. */
  readonly hashThreads: number;
  /** How many queries may wait for hashes at once. */
  readonly maxHashWaiters: number;
}

export interface LibraryProgress {
  readonly scan: 'first' | 'done';
  readonly shares: readonly ShareStatus[];
  readonly watchedFolders: number;
  readonly unwatchedFolders: number;
  readonly hashing: HashProgress;
}

export class Library implements Startable {
  readonly #fs: FileSystem;
  readonly #store: CatalogueStore;
  readonly #log: Log;
  readonly #shares: readonly ShareConfig[];
  readonly #catalogue = new Catalogue();
  readonly #writer: StoreWriter;
  readonly #walker: Walker;
  readonly #watcher: Watcher;
  readonly #scanner: Scanner;
  readonly #hashes: HashQueue;
  readonly #stopping = new AbortController();
  readonly #ready: Promise<void>;
  #settleReady: { resolve(): void; reject(error: Error): void } = { resolve() {}, reject() {} };
  #scanState: LibraryProgress['scan'] = 'first';
  #first: Promise<void> = Promise.resolve();

  constructor(components: LibraryComponents, init: LibraryInit) {
    const { fs, store, clock, log } = components;
    this.#fs = fs;
    this.#store = store;
    this.#log = log;
    this.#shares = init.shares;
    this.#ready = new Promise((resolve, reject) => {
      this.#settleReady = { resolve, reject };
    });
    this.#ready.catch(() => undefined); // nobody has to wait for it
    this.#writer = new StoreWriter({ store, log });
    this.#walker = new Walker({ log }, { shares: init.shares });
    this.#watcher = new Watcher(
      { watchFolders: components.watchFolders ?? watchWithChokidar, log },
      { onLook: (share, directory) => this.#scanner.look(share, directory) },
    );
    this.#scanner = new Scanner(
      { walker: this.#walker, watcher: this.#watcher, fs, sink: this.#sink(), clock, log },
      init,
    );
    this.#hashes = new HashQueue(
      {
        catalogue: this.#catalogue,
        pool: components.hashPool ?? new PiscinaHashPool({ threads: init.hashThreads }),
        targets: {
          locate: (key) => this.#scanner.locate(key),
          hashed: (files) => this.#takeHashes(files),
          unreadable: (key, why) => this.#withdraw(key, why),
          changed: (key) => this.#scanner.lookAt(key),
        },
        clock,
        log,
      },
      { maxWaiters: init.maxHashWaiters },
    );
  }

  get catalogue(): ReadonlyCatalogue {
    return this.#catalogue;
  }

  /** Resolves when every share has been scanned once, or found not to be there. Rejects when stopped before. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /** Resolves when the scan is under way. Throws `StoreLockedError`, `StoreUnusableError`. */
  async start(): Promise<void> {
    await this.#store.start();
    await this.#recall();
    await this.#walker.start();
    await this.#watcher.start();
    await this.#scanner.start();
    this.#first = this.#scanFirst();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#settleReady.reject(new AbortedError('stopped before the first scan was over'));
    await this.#scanner.stop();
    await this.#watcher.stop();
    await this.#walker.stop();
    await this.#first;
    await this.#hashes.stop();
    await this.#writer.write([]);
    await this.#store.stop();
  }

  progress(): LibraryProgress {
    return {
      scan: this.#scanState,
      shares: this.#scanner.status(),
      watchedFolders: this.#watcher.watched,
      unwatchedFolders: this.#watcher.unwatched,
      hashing: this.#hashes.progress(),
    };
  }

  /** Scans everything now; resolves when that is done. */
  rescan(): Promise<void> {
    return this.#scanner.scan();
  }

  /**
   * The entry with its hash, which is computed before all others. Rejects with `NotHashedError`,
   * `LimitError` (`hash-waiters`), `AbortedError`.
   */
  hashNow(key: FullPath, signal?: AbortSignal): Promise<FileEntry> {
    return this.#hashes.waitFor(key, signal);
  }

  /**
   * Opens a file for serving. Throws {@link FileAbsentError} when it is gone or is not the file that the
   * entry tells of, `FileUnreadableError`.
   */
  async openFile(entry: FileEntry): Promise<SharedFile> {
    const share = this.#shares.find(({ name }) => name === entry.share);
    if (share === undefined || this.#catalogue.get(keyOf(entry)) === undefined) {
      throw new FileAbsentError('the file is not offered');
    }
    const file = await openShared(this.#fs, share, entry.path);
    if (file.size === entry.size && Math.floor(file.mtimeMs) === entry.mtimeMs) return file;
    await file.close();
    this.#scanner.lookAt(keyOf(entry));
    throw new FileAbsentError('the file is not the one that was offered');
  }

  async #scanFirst(): Promise<void> {
    try {
      await this.#scanner.scan();
      this.#scanState = 'done';
      // Not before: a moved file is known by its hash only when all folders have been seen.
      await this.#hashes.start();
      this.#log.info(this.#catalogue.totals, 'the first scan is done');
      this.#settleReady.resolve();
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      this.#log.error({ err: error }, 'the first scan failed');
      this.#settleReady.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  async #recall(): Promise<void> {
    let dropped: StoreChange[] = [];
    for await (const files of this.#store.load(this.#stopping.signal)) {
      for (const file of files)
        if (!this.#scanner.remember(file)) dropped.push({ type: 'remove', key: file.key });
      if (dropped.length > 0)
        this.#log.info({ files: dropped.length }, 'forgetting files of a share that is gone');
      await this.#writer.write(dropped);
      dropped = [];
    }
    for (const { name } of this.#shares) {
      const identity = await this.#store.readRoot(name);
      if (identity !== undefined) this.#scanner.rememberRoot(name, identity);
    }
  }

  #sink() {
    return {
      apply: (changes: Parameters<Catalogue['apply']>[0], stored: readonly StoreChange[]) => {
        this.#catalogue.apply(changes);
        return this.#writer.write(stored);
      },
      entries: () => this.#catalogue.entries(),
      writeRoot: (share: string, identity: string) => this.#store.writeRoot(share, identity),
    };
  }

  /** Stored before anyone is told: what has been announced is never computed again. */
  async #takeHashes(files: readonly HashedFile[]): Promise<void> {
    const wanted = files.filter(({ key }) => this.#catalogue.get(key) !== undefined);
    await this.#writer.write(
      wanted.map(({ key, stamp, sha256 }) => ({
        type: 'put',
        file: { key, stamp, sha256, mediaType: mediaTypeOf(key) },
      })),
    );
    this.#catalogue.apply(
      wanted.flatMap(({ key, stamp, sha256 }) => {
        const entry = this.#scanner.setHash(key, stamp, sha256);
        return entry === undefined ? [] : [{ type: 'put' as const, entry }];
      }),
    );
  }

  #withdraw(key: FullPath, why: string): void {
    this.#log.warn({ file: key, why }, 'a file cannot be read and is not offered until it changes');
    this.#catalogue.apply(this.#scanner.setUnreadable(key));
  }
}
