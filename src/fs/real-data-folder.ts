/** A data folder on the real disk. */
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataFolder, DataReader, DataWriter } from '../catalogue/data-folder.js';
import { codeOf } from './os-error.js';
import { claim } from './process-claim.js';

/** Nobody else has to read what this node remembers. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

export class RealDataFolder implements DataFolder {
  constructor(readonly location: string) {}

  async make(): Promise<void> {
    await mkdir(this.location, { recursive: true, mode: FOLDER_MODE });
  }

  list(): Promise<string[]> {
    return readdir(this.location);
  }

  claim(name: string) {
    return claim(join(this.location, name));
  }

  async open(name: string): Promise<DataReader | undefined> {
    let file: FileHandle;
    try {
      file = await open(join(this.location, name), constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
    try {
      return new RealDataReader(file, (await file.stat()).size);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async create(name: string): Promise<DataWriter> {
    return new RealDataWriter(await open(join(this.location, name), 'w', FILE_MODE));
  }

  async continue(name: string, bytes: number): Promise<DataWriter> {
    const file = await open(join(this.location, name), 'a', FILE_MODE);
    try {
      await file.truncate(bytes);
    } catch (error) {
      await file.close();
      throw error;
    }
    return new RealDataWriter(file);
  }

  async rename(from: string, to: string): Promise<void> {
    await rename(join(this.location, from), join(this.location, to));
    const folder = await open(this.location, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await folder.sync();
    } catch (error) {
      if (codeOf(error) !== 'EINVAL') throw error; // some network file systems can't
    } finally {
      await folder.close();
    }
  }

  /** What it takes of the disk; 0 where there is none. */
  async bytesOf(name: string): Promise<number> {
    try {
      return (await lstat(join(this.location, name))).blocks * 512; // stat(2): whatever the blocks of the disk are
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return 0;
      throw error;
    }
  }

  remove(name: string): Promise<void> {
    return rm(join(this.location, name), { force: true });
  }
}

class RealDataReader implements DataReader {
  readonly #file: FileHandle;

  constructor(
    file: FileHandle,
    readonly size: number,
  ) {
    this.#file = file;
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    let done = 0;
    while (done < buffer.byteLength) {
      const left = buffer.byteLength - done;
      const { bytesRead } = await this.#file.read(buffer, done, left, position + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return done;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

class RealDataWriter implements DataWriter {
  readonly #file: FileHandle;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async append(pieces: readonly Uint8Array[]): Promise<void> {
    for (const piece of pieces) {
      // One write may take less than it was given, on a disk that is nearly full.
      for (let done = 0; done < piece.byteLength; ) {
        const { bytesWritten } = await this.#file.write(piece, done, piece.byteLength - done);
        done += bytesWritten;
      }
    }
  }

  async sync(): Promise<void> {
    await this.#file.datasync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
