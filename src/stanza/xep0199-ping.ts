/**
 * XEP-0199: XMPP Ping
 * https://xmpp.org/extensions/xep-0199.html, version 2.0.1 (2019-03-26)
 */

import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { NS } from './namespaces.js';
import { is, xml } from './xml.js';

export const PingElement = { name: 'ping', ns: NS.ping } as const;

/** A ping says nothing but that it is one. */
export type Ping = Readonly<Record<string, never>>;

export const pingCodec: Codec<Ping> = {
  fromXml(element) {
    if (!is(element, PingElement.name, PingElement.ns))
      throw new ParseError('not a <ping/>', { field: 'ping' });
    return {};
  },
  toXml: () => xml(PingElement.name, { xmlns: PingElement.ns }),
};
