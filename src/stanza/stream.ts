/** What is on a stream beside stanzas (RFC 6120 §4–§6): its features, its errors, how it is closed. */
import { NS } from './namespaces.js';
import { child, children, type Element, elements, is } from './xml.js';

/** A stream error or SASL failure: the condition's name and the server's own words. */
export interface StreamCondition {
  readonly condition: string;
  readonly text: string | undefined;
}

export const STREAM_END = '</stream:stream>';

const MAX_TEXT_CHARS = 300; // what of a server's words is worth showing

/** The error that ends a stream (RFC 6120 §4.9.2), or undefined when `element` is something else. */
export function streamErrorOf(element: Element): StreamCondition | undefined {
  return is(element, 'error', NS.streams) ? conditionOf(element, NS.streamErrors) : undefined;
}

/** Why authentication failed (RFC 6120 §6.5), or undefined when `element` is something else. */
export function saslFailureOf(element: Element): StreamCondition | undefined {
  return is(element, 'failure', NS.sasl) ? conditionOf(element, NS.sasl) : undefined;
}

/** True when `element` says that we are authenticated (RFC 6120 §6.4.6). */
export function isSaslSuccess(element: Element): boolean {
  return is(element, 'success', NS.sasl);
}

/** How the server wants the password hashed (RFC 5802 §5.1). */
export interface ScramChallenge {
  readonly salt: Uint8Array;
  readonly iterations: number;
}

/** Undefined where `element` is no challenge that says how. */
export function scramChallengeOf(element: Element): ScramChallenge | undefined {
  if (!is(element, 'challenge', NS.sasl)) return undefined;
  const challenge = Buffer.from(element.getText(), 'base64').toString('latin1');
  const salt = /(?:^|,)s=([^,]*)/.exec(challenge)?.[1];
  const count = /(?:^|,)i=(\d+)/.exec(challenge)?.[1];
  if (salt === undefined || count === undefined) return undefined;
  return { salt: Buffer.from(salt, 'base64'), iterations: Number(count) };
}

function conditionOf(element: Element, ns: string): StreamCondition {
  const condition = elements(element).find((each) => each.getName() !== 'text' && each.getNS() === ns);
  const text = child(element, 'text', ns)?.getText().slice(0, MAX_TEXT_CHARS);
  return { condition: condition?.getName() ?? 'undefined-condition', text };
}

export function isStreamFeatures(element: Element): boolean {
  return is(element, 'features', NS.streams);
}

export function isStarttlsFailure(element: Element): boolean {
  return is(element, 'failure', NS.tls);
}

export function offersStarttls(features: Element): boolean {
  return child(features, 'starttls', NS.tls) !== undefined;
}

/** True when the server is ready to bind a resource (RFC 6120 §7): we are authenticated. */
export function offersBinding(features: Element): boolean {
  return child(features, 'bind', NS.bind) !== undefined;
}

/**
 * Takes back offers that the client library would use unasked: XEP-0388 (with its tokens kept
 * for later) and XEP-0198 (see entity/stream-management.ts), and STARTTLS where it is not wanted. Where it is,
 * it is all that is left: what is offered beside it, anybody on the line may have written (RFC 6120 §5.4.3.3).
 * Nothing is bound before there was a login (§7.1), and no session resumed (XEP-0198 §3).
 */
export function withoutUnwantedFeatures(
  features: Element,
  init: { readonly starttls: boolean; readonly bind: boolean },
): Element {
  if (init.starttls && offersStarttls(features)) {
    for (const each of elements(features)) if (!is(each, 'starttls', NS.tls)) features.remove(each);
    return features;
  }
  for (const [name, ns] of [
    ['authentication', NS.sasl2],
    ['sm', NS.streamManagement],
    ...(init.starttls ? [] : [['starttls', NS.tls] as const]),
    ...(init.bind ? [] : [['bind', NS.bind] as const]),
  ] as const) {
    for (const each of children(features, name, ns)) features.remove(each);
  }
  return features;
}
