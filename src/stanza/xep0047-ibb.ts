/**
 * XEP-0047: In-Band Bytestreams
 * https://xmpp.org/extensions/xep-0047.html, version 2.0.1 (2021-01-12)
 *
 * `<open/>`, `<data/>` and `<close/>`.
 *
 * Departure: white space between base64 characters is skipped, as the specification's own
 * examples have it (§2.2); every other character outside the alphabet is refused (§6).
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import type { Jid } from './jid.js';
import { NS } from './namespaces.js';
import { attribute, type Element, is, parseCount, requiredAttribute, xml } from './xml.js';

/** What carries the data: only an iq is acknowledged. */
export type IbbStanza = 'iq' | 'message';

export interface IbbOpen {
  readonly sid: string;
  /** Bytes in a block before base64, 1 to 65535. */
  readonly blockSize: number;
  readonly stanza: IbbStanza;
}

export interface IbbData {
  readonly sid: string;
  /** 0 to 65535, then 0 again. */
  readonly seq: number;
  readonly bytes: Buffer;
}

export interface IbbClose {
  readonly sid: string;
}

export const MAX_BLOCK_SIZE = 65535; // §2.1
/** `seq` counts modulo this (§2.2). */
export const SEQ_MODULUS = 65536;

const MAX_SID_CHARS = 1024; // an NMTOKEN; the specification has no bound
const MAX_BASE64_CHARS = 4 * Math.ceil(MAX_BLOCK_SIZE / 3);
const MAX_TEXT_CHARS = 2 * MAX_BASE64_CHARS; // with white space, however it is wrapped

export const ibbOpenCodec: Codec<IbbOpen> = {
  fromXml(element) {
    check(element, 'open');
    return { sid: ibbSid(element), blockSize: blockSizeOf(element), stanza: stanzaOf(element) };
  },
  toXml: (open) =>
    xml('open', { xmlns: NS.ibb, 'block-size': open.blockSize, sid: open.sid, stanza: open.stanza }),
};

export const ibbDataCodec: Codec<IbbData> = {
  fromXml(element) {
    check(element, 'data');
    const seq = parseCount(requiredAttribute(element, 'seq'), 'seq');
    if (seq >= SEQ_MODULUS) throw new ParseError("'seq' must be from 0 to 65535", { field: 'seq' });
    return { sid: ibbSid(element), seq, bytes: decodeBase64(element.getText()) };
  },
  toXml: (data) =>
    xml('data', { xmlns: NS.ibb, seq: data.seq, sid: data.sid }, data.bytes.toString('base64')),
};

/** §4: a block in a message, which nobody acknowledges. */
export function ibbMessage(address: { readonly from: Jid; readonly to: Jid }, data: IbbData): Element {
  return xml('message', { from: address.from, to: address.to }, ibbDataCodec.toXml(data));
}

export const ibbCloseCodec: Codec<IbbClose> = {
  fromXml(element) {
    check(element, 'close');
    return { sid: ibbSid(element) };
  },
  toXml: (close) => xml('close', { xmlns: NS.ibb, sid: close.sid }),
};

/** The bytestream that an element speaks of. Throws {@link ParseError}. */
export function ibbSid(element: Element): string {
  const sid = requiredAttribute(element, 'sid');
  if (sid.length > MAX_SID_CHARS) throw new ParseError("'sid' is too long", { field: 'sid' });
  return sid;
}

/** The attribute `block-size`, 1 to 65535. Throws {@link ParseError}. */
export function blockSizeOf(element: Element): number {
  const blockSize = parseCount(requiredAttribute(element, 'block-size'), 'block-size');
  if (blockSize < 1 || blockSize > MAX_BLOCK_SIZE) {
    throw new ParseError("'block-size' must be from 1 to 65535", { field: 'block-size' });
  }
  return blockSize;
}

/** The attribute `stanza`, `iq` when absent. Throws {@link ParseError}. */
export function stanzaOf(element: Element): IbbStanza {
  const stanza = attribute(element, 'stanza') ?? 'iq';
  if (stanza !== 'iq' && stanza !== 'message') {
    throw new ParseError("'stanza' must be iq or message", { field: 'stanza' });
  }
  return stanza;
}

function check(element: Element, name: 'open' | 'data' | 'close'): void {
  if (!is(element, name, NS.ibb)) throw new ParseError(`not an IBB <${name}/>`, { field: name });
}

/** RFC 4648 §4, with nothing that two writers could write differently. */
function decodeBase64(text: string): Buffer {
  if (text.length > MAX_TEXT_CHARS)
    throw new ParseError("'data' is longer than any block", { field: 'data' });
  // Buffer skips what it doesn't know; writing it again shows whether there was anything such.
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') === text) return bytes;
  const packed = text.replace(/[ \t\r\n]+/g, '');
  if (bytes.toString('base64') !== packed) throw new ParseError("'data' is not base64", { field: 'data' });
  return bytes;
}
