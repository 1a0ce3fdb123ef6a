/**
 * One source of a download, as the engine sees it: it reads ranges, one or a few at a time, over whatever
 * sessions it keeps open, and says how it is doing. Who implements it checks nothing of what the bytes are; only
 * that they are those of the range, not more and not fewer.
 */
import type { BlockList, BlockTree } from '../../blocks/block-tree.js';
import { ShoalError } from '../../errors.js';
import type { Jid } from '../../stanza/jid.js';
import type { Range } from '../../stanza/xep0234-file-transfer.js';
import type { Hash } from '../../stanza/xep0300-hashes.js';
import type { TransportType } from '../../transport/transport.js';

/** Someone who says that they have the file. */
export interface FoundSource {
  /** Where sessions are begun: a full address, unless it is a component. */
  readonly jid: Jid;
  /** `share/folder/name` there, where the source told it. */
  readonly path?: string;
  /** What its answer said of the blocks; without, it may still give ranges. */
  readonly tree?: BlockTree;
}

/** What is fetched. The size is known: an answer told it, and no other is taken. */
export interface WantedFile {
  readonly hash: Hash;
  /** Bytes. */
  readonly size: number;
}

export type RangeSourceState =
  /** Nothing is asked of it now. */
  | { readonly type: 'idle' }
  /** A session or a transport is being agreed on. */
  | { readonly type: 'connecting' }
  /** It has no free slot for us yet. */
  | { readonly type: 'queued' /** From 1; missing where it did not say. */; readonly position?: number }
  | { readonly type: 'sending'; readonly transport?: TransportType };

export interface RangeSource {
  readonly jid: Jid;
  /** How many reads it takes at once; may change. At least 1. */
  readonly maxReads: number;
  readonly state: RangeSourceState;
  /** Called after each change of `state`; there is one listener, the engine. */
  onState: (() => void) | undefined;
  /**
   * Gives the bytes of `range`, which is not empty and lies inside the file, in order and each once. `take` is
   * lent them until it returns; the next come when what it returned has resolved. Resolves when all have been taken. Opens what
   * it needs; keeps the session afterwards for the next read.
   *
   * Rejects with {@link SourceError}, and with AbortedError when `signal` aborts: then what is under way is
   * stopped as soon as can be, `take` is not called again, and the source stays as usable as it was. It has to
   * settle, in time that is bounded. What `take` rejects with ends the read and comes out unchanged.
   */
  read(
    range: Required<Range>,
    take: (bytes: Uint8Array) => Promise<void> | undefined,
    signal: AbortSignal,
  ): Promise<void>;
  /** The hashes of the blocks, checked against `tree`. Rejects as `read` does; a list that does not match is `bad-list`. */
  blocks(tree: BlockTree, signal: AbortSignal): Promise<BlockList>;
  /** Ends its sessions. Resolves when the peer knows or can't be told; never rejects. */
  close(): Promise<void>;
}

/** Makes sources out of what was found. Nothing is sent before the first `read` or `blocks`. */
export interface RangeSources {
  open(found: FoundSource, file: WantedFile): RangeSource;
}

/** Looks for more sources: asks the channels by hash. */
export interface SourceFinder {
  /** Asks once and gives each answer as it comes; ends when no more is to be expected. */
  find(file: WantedFile, signal: AbortSignal): AsyncIterable<FoundSource>;
}

export type SourceErrorCode =
  /** It has no slot and no queue for us. `retryAfterMs` where it said when. */
  | 'busy'
  /** It can't be reached, or the connection broke. */
  | 'unreachable'
  /** Nothing came for too long. */
  | 'silent'
  /** It does not have the file, or not for us. */
  | 'not-available'
  /** It refuses for reasons that will not change. */
  | 'refused'
  /** It has another file under that name than the one asked for, or the file changed while it was read. */
  | 'changed'
  /** It gave fewer bytes than it had agreed to. */
  | 'too-few'
  /** It sent more bytes than it had agreed to. */
  | 'too-many'
  /** It does not give ranges. */
  | 'no-ranges'
  /** Its list of blocks is not that of the root it named. (It has none after all: `not-available`.) */
  | 'bad-list';

/** Thrown by a source that fails. What it means for the source is decided in `source-fate.ts`. */
export class SourceError extends ShoalError {
  readonly retryAfterMs: number | undefined;

  constructor(
    readonly code: SourceErrorCode,
    message: string,
    options: { cause?: unknown; retryAfterMs?: number } = {},
  ) {
    super(message, { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs;
  }
}
