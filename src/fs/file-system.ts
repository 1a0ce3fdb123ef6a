/**
 * The file system as the rest of the program sees it. Paths are absolute and lossless strings
 * (`share-path.ts`). Two interfaces: one that never blocks, for the main thread, and one for
 * workers, where a blocking call costs a tenth of a promise.
 */
import type { FileStamp } from '../catalogue/file-stamp.js';
import { ShoalError } from '../errors.js';

/** `other` is a FIFO, a socket, a device. */
export const EntryKind = ['file', 'directory', 'link', 'other'] as const;
export type EntryKind = (typeof EntryKind)[number];

export interface FileStatus extends FileStamp {
  readonly kind: EntryKind;
  readonly dev: number;
  /** Permission bits. */
  readonly mode: number;
}

/** A file open for reading. */
export interface OpenedFile {
  status(): Promise<FileStatus>;
  /**
   * The same at once: of an open file the kernel has it in memory, where a promise would cost as much as a read. Undefined
   * where the kernel may have to ask somebody else, who may take his time.
   */
  statusNow(): FileStatus | undefined;
  /** Reads from `position` into `buffer`; how many bytes it gave, 0 at the end. May give fewer than fit. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** Where the open file is in the tree now, all links resolved; undefined when it has no name any more. */
  realPath(): Promise<string | undefined>;
  close(): Promise<void>;
}

/** All methods reject with {@link FileSystemError}. */
export interface FileSystem {
  /** Opens for reading. Never waits for the other end of a FIFO. With `nofollow` a link as last part is an error. */
  open(path: string, links: 'follow' | 'nofollow'): Promise<OpenedFile>;
  /** Of the entry itself, also when it is a link. */
  statusOf(path: string): Promise<FileStatus>;
  realPath(path: string): Promise<string>;
}

export interface DirectoryItem {
  readonly name: string;
  readonly kind: EntryKind;
}

/** A file that a worker has open. */
export interface BlockingFile {
  status(): FileStatus;
  read(buffer: Uint8Array): number;
  realPath(): string | undefined;
  close(): void;
}

/** For workers only. All methods throw {@link FileSystemError}. */
export interface BlockingFileSystem {
  open(path: string, links: 'follow' | 'nofollow'): BlockingFile;
  /** Of the entry itself; undefined when there is none. */
  statusOf(path: string): FileStatus | undefined;
  /** Of what a link leads to. */
  targetStatusOf(path: string): FileStatus | undefined;
  realPath(path: string): string;
  /** What is in a folder, in no order, without `.` and `..`. */
  readDirectory(path: string): readonly DirectoryItem[];
  /** Whether this process may read a file with this status. */
  isReadable(path: string, status: FileStatus): boolean;
}

/** Thrown when the operating system refuses; `errno` is its word for it (`ENOENT`). */
export class FileSystemError extends ShoalError {
  readonly code = 'file-system';
  constructor(
    readonly errno: string,
    readonly path: string,
    options?: { cause?: unknown },
  ) {
    super(`${errno}: ${JSON.stringify(path)}`, options);
  }

  /** True when there is nothing of that name: it was removed, or something else took its place. */
  get isAbsent(): boolean {
    return this.errno === 'ENOENT' || this.errno === 'ENOTDIR';
  }
}
