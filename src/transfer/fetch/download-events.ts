/** What is heard of a download while it goes on. Made by `download.ts`; shown by commands, kept by nobody. */
import type { Jid } from '../../stanza/jid.js';
import type { Hash } from '../../stanza/xep0300-hashes.js';
import type { TransportType } from '../../transport/transport.js';
import type { Span } from './range-set.js';

/** How one source is doing. */
export interface SourceProgress {
  readonly jid: Jid;
  readonly path?: string;
  readonly state: /** Not asked: nothing is left for it, or enough others are at work. */
    | 'spare'
    | 'connecting'
    | 'queued'
    | 'receiving'
    /** It failed and is asked again later. */
    | 'resting'
    /** It failed for good, as far as this download goes. */
    | 'out'
    /** It sent wrong bytes, now or before, and is not asked again. */
    | 'banned'
    /** It has the same file by its hash, and other blocks; asked when the present set proves wrong. */
    | 'other-blocks';
  /** With `queued`, where it told. From 1. */
  readonly position?: number;
  readonly transport?: TransportType;
  /** Over the last seconds. */
  readonly bytesPerSecond: number;
  /** Bytes of this source that are in the file: its share is this by `totalBytes`. */
  readonly keptBytes: number;
  /** Bytes of it that proved wrong, were fetched twice, or came for nothing. */
  readonly wastedBytes: number;
  /** Times it sent something wrong, over all downloads that are remembered. */
  readonly strikes: number;
  /** With `resting`, `out` and `banned`: why. */
  readonly error?: Error;
}

export interface DownloadProgress {
  readonly type: 'progress';
  readonly totalBytes: number;
  /** Bytes that are here, verified or not. Goes back when some prove wrong. */
  readonly receivedBytes: number;
  /** Bytes of blocks that are right. Where nobody gave hashes of blocks, all that will be looked at in the end. */
  readonly settledBytes: number;
  /** How many of `settledBytes` were here before this call. */
  readonly resumedBytes: number;
  /** Bytes that came and were of no use. */
  readonly wastedBytes: number;
  /** Of all sources, over the last seconds. */
  readonly bytesPerSecond: number;
  /** Missing while there is no telling. */
  readonly leftMs?: number;
  readonly blockBytes: number;
  /** What is there, in bytes from the beginning; at most 1,024 spans. */
  readonly there: readonly Span[];
  /** What is being read, in the same way. */
  readonly underWay: readonly Span[];
  /** In the order in which they were found. */
  readonly sources: readonly SourceProgress[];
}

export type DownloadEvent =
  | DownloadProgress
  | { readonly type: 'source-found'; readonly jid: Jid; readonly path?: string }
  | {
      readonly type: 'source-failed';
      readonly jid: Jid;
      readonly error: Error;
      /** When it is asked again; missing when it is not. */
      readonly retryMs?: number;
    }
  /** A source sent something wrong: it is named, and not asked for this file again. */
  | {
      readonly type: 'strike';
      readonly jid: Jid;
      readonly why: StrikeReason;
      /** The block that was wrong, from 0. */
      readonly block?: number;
      /** With this one. */
      readonly strikes: number;
      /** Whether it is never asked again for anything. */
      readonly forGood: boolean;
    }
  /** Sources that agree on the file's hash name other blocks: they are kept for later. */
  | { readonly type: 'other-blocks'; readonly root: Hash; readonly jids: readonly Jid[] }
  /** All blocks were as these sources said, and the file is not the one asked for: it begins anew. */
  | { readonly type: 'condemned'; readonly root?: Hash; readonly jids: readonly Jid[] }
  /** Nobody can give anything now; goes on when somebody can. `forMs` is how long that may last. */
  | { readonly type: 'waiting'; readonly forMs: number }
  | { readonly type: 'verifying' }
  | {
      readonly type: 'done';
      readonly path: string;
      readonly bytes: number;
      /** The hash asked for, which the bytes have. */
      readonly hash: Hash;
      /** Who gave how much, most first; of this call. */
      readonly sources: readonly { readonly jid: Jid; readonly keptBytes: number }[];
    };

export type StrikeReason =
  /** A block that it sent does not have the hash it named. */
  | 'wrong-block'
  /** All bytes were its own, and they are not the file that it said it has. */
  | 'wrong-file'
  /** It named blocks that make another file. */
  | 'false-root'
  /** Its list of blocks does not match the root it named. */
  | 'bad-list'
  /** It sent more than it was asked for. */
  | 'too-many';
