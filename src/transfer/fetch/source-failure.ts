/** What a failed session says of the source: the one table from what Jingle throws to {@link SourceError}. */
import { LimitError, messageOf, ParseError, TimeoutError } from '../../errors.js';
import { FileNotAvailableError, SessionEndedError } from '../../jingle/file-session.js';
import { SessionFailedError } from '../../jingle/reason.js';
import { StanzaError, type StanzaErrorCondition } from '../../stanza/stanza-error.js';
import type { ReasonCondition } from '../../stanza/xep0166-jingle.js';
import { SourceError, type SourceErrorCode } from './range-source.js';

/** Reasons of XEP-0166 §7.4, as a peer gives them. */
const PEERS_REASONS: Readonly<Partial<Record<ReasonCondition, SourceErrorCode>>> = {
  busy: 'busy',
  decline: 'refused',
  'failed-application': 'refused',
  'incompatible-parameters': 'refused',
  'media-error': 'changed', // a sender's: the file is not what it was
  'security-error': 'refused',
  timeout: 'silent',
  'unsupported-applications': 'refused',
  'unsupported-transports': 'refused',
};

/** The same where we end it. */
const OUR_REASONS: Readonly<Partial<Record<ReasonCondition, SourceErrorCode>>> = {
  'failed-application': 'no-ranges', // other bytes than those asked for
  timeout: 'silent',
};

/** Conditions of RFC 6120 §8.3.3 that will not be others another time. */
const LASTING: Readonly<Partial<Record<StanzaErrorCondition, SourceErrorCode>>> = {
  'bad-request': 'refused',
  'feature-not-implemented': 'refused',
  forbidden: 'refused',
  'not-acceptable': 'refused',
  'not-allowed': 'refused',
  'not-authorized': 'refused',
  'registration-required': 'refused',
  'policy-violation': 'busy',
  'resource-constraint': 'busy',
};

export function sourceErrorOf(thrown: unknown): SourceError {
  if (thrown instanceof SourceError) return thrown;
  return new SourceError(codeOf(thrown), messageOf(thrown), { cause: thrown });
}

function codeOf(thrown: unknown): SourceErrorCode {
  if (thrown instanceof FileNotAvailableError) return 'not-available';
  if (thrown instanceof SessionEndedError) {
    if (thrown.condition === 'file-not-available') return 'not-available';
    return PEERS_REASONS[thrown.reason as ReasonCondition] ?? 'unreachable';
  }
  if (thrown instanceof SessionFailedError) {
    if (thrown.application === 'file-too-large') return 'too-many';
    return OUR_REASONS[thrown.condition] ?? 'unreachable';
  }
  if (thrown instanceof StanzaError) return LASTING[thrown.condition] ?? 'unreachable';
  if (thrown instanceof TimeoutError) return 'silent';
  if (thrown instanceof ParseError) return 'refused';
  return thrown instanceof LimitError ? 'busy' : 'unreachable';
}
