/**
 * Who looks for files: asks channels or single nodes, and takes what it wants. The commands
 * `find` and `get` know only this interface.
 */
import type { FileCriteria, Order } from '../stanza/file-criteria.js';
import type { Jid } from '../stanza/jid.js';
import type { StanzaError } from '../stanza/stanza-error.js';
import type { Hash } from '../stanza/xep0300-hashes.js';
import type { Startable } from '../startable.js';
import type { FetchEvent, FetchRequest } from '../transfer/fetch/fetch-request.js';

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
  readonly source: { readonly jid: Jid; readonly channel?: string };
}

export interface FindRequest {
  readonly criteria: FileCriteria;
  readonly order?: Order;
  /** Asks this node alone, by iq, and no channel. */
  readonly to?: Jid;
  readonly channels: readonly { readonly service: Jid; readonly node: string }[];
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
export interface Asker extends Startable {
  /** Ends when the wait is over, or the one node asked has answered. Throws when nobody could be asked. */
  find(request: FindRequest, signal?: AbortSignal): AsyncIterable<FindEvent>;
  /** Keeps asking until `signal` aborts, through losses of the connection. */
  want(request: WantRequest, signal: AbortSignal): AsyncIterable<WantEvent>;
  /** Throws FetchError and AbortedError. */
  fetch(request: FetchRequest, signal?: AbortSignal): AsyncIterable<FetchEvent>;
}
