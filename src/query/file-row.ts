/** A file entry as searches look at it, with what they need of it at hand. */
import { type FileEntry, keyOf } from '../catalogue/file-entry.js';
import { baseName, type FullPath } from '../catalogue/share-path.js';
import { caseless } from '../index/folding.js';
import type { TextDocument } from '../index/text-index.js';

/**
 * How much of a description is searched, in UTF-16 units: as much as the longest path has bytes, twice.
 * A pattern runs over one value without a pause, and none may make it long.
 */
const MAX_DESC_LENGTH = 8192;

/** The words of a file. Compared by identity: the same object as long as the words stay the same. */
export class FileWords implements TextDocument {
  constructor(
    readonly key: FullPath,
    readonly desc: string,
    readonly type: string,
  ) {}

  get name(): string {
    return baseName(this.key);
  }

  /** Share and folders. */
  get path(): string {
    return this.key.slice(0, this.key.lastIndexOf('/'));
  }
}

export class FileRow {
  readonly key: FullPath;
  /** `share/folder/name` with case folded, in NFC. */
  readonly caselessPath: string;
  readonly words: FileWords;

  /** `before` is the row whose place it takes: where only size, date or hash differ no word is indexed again. */
  constructor(
    readonly entry: FileEntry,
    before?: FileRow,
  ) {
    this.key = before?.key ?? keyOf(entry);
    // Neither folding nor NFC reaches across a slash, so that the name can be cut off afterwards.
    this.caselessPath = before?.caselessPath ?? caseless(this.key);
    const desc = (entry.desc ?? '').slice(0, MAX_DESC_LENGTH);
    const same = before?.words.desc === desc && before.words.type === entry.mediaType;
    this.words = same ? before.words : new FileWords(this.key, desc, entry.mediaType);
  }

  get caselessName(): string {
    return baseName(this.caselessPath);
  }

  get name(): string {
    return baseName(this.key);
  }
}
