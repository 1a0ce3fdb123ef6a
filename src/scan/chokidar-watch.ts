/**
 * Watching folders with chokidar: one inotify watch a folder, none a file, nothing below.
 *
 * chokidar reads and stats a whole folder when it begins to watch it and again at every event. The
 * scan does that already, in a worker, and knows which folders there are; so chokidar is given
 * each folder by itself, is told to ignore everything in it, and is kept from reading it.
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
  /** Called at every event, to read the folder once a second at most: not at all costs less. */
  override _throttle(
    ...[action, path, timeout]: Parameters<FSWatcher['_throttle']>
  ): ReturnType<FSWatcher['_throttle']> {
    return action === 'readdir' ? false : super._throttle(action, path, timeout);
  }

  /** Without a stream chokidar takes the folder for read. Were this hook to go, `ignored` still drops all that is read. */
  override _readdirp(): undefined {
    return undefined;
  }
}

export const watchWithChokidar: WatchFolders = (folders, handlers) => {
  const ours = new Set(folders);
  const watcher = new FolderWatcher({
    depth: 0,
    ignored: (path) => !ours.has(path),
    followSymlinks: false,
    ignorePermissionErrors: true,
    atomic: false,
  });
  watcher.on('raw', (_event, _name, details: unknown) => {
    const folder = watchedPathOf(details);
    if (folder !== undefined && ours.has(folder)) handlers.onEvent(folder);
  });
  watcher.on('error', (error) => {
    const { code, path } = error as NodeJS.ErrnoException;
    handlers.onError(path, code ?? 'EIO');
  });
  const open: OpenWatch = {
    drop(folder) {
      ours.delete(folder);
      watcher.unwatch(folder);
    },
    close: () => watcher.close(),
  };
  return new Promise((resolve) => {
    watcher.on('ready', () => resolve(open));
    watcher.add([...folders]);
  });
};

function watchedPathOf(details: unknown): string | undefined {
  const path =
    typeof details === 'object' && details !== null && 'watchedPath' in details
      ? details.watchedPath
      : undefined;
  return typeof path === 'string' ? path : undefined;
}
