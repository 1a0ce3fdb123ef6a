/** Two transports and the session between them, reduced to what a transport sees of it. */
import type { Duplex } from 'node:stream';
import type { Jid } from '../../src/stanza/jid.js';
import type { Element } from '../../src/stanza/xml.js';
import type { Transport, TransportContext, TransportNegotiation } from '../../src/transport/transport.js';
import { elementOf } from '../support/codec-fixtures.js';

export interface TransportSide {
  readonly transport: Transport;
  readonly jid: Jid;
}

export interface Negotiated {
  readonly offerer: TransportNegotiation;
  readonly answerer: TransportNegotiation;
}

/** A session in which every transport-info passes through `deliver`, in order, as XML. */
export function contextOf(
  self: Jid,
  peer: Jid,
  role: 'initiator' | 'responder',
  deliver: (info: Element) => void,
): TransportContext {
  let tail = Promise.resolve();
  return {
    self,
    peer,
    role,
    sendInfo(payload) {
      const text = payload.toString();
      tail = tail.catch(() => undefined).then(() => deliver(elementOf(text)));
      return tail;
    },
  };
}

/** Both descriptions exchanged; neither side has called `connect`. */
export async function describeBoth(initiator: TransportSide, responder: TransportSide): Promise<Negotiated> {
  const sides: { offerer?: TransportNegotiation; answerer?: TransportNegotiation } = {};
  const offerer = initiator.transport.offer(
    contextOf(initiator.jid, responder.jid, 'initiator', (info) => sides.answerer?.info(info)),
  );
  sides.offerer = offerer;
  const offer = elementOf((await offerer.describe()).toString());
  const answerer = responder.transport.answer(
    contextOf(responder.jid, initiator.jid, 'responder', (info) => sides.offerer?.info(info)),
    offer,
  );
  sides.answerer = answerer;
  offerer.remote(elementOf((await answerer.describe()).toString()));
  return { offerer, answerer };
}

/** Initiator's end, responder's end. */
export function connectBoth({ offerer, answerer }: Negotiated): Promise<[Duplex, Duplex]> {
  return Promise.all([offerer.connect(), answerer.connect()]);
}
