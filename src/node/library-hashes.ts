/** Hashes for answers, out of the library's queue. */
import { type FileEntry, keyOf } from '../catalogue/file-entry.js';
import { AbortedError, LimitError } from '../errors.js';
import { NotHashedError } from '../hashing/hash-queue.js';
import type { HashSource } from '../query/file-describer.js';
import type { Library } from '../scan/library.js';

export class LibraryHashes implements HashSource {
  readonly #library: Pick<Library, 'hashNow'>;

  constructor(library: Pick<Library, 'hashNow'>) {
    this.#library = library;
  }

  async hashNow(entry: FileEntry, signal: AbortSignal): Promise<FileEntry | undefined> {
    try {
      return await this.#library.hashNow(keyOf(entry), signal);
    } catch (error) {
      if (error instanceof NotHashedError) return undefined;
      // Too many wait already: this one is pending, as if its time had run out.
      if (error instanceof LimitError) throw new AbortedError(error.message, { cause: error });
      throw error;
    }
  }
}
