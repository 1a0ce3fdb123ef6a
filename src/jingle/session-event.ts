/** The event of the session's machine that an action of the peer's is. */

import { isQueuePlace, queuePlaceCodec } from '../stanza/transfer-queue.js';
import type { Jingle } from '../stanza/xep0166-jingle.js';
import { fileInfoCodec, fileTransferNamespaceOf, isFileInfo } from '../stanza/xep0234-file-transfer.js';
import type { Element } from '../stanza/xml.js';
import type { SessionEvent } from './session-machine.js';

/** Actions that go to a content straight away, whatever the session. */
export type TransportAction =
  | 'transport-info'
  | 'transport-replace'
  | 'transport-accept'
  | 'transport-reject';

/** Throws `ParseError` when the payload of a session-info is malformed. */
export function sessionEventOf(jingle: Exclude<Jingle, { action: TransportAction }>): SessionEvent {
  switch (jingle.action) {
    case 'session-initiate':
      return { type: 'peer-initiate' };
    case 'session-accept':
      return { type: 'peer-accept', contents: jingle.contents };
    case 'session-terminate':
      return { type: 'peer-terminate', reason: jingle.reason };
    case 'session-info':
      return infoEvent(jingle.payload);
    case 'description-info':
      return { type: 'peer-description-info', contents: jingle.contents };
    case 'security-info':
      return { type: 'peer-unknown-info' };
    case 'content-add':
      return { type: 'peer-content-add', contents: jingle.contents };
    case 'content-accept':
      return { type: 'peer-content-accept', contents: jingle.contents };
    case 'content-modify':
      return { type: 'peer-content-modify', contents: jingle.contents };
    case 'content-reject':
    case 'content-remove':
      return { type: `peer-${jingle.action}`, contents: jingle.contents, reason: jingle.reason };
  }
}

function infoEvent(payload: Element | undefined): SessionEvent {
  if (!payload) return { type: 'peer-ping' };
  if (isQueuePlace(payload)) return { type: 'peer-queue', place: queuePlaceCodec.fromXml(payload) };
  const ns = fileTransferNamespaceOf(payload);
  if (!ns || !isFileInfo(payload, ns)) return { type: 'peer-unknown-info' };
  return { type: 'peer-info', info: fileInfoCodec(ns).fromXml(payload) };
}
