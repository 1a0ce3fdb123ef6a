/**
 * Watching folders with chokidar: one inotify watch a folder, none a file, nothing below.
 *
 * What chokidar does on top of that, it does for each folder: it reads it, at first and at every event, and
 * keeps all that it read. The scan does that already, in a worker, and knows which folders there are. With a
 * hundred thousand of them what is kept would be half a gigabyte; so only the part of chokidar is used that watches,
 * and all folders are watched by one instance of it.
 */
import { FSWatcher } from 'chokidar';
import { FileSystemError } from '../fs/file-system.js';

/** Ends a watch. */
export type EndWatch = () => void;

export interface FolderWatches {
  /**
   * Calls `onEvent` with the path whenever something happens in the folder, or to it. A folder that is gone is
   * passed over. Throws {@link FileSystemError} where it can't be watched (`ENOSPC`).
   */
  watch(path: string, onEvent: (path: string) => void): EndWatch;
  /** Once all watches have ended. */
  close(): Promise<void>;
}

/** Whether chokidar can be told this path: it takes text, and a backslash for a slash. */
export function isWatchable(folder: string): boolean {
  return folder.isWellFormed() && !folder.includes('\\');
}

class FolderWatcher extends FSWatcher {
  /** Returns what ends it; undefined when it can't be watched, of which `error` has told unless it is gone. */
  watchFolder(path: string, onEvent: (path: string) => void): EndWatch | undefined {
    const end = this._nodeFsHandler._watchWithNodeFs(path, onEvent);
    this._watched.clear(); // what it takes for known of the folder above
    return end;
  }
}

export class ChokidarWatches implements FolderWatches {
  readonly #watcher = new FolderWatcher({ persistent: false, ignorePermissionErrors: true });
  #error: unknown;

  constructor() {
    this.#watcher.on('error', (error) => {
      this.#error = error;
    });
  }

  watch(path: string, onEvent: (path: string) => void): EndWatch {
    this.#error = undefined;
    const end = this.#watcher.watchFolder(path, onEvent);
    if (end !== undefined) return end;
    if (this.#error === undefined) return endNothing;
    const { code } = this.#error as NodeJS.ErrnoException;
    throw new FileSystemError(code ?? 'EIO', path, { cause: this.#error });
  }

  async close(): Promise<void> {
    await this.#watcher.close();
  }
}

function endNothing(): void {}
