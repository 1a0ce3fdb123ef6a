/**
 * XEP-0166: Jingle
 * https://xmpp.org/extensions/xep-0166.html, version 1.1.2 (2018-09-19)
 *
 * `<jingle/>`: every action with what it must hold. Descriptions, transports and the payload of
 * a session-info stay elements: other specifications define them.
 *
 * Departures, all on reading: a content without `creator` was made by the initiator (§7.3 calls
 * the attribute required and names a default); a reason with a condition that §7.4 doesn't know
 * is `general-error` with that name as its text, so that a session can always be ended.
 * COMPAT: Dino 0.4.2 writes `<failed_transport/>`; Psi writes white space between elements.
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { NS } from './namespaces.js';
import { StanzaError, type StanzaErrorCondition } from './stanza-error.js';
import {
  attribute,
  child,
  children,
  childText,
  type Element,
  elements,
  is,
  requiredAttribute,
  xml,
} from './xml.js';

export const JingleRole = ['initiator', 'responder'] as const;
export type JingleRole = (typeof JingleRole)[number];

export const Senders = ['initiator', 'responder', 'both', 'none'] as const;
export type Senders = (typeof Senders)[number];

/** What every action says of a content: which one it is (§7.3). */
export interface ContentRef {
  readonly creator: JingleRole;
  readonly name: string;
  /** Missing when the attribute is: §7.3 then means `both`. */
  readonly senders?: Senders;
}

/** A content with all that it is made of. */
export interface Content extends ContentRef {
  readonly description: Element;
  readonly transport: Element;
  /** A security precondition (§9). */
  readonly security?: Element;
  /** Default `session`. */
  readonly disposition?: string;
}

export interface ContentTransport extends ContentRef {
  readonly transport: Element;
}

/** The conditions of §7.4. */
export const ReasonCondition = [
  'alternative-session',
  'busy',
  'cancel',
  'connectivity-error',
  'decline',
  'expired',
  'failed-application',
  'failed-transport',
  'general-error',
  'gone',
  'incompatible-parameters',
  'media-error',
  'security-error',
  'success',
  'timeout',
  'unsupported-applications',
  'unsupported-transports',
] as const;
export type ReasonCondition = (typeof ReasonCondition)[number];

export interface Reason {
  readonly condition: ReasonCondition;
  readonly text?: string;
  /** A condition of the application's own beside it. */
  readonly application?: Element;
  /** With `alternative-session`: the session to use instead. */
  readonly sid?: string;
}

/** What a description-info says of a content: hints in a `<description/>` (§7.2.6). */
export interface ContentHint extends ContentRef {
  readonly description?: Element;
}

/** One action (§7.2) with what it has to hold, whatever the session. */
export type JingleBody =
  | {
      readonly action: 'session-initiate';
      readonly initiator?: string;
      readonly contents: readonly Content[];
    }
  | { readonly action: 'session-accept'; readonly responder?: string; readonly contents: readonly Content[] }
  | { readonly action: 'session-info'; readonly payload?: Element }
  | { readonly action: 'session-terminate'; readonly reason?: Reason }
  | { readonly action: 'content-add' | 'content-accept'; readonly contents: readonly Content[] }
  | {
      readonly action: 'content-modify' | 'content-reject' | 'content-remove' | 'security-info';
      readonly contents: readonly ContentRef[];
      readonly reason?: Reason;
    }
  | { readonly action: 'description-info'; readonly contents: readonly ContentHint[] }
  | {
      readonly action: 'transport-info' | 'transport-replace' | 'transport-accept';
      readonly contents: readonly ContentTransport[];
    }
  | {
      readonly action: 'transport-reject';
      readonly contents: readonly ContentRef[];
      readonly reason?: Reason;
    };

/** An action in its session. */
export type Jingle = { readonly sid: string } & JingleBody;
export type JingleAction = Jingle['action'];

const MAX_ID_CHARS = 1024; // a sid or the name of a content is kept as long as its session
const MAX_TEXT_CHARS = 500; // what of a peer's text is worth keeping

