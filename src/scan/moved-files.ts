/**
 * Hashes of files that have just gone, by what a file keeps when it is moved: one that appears
 * elsewhere with the same identity is that file and needs no hashing. The stored row of the old
 * path stays until the hash has its new place or nobody came for it.
 */
import { type FileStamp, identityOf } from '../catalogue/file-stamp.js';
import type { FullPath } from '../catalogue/share-path.js';

/** Some 300 bytes each. A moved folder with more files than this has the rest of them hashed again. */
const MAX_FILES = 200_000;
/** A file is offered at its new place some seconds after it went; this leaves room for a slow scan. */
const KEEP_MS = 120_000;

export interface GoneFile {
  readonly key: FullPath;
  readonly stamp: FileStamp;
  readonly sha256: string;
}

export class MovedFiles {
  readonly #gone = new Map<string, { readonly file: GoneFile; readonly goneMs: number }>();

  get size(): number {
    return this.#gone.size;
  }

  add(file: GoneFile, nowMs: number): readonly GoneFile[] {
    const identity = identityOf(file.stamp);
    const other = this.#gone.get(identity)?.file;
    this.#gone.delete(identity);
    this.#gone.set(identity, { file, goneMs: nowMs });
    const [oldest] = this.#gone.size > MAX_FILES ? this.#gone.keys() : [];
    const evicted = oldest === undefined ? undefined : this.#gone.get(oldest)?.file;
    if (oldest !== undefined) this.#gone.delete(oldest);
    return [other, evicted].filter((each) => each !== undefined);
  }

  /** The file that this stamp belonged to under another path. It is handed out once. */
  claim(stamp: FileStamp): GoneFile | undefined {
    if (this.#gone.size === 0) return undefined;
    const identity = identityOf(stamp);
    const found = this.#gone.get(identity)?.file;
    this.#gone.delete(identity);
    return found;
  }

  /** Gives up those that nobody came for, and returns them. */
  expire(nowMs: number): readonly GoneFile[] {
    const expired: GoneFile[] = [];
    for (const [identity, { file, goneMs }] of this.#gone) {
      if (goneMs + KEEP_MS > nowMs) break; // in the order of going
      this.#gone.delete(identity);
      expired.push(file);
    }
    return expired;
  }
}
