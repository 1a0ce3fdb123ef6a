/**
 * Watches the folders that the scan names, and says in which something happened; what that was,
 * the scan finds out. Where the system allows no more watches it says so once, and
 * `unwatched` tells the scan that it has to look by itself.
 */
import { join } from '../catalogue/share-path.js';
import { FileSystemError } from '../fs/file-system.js';
import type { Log } from '../log.js';
import type { Startable } from '../startable.js';
import { type EndWatch, type FolderWatches, isWatchable } from './chokidar-watch.js';

/** Folders that begin to be watched in one turn of the event loop: a millisecond or two. */
const FOLDERS_A_TURN = 64;

/**
 * The kernel keeps so many events at most (fs.inotify.max_queued_events, 16384), drops the rest, and Node does not
 * tell. Half of that read in one turn of the event loop is taken for a queue that was full.
 */
const FLOOD_EVENTS = 8192;

/** What to do about a limit that was reached. */
const SYSCTL: Readonly<Record<string, string>> = {
  ENOSPC: 'fs.inotify.max_user_watches',
  EMFILE: 'fs.inotify.max_user_instances',
};

export interface WatcherComponents {
  /** Closed by the watcher. */
  readonly watches: FolderWatches;
  readonly log: Log;
}

export interface FolderToWatch {
  /** Index of the share, and the path in it: what `onLook` is told. */
  readonly share: number;
  readonly directory: string;
  /** The share's folder, links resolved. */
  readonly root: string;
}

/**
 * The folders of a share, as lean as can be: of each there is its path, and what ends the watch. Where the share's
 * folder has moved it is another of these, until all of it is watched there.
 */
interface WatchedRoot {
  readonly share: number;
  readonly root: string;
  readonly folders: Map<string, EndWatch | 'waiting' | 'failed'>;
  readonly waiting: Set<string>;
  /** In this turn of the event loop. */
  readonly told: Set<string>;
  readonly onEvent: (path: string) => void;
}

export type LookListener = (share: number, directory: string) => void;

export interface WatcherInit {
  readonly onLook: LookListener;
  /** So many events came at once that there may have been others. */
  readonly onFlood?: () => void;
}

export class Watcher implements Startable {
  readonly #watches: FolderWatches;
  readonly #log: Log;
  readonly #init: WatcherInit;
  #roots: readonly WatchedRoot[] = [];
  #working: Promise<void> | undefined;
  #limit: string | undefined;
  #hasWarned = false;
  #stopped = false;
  #unwatched = 0;
  /** In this turn of the event loop. */
  #events = 0;

  constructor(components: WatcherComponents, init: WatcherInit) {
    this.#watches = components.watches;
    this.#log = components.log;
    this.#init = init;
  }

  /** Folders that should be watched and can't be. */
  get unwatched(): number {
    return this.#unwatched;
  }

  get watched(): number {
    return this.#roots.reduce(
      (sum, { folders, waiting }) => sum + folders.size - waiting.size,
      -this.#unwatched,
    );
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#working;
    for (const { folders } of this.#roots)
      for (const watch of folders.values()) if (typeof watch === 'function') watch();
    this.#roots = [];
    await this.#watches.close();
  }

  /** A folder that is watched already is another one under the same path, which the old watch does not see. */
  watch(folder: FolderToWatch): void {
    this.forget(folder);
    const root = this.#rootOf(folder);
    const path = join(root.root, folder.directory);
    if (isWatchable(path)) {
      this.#await(root, path);
      this.#work();
    } else {
      this.#fail(root, path);
    }
  }

  forget({ share, directory }: Pick<FolderToWatch, 'share' | 'directory'>): void {
    for (const root of this.#roots) {
      if (root.share !== share) continue;
      const path = join(root.root, directory);
      const watch = root.folders.get(path);
      if (watch === undefined) continue;
      root.folders.delete(path);
      if (typeof watch === 'function') watch();
      else if (watch === 'waiting') root.waiting.delete(path);
      else this.#unwatched -= 1;
      if (root.folders.size === 0) this.#roots = this.#roots.filter((each) => each !== root);
    }
  }

  /** Resolves when every folder named so far is watched, or can't be. */
  async settled(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
  }

  /** Tries again what a limit has kept from being watched: it may have been raised. */
  retry(): void {
    if (this.#limit === undefined) return;
    this.#limit = undefined;
    for (const root of this.#roots) {
      for (const [path, watch] of root.folders) {
        if (watch !== 'failed' || !isWatchable(path)) continue;
        this.#unwatched -= 1;
        this.#await(root, path);
      }
    }
    this.#work();
  }

  #rootOf({ share, root }: FolderToWatch): WatchedRoot {
    const known = this.#roots.find((each) => each.share === share && each.root === root);
    if (known !== undefined) return known;
    const made: WatchedRoot = {
      share,
      root,
      folders: new Map(),
      waiting: new Set(),
      told: new Set(),
      onEvent: (path) => this.#heard(made, path),
    };
    this.#roots = [...this.#roots, made];
    return made;
  }

  #await(root: WatchedRoot, path: string): void {
    root.folders.set(path, 'waiting');
    root.waiting.add(path);
  }

  #fail(root: WatchedRoot, path: string): void {
    root.folders.set(path, 'failed');
    this.#unwatched += 1;
  }

  #work(): void {
    if (this.#stopped || this.#working !== undefined) return;
    if (this.#roots.every(({ waiting }) => waiting.size === 0)) return;
    this.#working = this.#watchWaiting().finally(() => {
      this.#working = undefined;
      this.#work();
    });
  }

  async #watchWaiting(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    let left = this.#stopped ? 0 : FOLDERS_A_TURN;
    for (const root of this.#roots) {
      for (const path of root.waiting) {
        if (left === 0) return;
        left -= 1;
        root.waiting.delete(path);
        if (this.#limit === undefined) this.#watch(root, path);
        else this.#fail(root, path);
      }
    }
  }

  #watch(root: WatchedRoot, path: string): void {
    try {
      root.folders.set(path, this.#watches.watch(path, root.onEvent));
    } catch (error) {
      if (!(error instanceof FileSystemError)) throw error;
      this.#fail(root, path);
      this.#tellWhy(error);
    }
  }

  /** Thousands of events may be of one folder. */
  #heard(root: WatchedRoot, path: string): void {
    if (this.#events === 0) {
      setImmediate(() => {
        this.#events = 0;
        for (const { told } of this.#roots) told.clear();
      });
    }
    if (!root.told.has(path) && root.folders.has(path)) {
      root.told.add(path);
      this.#init.onLook(root.share, directoryOf(root, path));
    }
    this.#events += 1;
    if (this.#events !== FLOOD_EVENTS) return;
    this.#log.info('so much changes at once that some of it may be missed: all is scanned once more');
    this.#init.onFlood?.();
  }

  #tellWhy({ errno: code, path }: FileSystemError): void {
    const sysctl = SYSCTL[code];
    if (sysctl === undefined) {
      this.#log.warn({ path, code }, 'a folder cannot be watched; it is scanned now and then');
      return;
    }
    this.#limit = code;
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const advice = `sysctl ${sysctl}=N with a larger N, then restart`;
    this.#log.error(
      { code, sysctl, advice },
      `no more folders can be watched; scanning instead: raise ${sysctl}`,
    );
  }
}

function directoryOf({ root }: WatchedRoot, path: string): string {
  return path === root ? '' : path.slice(root.endsWith('/') ? root.length : root.length + 1);
}
