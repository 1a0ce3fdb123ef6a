/**
 * Watches the folders that the scan names, and says in which something happened; what that was,
 * the scan finds out. Where the system allows no more watches it says so once, and
 * `unwatched` tells the scan that it has to look by itself.
 */
import { join } from '../catalogue/share-path.js';
import type { Log } from '../log.js';
import type { Startable } from '../startable.js';
import { isWatchable, type OpenWatch, type WatchFolders } from './chokidar-watch.js';

/** Folders a chokidar instance watches: each costs some kilobytes, and one can't forget what it once watched. */
const FOLDERS_A_WATCH = 64;

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
  readonly watchFolders: WatchFolders;
  readonly log: Log;
}

export interface FolderToWatch {
  /** Index of the share, and the path in it: what `onLook` is told. */
  readonly share: number;
  readonly directory: string;
  /** The share's folder, links resolved. */
  readonly root: string;
  /** Another identity under the same path is another folder, which the old watch does not see. */
  readonly identity: string;
}

interface Watched {
  readonly folder: FolderToWatch;
  group?: Group;
  failed: boolean;
}

interface Group {
  readonly open: OpenWatch;
  readonly paths: Set<string>;
}

export type LookListener = (share: number, directory: string) => void;

export interface WatcherInit {
  readonly onLook: LookListener;
  /** So many events came at once that there may have been others. */
  readonly onFlood?: () => void;
}

export class Watcher implements Startable {
  readonly #watchFolders: WatchFolders;
  readonly #log: Log;
  readonly #init: WatcherInit;
  readonly #folders = new Map<string, Watched>();
  readonly #waiting = new Set<Watched>();
  readonly #groups = new Set<Group>();
  #working: Promise<void> | undefined;
  #limit: string | undefined;
  #hasWarned = false;
  #stopped = false;
  #unwatched = 0;
  /** In this turn of the event loop, as is what comes after it. */
  #events = 0;
  readonly #told = new Set<FolderToWatch>();

  constructor(components: WatcherComponents, init: WatcherInit) {
    this.#watchFolders = components.watchFolders;
    this.#log = components.log;
    this.#init = init;
  }

  /** Folders that should be watched and can't be. */
  get unwatched(): number {
    return this.#unwatched;
  }

