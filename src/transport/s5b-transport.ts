/** Jingle SOCKS5 bytestreams (XEP-0260) as a {@link Transport}. */

import type { Clock } from '../clock.js';
import type { Entity } from '../entity/entity.js';
import type { Log } from '../log.js';
import { NS } from '../stanza/namespaces.js';
import { s5bDescriptionCodec } from '../stanza/xep0260-jingle-s5b.js';
import type { Element } from '../stanza/xml.js';
import type { ConnectPolicy } from './address-policy.js';
import type { ConnectGate } from './connect-budget.js';
import type { ProxySource } from './proxy-finder.js';
import { randomId } from './s5b-candidates.js';
import type { InboundListener } from './s5b-listener.js';
import { type S5bLimits, S5bNegotiation, type S5bNegotiationInit } from './s5b-negotiation.js';
import type { Connector } from './tcp-connector.js';
import type { Transport, TransportContext, TransportNegotiation } from './transport.js';

export interface S5bTransportComponents {
  readonly entity: Pick<Entity, 'request'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly listener: InboundListener;
  readonly connector: Connector;
  readonly policy: ConnectPolicy;
  readonly gate: ConnectGate;
  /** Proxies (XEP-0065 §6) that we offer and, where one is nominated, activate. */
  readonly proxies: ProxySource;
}

export class S5bTransport implements Transport {
  readonly type = 's5b';
  readonly ns = NS.s5b;
  readonly #components: S5bTransportComponents;
  readonly #init: S5bLimits;

  constructor(components: S5bTransportComponents, init: S5bLimits) {
    this.#components = components;
    this.#init = init;
  }

  offer(context: TransportContext): TransportNegotiation {
    return this.#negotiation({ context, sid: randomId(), side: 'offerer' });
  }

  answer(context: TransportContext, offer: Element): TransportNegotiation {
    const { sid } = s5bDescriptionCodec.fromXml(offer);
    const negotiation = this.#negotiation({ context, sid, side: 'answerer' });
    negotiation.remote(offer);
    return negotiation;
  }

  #negotiation(session: Pick<S5bNegotiationInit, 'context' | 'sid' | 'side'>): S5bNegotiation {
    return new S5bNegotiation(this.#components, { ...this.#init, ...session });
  }
}
