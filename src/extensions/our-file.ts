/** Our files as extensions see them. */
import { describeFile } from '../catalogue/file-description.js';
import type { FileEntry } from '../catalogue/file-entry.js';
import type { FileDescription } from '../stanza/xep0234-file-transfer.js';
import type { OurFile } from './api.js';

/** Of a description of ours, in which all that {@link describeFile} says is there. */
export function ourFile({ name = '', path = '', size = 0, ...file }: FileDescription): OurFile {
  return Object.freeze({
    name,
    path,
    size,
    modifiedMs: file.dateMs ?? 0,
    mediaType: file.mediaType ?? '',
    desc: file.desc,
    sha256: file.hashes.find(({ algo }) => algo === 'sha-256')?.value,
  });
}

export function ourFileOf(entry: FileEntry): OurFile {
  return ourFile(describeFile(entry));
}
