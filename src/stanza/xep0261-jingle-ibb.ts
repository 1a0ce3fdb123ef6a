/**
 * XEP-0261: Jingle In-Band Bytestreams Transport Method
 * https://xmpp.org/extensions/xep-0261.html, version 1.0 (2011-09-23)
 *
 * `<transport/>` of an offer, and of the answer to it, which is read more leniently.
 * COMPAT: answers exist without `sid`, without `block-size`, or with a larger block-size than was
 * offered; what is missing is as we offered it.
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { NS } from './namespaces.js';
import { blockSizeOf, type IbbStanza, ibbSid, stanzaOf } from './xep0047-ibb.js';
import { attribute, type Element, is, parseCount, xml } from './xml.js';

export interface JingleIbbOffer {
  readonly sid: string;
  /** Bytes in a block before base64, 1 to 65535. */
  readonly blockSize: number;
  readonly stanza: IbbStanza;
}

export interface JingleIbbAnswer {
  readonly sid?: string;
  /** Any size that the peer says it takes, at least 1. */
  readonly blockSize?: number;
  readonly stanza: IbbStanza;
}

export const jingleIbbOfferCodec: Codec<JingleIbbOffer> = {
  fromXml(element) {
    checkTransport(element);
    return { sid: ibbSid(element), blockSize: blockSizeOf(element), stanza: stanzaOf(element) };
  },
  toXml: toTransport,
};

export const jingleIbbAnswerCodec: Codec<JingleIbbAnswer> = {
  fromXml(element) {
    checkTransport(element);
    const sid = attribute(element, 'sid') === undefined ? undefined : ibbSid(element);
    const text = attribute(element, 'block-size');
    const blockSize = text === undefined ? undefined : parseCount(text, 'block-size');
    if (blockSize === 0) throw new ParseError("'block-size' must be at least 1", { field: 'block-size' });
    return {
      ...(sid !== undefined && { sid }),
      ...(blockSize !== undefined && { blockSize }),
      stanza: stanzaOf(element),
    };
  },
  toXml: toTransport,
};

function checkTransport(element: Element): void {
  if (!is(element, 'transport', NS.jingleIbb)) {
    throw new ParseError('not an IBB <transport/>', { field: 'transport' });
  }
}

function toTransport(value: JingleIbbAnswer): Element {
  return xml('transport', {
    xmlns: NS.jingleIbb,
    'block-size': value.blockSize,
    sid: value.sid,
    stanza: value.stanza === 'iq' ? undefined : value.stanza,
  });
}
