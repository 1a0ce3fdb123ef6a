/**
 * urn:xmpp:tmp:file-discovery:0, our own protocol (docs/protocol.md, "Waiting for a slot"): `<queue/>`, the
 * payload of a session-info (XEP-0166 §6.8) by which a node says that a file will come, and whose turn is before.
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { NS } from './namespaces.js';
import type { JingleRole } from './xep0166-jingle.js';
import { attribute, type Element, is, parseCount, requiredAttribute, xml } from './xml.js';

export interface QueuePlace {
  /** The content that waits. */
  readonly creator: JingleRole;
  readonly name: string;
  /** 1 is next. */
  readonly position: number;
}

export function isQueuePlace(element: Element): boolean {
  return is(element, 'queue', NS.find);
}

export const queuePlaceCodec: Codec<QueuePlace> = {
  fromXml(element) {
    if (!isQueuePlace(element)) throw new ParseError('not a <queue/>', { field: 'queue' });
    const creator = attribute(element, 'creator');
    if (creator !== 'initiator' && creator !== 'responder') {
      throw new ParseError("'creator' must be initiator or responder", { field: 'creator' });
    }
    const position = parseCount(requiredAttribute(element, 'position'), 'position');
    if (position < 1) throw new ParseError("'position' begins at 1", { field: 'position' });
    return { creator, name: requiredAttribute(element, 'name'), position };
  },
  toXml: ({ creator, name, position }) => xml('queue', { xmlns: NS.find, creator, name, position }),
};
