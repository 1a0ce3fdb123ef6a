import { baseName, type FullPath, fullPath, type ShareRelativePath } from './share-path.js';

/** One file that we offer. Immutable: a change makes a new entry. */
export interface FileEntry {
  /** Name of the share; holds no slash. */
  readonly share: string;
  readonly path: ShareRelativePath;
  readonly size: number;
  /** Last modification, milliseconds since 1970, whole. */
  readonly mtimeMs: number;
  readonly mediaType: string;
  /** A description in words, from the folder's `descript.ion`. */
  readonly desc?: string;
  /** sha-256 of the content, base64. Missing until it has been computed. */
  readonly sha256?: string;
}

export function keyOf(entry: Pick<FileEntry, 'share' | 'path'>): FullPath {
  return fullPath(entry.share, entry.path);
}

export function nameOf(entry: FileEntry): string {
  return baseName(entry.path);
}

/** What became of a file. A `put` is a new entry or stands in place of the one with the same key. */
export type CatalogueChange =
  | { readonly type: 'put'; readonly entry: FileEntry }
  | { readonly type: 'remove'; readonly key: FullPath };
