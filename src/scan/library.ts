/**
 * The files of this node: shares, catalogue, hashes, kept like the folders from `start` to `stop`.
 * Puts scanner, watcher, hash queue and store together; the rest of the program deals with this.
 */
import { isDeepStrictEqual } from 'node:util';
import { MIN_BLOCK_BYTES } from '../blocks/block-size.js';
import type { BlockListStore } from '../catalogue/block-list-store.js';
import { Catalogue, type ReadonlyCatalogue } from '../catalogue/catalogue.js';
import type { Slot } from '../catalogue/file-columns.js';
import { type FileEntry, keyOf } from '../catalogue/file-entry.js';
import type { FileStamp } from '../catalogue/file-stamp.js';
import type { ShareConfig } from '../catalogue/share.js';
import type { FullPath } from '../catalogue/share-path.js';
import type { CatalogueStore } from '../catalogue/store.js';
import type { Clock } from '../clock.js';
import { AbortedError } from '../errors.js';
import { type FileSystem, FileSystemError } from '../fs/file-system.js';
import { FileAbsentError, openShared, type SharedFile } from '../fs/shared-file.js';
import { type HashPool, PiscinaHashPool } from '../hashing/hash-pool.js';
import { type HashedFile, type HashProgress, HashQueue } from '../hashing/hash-queue.js';
import type { Log } from '../log.js';
import type { Startable } from '../startable.js';
import { ChokidarWatches, type FolderWatches } from './chokidar-watch.js';
import { identityText } from './listing.js';
import { Scanner, type ShareStatus } from './scanner.js';
import { Slices, type Steps } from './slices.js';
import { Walker } from './walker.js';
import { Watcher } from './watcher.js';

export interface LibraryComponents {
  readonly fs: FileSystem;
  /** Started and stopped by the library. */
  readonly store: CatalogueStore;
  /** The same. Without it nobody is told of blocks. */
  readonly blockLists?: BlockListStore;
  readonly clock: Clock;
  readonly log: Log;
  /** Until other shares are set. Default, and then: chokidar. Closed by the library. */
  readonly watches?: FolderWatches;
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
  readonly #blockLists: BlockListStore | undefined;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #init: LibraryInit;
  readonly #catalogue = new Catalogue();
  #shares: readonly ShareConfig[];
  /** These three belong together, and know the shares: others have others. */
  #walker: Walker;
  #watcher: Watcher;
  #scanner: Scanner;
  #setting: Promise<void> = Promise.resolve();
  readonly #hashes: HashQueue;
  readonly #stopping = new AbortController();
  readonly #ready: Promise<void>;
  #settleReady: { resolve(): void; reject(error: Error): void } = { resolve() {}, reject() {} };
  readonly #unsubscribe: (() => void) | undefined;
  #scanState: LibraryProgress['scan'] = 'first';
  #first: Promise<void> = Promise.resolve();
  #blockListsOpen: Promise<void> = Promise.resolve();

