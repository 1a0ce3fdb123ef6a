/**
 * Our address on the XMPP network, whatever the connection below it: a component's (XEP-0114)
 * or a client's. Everything above deals with this interface only.
 */

import { ShoalError } from '../errors.js';
import type { Jid } from '../stanza/jid.js';
import type { PresenceType } from '../stanza/presence.js';
import type { Element } from '../stanza/xml.js';
import type { Startable } from '../startable.js';

export interface IqRequest {
  readonly to: Jid;
  readonly type: 'get' | 'set';
  readonly payload: Element;
  /** Which of our addresses asks. Default: {@link Entity.jid}. A component may use any resource of its domain. */
  readonly from?: Jid;
  /** Default from the configuration. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** An iq get or set that somebody sent us. */
export interface IncomingIq {
  readonly from: Jid;
  readonly to: Jid;
  readonly id: string;
  readonly payload: Element;
}

export interface IncomingMessage {
  readonly from: Jid;
  readonly to: Jid;
  readonly id: string | undefined;
  /** `normal` when the stanza has no type. Errors are not delivered. */
  readonly type: string;
  readonly stanza: Element;
}

/**
 * Answers an iq: the payload of the result, or undefined for an empty one. A thrown
 * `StanzaError` is sent as it is, a `ParseError` as bad-request, a `LimitError` as
 * resource-constraint, anything else as internal-server-error (and logged).
 */
export type IqHandler = (
  iq: IncomingIq,
  signal: AbortSignal,
) => Promise<Element | undefined> | Element | undefined;
export type MessageHandler = (message: IncomingMessage) => void;

/** A presence stanza that somebody sent us; errors are not delivered. */
export interface IncomingPresence {
  readonly from: Jid;
  readonly to: Jid;
  /** `available` when the stanza has no type. */
  readonly type: PresenceType;
}
export type PresenceHandler = (presence: IncomingPresence) => void;

/** Cancels a registration. */
export type Unsubscribe = () => void;

/**
 * `resumed` is false when the session is new: whatever was sent to us meanwhile is lost. When it is
 * resumed (XEP-0198 §5) nothing is, and no `offline` came before it.
 */
export type EntityEvent =
  | { readonly type: 'online'; readonly resumed: boolean }
  | { readonly type: 'offline' }
  /** Who has this address, of a client or a component, said that they are not available any more. */
  | { readonly type: 'peer-gone'; readonly jid: Jid }
  /** No further attempt will be made: wrong secret, conflict, a policy that refuses us. */
  | { readonly type: 'failed'; readonly error: ShoalError };

export interface Entity extends Startable {
  /** Our own address: the component's domain, or the full JID that the server bound. */
  readonly jid: Jid;
  /** True while what is sent goes out: at once or, after the line broke, when the session is resumed. */
  readonly online: boolean;
  /** Sends an iq and resolves with the whole `<iq type='result'/>`. Throws StanzaError, TimeoutError, {@link OfflineError}, AbortedError. */
  request(request: IqRequest): Promise<Element>;
  /** Sends a message or presence; `from` and `id` are added where missing. Throws {@link OfflineError}, {@link StanzaTooLargeError}. */
  send(stanza: Element): void;
  /** At most one handler for a payload's name and namespace; iqs without one are answered service-unavailable. */
  handleIq(type: 'get' | 'set', name: string, ns: string, handler: IqHandler): Unsubscribe;
  /** Called for every message that has a child with this name and namespace; undefined is that of the stanza itself. */
  handleMessage(name: string, ns: string | undefined, handler: MessageHandler): Unsubscribe;
  handlePresence(handler: PresenceHandler): Unsubscribe;
  onEvent(listener: (event: EntityEvent) => void): Unsubscribe;
  /** True when `to` is one of our addresses. */
  isOurs(to: Jid): boolean;
}

/** Thrown when there is no stream to send on, or it was lost before the answer came. Nothing is queued. */
export class OfflineError extends ShoalError {
  readonly code = 'offline';
}

/** Thrown when a stanza would be longer than servers are sure to take. */
export class StanzaTooLargeError extends ShoalError {
  readonly code = 'stanza-too-large';
  constructor(readonly bytes: number) {
    super(`a stanza of ${bytes} bytes is too large to send`);
  }
}

/** Thrown when the server will not have us; trying again changes nothing. */
export class RefusedError extends ShoalError {
  readonly code = 'refused';
}
