/**
 * Who looks for files: asks channels or single nodes, and takes what it wants. The commands
 * `find` and `get` know only this interface.
 */
import type { BlockTree } from '../blocks/block-tree.js';
import type { FileCriteria, Order } from '../stanza/file-criteria.js';
import type { Jid } from '../stanza/jid.js';
import type { StanzaError } from '../stanza/stanza-error.js';
import type { Hash } from '../stanza/xep0300-hashes.js';
import type { Startable } from '../startable.js';
import type { DownloadEvent } from '../transfer/fetch/download-events.js';
import type { DownloadRequest } from '../transfer/fetch/download-request.js';
import type { FetchEvent, FetchRequest } from '../transfer/fetch/fetch-request.js';
import type { FoundSource } from '../transfer/fetch/range-source.js';

/** One file of one answer. */
export interface FoundFile {
  readonly name: string;
  /** `share/folder/name`, where the node says it. */
  readonly path?: string;
  /** Bytes. */
  readonly size?: number;
  /** Last modification, milliseconds since 1970. */
  readonly dateMs?: number;
  readonly mediaType?: string;
  readonly hashes: readonly Hash[];
  /** What stands for the hashes of its blocks, of a file that has several and a node that knows them. */
  readonly blocks?: BlockTree;
  readonly source: { readonly jid: Jid; readonly channel?: string };
}

/** A channel, as askers name it. */
export interface AskedChannel {
  readonly service: Jid;
  readonly node: string;
}

/** Somebody says that the file of the same hash has another size. */
export interface OtherSize {
  readonly size: number;
  readonly dateMs?: number;
  readonly source: FoundSource;
}

export interface FindRequest {
  readonly criteria: FileCriteria;
  readonly order?: Order;
  /** Asks this node alone, by iq, and no channel. */
  readonly to?: Jid;
  readonly channels: readonly AskedChannel[];
  /** Files wanted of each node. */
  readonly max: number;
  /** How long answers are waited for. */
  readonly waitMs: number;
}

export type FindEvent =
  | { readonly type: 'file'; readonly file: FoundFile }
  /** One node's answer is complete: it has `total` matches, and `pending` more that are not hashed yet. */
  | { readonly type: 'answer'; readonly jid: Jid; readonly total?: number; readonly pending?: number }
  | { readonly type: 'refused'; readonly jid: Jid; readonly error: StanzaError };

/** What is wanted whenever it comes. `max` is what each node is asked for each time. */
export type WantRequest = Pick<FindRequest, 'criteria' | 'to' | 'channels' | 'max'>;

export type WantEvent =
  /** The same file comes again each time it is asked for. */
  | Extract<FindEvent, { type: 'file' | 'refused' }>
  /** Asked; it is asked again after so long, and nodes that can tell of news meanwhile. */
  | { readonly type: 'asking'; readonly againMs: number }
  /** It could not be asked, and is tried again after so long. */
  | { readonly type: 'unreached'; readonly error: Error; readonly againMs: number };

/** A file whose hash and size are known, to be fetched from everybody who has it. */
export interface DownloadOrder extends DownloadRequest {
  /** Who is asked, again and again while it goes on, whether they have it. */
  readonly audience: { readonly channels: readonly AskedChannel[]; readonly nodes: readonly Jid[] };
  /** Hears who says that the file has another size. */
  readonly onOtherSize?: (found: OtherSize) => void;
}

export interface Asker extends Startable {
  /** Ends when the wait is over, or the one node asked has answered. Throws when nobody could be asked. */
  find(request: FindRequest, signal?: AbortSignal): AsyncIterable<FindEvent>;
  /** Keeps asking until `signal` aborts, through losses of the connection. */
  want(request: WantRequest, signal: AbortSignal): AsyncIterable<WantEvent>;
  /** From all sources at once, block by block. Throws FetchError and AbortedError. */
  download(order: DownloadOrder, signal?: AbortSignal): AsyncIterable<DownloadEvent>;
  /** From one source after the other: of files without a hash, of parts of files. Throws FetchError and AbortedError. */
  fetch(request: FetchRequest, signal?: AbortSignal): AsyncIterable<FetchEvent>;
}
