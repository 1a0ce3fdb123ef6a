/** Makes catalogue entries out of little. */
import type { CatalogueChange, FileEntry } from '../../src/catalogue/file-entry.js';
import { keyOf } from '../../src/catalogue/file-entry.js';
import type { ShareRelativePath } from '../../src/catalogue/share-path.js';

/** `full` is `share/folder/name`. */
export function entryOf(full: string, rest: Partial<FileEntry> = {}): FileEntry {
  const slash = full.indexOf('/');
  return {
    share: full.slice(0, slash),
    path: full.slice(slash + 1) as ShareRelativePath,
    size: 100,
    mtimeMs: Date.UTC(2026, 0, 1),
    mediaType: 'text/plain',
    ...rest,
  };
}

export function put(full: string, rest: Partial<FileEntry> = {}): CatalogueChange {
  return { type: 'put', entry: entryOf(full, rest) };
}

export function remove(full: string): CatalogueChange {
  return { type: 'remove', key: keyOf(entryOf(full)) };
}
