/**
 * Stanza errors (RFC 6120 §8.3), and the one table from our errors to what a peer may see.
 * Peers see a condition and a text that holds no local path.
 */
import { LimitError, ParseError, ShoalError } from '../errors.js';
import { NS } from './namespaces.js';
import { attribute, child, type Element, elements, xml } from './xml.js';

/** Conditions with the error type that RFC 6120 §8.3.3 gives them. */
export const StanzaErrorCondition = {
  'bad-request': 'modify',
  conflict: 'cancel',
  'feature-not-implemented': 'cancel',
  forbidden: 'auth',
  gone: 'cancel',
  'internal-server-error': 'cancel',
  'item-not-found': 'cancel',
  'jid-malformed': 'modify',
  'not-acceptable': 'modify',
  'not-allowed': 'cancel',
  'not-authorized': 'auth',
  'policy-violation': 'modify',
  'recipient-unavailable': 'wait',
  redirect: 'modify',
  'registration-required': 'auth',
  'remote-server-not-found': 'cancel',
  'remote-server-timeout': 'wait',
  'resource-constraint': 'wait',
  'service-unavailable': 'cancel',
  'subscription-required': 'auth',
  'undefined-condition': 'cancel',
  'unexpected-request': 'wait',
} as const;
export type StanzaErrorCondition = keyof typeof StanzaErrorCondition;
export type StanzaErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait';

/** An error that a peer answered, or that we answer a peer with. */
export class StanzaError extends ShoalError {
  readonly code = 'stanza';
  readonly type: StanzaErrorType;
  /** An application-specific condition (RFC 6120 §8.3.4). */
  readonly detail: Element | undefined;

  constructor(
    readonly condition: StanzaErrorCondition,
    readonly text?: string,
    options: { type?: StanzaErrorType; detail?: Element; cause?: unknown } = {},
  ) {
    super(text === undefined ? condition : `${condition}: ${text}`, { cause: options.cause });
    this.type = options.type ?? StanzaErrorCondition[condition];
    this.detail = options.detail;
  }
}

const MAX_TEXT_CHARS = 500; // what of a text is worth keeping, or sending

function isCondition(name: string): name is StanzaErrorCondition {
  return Object.hasOwn(StanzaErrorCondition, name);
}

/** Reads the error of a stanza of type `error`. Never throws: an unreadable one is `undefined-condition`. */
export function stanzaErrorOf(stanza: Element): StanzaError {
  const error = stanza.getChild('error');
  if (!error) return new StanzaError('undefined-condition');
  const known = elements(error).find((each) => each.getNS() === NS.stanzas && isCondition(each.getName()));
  const name = known?.getName() ?? '';
  const detail = elements(error).find((each) => each.getNS() !== NS.stanzas);
  const text = child(error, 'text', NS.stanzas)?.getText().slice(0, MAX_TEXT_CHARS);
  const type = attribute(error, 'type');
  return new StanzaError(isCondition(name) ? name : 'undefined-condition', text, {
    ...(type !== undefined && isType(type) && { type }),
    ...(detail !== undefined && { detail }),
  });
}

function isType(text: string): text is StanzaErrorType {
  return ['auth', 'cancel', 'continue', 'modify', 'wait'].includes(text);
}

/** Writes `<error/>`. */
export function stanzaErrorToXml(error: StanzaError): Element {
  return xml(
    'error',
    { type: error.type },
    xml(error.condition, { xmlns: NS.stanzas }),
    error.text !== undefined && xml('text', { xmlns: NS.stanzas, 'xml:lang': 'en' }, error.text),
    error.detail,
  );
}

/** What a peer is told of a failure while its request was handled. */
export function toStanzaError(thrown: unknown): StanzaError {
  if (thrown instanceof StanzaError) return thrown;
  // The message may repeat what the peer wrote, which may fill a stanza.
  if (thrown instanceof ParseError) {
    return new StanzaError('bad-request', thrown.message.slice(0, MAX_TEXT_CHARS));
  }
  if (thrown instanceof LimitError) return new StanzaError('resource-constraint', limitText(thrown));
  return new StanzaError('internal-server-error');
}

function limitText({ bound, retryAfterMs }: LimitError): string {
  const retry = retryAfterMs === undefined ? '' : `; try again in ${Math.ceil(retryAfterMs / 1000)} s`;
  return `over the limit '${bound}'${retry}`;
}
