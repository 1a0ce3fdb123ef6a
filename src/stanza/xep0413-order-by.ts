/**
 * XEP-0413: Order-By
 * https://xmpp.org/extensions/xep-0413.html, version 0.2.1 (2026-04-05)
 *
 * Orderings of our own stand in Clark notation, as "Extending this Specification" asks:
 * `by='{urn:xmpp:tmp:file-discovery:0}size'`; read without the namespace too.
 *
 * Departure: one `<order/>` a query; equal keys are ordered by path, so that every file has one
 * place in the result.
 * COMPAT: the first design of the query protocol wrote `field=` where the XEP has `by=`.
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { type Order, OrderField } from './file-criteria.js';
import { NS } from './namespaces.js';
import { attribute, is, parseBoolean, requiredAttribute, xml } from './xml.js';

export const orderCodec: Codec<Order> = {
  fromXml(element) {
    if (!is(element, 'order', NS.orderBy)) throw new ParseError('not an <order/>', { field: 'order' });
    const by = attribute(element, 'by') ?? requiredAttribute(element, 'field');
    const field = OrderField.find((each) => by === each || by === clark(each));
    if (field === undefined) {
      throw new ParseError(`answers are ordered by one of ${OrderField.join(', ')}`, { field: 'order' });
    }
    const desc = attribute(element, 'desc');
    return { field, descending: desc !== undefined && parseBoolean(desc, 'desc') };
  },
  toXml: ({ field, descending }) =>
    xml('order', { xmlns: NS.orderBy, by: clark(field), desc: descending || undefined }),
};

function clark(field: OrderField): string {
  return `{${NS.find}}${field}`;
}

/** Features that announce ordering ("Discovering Support"). */
export const ORDER_BY_FEATURES = [NS.orderBy, `${NS.orderBy}@${NS.find}`] as const;
