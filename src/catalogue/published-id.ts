/**
 * The ids by which files of ours are asked for by `<start/>` (XEP-0358): every file has one without anything being kept.
 * Where the content is known it is that, which holds wherever the file is moved to; else it is the path.
 */
import type { FileDescription } from '../stanza/xep0234-file-transfer.js';
import { formatHash, parseHashText } from '../stanza/xep0300-hashes.js';

export type PublishedRef =
  | { readonly type: 'content'; readonly sha256: string }
  /** `share/folder/name`, as it is shown. */
  | { readonly type: 'path'; readonly path: string };

const PATH = 'path:';

/** Undefined for a description that says neither content nor path. */
export function publishedIdOf(file: Pick<FileDescription, 'hashes' | 'path'>): string | undefined {
  const hash = file.hashes.find(({ algo }) => algo === 'sha-256');
  if (hash !== undefined) return formatHash(hash);
  return file.path === undefined ? undefined : `${PATH}${file.path}`;
}

/** What an id stands for; undefined for one that is none of ours. */
export function publishedRefOf(id: string): PublishedRef | undefined {
  if (id.startsWith(PATH)) return { type: 'path', path: id.slice(PATH.length) };
  if (!id.startsWith('sha-256:')) return undefined;
  try {
    return { type: 'content', sha256: parseHashText(id).value };
  } catch {
    return undefined;
  }
}