  constructor(components: LibraryComponents, init: LibraryInit) {
    const { fs, store, clock, log } = components;
    this.#fs = fs;
    this.#store = store;
    this.#blockLists = components.blockLists;
    this.#clock = clock;
    this.#log = log;
    this.#init = init;
    this.#shares = init.shares;
    this.#ready = new Promise((resolve, reject) => {
      this.#settleReady = { resolve, reject };
    });
    this.#ready.catch(() => undefined); // nobody has to wait for it
    const { table } = this.#catalogue;
    const scan = this.#scanOf(init.shares, components.watches);
    this.#walker = scan.walker;
    this.#watcher = scan.watcher;
    this.#scanner = scan.scanner;
    this.#hashes = new HashQueue(
      {
        catalogue: this.#catalogue,
        pool: components.hashPool ?? new PiscinaHashPool({ threads: init.hashThreads }),
        targets: {
          locate: (slot) => this.#scanner.locate(slot),
          hashed: (files) => this.#takeHashes(files),
          unreadable: (slot, stamp, why) => this.#withdraw(slot, stamp, why),
          changed: (slot) => this.#scanner.lookAt(table.columns.keyOf(slot)),
          lacksBlocks: (slot) => this.#lacksBlocks(slot),
        },
        clock,
        log,
      },
      { maxWaiters: init.maxHashWaiters },
    );
    this.#unsubscribe = this.#blockLists?.onLost((sha256) => this.#hashes.recheckBlocks(sha256));
  }

  get catalogue(): ReadonlyCatalogue {
    return this.#catalogue;
  }

  /** Resolves when every share has been scanned once, or found not to be there. Rejects when stopped before. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /**
   * Resolves when the scan is under way; what was offered when the last process ended is offered then, unless
   * its share is gone. Throws `StoreLockedError`, `StoreUnusableError`.
   */
  async start(): Promise<void> {
    await this.#store.start();
    this.#blockListsOpen = this.#blockLists?.start() ?? Promise.resolve(); // never rejects
    await this.#restore();
    await this.#walker.start();
    await this.#watcher.start();
    await this.#scanner.start();
    this.#first = this.#scanFirst();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#settleReady.reject(new AbortedError('stopped before the first scan was over'));
    await this.#setting;
    await this.#stopScan();
    await this.#first;
    await this.#hashes.stop();
    this.#unsubscribe?.();
    await this.#blockListsOpen;
    await this.#blockLists?.stop();
    await this.#store.written();
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
   * From now on these are offered, and nothing else. `withdrawn` is called when nothing is offered any more of shares
   * that are gone, or are another folder or by other rules than before; what is new comes after it. Not before
   * {@link ready}. Resolves when the scan is under way. Rejects with {@link AbortedError}, and as
   * `withdrawn` does: then the shares that are gone are gone, and the others as they were.
   */
  async setShares(shares: readonly ShareConfig[], withdrawn: () => Promise<void>): Promise<void> {
    await this.#ready;
    const setting = this.#setting.then(() => this.#setShares(shares, withdrawn));
    this.#setting = setting.catch(() => undefined); // who asked for it hears
    await this.#setting;
    this.#scanner.scan().catch(() => undefined); // stopped
    await setting;
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

  #scanOf(shares: readonly ShareConfig[], watches: FolderWatches = new ChokidarWatches()) {
    const [fs, store, clock, log] = [this.#fs, this.#store, this.#clock, this.#log];
    const { table } = this.#catalogue;
    const walker = new Walker({ log, clock }, { shares });
    const watcher = new Watcher(
      { watches, log },
      {
        onLook: (share, directory) => scanner.look(share, directory),
        onFlood: () => scanner.flooded(),
      },
    );
    const scanner: Scanner = new Scanner(
      { walker, watcher, fs, table, store, clock, log },
      { ...this.#init, shares },
    );
    return { walker, watcher, scanner };
  }

  async #stopScan(): Promise<void> {
    await this.#scanner.stop();
    await this.#watcher.stop();
    await this.#walker.stop();
  }

  async #setShares(shares: readonly ShareConfig[], withdrawn: () => Promise<void>): Promise<void> {
    const { signal } = this.#stopping;
    if (signal.aborted) throw new AbortedError('the library was stopped');
    const kept = this.#shares.filter((share) => shares.some((each) => isDeepStrictEqual(each, share)));
    const gone = this.#shares.filter((share) => !kept.includes(share)).map(({ name }) => name);
    this.#shares = kept; // of others nothing is opened from here on
    await this.#stopScan();
    const { table } = this.#catalogue;
    await new Slices({ clock: this.#clock }).run(this.#withdrawAll(new Set(gone)), {
      onSlice: () => table.commit(),
      signal,
    });
    try {
      await withdrawn();
      this.#shares = shares;
    } finally {
      const scan = this.#scanOf(this.#shares);
      this.#walker = scan.walker;
      this.#watcher = scan.watcher;
      this.#scanner = scan.scanner;
      await this.#rememberRoots(kept);
      await this.#scanner.remember();
      await this.#walker.start();
      await this.#watcher.start();
      await this.#scanner.start();
    }
  }

  /** Their hashes are kept: the share may come back, or have other rules only. */
  *#withdrawAll(shares: ReadonlySet<string>): Steps {
    const { table } = this.#catalogue;
    const folders = [...table.folders()].filter((folder) => shares.has(folder.split('/', 1)[0] ?? ''));
    for (const folder of folders) {
      for (const slot of [...table.filesIn(folder)]) {
        if (!table.columns.hasHash(slot)) table.remove(slot);
        else if (table.stateOf(slot) !== 'remembered') {
          table.hide(slot);
          table.setState(slot, 'remembered');
        }
        yield;
      }
    }
  }

  async #rememberRoots(shares: readonly ShareConfig[]): Promise<void> {
    for (const { name } of shares) {
      const identity = await this.#store.readRoot(name);
      if (identity !== undefined) this.#scanner.rememberRoot(name, identity);
    }
  }

  async #scanFirst(): Promise<void> {
    try {
      await this.#scanner.scan();
      this.#scanState = 'done';
      await this.#blockListsOpen;
      await this.#tidyBlockLists();
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

  async #restore(): Promise<void> {
    const { table } = this.#catalogue;
    const roots = new Map<string, string | undefined>();
    for (const { name, path } of this.#shares) roots.set(name, await this.#identityOf(path));
    const isThere = (share: string, identity: string | undefined) => {
      if (!roots.has(share)) return 'unknown-share';
      const found = roots.get(share);
      return found !== undefined && (identity === undefined || identity === found);
    };
    await this.#store.load(table, { isThere }, this.#stopping.signal);
    await this.#rememberRoots(this.#shares);
    await this.#scanner.remember();
    this.#store.follow(table);
  }

  /** Which folder is there now; undefined where there is none. */
  async #identityOf(path: string): Promise<string | undefined> {
    try {
      const status = await this.#fs.statusOf(await this.#fs.realPath(path));
      return status.kind === 'directory' ? identityText(status) : undefined;
    } catch (error) {
      if (error instanceof FileSystemError) return undefined;
      throw error;
    }
  }

  /** The pool is not given more before these are stored: what has been computed is rarely computed again. */
  async #takeHashes(files: readonly HashedFile[]): Promise<void> {
    const { columns } = this.#catalogue.table;
    const kept = this.#blockLists?.add(
      files.flatMap(({ stamp, sha256, blocks }) =>
        blocks ? [{ sha256, fileBytes: stamp.size, blocks }] : [],
      ),
    );
    for (const { slot, stamp, sha256 } of files) {
      const known = columns.sha256Of(slot);
      if (known === undefined || known === sha256) this.#scanner.setHash(slot, stamp, sha256);
      // Read again for its blocks. Whoever fetched it would be given other bytes than were promised.
      else this.#withdraw(slot, stamp, 'its content has changed, but not its date');
    }
    this.#catalogue.table.commit();
    await this.#store.written();
    await kept;
    void this.#tidyBlockLists(); // never rejects; `stop` of the store waits for it
  }

  async #tidyBlockLists(): Promise<void> {
    const { table } = this.#catalogue;
    // Also files that are not offered now: their share may come back.
    await this.#blockLists?.tidy((sha256) => table.withHashBytes(sha256, 1).length > 0);
  }

  #lacksBlocks(slot: Slot): boolean {
    const { columns } = this.#catalogue.table;
    if (this.#blockLists === undefined || columns.size.get(slot) <= MIN_BLOCK_BYTES) return false;
    return columns.hasHash(slot) && this.#blockLists.lacks(columns.sha256Bytes(slot));
  }

  #withdraw(slot: Slot, stamp: FileStamp, why: string): void {
    const file = this.#catalogue.table.columns.keyOf(slot);
    this.#log.warn({ file, why }, 'a file cannot be read and is not offered until it changes');
    this.#scanner.setUnreadable(slot, stamp);
    this.#catalogue.table.commit();
  }
}