export const jingleCodec: Codec<Jingle> = {
  fromXml(element) {
    if (!is(element, 'jingle', NS.jingle)) throw new ParseError('not a <jingle/>', { field: 'jingle' });
    const sid = identifier(requiredAttribute(element, 'sid'), 'sid');
    const action = requiredAttribute(element, 'action') as JingleAction;
    switch (action) {
      case 'session-initiate': {
        const initiator = attribute(element, 'initiator');
        const contents = contentsOf(element, wholeContent);
        if (!contents.some(({ disposition = 'session' }) => disposition === 'session')) {
          // §7.2.10
          throw new ParseError("no content has the disposition 'session'", { field: 'disposition' });
        }
        return { action, sid, ...(initiator !== undefined && { initiator }), contents };
      }
      case 'session-accept': {
        const responder = attribute(element, 'responder');
        return {
          action,
          sid,
          ...(responder !== undefined && { responder }),
          contents: contentsOf(element, wholeContent),
        };
      }
      case 'session-info': {
        const payload = elements(element).find((each) => each.getNS() !== NS.jingle);
        return { action, sid, ...(payload && { payload }) };
      }
      case 'session-terminate':
        return { action, sid, ...reasonIn(element) };
      case 'content-add':
      case 'content-accept':
        return { action, sid, contents: contentsOf(element, wholeContent) };
      case 'content-modify':
        return { action, sid, contents: contentsOf(element, contentWithSenders), ...reasonIn(element) };
      case 'description-info':
        return { action, sid, contents: contentsOf(element, contentHint) };
      case 'content-reject':
      case 'content-remove':
      case 'security-info':
      case 'transport-reject':
        return { action, sid, contents: contentsOf(element, contentRef), ...reasonIn(element) };
      case 'transport-info':
      case 'transport-replace':
      case 'transport-accept':
        return { action, sid, contents: contentsOf(element, contentTransport) };
      default: {
        const unknown: never = action; // §7.2: an unknown action is a bad-request
        throw new ParseError(`'${String(unknown).slice(0, 100)}' is not a Jingle action`, {
          field: 'action',
        });
      }
    }
  },

  toXml(jingle) {
    return xml(
      'jingle',
      {
        xmlns: NS.jingle,
        action: jingle.action,
        initiator: jingle.action === 'session-initiate' ? jingle.initiator : undefined,
        responder: jingle.action === 'session-accept' ? jingle.responder : undefined,
        sid: jingle.sid,
      },
      'contents' in jingle && jingle.contents.map(contentToXml),
      'reason' in jingle && jingle.reason && reasonToXml(jingle.reason),
      'payload' in jingle && jingle.payload,
    );
  },
};

/** An id as kept: not empty, not longer than is worth keeping. Throws {@link ParseError}. */
function identifier(text: string, field: string): string {
  if (text.length > MAX_ID_CHARS) throw new ParseError(`'${field}' is too long`, { field });
  return text;
}

function contentsOf<T extends ContentRef>(element: Element, read: (content: Element) => T): T[] {
  const contents = children(element, 'content', NS.jingle).map(read);
  if (contents.length === 0) throw new ParseError('the action needs a <content/>', { field: 'content' });
  return contents;
}

function contentRef(content: Element): ContentRef {
  const senders = attribute(content, 'senders');
  return {
    creator: oneOf(JingleRole, attribute(content, 'creator') ?? 'initiator', 'creator'),
    name: identifier(requiredAttribute(content, 'name'), 'name'),
    ...(senders !== undefined && { senders: oneOf(Senders, senders, 'senders') }),
  };
}

function contentWithSenders(content: Element): ContentRef {
  requiredAttribute(content, 'senders'); // §7.3: required in content-modify
  return contentRef(content);
}

function contentTransport(content: Element): ContentTransport {
  return { ...contentRef(content), transport: part(content, 'transport') };
}

function contentHint(content: Element): ContentHint {
  const hinted = elements(content).some((each) => each.getName() === 'description');
  return { ...contentRef(content), ...(hinted && { description: part(content, 'description') }) };
}

