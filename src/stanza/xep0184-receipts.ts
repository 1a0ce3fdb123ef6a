/**
 * XEP-0184: Message Delivery Receipts
 * https://xmpp.org/extensions/xep-0184.html, version 1.4.0 (2018-08-02)
 *
 * As the one who receives messages: we ask for no receipts.
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { NS } from './namespaces.js';
import { child, type Element, is, requiredAttribute, xml } from './xml.js';

/** `<received/>`: the value is the id of the message that has come. */
export const receiptCodec: Codec<string> = {
  fromXml(element) {
    if (!is(element, 'received', NS.receipts)) throw new ParseError('not a receipt', { field: 'received' });
    return requiredAttribute(element, 'id');
  },
  toXml: (id) => xml('received', { xmlns: NS.receipts, id }),
};

/** Whether the message asks for a receipt. One that is a receipt itself doesn't, whatever else it holds (§5.2). */
export function asksForReceipt(message: Element): boolean {
  return (
    child(message, 'request', NS.receipts) !== undefined &&
    child(message, 'received', NS.receipts) === undefined
  );
}

export const RECEIPTS_FEATURE: string = NS.receipts;
