/**
 * XEP-0065: SOCKS5 Bytestreams
 * https://xmpp.org/extensions/xep-0065.html, version 1.8.2 (2021-03-04)
 *
 * What Jingle S5B (XEP-0260) takes from it: the address of a bytestream, asking a proxy where it
 * listens (§4), and asking it to relay (§6.3.5). The negotiation of §5 is Jingle's here.
 */
import { createHash } from 'node:crypto';
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { type Jid, parseJid } from './jid.js';
import { NS } from './namespaces.js';
import { attribute, child, children, type Element, is, parseCount, requiredAttribute, xml } from './xml.js';

/** Where a proxy can be reached by TCP. */
export interface Streamhost {
  readonly jid: Jid;
  /** IPv4, IPv6 or a domain name. */
  readonly host: string;
  readonly port: number;
}

/** `<query/>` in the uses that we have for it. */
export type BytestreamsQuery =
  /** Asks a proxy for its address (§4.2). */
  | { readonly type: 'address' }
  /** A proxy's answer to it. */
  | { readonly type: 'streamhosts'; readonly streamhosts: readonly Streamhost[] }
  /** Asks a proxy to start relaying between us and `target` (§6.3.5). */
  | { readonly type: 'activate'; readonly sid: string; readonly target: Jid };

/** §9.2: "If not specified, the port value is 1080". */
export const DEFAULT_SOCKS_PORT = 1080;
export const MAX_PORT = 65535;

/**
 * The name under which a bytestream is asked for at a streamhost (DST.ADDR, §6.3.2): a SHA-1 in
 * lower-case hex. `requester` is the party that offered the streamhost.
 */
export function destinationAddress(sid: string, requester: Jid, target: Jid): string {
  return createHash('sha1').update(`${sid}${requester}${target}`).digest('hex');
}

/** True for what {@link destinationAddress} gives, in either case. */
export function isDestinationAddress(text: string): boolean {
  return /^[0-9a-f]{40}$/i.test(text);
}

/** Reads a TCP port, 1 to 65535. Throws {@link ParseError}. */
export function parsePort(text: string | undefined): number {
  if (text === undefined) return DEFAULT_SOCKS_PORT;
  const port = parseCount(text, 'port');
  if (port < 1 || port > MAX_PORT) throw new ParseError("'port' must be from 1 to 65535", { field: 'port' });
  return port;
}

/** Reads an IP address, with a zone (RFC 4007 §11) or not, or a domain name. Throws {@link ParseError}. */
export function parseHost(text: string): string {
  // 253: the longest domain name; nothing but what an address or a name is made of.
  if (text.length > 253 || !/^[0-9a-z._:-]+(%[0-9a-z._-]+)?$/i.test(text)) {
    throw new ParseError("'host' is neither an address nor a domain name", { field: 'host' });
  }
  return text;
}

export const bytestreamsCodec: Codec<BytestreamsQuery> = {
  fromXml(element) {
    if (!is(element, 'query', NS.bytestreams)) throw new ParseError('not a <query/>', { field: 'query' });
    const activate = child(element, 'activate', NS.bytestreams);
    if (activate) {
      const target = parseJid(activate.getText().trim(), 'activate');
      return { type: 'activate', sid: requiredAttribute(element, 'sid'), target };
    }
    const streamhosts = children(element, 'streamhost', NS.bytestreams);
    if (streamhosts.length === 0) return { type: 'address' };
    return { type: 'streamhosts', streamhosts: streamhosts.map(streamhostFromXml) };
  },
  toXml(query) {
    switch (query.type) {
      case 'address':
        return xml('query', { xmlns: NS.bytestreams });
      case 'streamhosts':
        return xml('query', { xmlns: NS.bytestreams }, query.streamhosts.map(streamhostToXml));
      case 'activate':
        return xml('query', { xmlns: NS.bytestreams, sid: query.sid }, xml('activate', {}, query.target));
    }
  },
};

/** The `<query/>` in an iq's result, or undefined. */
export function bytestreamsAnswerOf(iq: Element): Element | undefined {
  return child(iq, 'query', NS.bytestreams);
}

function streamhostFromXml(element: Element): Streamhost {
  return {
    jid: parseJid(requiredAttribute(element, 'jid')),
    host: parseHost(requiredAttribute(element, 'host')),
    port: parsePort(attribute(element, 'port')),
  };
}

function streamhostToXml(streamhost: Streamhost): Element {
  return xml('streamhost', { host: streamhost.host, jid: streamhost.jid, port: streamhost.port });
}
