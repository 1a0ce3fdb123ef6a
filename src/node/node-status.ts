/** What a running node says of itself: `shoal status` shows it, the status socket carries it as JSON. */
import type { Load } from '../access/doorkeeper.js';
import type { RefusalCount } from '../access/refusals.js';
import type { BareJid, Jid } from '../stanza/jid.js';
import type { MirrorStatus } from '../wishes/mirror.js';

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
  /** What it wishes for itself. */
  readonly wishes: readonly MirrorStatus[];
  /** Questions that it keeps for others. */
  readonly keptQuestions: number;
  readonly queries: QueryCounters;
  /** Whom it turned away, by the rule that did it: since the start, the most frequent first. */
  readonly refusals: readonly RefusalCount[];
  /** Bans in force. */
  readonly bans: number;
  /** Peers that are not answered for a while, because they went on though they were refused. */
  readonly ignored: number;
  /** `busy`: questions of channels are left out; `overloaded`: all are. */
  readonly load: Load;
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

/** A file on its way to a peer, or from one. */
export interface TransferStatus {
  readonly direction: 'out' | 'in';
  readonly peer: Jid;
  /** `share/folder/name`. Out: here, or as it was asked for while that is not known; in: where it goes. */
  readonly path: string;
  /** `waiting` for a slot, here or there; `ended` for some seconds, in which the peer may go on. */
  readonly state: 'waiting' | 'active' | 'ended';
  /** How much this peer got or gave of the file, in however many ranges. */
  readonly bytes: number;
  /** Size of the file. */
  readonly fileBytes?: number;
  /** Over the last seconds. */
  readonly bytesPerSecond: number;
  /** In: how often this peer failed or lied about the file. */
  readonly strikes?: number;
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
