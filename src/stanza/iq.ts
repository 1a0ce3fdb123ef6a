/** The frame of an iq stanza (RFC 6120 §8.2.3): requests, results and errors around a payload. */
import type { Jid } from './jid.js';
import { NS } from './namespaces.js';
import { type StanzaError, stanzaErrorToXml } from './stanza-error.js';
import { attribute, type Element, elements, xml } from './xml.js';

/** Who an iq is from and to, and the id that ties an answer to its request. */
export interface IqAddress {
  readonly from?: Jid;
  readonly to?: Jid;
  readonly id: string;
}

/** An `<iq/>` that asks. */
export function iqRequest(address: IqAddress, type: 'get' | 'set', payload: Element): Element {
  return xml('iq', { ...addressAttributes(address), type }, payload);
}

/** The `<iq type='result'/>` to a request; `payload` is left out where there is nothing to say. */
export function iqResult(request: IqAddress, payload?: Element): Element {
  return xml('iq', { ...answerAttributes(request), type: 'result' }, payload);
}

/** The `<iq type='error'/>` to a request. The request is not echoed (§8.3.1 leaves it to us): it may be large. */
export function iqError(request: IqAddress, error: StanzaError): Element {
  return xml('iq', { ...answerAttributes(request), type: 'error' }, stanzaErrorToXml(error));
}

/** The one child of a request, or undefined when there is none or more than one (§8.2.3 rule 4). */
export function iqPayload(iq: Element): Element | undefined {
  const [payload, second] = elements(iq);
  return second === undefined ? payload : undefined;
}

/** Whether a request belongs to a session or bytestream that is there already, if it is what it says. */
export function isOfSession(payload: Element | undefined): boolean {
  if (payload === undefined) return false;
  const ns = payload.getNS();
  return ns === NS.ibb || (ns === NS.jingle && attribute(payload, 'action') !== 'session-initiate');
}

/** The `type` of a stanza, or undefined. */
export function stanzaType(stanza: Element): string | undefined {
  return attribute(stanza, 'type');
}

/** A message or presence of type `error` that returns `stanza` to its sender (§8.3.1). */
export function bounce(stanza: Element, error: StanzaError): Element {
  return xml(
    stanza.getName(),
    {
      from: attribute(stanza, 'to'),
      to: attribute(stanza, 'from'),
      id: attribute(stanza, 'id'),
      type: 'error',
    },
    stanzaErrorToXml(error),
  );
}

function addressAttributes({ from, to, id }: IqAddress) {
  return { from, to, id };
}

function answerAttributes({ from, to, id }: IqAddress) {
  return { from: to, to: from, id };
}
