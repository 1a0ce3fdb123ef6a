/**
 * What outlives a restart: every file with its stamp, and its hash where it has been computed, so that
 * nothing unchanged is hashed again. It is a memory of work done and no list of what is there; what is there,
 * the scan finds out.
 */
import { ShoalError } from '../errors.js';
import type { Startable } from '../startable.js';
import type { FileTable } from './file-table.js';

export interface StoredShares {
  /** `rootIdentity` is what {@link CatalogueStore.writeRoot} was given last. */
  isThere(share: string, rootIdentity: string | undefined): boolean | 'unknown-share';
}

/** Only files that are `offered` or `remembered` are stored. */
export interface CatalogueStore extends Startable {
  /** Opens it, for this process alone. Throws {@link StoreLockedError} or {@link StoreUnusableError}. */
  start(): Promise<void>;
  /**
   * Fills the empty table and calls `restored`. Files of shares that are there are shown and `offered`, those of
   * others hidden and `remembered`; those of unknown shares are left out. Rejects with `AbortedError`.
   */
  load(table: FileTable, shares: StoredShares, signal?: AbortSignal): Promise<void>;
  /** From now on every batch of the table is written: all of its changes, or none. */
  follow(table: FileTable): void;
  /**
   * Resolves when all batches so far survive the end of this process (but not of the power). Never rejects: a
   * store that can't be written is logged once, tried again, and costs hashing after a restart at worst.
   */
  written(): Promise<void>;
  /** Which folder the share was when files were last seen in it (`identityText` of the scan). */
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
