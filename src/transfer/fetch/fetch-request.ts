/**
 * What an asker wants fetched, what it hears while that goes on, and how it can fail. The work
 * is done by `fetch-file.ts`.
 */
import { ShoalError } from '../../errors.js';
import type { FileDownload, FileDownloadRequest } from '../../jingle/file-session.js';
import type { Jid } from '../../stanza/jid.js';
import type { Range } from '../../stanza/xep0234-file-transfer.js';
import type { Hash } from '../../stanza/xep0300-hashes.js';
import type { TransportType } from '../../transport/transport.js';

/** Opens sessions with sources; `JingleEngine` is one. */
export interface Downloader {
  download(request: FileDownloadRequest): FileDownload;
}

/** Someone who has the file. */
export interface FetchSource {
  readonly jid: Jid;
  /** `share/folder/name` there, where the source told it. */
  readonly path?: string;
}

export interface FetchRequest {
  /** At least a hash or a name, or every source has a path. With a hash, no other bytes ever get the target's name. */
  readonly file: { readonly hash?: Hash; readonly name?: string; readonly size?: number };
  /** In the order in which they are asked. */
  readonly sources: readonly FetchSource[];
  /** Local path of the file to be made; its folder must exist. */
  readonly target: string;
  /** Only these bytes of the file; the target will hold nothing else. */
  readonly range?: Range;
  /** What to do with a file that already has the target's name. */
  readonly overwrite: 'refuse' | 'replace';
}

export type FetchEvent =
  | {
      readonly type: 'source';
      readonly jid: Jid;
      readonly state: 'asking' | 'receiving' | 'failed';
      /** With `failed`: why. The same source may be asked again later. */
      readonly error?: Error;
      readonly transport?: TransportType;
    }
  | {
      readonly type: 'progress';
      /** Bytes of the target that are here. Goes back to 0 when what came proved wrong. */
      readonly receivedBytes: number;
      /** Size of the target, once known. */
      readonly totalBytes?: number;
      /** How many of `receivedBytes` were here before this call. */
      readonly resumedBytes: number;
    }
  | { readonly type: 'verifying' }
  | {
      readonly type: 'done';
      readonly path: string;
      readonly bytes: number;
      /** The hash of the target's bytes. */
      readonly hash?: Hash;
      /** Whether that is the hash asked for or, where none was, the one that the source gave. */
      readonly verified: boolean;
    };

export type FetchErrorCode =
  /** The target exists and may not be replaced, or its `.part` is not ours to continue. */
  | 'exists'
  /** Another fetch writes the same target now. */
  | 'in-use'
  /** Every source has failed; `failures` says how. */
  | 'no-source-left'
  /** All the bytes came and are not those of the hash. */
  | 'hash-mismatch'
  /** The disk is full, or too small for the file. */
  | 'no-space'
  /** The target can't be written: no permission, no such folder, or it is one. */
  | 'not-writable'
  /** What the source has now is another file than the one asked for or begun with. */
  | 'changed'
  /** A source broke the rules: too many bytes, another range than asked, silence. */
  | 'bad-source';

/** Why one source was given up. */
export interface SourceFailure {
  readonly jid: Jid;
  readonly error: Error;
}

/** Thrown when a file can't be fetched. What has come is kept in the `.part`, unless it proved wrong. */
export class FetchError extends ShoalError {
  /** One for each source that failed, in the order in which they did; the last failure of each. */
  readonly failures: readonly SourceFailure[];

  constructor(
    readonly code: FetchErrorCode,
    message: string,
    options: { cause?: unknown; failures?: readonly SourceFailure[] } = {},
  ) {
    super(message, { cause: options.cause });
    this.failures = options.failures ?? [];
  }
}
