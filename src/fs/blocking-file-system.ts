/** The real file system, for workers: every call blocks its thread. */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { fromBytes, toBytes } from '../catalogue/share-path.js';
import { kindOf, toFileStatus, toFileSystemError } from './file-status.js';
import type { BlockingFile, BlockingFileSystem, DirectoryItem, FileStatus } from './file-system.js';

const READABLE_BY_ALL = 0o444;

export const blockingFileSystem: BlockingFileSystem = {
  open(path, links) {
    // O_NONBLOCK: opening a FIFO to read would else wait until somebody writes.
    const flags =
      constants.O_RDONLY | constants.O_NONBLOCK | (links === 'nofollow' ? constants.O_NOFOLLOW : 0);
    return new RealBlockingFile(
      path,
      call(path, () => openSync(toBytes(path), flags)),
    );
  },
  statusOf: (path) => statusBy(lstatSync, path),
  targetStatusOf: (path) => statusBy(statSync, path),
  // The native one, because the other makes text of the bytes on its way.
  realPath: (path) => fromBytes(call(path, () => realpathSync.native(toBytes(path), { encoding: 'buffer' }))),
  readDirectory(path) {
    const bytes = toBytes(path);
    const items = call(path, () => readdirSync(bytes, { withFileTypes: true }));
    // U+FFFD may stand for bytes that are no UTF-8; only then the slower reading is needed.
    if (!items.some((item) => item.name.includes('\uFFFD'))) return items.map(toItem);
    const raw = call(path, () => readdirSync(bytes, { withFileTypes: true, encoding: 'buffer' }));
    return raw.map((item) => ({ name: fromBytes(item.name), kind: kindOf(item) }));
  },
  isReadable(path, status) {
    // Asking costs a call a file; most files can be read by all and need none.
    if ((status.mode & READABLE_BY_ALL) === READABLE_BY_ALL) return true;
    try {
      closeSync(openSync(toBytes(path), constants.O_RDONLY | constants.O_NONBLOCK));
      return true;
    } catch {
      return false;
    }
  },
};

class RealBlockingFile implements BlockingFile {
  readonly #path: string;
  readonly #fd: number;

  constructor(path: string, fd: number) {
    this.#path = path;
    this.#fd = fd;
  }

  status(): FileStatus {
    return toFileStatus(call(this.#path, () => fstatSync(this.#fd)));
  }

  read(buffer: Uint8Array): number {
    return call(this.#path, () => readSync(this.#fd, buffer));
  }

  realPath(): string | undefined {
    return fromBytes(
      call(this.#path, () => readlinkSync(`/proc/self/fd/${this.#fd}`, { encoding: 'buffer' })),
    );
  }

  close(): void {
    call(this.#path, () => closeSync(this.#fd));
  }
}

function toItem(item: { name: string } & Parameters<typeof kindOf>[0]): DirectoryItem {
  return { name: item.name, kind: kindOf(item) };
}

function statusBy(stat: typeof lstatSync, path: string): FileStatus | undefined {
  try {
    const stats = stat(toBytes(path), { throwIfNoEntry: false });
    return stats === undefined ? undefined : toFileStatus(stats);
  } catch (error) {
    throw toFileSystemError(error, path);
  }
}

function call<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw toFileSystemError(error, path);
  }
}
