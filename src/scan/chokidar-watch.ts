/**
 * Watching folders with chokidar: one inotify watch a folder, none a file, nothing below.
 *
 * What chokidar does on top of that, it does for each folder: it reads it, at first and at every event, and
 * keeps all that it read. The scan does that already, in a worker, and knows which folders there are. With a
 * hundred thousand of them what is kept would be half a gigabyte; so only the part of chokidar is used that watches.
 */
import { FSWatcher } from 'chokidar';

export interface WatchHandlers {
  /** Something happened in the folder, or to it. */
  onEvent(folder: string): void;
  /** The folder could not be watched. `code` is the operating system's (`ENOSPC`). */
  onError(folder: string | undefined, code: string): void;
}

/** Some folders being watched. */
export interface OpenWatch {
  drop(folder: string): void;
  close(): Promise<void>;
}

/** Resolves when the folders are watched, or `onError` was told why not. A folder that is gone is passed over. */
export type WatchFolders = (folders: readonly string[], handlers: WatchHandlers) => Promise<OpenWatch>;

/** Whether chokidar can be told this path: it takes text, and a backslash for a slash. */
export function isWatchable(folder: string): boolean {
  return folder.isWellFormed() && !folder.includes('\\');
}

class FolderWatcher extends FSWatcher {
  /** Returns what ends it; undefined when it can't be watched, of which `error` has told. */
  watchFolder(path: string): (() => void) | undefined {
    const end = this._nodeFsHandler._watchWithNodeFs(path, () => undefined);
    this._watched.clear(); // what it takes for known of the folder above
    return end;
  }
}

export const watchWithChokidar: WatchFolders = async (folders, handlers) => {
  const watcher = new FolderWatcher({ persistent: false, ignorePermissionErrors: true });
  const ends = new Map<string, () => void>();
  watcher.on('raw', (_event, _name, details: unknown) => {
    const folder = watchedPathOf(details);
    if (folder !== undefined && ends.has(folder)) handlers.onEvent(folder);
  });
  watcher.on('error', (error) => {
    const { code, path } = error as NodeJS.ErrnoException;
    handlers.onError(path, code ?? 'EIO');
  });
  for (const folder of folders) {
    const end = watcher.watchFolder(folder);
    if (end !== undefined) ends.set(folder, end);
  }
  return {
    drop(folder) {
      ends.get(folder)?.();
      ends.delete(folder);
    },
    async close() {
      for (const end of ends.values()) end();
      ends.clear();
      await watcher.close();
    },
  };
};

function watchedPathOf(details: unknown): string | undefined {
  const path =
    typeof details === 'object' && details !== null && 'watchedPath' in details
      ? details.watchedPath
      : undefined;
  return typeof path === 'string' ? path : undefined;
}
