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
 * Whether a file is one that had another path: what it keeps when it is moved is the same. The birth time
 * is part of that because a new file often gets the inode number of one just removed.
 */
export function isSameMoved(a: FileStamp, b: FileStamp): boolean {
  return a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs && a.birthtimeMs === b.birthtimeMs;
}

/** The same number, of 32 bits, for all stamps with which a file may be seen while it is moved. */
export function hashOfMoved({ ino, size, mtimeMs }: FileStamp): number {
  const hash =
    Math.imul(ino | 0, 0x9e3779b1) ^ Math.imul(size | 0, 0x85ebca6b) ^ Math.imul(mtimeMs | 0, 0xc2b2ae35);
  return (hash ^ (hash >>> 15)) >>> 0;
}
