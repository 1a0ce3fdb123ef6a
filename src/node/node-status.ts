/** What a running node says of itself: `shoal status` shows it, the status socket carries it as JSON. */
import type { BareJid, Jid } from '../stanza/jid.js';

export interface NodeStatus {
  readonly jid: Jid;
  /** True while it is attached to its server. */
  readonly online: boolean;
  /** Milliseconds since it was started. */
  readonly uptimeMs: number;
  /** `first` until every share has been walked once: until then more files come. */
  readonly scan: 'first' | 'done';
  readonly shares: readonly ShareStatus[];
  readonly hashing: HashingStatus;
  readonly channels: readonly ChannelStatus[];
  readonly transfers: readonly TransferStatus[];
  readonly queries: QueryCounters;
  readonly eventLoopDelayMs: LoopDelayStatus;
}

export interface ShareStatus {
  readonly name: string;
  readonly files: number;
  readonly bytes: number;
  /** False while the folder is gone, as when its disk is not mounted. */
  readonly available: boolean;
}

export interface HashingStatus {
  /** Hashed since the start of the node; what was known before is not hashed again. */
  readonly filesDone: number;
  readonly filesLeft: number;
  readonly bytesLeft: number;
  readonly bytesPerSecond: number;
}

export interface ChannelStatus {
  readonly service: BareJid;
  readonly node: string;
  readonly state: 'joining' | 'joined' | 'failed';
  /** Why it failed, in words. */
  readonly text?: string;
}

/** A file that is being sent now. */
export interface TransferStatus {
  readonly peer: Jid;
  /** `share/folder/name`. */
  readonly path: string;
  readonly sentBytes: number;
  /** Length of the range that was asked for. */
  readonly totalBytes: number;
  readonly transport?: 's5b' | 'ibb';
}

/** Counted since the start of the node. */
export interface QueryCounters {
  readonly received: number;
  readonly answered: number;
  /** Answered with an error. */
  readonly refused: number;
  /** Channel queries left without an answer: expired, seen before, over a budget. */
  readonly dropped: number;
}

/** How late the main thread was, milliseconds, since the status was asked for before, or since the start. */
export interface LoopDelayStatus {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}
