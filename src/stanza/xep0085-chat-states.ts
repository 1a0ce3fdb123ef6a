/**
 * XEP-0085: Chat State Notifications
 * https://xmpp.org/extensions/xep-0085.html, version 2.1 (2009-09-23)
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { NS } from './namespaces.js';
import { type Element, elements, xml } from './xml.js';

export const ChatState = ['active', 'composing', 'paused', 'inactive', 'gone'] as const;
export type ChatState = (typeof ChatState)[number];

export const chatStateCodec: Codec<ChatState> = {
  fromXml(element) {
    const state = ChatState.find((each) => each === element.getName());
    if (element.getNS() !== NS.chatStates || state === undefined) {
      throw new ParseError('not a chat state', { field: element.getName() });
    }
    return state;
  },
  toXml: (state) => xml(state, { xmlns: NS.chatStates }),
};

/** The state that a message tells, or undefined. One that the specification does not know is none. */
export function chatStateOf(message: Element): ChatState | undefined {
  const names = elements(message).flatMap((each) => (each.getNS() === NS.chatStates ? each.getName() : []));
  return ChatState.find((each) => names.includes(each));
}

export const CHAT_STATES_FEATURE: string = NS.chatStates;
