/**
 * How a session ends: the one table from our errors to what a peer is told of them
 * (XEP-0166 §7.4). Peers get a condition and, where it helps them, a text that holds no local path.
 */
import { OfflineError, RefusedError, StanzaTooLargeError } from '../entity/entity.js';
import { AbortedError, LimitError, ParseError, ShoalError, TimeoutError } from '../errors.js';
import { StanzaError } from '../stanza/stanza-error.js';
import { type Reason, type ReasonCondition, stanzaCondition } from '../stanza/xep0166-jingle.js';
import { type FileErrorCondition, fileErrorToXml } from '../stanza/xep0234-file-transfer.js';
import { TransportFailedError } from '../transport/transport.js';
import {
  FileChangedError,
  FileNotAvailableError,
  FileTooLargeError,
  SessionEndedError,
} from './file-session.js';

/** Thrown where we end a session for a reason of its own: the peer was silent, broke a rule or asks for what we don't do. */
export class SessionFailedError extends ShoalError {
  readonly code = 'session-failed';
  constructor(
    readonly condition: ReasonCondition,
    message: string,
    readonly application?: FileErrorCondition,
  ) {
    super(message);
  }
}

/** How a session ended. Without an error it was a success. */
export interface SessionEnding {
  readonly reason: Reason;
  readonly error?: Error;
}

export function ending(reason: Reason, error?: Error): SessionEnding {
  return { reason, ...(error && { error }) };
}

/** The ending that a failure leads to. */
export function endingOf(error: Error): SessionEnding {
  return { reason: reasonOf(error), error };
}

const FAILURES = [
  AbortedError,
  FileChangedError,
  FileNotAvailableError,
  FileTooLargeError,
  LimitError,
  OfflineError,
  ParseError,
  RefusedError,
  SessionEndedError,
  SessionFailedError,
  StanzaError,
  StanzaTooLargeError,
  TimeoutError,
  TransportFailedError,
] as const;
type Failure = InstanceType<(typeof FAILURES)[number]>;

function isFailure(thrown: unknown): thrown is Failure {
  return FAILURES.some((each) => thrown instanceof each);
}

/** What the peer is told. Anything that isn't an error of ours is a `general-error` without words. */
export function reasonOf(thrown: unknown): Reason {
  if (!isFailure(thrown)) return { condition: 'general-error' };
  switch (thrown.code) {
    case 'file-not-available':
      return { condition: 'failed-application', application: fileErrorToXml('file-not-available') }; // XEP-0234 §9.1
    case 'file-too-large':
      return { condition: 'media-error', application: fileErrorToXml('file-too-large') }; // §9.2
    case 'file-changed':
      return { condition: 'media-error', text: 'the file changed while it was being sent' };
    case 'limit':
      return { condition: 'busy' };
    case 'parse':
      return {
        condition: 'failed-application',
        text: thrown.message,
        application: stanzaCondition('bad-request'),
      };
    case 'session-failed':
      return {
        condition: thrown.condition,
        text: thrown.message,
        ...(thrown.application && { application: fileErrorToXml(thrown.application) }),
      };
    case 'transport-failed':
      return { condition: 'failed-transport' };
    case 'timeout':
      return { condition: 'timeout' };
    case 'aborted':
      return { condition: 'cancel' };
    case 'session-ended': // the other session of a transfer that we pass on
      return { condition: 'cancel' };
    case 'offline':
    case 'refused':
      return { condition: 'gone' };
    case 'stanza':
    case 'stanza-too-large':
      return { condition: 'general-error' };
    default: {
      const none: never = thrown;
      return none;
    }
  }
}

/** The peer's reason; one that gives none is taken to have ended it in good order (XEP-0166 §6.7: SHOULD include). */
export function peersEnding(reason: Reason | undefined): SessionEnding {
  const given = reason ?? { condition: 'success' };
  if (given.condition === 'success') return ending(given);
  return ending(given, new SessionEndedError(given.condition, given.text, given.application?.getName()));
}

/** What was thrown, as an error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
