/**
 * The transport of one content while it is agreed: the negotiation that goes on, the one that the
 * peer proposes in its place, and what comes of either. Decides nothing.
 */
import type { Duplex } from 'node:stream';
import { ParseError } from '../errors.js';
import type { Log } from '../log.js';
import { StanzaError } from '../stanza/stanza-error.js';
import { jingleErrorOf } from '../stanza/xep0166-jingle.js';
import type { Element } from '../stanza/xml.js';
import {
  type Transport,
  type TransportContext,
  TransportFailedError,
  type TransportNegotiation,
  type TransportType,
} from '../transport/transport.js';
import type { ContentEvent } from './content-state.js';
import { asError } from './reason.js';

export interface ContentTransportComponents {
  readonly transports: readonly Transport[];
  readonly log: Log;
}

export interface ContentTransportInit {
  readonly context: TransportContext;
  readonly raise: (event: ContentEvent) => void;
  /** Takes charge of a stream. */
  readonly connected: (stream: Duplex) => void;
  /** Resolves when the peer has acknowledged it. */
  readonly send: (action: 'transport-replace' | 'transport-accept', transport: Element) => Promise<void>;
  /** Something failed that should not have. */
  readonly fail: (error: Error) => void;
}

export class ContentTransport {
  readonly #components: ContentTransportComponents;
  readonly #init: ContentTransportInit;
  #negotiation: TransportNegotiation | undefined;
  /** The peer's replacement, while the machine decides on it. */
  #proposed: TransportNegotiation | undefined;
  /** Why the peer's answer can't be used. */
  #unusable: Error | undefined;

  constructor(components: ContentTransportComponents, init: ContentTransportInit) {
    this.#components = components;
    this.#init = init;
  }

  offer(transport: Transport): void {
    this.#negotiation = transport.offer(this.#init.context);
  }

  /** Takes up the peer's offer. Throws `ParseError` when it is malformed. */
  take(transport: Transport, offer: Element): void {
    this.#negotiation = answer(transport, this.#init.context, offer);
  }

  /** Looks for a way before our side is described: `connect` follows soon. */
  reach(): void {
    this.#negotiation?.reach();
  }

