/**
 * What outlives a restart: the hash of every file with the stamp it was computed for, so that
 * nothing unchanged is hashed again. It is a memory of work done and no list of what is there;
 * what is there, the scan finds out.
 */
import { ShoalError } from '../errors.js';
import type { Startable } from '../startable.js';
import type { FileStamp } from './file-stamp.js';
import type { FullPath } from './share-path.js';

export interface StoredFile {
  readonly key: FullPath;
  readonly stamp: FileStamp;
  readonly mediaType: string;
  /** sha-256, base64. */
  readonly sha256: string;
}

export type StoreChange =
  | { readonly type: 'put'; readonly file: StoredFile }
  | { readonly type: 'remove'; readonly key: FullPath };

export interface CatalogueStore extends Startable {
  /** Everything that is stored, in batches. A row that cannot be read is left out. */
  load(signal?: AbortSignal): AsyncIterable<readonly StoredFile[]>;
  /** Makes all changes or none. Resolves once they survive the end of the process. */
  write(changes: readonly StoreChange[]): Promise<void>;
  /** Which folder the share was when files were last seen in it (`Listing.identity`). */
  readRoot(share: string): Promise<string | undefined>;
  writeRoot(share: string, identity: string): Promise<void>;
}

/** Thrown by `start` when another process has the store open. */
export class StoreLockedError extends ShoalError {
  readonly code = 'store-locked';
  constructor(
    readonly location: string,
    options?: { cause?: unknown },
  ) {
    super(
      `another node uses this data folder (${location}); stop it or give this one a folder of its own`,
      options,
    );
  }
}

/** Thrown by `start` when the store cannot be used as it is. It holds nothing that cannot be computed again. */
export class StoreUnusableError extends ShoalError {
  readonly code = 'store-unusable';
  constructor(
    readonly location: string,
    why: string,
    options?: { cause?: unknown },
  ) {
    super(
      `the store in ${location} cannot be used: ${why}. Move it away and start again: all files are then hashed anew`,
      options,
    );
  }
}
