/**
 * The files of a fetch on the real disk: a `.part` that grows, a small journal beside it, and
 * the step that gives the finished file its name. What they mean is decided in `transfer/fetch`;
 * here is what the operating system needs to be told so that nothing is lost or overwritten.
 */
import { constants } from 'node:fs';
import { type FileHandle, link, lstat, open, readFile, rename, statfs, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf } from './os-error.js';
import { type Claim, claim } from './process-claim.js';

/** An open `.part`. All positions and sizes are in bytes. Failures are Node's own errors, with their `code`. */
export interface PartHandle {
  /** The operating system's number for it, for other threads of this process; missing where it is no file of that. */
  readonly descriptor?: number;
  /** Fills `buffer` from `position`; returns how many bytes there were, 0 at the end. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** Writes all of `bytes`. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  size(): Promise<number>;
  /** Whether `path` is a name of this very file, and not of another that took its place. */
  isAt(path: string): Promise<boolean>;
  truncate(size: number): Promise<void>;
  /** Sets the time of the last change, in ms since 1970. */
  setModified(modifiedMs: number): Promise<void>;
  /** Resolves when the content would survive a power cut. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export type FileKind = 'absent' | 'file' | 'folder' | 'other';

export interface PartFileSystem {
  /** What has this name; a symbolic link is `other`. */
  kindOf(path: string): Promise<FileKind>;
  /** A new file. Fails with EEXIST when the name is taken. */
  create(path: string): Promise<PartHandle>;
  /** A file to go on with. Undefined unless it is a plain file that has no second name. */
  reopen(path: string): Promise<PartHandle | undefined>;
  /** Undefined when there is none, or it is longer than `maxBytes` or no plain file. */
  readText(path: string, maxBytes: number): Promise<string | undefined>;
  /** The same as bytes. */
  readBytes(path: string, maxBytes: number): Promise<Uint8Array | undefined>;
  /** Replaces the file in one step: after a crash there is the old text or the new. */
  writeText(path: string, text: string | Uint8Array): Promise<void>;
  /** No error when there is nothing. */
  remove(path: string): Promise<void>;
  /** Gives a file another name in the same folder. With `refuse` it fails with EEXIST when the name is taken, however late. */
  rename(from: string, to: string, overwrite: 'refuse' | 'replace'): Promise<void>;
  /** Keeps other processes off `path`; undefined when one has it already. */
  claim(path: string): Promise<Claim | undefined>;
  /** What an ordinary user may still write there. */
  freeBytes(folder: string): Promise<number>;
  /** Another each time the machine starts, and with it what was not synced is lost; undefined where there is no telling. */
  bootId(): Promise<string | undefined>;
}

class RealPartHandle implements PartHandle {
  readonly #file: FileHandle;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  get descriptor(): number {
    return this.#file.fd;
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    const { bytesRead } = await this.#file.read(buffer, 0, buffer.byteLength, position);
    return bytesRead;
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    // One write may take less than it was given, on a disk that is nearly full.
    for (let done = 0; done < bytes.byteLength; ) {
      const { bytesWritten } = await this.#file.write(bytes, done, bytes.byteLength - done, position + done);
      done += bytesWritten;
    }
  }

  async size(): Promise<number> {
    return (await this.#file.stat()).size;
  }

  async isAt(path: string): Promise<boolean> {
    const own = await this.#file.stat({ bigint: true });
    const found = await lstat(path, { bigint: true }).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    });
    return found?.ino === own.ino && found.dev === own.dev;
  }

  truncate(size: number): Promise<void> {
    return this.#file.truncate(size);
  }

  setModified(modifiedMs: number): Promise<void> {
    return this.#file.utimes(modifiedMs / 1000, modifiedMs / 1000);
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** File systems without hard links answer `link` with one of these. */
const NO_HARD_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

export const realPartFileSystem: PartFileSystem = {
  async kindOf(path) {
    try {
      const found = await lstat(path);
      return found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'other';
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return 'absent';
      throw error;
    }
  },

  async create(path) {
    return new RealPartHandle(await open(path, 'wx+'));
  },

  async reopen(path) {
    let file: FileHandle;
    try {
      // O_NONBLOCK: opening a FIFO must not wait for its other end.
      file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      if (['ENOENT', 'ELOOP', 'EISDIR', 'ENXIO'].includes(codeOf(error) ?? '')) return undefined;
      throw error;
    }
    const found = await file.stat();
    if (found.isFile() && found.nlink === 1) return new RealPartHandle(file);
    await file.close();
    return undefined;
  },

  async readText(path, maxBytes) {
    const bytes = await realPartFileSystem.readBytes(path, maxBytes);
    return bytes && Buffer.from(bytes).toString('utf8');
  },

  async readBytes(path, maxBytes) {
    let file: FileHandle;
    try {
      file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      if (['ENOENT', 'ELOOP', 'ENXIO'].includes(codeOf(error) ?? '')) return undefined;
      throw error;
    }
    try {
      const found = await file.stat();
      return found.isFile() && found.size <= maxBytes ? await file.readFile() : undefined;
    } finally {
      await file.close();
    }
  },

  async writeText(path, text) {
    const draft = `${path}.new`;
    await this.remove(draft);
    const file = await open(draft, 'wx');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
    await syncFolder(dirname(path));
  },

  async remove(path) {
    try {
      await unlink(path);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  },

  async rename(from, to, overwrite) {
    if (overwrite === 'refuse') await renameExclusively(from, to);
    else await rename(from, to);
    await syncFolder(dirname(to));
  },

  claim,

  async freeBytes(folder) {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  },

  async bootId() {
    try {
      return (await readFile('/proc/sys/kernel/random/boot_id', 'latin1')).trim(); // random(4)
    } catch {
      return undefined; // not Linux
    }
  },
};

/** `makeLink` is link(2). Fails with EEXIST when the name is taken. */
export async function renameExclusively(from: string, to: string, makeLink = link): Promise<void> {
  try {
    await makeLink(from, to); // unlike rename(2), fails when the name is taken
  } catch (error) {
    if (!NO_HARD_LINKS.includes(codeOf(error) ?? '')) throw error;
    // Second best: take the name with an empty file, then put ours in its place.
    await (await open(to, 'wx')).close();
    await rename(from, to);
    return;
  }
  await unlink(from);
}

/** A new name is only safe from a power cut once its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } catch (error) {
    if (codeOf(error) !== 'EINVAL') throw error; // some network file systems can't
  } finally {
    await handle.close();
  }
}
