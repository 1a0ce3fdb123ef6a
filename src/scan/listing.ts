/**
 * What a walk finds, folder by folder: plain data that goes from the walking worker to the scan.
 * Paths are relative to the share; '' is its root.
 */

import type { FileStatus } from '../fs/file-system.js';

/** Numbers a file has in {@link Listing.stamps}: size, mtimeMs, ctimeMs, birthtimeMs, ino. */
export const STAMP_FIELDS = 5;

/** Tells a folder from one that had its path before. */
export type FolderIdentity = Pick<FileStatus, 'dev' | 'ino' | 'birthtimeMs'>;

/** A symbolic link that was followed. */
export interface FollowedLink {
  /** Path of the link. */
  readonly path: string;
  /** Where it leads, in the share. */
  readonly target: string;
  readonly leadsTo: 'file' | 'directory';
}

/** What was left out, by reason. Names that the rules refuse are not counted: that is no fault. */
export interface Skipped {
  /** Not readable: permission, I/O error, dangling or looping link. */
  readonly unreadable: number;
  /** FIFOs, sockets, devices. */
  readonly special: number;
  /** Links that lead out of the share, or round in circles. */
  readonly outside: number;
}

export function isSameFolder(one: FolderIdentity, other: FolderIdentity): boolean {
  return one.dev === other.dev && one.ino === other.ino && one.birthtimeMs === other.birthtimeMs;
}

/** To be kept in the store. */
export function identityText({ dev, ino, birthtimeMs }: FolderIdentity): string {
  return `${dev} ${ino} ${birthtimeMs}`;
}

/** A folder with everything in it that is offered. A large one comes in parts, one right after the other. */
export interface Listing {
  readonly type: 'listing';
  readonly directory: string;
  readonly identity: FolderIdentity;
  /** Whether a symbolic link is part of its path. */
  readonly viaLink: boolean;
  readonly files: readonly string[];
  /** {@link STAMP_FIELDS} numbers a file, in the order of `files`. */
  readonly stamps: Float64Array;
  readonly descriptions: readonly (readonly [name: string, text: string])[];
  /** In the last part only, as are the three after it. */
  readonly directories: readonly string[];
  readonly links: readonly FollowedLink[];
  readonly skipped: Skipped;
  /** A path and a reason of one that was skipped, for the log. */
  readonly example?: string;
  /** From 0. */
  readonly part: number;
  readonly last: boolean;
}

/** A folder that could not be listed. `gone`: there is none of that path any more. */
export interface Unlisted {
  readonly type: 'unlisted';
  readonly directory: string;
  readonly reason: 'gone' | 'unreadable';
  /** `EACCES`. */
  readonly errno: string;
}

export type Finding = Listing | Unlisted;

/** One look: at a folder alone, or at it and all below. */
export interface LookRequest {
  readonly share: number;
  readonly directory: string;
  readonly depth: 'alone' | 'below';
}