  /** Our side. Rejects with `TransportFailedError` and `AbortedError`. */
  async describe(): Promise<Element> {
    if (!this.#negotiation) throw new TransportFailedError('the transport was given up');
    return await this.#negotiation.describe();
  }

  /** The peer's side in its acceptance of our content; one that can't be used fails to connect. */
  answered(element: Element): void {
    this.#unusable = this.takeAnswer(element);
  }

  /** The peer's description of the transport that we offered; gives the reason when that can't be used. */
  takeAnswer(element: Element): Error | undefined {
    try {
      if (!this.#negotiation || this.#of(element)?.type !== this.#negotiation.type) {
        return new TransportFailedError('the peer answered with another transport');
      }
      this.#negotiation.remote(element);
      return undefined;
    } catch (thrown) {
      if (thrown instanceof TransportFailedError || thrown instanceof ParseError) return thrown;
      throw thrown;
    }
  }

  /** A transport-info; false where it is of no transport of ours. Throws `StanzaError` and `ParseError` for the peer. */
  info(element: Element): boolean {
    const transport = this.#of(element);
    if (!transport) return false;
    // What is left over from a transport that was replaced harms nobody.
    if (transport.type === this.#negotiation?.type) this.#negotiation.info(element);
    return true;
  }

  /** A transport-replace, which `handle` decides on; false where it has no place. Throws `ParseError`. */
  proposedByPeer(element: Element, handle: (event: ContentEvent) => boolean): boolean {
    const transport = this.#of(element);
    this.#proposed = transport && answer(transport, this.#init.context, element);
    try {
      return handle(
        this.#proposed === undefined
          ? { type: 'peer-replace-unusable' }
          : { type: 'peer-replace', transport: this.#proposed.type },
      );
    } finally {
      this.#proposed?.close(); // unless it was adopted
      this.#proposed = undefined;
    }
  }

  /** What a transport-replace with this would be. Throws `ParseError`. */
  proposalOf(element: Element): ContentEvent {
    const transport = this.#of(element);
    const negotiation = transport && answer(transport, this.#init.context, element);
    negotiation?.close();
    if (!negotiation) return { type: 'peer-replace-unusable' };
    return { type: 'peer-replace', transport: negotiation.type };
  }

  /** Whether it is of a transport of ours. */
  knows(element: Element): boolean {
    return this.#of(element) !== undefined;
  }

  connect(): void {
    const negotiation = this.#negotiation;
    const unusable = this.#unusable;
    this.#unusable = undefined;
    if (!negotiation || unusable) {
      const error = unusable ?? new TransportFailedError('no transport');
      this.#init.raise({ type: 'connect-failed', error });
      return;
    }
    this.#whileCurrent(
      negotiation,
      attempt(() => negotiation.connect()),
      (stream) => this.#init.connected(stream),
      (error) => this.#init.raise({ type: 'connect-failed', error }),
      (stream) => stream.destroy(),
    );
  }

  propose(type: TransportType): void {
    const transport = this.#components.transports.find((each) => each.type === type);
    if (!transport) throw new TypeError(`no transport '${type}' is configured`);
    const negotiation = transport.offer(this.#init.context);
    this.#negotiation = negotiation;
    const proposal = attempt(() => negotiation.describe()).then((element) =>
      this.#init.send('transport-replace', element),
    );
    this.#whileCurrent(negotiation, proposal, undefined, (error) => {
      const overruled = error instanceof StanzaError && jingleErrorOf(error) === 'tie-break';
      this.#init.raise(overruled ? { type: 'replace-overruled' } : { type: 'replace-failed', error });
    });
  }

  /** Takes the peer's proposal in place of what was being agreed. */
  answerReplace(): void {
    const negotiation = this.#proposed;
    if (!negotiation) throw new TypeError('no replacement was proposed');
    this.#proposed = undefined;
    this.#negotiation = negotiation;
    this.#whileCurrent(
      negotiation,
      attempt(() => negotiation.describe()),
      (element) => {
        // Not awaited: the peer may use the transport before its acknowledgement is here.
        this.#init
          .send('transport-accept', element)
          .catch((error: Error) => this.#components.log.debug({ err: error }, 'transport-accept failed'));
        this.#init.raise({ type: 'replace-answered' });
      },
      (error) => this.#init.raise({ type: 'replace-failed', error }),
    );
  }

  abandon(): void {
    this.#negotiation?.close();
    this.#negotiation = undefined;
  }

  #of(element: Element): Transport | undefined {
    return this.#components.transports.find((each) => each.ns === element.getNS());
  }

  /** Acts on what comes of `work` unless `negotiation` has been given up meanwhile. Owns the promise. */
  #whileCurrent<T>(
    negotiation: TransportNegotiation,
    work: Promise<T>,
    onDone: ((value: T) => void) | undefined,
    onError: (error: Error) => void,
    discard?: (value: T) => void,
  ): void {
    work
      .then(
        (value) => {
          if (this.#negotiation === negotiation) onDone?.(value);
          else discard?.(value);
        },
        (thrown: unknown) => {
          if (this.#negotiation === negotiation) onError(asError(thrown));
        },
      )
      .catch((thrown: unknown) => this.#init.fail(asError(thrown)));
  }
}

/** Takes up an offer; undefined when it is well formed and can't be used. Throws `ParseError`. */
function answer(
  transport: Transport,
  context: TransportContext,
  offer: Element,
): TransportNegotiation | undefined {
  try {
    return transport.answer(context, offer);
  } catch (thrown) {
    if (thrown instanceof TransportFailedError) return undefined;
    throw thrown;
  }
}

/** What `work` throws at once and what it rejects with are the same to us. */
async function attempt<T>(work: () => Promise<T>): Promise<T> {
  return await work();
}
