/**
 * What the file system says of a file without reading it: enough to tell whether its content can
 * still be what was hashed. Times are milliseconds with their fraction, as `stat` gives them.
 */
export interface FileStamp {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  /** When the inode was made; 0 or the ctime where the file system does not say. */
  readonly birthtimeMs: number;
  readonly ino: number;
}

/**
 * Whether a file at the same path is the file it was. A changed ctime alone is a chmod, a new hard
 * link or a move, a changed inode number alone a file system that makes them up at each mount (FAT);
 * both together are another file put in its place, even when it carries the old date.
 */
export function isSameFile(a: FileStamp, b: FileStamp): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs && (a.ino === b.ino || a.ctimeMs === b.ctimeMs);
}

/** Whether two stamps of one file agree in every field. */
export function isSameStamp(a: FileStamp, b: FileStamp): boolean {
  return isSameFile(a, b) && a.ino === b.ino && a.ctimeMs === b.ctimeMs && a.birthtimeMs === b.birthtimeMs;
}

/**
 * A name for the file that it keeps when it is moved. The birth time is part of it because a new
 * file often gets the inode number of one just removed.
 */
export function identityOf(stamp: FileStamp): string {
  return `${stamp.ino} ${stamp.size} ${stamp.mtimeMs} ${stamp.birthtimeMs}`;
}
