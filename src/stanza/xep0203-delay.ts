/**
 * XEP-0203: Delayed Delivery
 * https://xmpp.org/extensions/xep-0203.html, version 2.0 (2009-09-15)
 */

import { NS } from './namespaces.js';
import { parseDateTime } from './xep0082-date-time.js';
import { child, type Element, requiredAttribute } from './xml.js';

/** When a delayed stanza was first sent, milliseconds since 1970; undefined without `<delay/>`. Throws `ParseError`. */
export function delayOf(stanza: Element): number | undefined {
  const delay = child(stanza, 'delay', NS.delay);
  return delay && parseDateTime(requiredAttribute(delay, 'stamp'), 'stamp');
}
