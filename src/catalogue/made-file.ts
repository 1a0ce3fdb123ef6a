/** Files that lie in no share: made for one peer, and offered like any other. */
import { createHash } from 'node:crypto';
import type { FileEntry } from './file-entry.js';
import { parseShareRelativePath } from './share-path.js';

/** Its share is '', which no share is called. Whoever makes it decides who gets it. */
export interface MadeFile extends FileEntry {
  readonly content: Buffer;
}

export interface MadeFileInit extends Pick<FileEntry, 'mediaType' | 'mtimeMs'> {
  readonly name: string;
  readonly content: Buffer;
}

export function madeFile({ name, content, ...rest }: MadeFileInit): MadeFile {
  return {
    ...rest,
    content,
    share: '',
    path: parseShareRelativePath(name),
    size: content.length,
    sha256: createHash('sha256').update(content).digest('base64'),
  };
}

export function isMade(entry: FileEntry): entry is MadeFile {
  return 'content' in entry;
}
