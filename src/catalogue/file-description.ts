import type { FileDescription } from '../stanza/xep0234-file-transfer.js';
import { type FileEntry, keyOf, nameOf } from './file-entry.js';
import { toDisplay } from './share-path.js';

/** What peers are told of a file, in answers and in sessions. */
export function describeFile(entry: FileEntry): FileDescription {
  return {
    name: toDisplay(nameOf(entry)),
    ...(entry.share !== '' && { path: toDisplay(keyOf(entry)) }), // what was made for a peer lies nowhere
    size: entry.size,
    dateMs: entry.mtimeMs,
    mediaType: entry.mediaType,
    ...(entry.desc !== undefined && { desc: entry.desc }),
    hashes: entry.sha256 === undefined ? [] : [{ algo: 'sha-256', value: entry.sha256 }],
    hashesUsed: [],
  };
}
