/**
 * XEP-0203: Delayed Delivery
 * https://xmpp.org/extensions/xep-0203.html, version 2.0 (2009-09-15)
 */

import type { Jid } from './jid.js';
import { NS } from './namespaces.js';
import { formatDateTime, parseDateTime } from './xep0082-date-time.js';
import { child, copyOf, type Element, requiredAttribute, xml } from './xml.js';

/** When a delayed stanza was first sent, milliseconds since 1970; undefined without `<delay/>`. Throws `ParseError`. */
export function delayOf(stanza: Element): number | undefined {
  const delay = child(stanza, 'delay', NS.delay);
  return delay && parseDateTime(requiredAttribute(delay, 'stamp'), 'stamp');
}

/** A copy of the stanza that says when it was first sent; one that says so already stays as it is. */
export function withDelay(stanza: Element, from: Jid, sentAtMs: number): Element {
  if (child(stanza, 'delay', NS.delay) !== undefined) return stanza;
  const delay = xml('delay', { xmlns: NS.delay, from, stamp: formatDateTime(sentAtMs) });
  const copy = copyOf(stanza);
  copy.append(delay);
  return copy;
}
