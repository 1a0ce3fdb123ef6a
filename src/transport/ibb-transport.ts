/**
 * Jingle in-band bytestreams (XEP-0261) as a {@link Transport}: slow, but it works wherever stanzas
 * get through. A peer's smaller block-size wins; a larger one changes nothing.
 */
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../clock.js';
import type { Entity } from '../entity/entity.js';
import { AbortedError, ParseError } from '../errors.js';
import type { Log } from '../log.js';
import { NS } from '../stanza/namespaces.js';
import { StanzaError } from '../stanza/stanza-error.js';
import type { IbbStanza } from '../stanza/xep0047-ibb.js';
import { jingleIbbAnswerCodec, jingleIbbOfferCodec } from '../stanza/xep0261-jingle-ibb.js';
import type { Element } from '../stanza/xml.js';
import type { Startable } from '../startable.js';
import { IbbDispatcher } from './ibb-dispatcher.js';
import { type IbbLimits, IbbStream, type IbbStreamComponents } from './ibb-stream.js';
import { randomId } from './s5b-candidates.js';
import type { SentBytes, Transport, TransportContext, TransportNegotiation } from './transport.js';
import { TransportFailedError } from './transport.js';

/** In base64 and with the longest addresses it still fits into the largest stanza that we send. */
const LARGEST_BLOCK = 32_768;

export interface IbbTransportComponents {
  readonly entity: Pick<Entity, 'request' | 'send' | 'onEvent' | 'handleIq' | 'handleMessage'>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface IbbTransportInit extends IbbLimits {
  /** What we offer and at most accept, in bytes before base64. */
  readonly blockSize: number;
  /** How long the peer may take to open the bytestream. */
  readonly openTimeoutMs: number;
}

export class IbbTransport implements Transport, Startable {
  readonly type = 'ibb';
  readonly ns = NS.jingleIbb;
  readonly #components: IbbStreamComponents;
  readonly #dispatcher: IbbDispatcher;
  readonly #init: IbbTransportInit;

  constructor(components: IbbTransportComponents, init: IbbTransportInit) {
    const { entity, clock, log } = components;
    this.#dispatcher = new IbbDispatcher({ entity });
    this.#components = { entity, clock, log, dispatcher: this.#dispatcher };
    this.#init = { ...init, blockSize: Math.min(init.blockSize, LARGEST_BLOCK) };
  }

  start(): Promise<void> {
    return this.#dispatcher.start();
  }

  stop(): Promise<void> {
    return this.#dispatcher.stop();
  }

  offer(context: TransportContext): TransportNegotiation {
    const { blockSize } = this.#init;
    return new IbbNegotiation(this.#components, {
      ...this.#init,
      context,
      sid: randomId(),
      blockSize,
      stanza: 'iq',
    });
  }

  answer(context: TransportContext, offer: Element): TransportNegotiation {
    const { sid, blockSize, stanza } = jingleIbbOfferCodec.fromXml(offer);
    const agreed = Math.min(blockSize, this.#init.blockSize);
    const negotiation = new IbbNegotiation(this.#components, {
      ...this.#init,
      context,
      sid,
      blockSize: agreed,
      stanza,
    });
    negotiation.remote(offer);
    return negotiation;
  }
}

interface IbbNegotiationInit extends IbbTransportInit {
  readonly context: TransportContext;
  readonly sid: string;
  /** As the offer has it: only a peer that wants messages gets them. */
  readonly stanza: IbbStanza;
}

class IbbNegotiation implements TransportNegotiation {
  readonly type = 'ibb';
  readonly #components: IbbStreamComponents;
  readonly #init: IbbNegotiationInit;
  #described = false;
  /** What the peer said; ours where it said nothing. */
  #agreedBlockSize: number | undefined;
  #stream: IbbStream | undefined;
  #phase: 'negotiating' | 'handed-out' | 'closed' = 'negotiating';
  #timer: Timer | undefined;

  constructor(components: IbbStreamComponents, init: IbbNegotiationInit) {
    this.#components = components;
    this.#init = init;
  }

  async describe(): Promise<Element> {
    this.#described = true;
    this.#agree();
    const { sid, blockSize, stanza } = this.#init;
    return jingleIbbOfferCodec.toXml({ sid, blockSize, stanza });
  }

  remote(transport: Element): void {
    const theirs = jingleIbbAnswerCodec.fromXml(transport);
    if (theirs.sid !== undefined && theirs.sid !== this.#init.sid) {
      throw new ParseError("'sid' is not that of the offer", { field: 'sid' });
    }
    this.#agreedBlockSize = Math.min(theirs.blockSize ?? this.#init.blockSize, this.#init.blockSize);
    this.#agree();
  }

  info(_transport: Element): void {
    // XEP-0261 §2.4: further bytestreams in the same content are of no use to a file.
    throw new StanzaError('feature-not-implemented');
  }

  reach(): void {}

  async connect(): Promise<Duplex> {
    const stream = this.#stream;
    if (this.#phase === 'closed') throw new AbortedError('the negotiation was closed');
    if (!stream) throw new TransportFailedError('in-band bytestream: not agreed on');
    // XEP-0261 §2.2: the initiator opens.
    if (this.#init.context.role === 'initiator') stream.open();
    this.#timer ??= this.#components.clock.after(this.#init.openTimeoutMs, () => {
      stream.destroy(new TransportFailedError('in-band bytestream: it was not opened'));
    });
    try {
      await stream.opened;
    } catch (thrown) {
      throw this.#isClosed() ? new AbortedError('the negotiation was closed') : thrown;
    } finally {
      this.#timer.cancel();
    }
    if (this.#isClosed()) throw new AbortedError('the negotiation was closed');
    this.#phase = 'handed-out';
    return stream;
  }

  sent(): SentBytes | undefined {
    return this.#phase === 'handed-out' ? this.#stream?.sent : undefined;
  }

  close(): void {
    this.#timer?.cancel();
    if (this.#phase !== 'negotiating') return;
    this.#phase = 'closed';
    this.#stream?.destroy();
  }

  #isClosed(): boolean {
    return this.#phase === 'closed';
  }

  /** From here on the peer may open it. */
  #agree(): void {
    if (!this.#described || this.#agreedBlockSize === undefined || this.#stream) return;
    if (this.#phase !== 'negotiating') return;
    const { context, sid } = this.#init;
    this.#stream = new IbbStream(this.#components, {
      ...this.#init,
      self: context.self,
      peer: context.peer,
      sid,
      blockSize: this.#agreedBlockSize,
    });
  }
}
