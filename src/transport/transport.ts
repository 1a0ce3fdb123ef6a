/**
 * What Jingle needs of a transport (XEP-0166 §8): it is negotiated by the session's stanzas and
 * then yields a stream of bytes. One negotiation belongs to one content of one session.
 */
import type { Duplex } from 'node:stream';
import { ShoalError } from '../errors.js';
import type { Jid } from '../stanza/jid.js';
import type { Element } from '../stanza/xml.js';

export const TransportType = ['s5b', 'ibb'] as const;
export type TransportType = (typeof TransportType)[number];

/** Whose content the transport carries. Everything a transport may ask of the session it lives in. */
export interface TransportContext {
  /** Our address in this session, and the peer's. */
  readonly self: Jid;
  readonly peer: Jid;
  /** Our role in the session. */
  readonly role: 'initiator' | 'responder';
  /**
   * Sends `payload`, a `<transport/>`, as a transport-info of this content. Resolves when the
   * peer has acknowledged it; rejects with StanzaError, TimeoutError or OfflineError.
   */
  readonly sendInfo: (payload: Element) => Promise<void>;
}

/** How far the bytes got that were written into a stream: where another transport may go on. */
export interface SentBytes {
  /** Handed over to what carries them; the rest waits in this program. */
  readonly handedOverBytes: number;
  /** Of them, known to be with the peer: from the first one on, without a gap. Undefined where nobody tells us. */
  readonly receivedBytes: number | undefined;
}

/** A stream that can do with less memory than a `Readable`, which has new memory for each chunk. */
export type LendingStream = Duplex & {
  /**
   * Where it is there, and set, gets what comes while the stream flows and holds nothing back, in place of 'data'. The
   * bytes are lent until it returns.
   */
  onLent?: ((bytes: Buffer) => void) | undefined;
};

/**
 * The order of calls: as offerer `describe`, then `remote` with the answer; as answerer
 * `remote` with the offer, then `reach` if it likes and `describe`. `info` may come at any time after creation (also
 * before the peer's description, as real clients do: it is kept). Then `connect`.
 */
export interface TransportNegotiation {
  readonly type: TransportType;
  /** Our `<transport/>` for session-initiate, session-accept, transport-replace or transport-accept. */
  describe(): Promise<Element>;
  /** The peer's `<transport/>`. Throws `ParseError` or {@link TransportFailedError} when it can't be used. */
  remote(transport: Element): void;
  /** The peer's `<transport/>` of a transport-info. Throws `StanzaError` for the peer. */
  info(transport: Element): void;
  /**
   * Begins to look for a way, where that can be done before the peer is told of ours; `connect` then goes on with what
   * was found, and is to follow soon. For the answerer.
   */
  reach(): void;
  /**
   * Resolves with the stream once both sides agree and it carries bytes in both directions;
   * rejects with {@link TransportFailedError} when no way is found, or AbortedError after
   * `close`. The stream's owner destroys it. When it calls back for a write, it looks at those bytes no more.
   */
  connect(): Promise<Duplex>;
  /**
   * How far the bytes got that were written into the stream of `connect`, also when it has ended or
   * broken; undefined before there is one, and where the transport has no idea.
   */
  sent(): SentBytes | undefined;
  /** Gives up: closes listeners, sockets and timers that are not part of a stream already handed out. May be called twice. */
  close(): void;
}

export interface Transport {
  readonly type: TransportType;
  readonly ns: string;
  /** Begins a negotiation that we offer. */
  offer(context: TransportContext): TransportNegotiation;
  /** Begins one that the peer offered. Throws `ParseError`. `remote` has been called already when it returns. */
  answer(context: TransportContext, offer: Element): TransportNegotiation;
}

/** Thrown when a transport can't be set up, or broke while it carried bytes. The session may try another. */
export class TransportFailedError extends ShoalError {
  readonly code = 'transport-failed';
  /** How far our bytes got, where it carried any and can tell. */
  readonly sent: SentBytes | undefined;

  constructor(message: string, options: { cause?: unknown; sent?: SentBytes } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.sent = options.sent;
  }
}
