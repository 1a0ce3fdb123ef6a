/** Presence stanzas (RFC 6121 §4): who is there, and who may know. */
import { stanzaType } from './iq.js';
import type { Jid } from './jid.js';
import { type Element, xml } from './xml.js';

/** RFC 6121 §4.7.1, without `error`; `available` is what has no type on the wire. */
export const PresenceType = [
  'available',
  'unavailable',
  'subscribe',
  'subscribed',
  'unsubscribe',
  'unsubscribed',
  'probe',
] as const;
export type PresenceType = (typeof PresenceType)[number];

export interface PresenceInit {
  /** Default `available`. */
  readonly type?: PresenceType;
  /** Without it: everybody who subscribed. */
  readonly to?: Jid;
}

export function presence({ type = 'available', to }: PresenceInit, payload?: Element): Element {
  return xml('presence', { to, type: type === 'available' ? undefined : type }, payload);
}

/** Undefined for an error, and for what is no presence. */
export function presenceTypeOf(stanza: Element): PresenceType | undefined {
  if (stanza.getName() !== 'presence') return undefined;
  const written = stanzaType(stanza) ?? 'available';
  return PresenceType.find((each) => each === written);
}
