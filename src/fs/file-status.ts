/** Reads what `stat` gives. */
import type { Dirent, Stats } from 'node:fs';
import { type EntryKind, type FileStatus, FileSystemError } from './file-system.js';

export function toFileStatus(stats: Stats): FileStatus {
  const { size, mtimeMs, ctimeMs, birthtimeMs, ino, dev, mode } = stats;
  return { kind: kindOf(stats), size, mtimeMs, ctimeMs, birthtimeMs, ino, dev, mode: mode & 0o7777 };
}

export function kindOf(entry: Stats | Dirent<string> | Dirent<Buffer>): EntryKind {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'directory';
  return entry.isSymbolicLink() ? 'link' : 'other';
}

/** What Node threw, as ours. */
export function toFileSystemError(thrown: unknown, path: string): FileSystemError {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  return new FileSystemError(typeof code === 'string' ? code : 'EIO', path, { cause: thrown });
}