function wholeContent(content: Element): Content {
  const security = elements(content).find((each) => each.getName() === 'security');
  const disposition = attribute(content, 'disposition');
  return {
    ...contentRef(content),
    description: part(content, 'description'),
    transport: part(content, 'transport'),
    ...(security && { security }),
    ...(disposition !== undefined && { disposition }),
  };
}

/** The `<description/>` or `<transport/>` of a content; its namespace says which specification it follows. */
function part(content: Element, name: 'description' | 'transport'): Element {
  const found = elements(content).filter((each) => each.getName() === name && each.getNS() !== NS.jingle);
  const [first] = found;
  if (!first || found.length > 1) {
    throw new ParseError(`<content/> needs exactly one <${name}/>`, { field: name });
  }
  return first;
}

function oneOf<T extends string>(values: readonly T[], text: string, field: string): T {
  const value = values.find((each) => each === text);
  if (value === undefined) throw new ParseError(`'${field}' must be one of ${values.join(', ')}`, { field });
  return value;
}

function contentToXml(content: ContentRef & Partial<Content>): Element {
  return xml(
    'content',
    {
      creator: content.creator,
      disposition: content.disposition,
      name: content.name,
      senders: content.senders,
    },
    content.description,
    content.transport,
    content.security,
  );
}

function reasonIn(element: Element): { reason?: Reason } {
  const reason = child(element, 'reason', NS.jingle);
  return reason ? { reason: reasonFromXml(reason) } : {};
}

function reasonFromXml(element: Element): Reason {
  const text = childText(element, 'text', NS.jingle)?.slice(0, MAX_TEXT_CHARS);
  const application = elements(element).find((each) => each.getNS() !== NS.jingle);
  const named = elements(element).filter((each) => each.getNS() === NS.jingle && each.getName() !== 'text');
  // COMPAT: Dino 0.4.2's <failed_transport/>: an underscore is read as a hyphen.
  const names = named.map((each) => each.getName().replaceAll('_', '-'));
  const condition = ReasonCondition.find((each) => names.includes(each)) ?? 'general-error';
  const unknown = names.includes(condition) ? undefined : names[0]?.slice(0, MAX_TEXT_CHARS);
  const alternative = named.find((each) => each.getName() === 'alternative-session');
  const sid = alternative && childText(alternative, 'sid', NS.jingle)?.slice(0, MAX_ID_CHARS);
  return {
    condition,
    ...((text ?? unknown) !== undefined && { text: text ?? unknown ?? '' }),
    ...(application && { application }),
    ...(sid !== undefined && sid !== '' && { sid }),
  };
}

function reasonToXml(reason: Reason): Element {
  return xml(
    'reason',
    {},
    xml(reason.condition, {}, reason.sid !== undefined && xml('sid', {}, reason.sid)),
    reason.text !== undefined && xml('text', {}, reason.text),
    reason.application,
  );
}

/** A stanza error's condition, to say more exactly beside a reason what was wrong. */
export function stanzaCondition(condition: StanzaErrorCondition): Element {
  return xml(condition, { xmlns: NS.stanzas });
}

/** The errors of §10, with the stanza error that each one stands beside. */
export const JingleError = {
  'out-of-order': 'unexpected-request',
  'tie-break': 'conflict',
  'unknown-session': 'item-not-found',
  'unsupported-info': 'feature-not-implemented',
} as const satisfies Record<string, StanzaErrorCondition>;
export type JingleError = keyof typeof JingleError;

/** A stanza error with its Jingle condition. */
export function jingleError(error: JingleError, text?: string): StanzaError {
  // §6.8 shows unsupported-info with type modify, the others with what RFC 6120 gives.
  return new StanzaError(JingleError[error], text, {
    ...(error === 'unsupported-info' && { type: 'modify' }),
    detail: xml(error, { xmlns: NS.jingleErrors }),
  });
}

/** The Jingle condition of a stanza error, if it has one. */
export function jingleErrorOf(error: StanzaError): JingleError | undefined {
  if (error.detail?.getNS() !== NS.jingleErrors) return undefined;
  const name = error.detail.getName();
  return Object.hasOwn(JingleError, name) ? (name as JingleError) : undefined;
}
