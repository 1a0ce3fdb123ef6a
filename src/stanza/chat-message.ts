/**
 * Messages between people (RFC 6121 §5.2), as far as a program that answers them cares: what they say, and what says
 * that they are not to be answered.
 */
import { stanzaType } from './iq.js';
import type { Jid } from './jid.js';
import { NS } from './namespaces.js';
import { type OutOfBand, outOfBandCodec } from './xep0066-out-of-band.js';
import { type ChatState, chatStateCodec, chatStateOf } from './xep0085-chat-states.js';
import { asksForReceipt, receiptCodec } from './xep0184-receipts.js';
import { type FileSharing, fileSharingCodec } from './xep0447-stateless-file-sharing.js';
import { attribute, child, type Element, elements, xml } from './xml.js';

/** Kinds of message that an answer is expected to (§5.2.2). */
export type ChatType = 'chat' | 'normal';

export interface ChatMessage {
  readonly type: ChatType;
  readonly id?: string;
  /** Trimmed, and not empty. */
  readonly body: string;
  /** §5.2.5; an answer has the same. */
  readonly thread?: string;
  /** The sender knows chat states if there is one. */
  readonly state?: ChatState;
  /** Has an id then. */
  readonly asksForReceipt: boolean;
  /** The body only says that what it stands for is encrypted: XEP-0380 (version 0.4.0, 2021-11-18), and what was there before. */
  readonly isEncrypted: boolean;
}

/** What we say. */
export interface ChatAnswer {
  readonly to: Jid;
  /** Default: our own. */
  readonly from?: Jid;
  readonly type: ChatType;
  readonly body: string;
  readonly thread?: string;
  readonly state?: ChatState;
  /** Something to fetch that the body names too. */
  readonly outOfBand?: OutOfBand;
  /** The same for clients that show files with what they are. */
  readonly sharing?: FileSharing;
}

const MAX_THREAD_CHARS = 256; // it goes out again with each answer
const ENCRYPTED_NAMES = ['encrypted', 'openpgp']; // XEP-0384 and XEP-0373, of clients that don't say so by XEP-0380

/**
 * What somebody says to us; undefined for all that asks for no answer: errors, rooms, headlines, what was kept for us
 * while we were away (XEP-0203), copies (XEP-0280, XEP-0313), notifications with a text beside them.
 */
export function chatMessageOf(stanza: Element): ChatMessage | undefined {
  const type = stanzaType(stanza) ?? 'normal';
  if (type !== 'chat' && type !== 'normal') return undefined;
  const body = ownChildText(stanza, 'body');
  if (body === undefined || body === '' || child(stanza, 'delay', NS.delay) || isForMachines(stanza)) {
    return undefined;
  }
  const id = attribute(stanza, 'id');
  const thread = ownChildText(stanza, 'thread');
  const state = chatStateOf(stanza);
  return {
    type,
    ...(id !== undefined && { id }),
    body,
    ...(thread !== undefined && thread !== '' && thread.length <= MAX_THREAD_CHARS && { thread }),
    ...(state !== undefined && { state }),
    asksForReceipt: id !== undefined && asksForReceipt(stanza),
    isEncrypted:
      child(stanza, 'encryption', NS.explicitEncryption) !== undefined ||
      elements(stanza).some((each) => ENCRYPTED_NAMES.includes(each.getName())),
  };
}

/** The name under which {@link chatMessageOf}'s messages can be listened for: a child of the stanza's own namespace. */
export const CHAT_BODY = 'body';

export function chatAnswerToXml(answer: ChatAnswer): Element {
  const { to, from, type, body, thread, state, outOfBand, sharing } = answer;
  return xml(
    'message',
    { to, from, type },
    xml('body', {}, body),
    thread !== undefined && xml('thread', {}, thread),
    state !== undefined && chatStateCodec.toXml(state),
    outOfBand && outOfBandCodec.toXml(outOfBand),
    sharing && fileSharingCodec.toXml(sharing),
  );
}

/** A chat state by itself (XEP-0085 §5.5); no server keeps it (XEP-0334). */
export function chatStateMessage(
  { to, from, type, thread }: Omit<ChatAnswer, 'body' | 'state'>,
  state: ChatState,
): Element {
  return xml(
    'message',
    { to, from, type },
    thread !== undefined && xml('thread', {}, thread),
    chatStateCodec.toXml(state),
    xml('no-store', { xmlns: NS.hints }),
  );
}

/** XEP-0184 §5.3: nothing but `<received/>`, of the type of the message. */
export function receiptMessage({ to, from, type }: Omit<ChatAnswer, 'body'>, id: string): Element {
  return xml('message', { to, from, type }, receiptCodec.toXml(id));
}

/** Of the first child with this name in the stanza's own namespace, which is that of the stream. */
function ownChildText(stanza: Element, name: string): string | undefined {
  const own = elements(stanza).find((each) => each.getName() === name && each.getNS() === stanza.getNS());
  return own?.getText().trim();
}

function isForMachines(stanza: Element): boolean {
  return (
    child(stanza, 'event', NS.pubsubEvent) !== undefined ||
    child(stanza, 'received', NS.receipts) !== undefined
  );
}