  get watched(): number {
    return this.#folders.size - this.#unwatched - this.#waiting.size;
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#waiting.clear();
    await this.#working;
    await Promise.all([...this.#groups].map((group) => group.open.close()));
    this.#groups.clear();
    this.#folders.clear();
  }

  watch(folder: FolderToWatch): void {
    const key = keyOf(folder);
    const known = this.#folders.get(key);
    if (known?.folder.identity === folder.identity && known.folder.root === folder.root) return;
    this.forget(folder);
    const watched: Watched = { folder, failed: false };
    this.#folders.set(key, watched);
    if (isWatchable(pathOf(folder))) {
      this.#waiting.add(watched);
      this.#work();
    } else {
      this.#fail(watched);
    }
  }

  forget(folder: Pick<FolderToWatch, 'share' | 'directory'>): void {
    const watched = this.#folders.get(keyOf(folder));
    if (watched === undefined) return;
    this.#folders.delete(keyOf(folder));
    this.#waiting.delete(watched);
    if (watched.failed) this.#unwatched -= 1;
    const { group } = watched;
    if (group === undefined) return;
    group.paths.delete(pathOf(watched.folder));
    group.open.drop(pathOf(watched.folder));
    if (group.paths.size > 0) return;
    this.#groups.delete(group);
    this.#close(group.open);
  }

  /** Resolves when every folder named so far is watched, or can't be. */
  async settled(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
  }

  /** Tries again what a limit has kept from being watched: it may have been raised. */
  retry(): void {
    if (this.#limit === undefined) return;
    this.#limit = undefined;
    for (const watched of this.#folders.values()) {
      if (!watched.failed || !isWatchable(pathOf(watched.folder))) continue;
      watched.failed = false;
      this.#unwatched -= 1;
      this.#waiting.add(watched);
    }
    this.#work();
  }

  #work(): void {
    if (this.#stopped || this.#working !== undefined || this.#waiting.size === 0) return;
    this.#working = this.#watchWaiting().finally(() => {
      this.#working = undefined;
      this.#work();
    });
  }

  async #watchWaiting(): Promise<void> {
    // A turn of the event loop first, so that folders named together come into one group.
    await new Promise((resolve) => setImmediate(resolve));
    const batch = this.#nextBatch();
    if (batch.length === 0) return;
    if (this.#limit !== undefined) {
      for (const watched of batch) this.#fail(watched);
      return;
    }
    const byPath = new Map(batch.map((watched) => [pathOf(watched.folder), watched]));
    const open = await this.#watchFolders([...byPath.keys()], {
      onEvent: (path) => {
        const watched = byPath.get(path);
        if (watched !== undefined) this.#heard(watched.folder);
      },
      onError: (path, code) => this.#failed(byPath.get(path ?? ''), path, code),
    });
    this.#adopt(open, byPath);
  }

  /** Thousands of events may be of one folder. */
  #heard(folder: FolderToWatch): void {
    if (this.#events === 0) {
      setImmediate(() => {
        this.#events = 0;
        this.#told.clear();
      });
    }
    if (!this.#told.has(folder)) {
      this.#told.add(folder);
      this.#init.onLook(folder.share, folder.directory);
    }
    this.#events += 1;
    if (this.#events !== FLOOD_EVENTS) return;
    this.#log.info('so much changes at once that some of it may be missed: all is scanned once more');
    this.#init.onFlood?.();
  }

  /** Folders of one share: two shares may hold the same folder, and a group knows a path once. */
  #nextBatch(): Watched[] {
    const batch: Watched[] = [];
    for (const watched of this.#waiting) {
      if (batch.length === FOLDERS_A_WATCH || (batch[0] && batch[0].folder.share !== watched.folder.share))
        break;
      batch.push(watched);
      this.#waiting.delete(watched);
    }
    return batch;
  }

  #adopt(open: OpenWatch, byPath: ReadonlyMap<string, Watched>): void {
    const group: Group = { open, paths: new Set() };
    for (const [path, watched] of byPath) {
      // Forgotten while it was being opened, or not opened.
      if (watched.failed || this.#folders.get(keyOf(watched.folder)) !== watched) {
        open.drop(path);
      } else {
        watched.group = group;
        group.paths.add(path);
      }
    }
    if (group.paths.size > 0) this.#groups.add(group);
    else this.#close(open);
  }

  #failed(watched: Watched | undefined, path: string | undefined, code: string): void {
    const sysctl = SYSCTL[code];
    if (sysctl === undefined) {
      this.#log.warn({ path, code }, 'a folder cannot be watched; it is scanned now and then');
    } else {
      this.#limit = code;
      if (!this.#hasWarned) {
        this.#hasWarned = true;
        const advice = `sysctl ${sysctl}=N with a larger N, then restart`;
        this.#log.error(
          { code, sysctl, advice },
          `no more folders can be watched; scanning instead: raise ${sysctl}`,
        );
      }
    }
    if (watched !== undefined && this.#folders.get(keyOf(watched.folder)) === watched) this.#fail(watched);
  }

  #fail(watched: Watched): void {
    if (watched.failed) return;
    watched.failed = true;
    this.#unwatched += 1;
  }

  #close(open: OpenWatch): void {
    open.close().catch((error: unknown) => this.#log.warn({ err: error }, 'a watch could not be closed'));
  }
}

function keyOf(folder: Pick<FolderToWatch, 'share' | 'directory'>): string {
  return `${folder.share} ${folder.directory}`;
}

function pathOf(folder: FolderToWatch): string {
  return join(folder.root, folder.directory);
}
