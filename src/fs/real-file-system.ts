/** The real file system, for the main thread. */
import { constants, fstatSync } from 'node:fs';
import { type FileHandle, lstat, open, readlink, realpath } from 'node:fs/promises';
import { fromBytes, toBytes } from '../catalogue/share-path.js';
import { toFileStatus, toFileSystemError } from './file-status.js';
import type { FileStatus, FileSystem, OpenedFile } from './file-system.js';
import { isOnLocalDisk } from './local-disk.js';

export const realFileSystem: FileSystem = {
  async open(path, links) {
    // O_NONBLOCK: opening a FIFO to read would else wait until somebody writes.
    const flags =
      constants.O_RDONLY | constants.O_NONBLOCK | (links === 'nofollow' ? constants.O_NOFOLLOW : 0);
    const bytes = toBytes(path);
    const [handle, isLocal] = await Promise.all([call(path, () => open(bytes, flags)), isOnLocalDisk(bytes)]);
    return new RealOpenedFile(path, handle, isLocal);
  },
  statusOf: (path) => call(path, async () => toFileStatus(await lstat(toBytes(path)))),
  realPath: (path) =>
    call(path, async () => fromBytes(await realpath(toBytes(path), { encoding: 'buffer' }))),
};

class RealOpenedFile implements OpenedFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #isLocal: boolean;

  constructor(path: string, handle: FileHandle, isLocal: boolean) {
    this.#path = path;
    this.#handle = handle;
    this.#isLocal = isLocal;
  }

  status(): Promise<FileStatus> {
    return call(this.#path, async () => toFileStatus(await this.#handle.stat()));
  }

  statusNow(): FileStatus | undefined {
    if (!this.#isLocal) return undefined;
    try {
      return toFileStatus(fstatSync(this.#handle.fd));
    } catch (error) {
      throw toFileSystemError(error, this.#path);
    }
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    const { bytesRead } = await call(this.#path, () => this.#handle.read(buffer, 0, buffer.length, position));
    return bytesRead;
  }

  async realPath(): Promise<string | undefined> {
    const link = `/proc/self/fd/${this.#handle.fd}`;
    const found = await call(this.#path, () => readlink(link, { encoding: 'buffer' }));
    return fromBytes(found);
  }

  async close(): Promise<void> {
    await call(this.#path, () => this.#handle.close());
  }
}

async function call<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw toFileSystemError(error, path);
  }
}
