/**
 * Opens files of a share, for serving and for hashing. Whatever path is asked for, only a regular
 * file that really lies inside the share comes back; everything else is {@link FileAbsentError},
 * so that a peer cannot tell "not there" from "not yours".
 *
 * A check of the path before opening would lose a race against whoever swaps a folder for a link.
 * So the file is opened first, and then the kernel is asked where the open file is.
 */
import type { FileStamp } from '../catalogue/file-stamp.js';
import type { ShareConfig } from '../catalogue/share.js';
import { isBelow, join, parseShareRelativePath, type ShareRelativePath } from '../catalogue/share-path.js';
import { ParseError, ShoalError } from '../errors.js';
import {
  type BlockingFile,
  type BlockingFileSystem,
  type FileStatus,
  type FileSystem,
  FileSystemError,
  type OpenedFile,
} from './file-system.js';

export type ShareFolder = Pick<ShareConfig, 'path' | 'followSymlinks'>;

/** Thrown when there is no such file in the share, or it may not be had; peers can't tell which. */
export class FileAbsentError extends ShoalError {
  readonly code = 'file-absent';
}

/** Thrown when the file is there but this process may not read it, or the disk fails. */
export class FileUnreadableError extends ShoalError {
  readonly code = 'file-unreadable';
}

/** A file of a share, open, with what it was when it was opened. */
export interface SharedFile {
  readonly size: number;
  readonly mtimeMs: number;
  /** Reads from `position` into `buffer`; how many bytes it gave, 0 at the end. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** Whether nobody has written to it since it was opened, as its size and date tell: at once, where that is cheap. */
  isUnwritten(): boolean | Promise<boolean>;
  /** Whether the open file still has the name, the size and the date it was opened with. */
  unchanged(): Promise<boolean>;
  close(): Promise<void>;
}

/** Opens a file of a share. Throws {@link FileAbsentError}, {@link FileUnreadableError}. */
export async function openShared(
  fs: FileSystem,
  share: ShareFolder,
  path: ShareRelativePath,
): Promise<SharedFile> {
  let file: OpenedFile | undefined;
  try {
    parseShareRelativePath(path);
    const root = await fs.realPath(share.path);
    file = await fs.open(join(root, path), linksOf(share));
    const [status, realPath] = await Promise.all([file.status(), file.realPath()]);
    checkInside(share, root, path, status, realPath);
    return new OpenSharedFile(file, status, realPath);
  } catch (error) {
    await file?.close();
    throw explain(error);
  }
}

/** The same for workers. */
export function openSharedBlocking(
  fs: BlockingFileSystem,
  share: ShareFolder,
  path: ShareRelativePath,
): { readonly file: BlockingFile; readonly status: FileStatus } {
  let file: BlockingFile | undefined;
  try {
    parseShareRelativePath(path);
    const root = fs.realPath(share.path);
    file = fs.open(join(root, path), linksOf(share));
    const status = file.status();
    checkInside(share, root, path, status, file.realPath());
    return { file, status };
  } catch (error) {
    file?.close();
    throw explain(error);
  }
}

class OpenSharedFile implements SharedFile {
  readonly #file: OpenedFile;
  readonly #stamp: FileStamp;

  readonly #realPath: string | undefined;

  constructor(file: OpenedFile, stamp: FileStamp, realPath: string | undefined) {
    this.#file = file;
    this.#stamp = stamp;
    this.#realPath = realPath;
  }

  get size(): number {
    return this.#stamp.size;
  }

  get mtimeMs(): number {
    return this.#stamp.mtimeMs;
  }

  read(buffer: Uint8Array, position: number): Promise<number> {
    return this.#file.read(buffer, position);
  }

  isUnwritten(): boolean | Promise<boolean> {
    const now = this.#file.statusNow();
    return now ? this.#isAsBefore(now) : this.#file.status().then((status) => this.#isAsBefore(status));
  }

  async unchanged(): Promise<boolean> {
    if (!this.#isAsBefore(await this.#file.status())) return false;
    // The kernel shows a file that was removed or replaced meanwhile as "… (deleted)".
    return (await this.#file.realPath()) === this.#realPath;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #isAsBefore(now: FileStatus): boolean {
    return now.size === this.#stamp.size && now.mtimeMs === this.#stamp.mtimeMs;
  }
}

function linksOf(share: ShareFolder): 'follow' | 'nofollow' {
  return share.followSymlinks ? 'follow' : 'nofollow';
}

function checkInside(
  share: ShareFolder,
  root: string,
  path: string,
  status: FileStatus,
  realPath: string | undefined,
): void {
  const asked = join(root, path);
  // Without links the file is exactly where it was asked for; O_NOFOLLOW minds only the last part.
  const inside = share.followSymlinks ? isBelow(root, realPath ?? '') : realPath === asked;
  if (status.kind !== 'file' || !inside) throw new FileAbsentError('no such file in the share');
}

function explain(error: unknown): Error {
  if (error instanceof FileAbsentError) return error;
  if (error instanceof ParseError) return new FileAbsentError('no such file in the share', { cause: error });
  if (!(error instanceof FileSystemError)) return error instanceof Error ? error : new Error(String(error));
  const absent = error.isAbsent || ['ELOOP', 'ENAMETOOLONG', 'EISDIR', 'ENXIO'].includes(error.errno);
  if (absent) return new FileAbsentError('no such file in the share', { cause: error });
  return new FileUnreadableError(`a file of the share cannot be read (${error.errno})`, { cause: error });
}
