/** Opens the files of our shares for sending. */
import type { FileEntry } from '../../catalogue/file-entry.js';
import type { FileSystem } from '../../fs/file-system.js';
import { openShared, type ShareFolder } from '../../fs/shared-file.js';
import { FileNotAvailableError } from '../../jingle/file-session.js';
import type { OpenFile } from './range-reader.js';

export interface ShareFilesComponents {
  readonly fs: FileSystem;
}

export interface ShareFilesInit {
  readonly shares: readonly (ShareFolder & { readonly name: string })[];
}

export class ShareFiles {
  readonly #fs: FileSystem;
  readonly #shares: ReadonlyMap<string, ShareFolder>;

  constructor({ fs }: ShareFilesComponents, { shares }: ShareFilesInit) {
    this.#fs = fs;
    this.#shares = new Map(shares.map((share) => [share.name, share]));
  }

  /** Throws `FileAbsentError`, `FileUnreadableError`, `FileNotAvailableError`. */
  async open(entry: FileEntry): Promise<OpenFile> {
    const share = this.#shares.get(entry.share);
    if (!share) throw new FileNotAvailableError('no such share');
    return await openShared(this.#fs, share, entry.path);
  }
}
