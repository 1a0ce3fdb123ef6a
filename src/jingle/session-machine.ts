/**
 * A Jingle session (XEP-0166 §5.1) as a table: preparing, initiating and offered are the
 * initiator's PENDING, deciding and accepting the responder's. What happens to the content goes
 * on in `content-machine.ts`.
 *
 * An action of the peer's without a row is answered `<out-of-order/>`: a second
 * session-initiate, a session-accept to whom it isn't due, an answer to a content-add that we
 * never sent.
 */
import { defineMachine, type Machine, rowsOf } from '../machine.js';
import type { ContentRef, Reason } from '../stanza/xep0166-jingle.js';
import type { FileInfo } from '../stanza/xep0234-file-transfer.js';
import { SessionEndedError } from './file-session.js';
import type { TimeoutEvent } from './machine-runner.js';
import { ending, type SessionEnding, SessionFailedError } from './reason.js';
import type { JingleTimeouts } from './timeouts.js';

export type SessionState =
  /** Initiator: our side of the transport is being set up; the peer knows nothing yet. */
  | { readonly type: 'preparing' }
  /** Our session-initiate is on its way. */
  | { readonly type: 'initiating' }
  /** It is acknowledged; the peer decides. */
  | { readonly type: 'offered' }
  /** Responder: the peer's session-initiate is acknowledged; we decide. */
  | { readonly type: 'deciding' }
  /** Our session-accept is on its way. */
  | { readonly type: 'accepting' }
  | { readonly type: 'active' }
  /** We sent session-terminate. */
  | { readonly type: 'ended-here'; readonly ending: SessionEnding }
  /** The peer did. */
  | { readonly type: 'ended-by-peer'; readonly ending: SessionEnding }
  /** The peer can't be reached, refused the session at once or has forgotten it: nobody is to be told. */
  | { readonly type: 'lost'; readonly ending: SessionEnding };

export type SessionEvent =
  | { readonly type: 'prepared' }
  | { readonly type: 'acknowledged' }
  /** An action of ours got an error that ends the session, or no answer in time, or could not be sent. */
  | { readonly type: 'unanswered'; readonly error: Error; readonly late: boolean }
  /** We take the session. */
  | { readonly type: 'accept' }
  /** We end the session. */
  | { readonly type: 'end'; readonly ending: SessionEnding }
  | TimeoutEvent
  | { readonly type: 'peer-initiate' }
  | { readonly type: 'peer-accept' }
  | { readonly type: 'peer-terminate'; readonly reason: Reason | undefined }
  | { readonly type: 'peer-ping' }
  | { readonly type: 'peer-info'; readonly info: FileInfo }
  | { readonly type: 'peer-unknown-info' }
  | { readonly type: 'peer-content-add'; readonly contents: readonly ContentRef[] }
  | { readonly type: 'peer-content-modify' }
  | { readonly type: 'peer-content-remove'; readonly reason: Reason | undefined }
  | { readonly type: 'peer-content-accept' }
  | { readonly type: 'peer-content-reject' };

export type SessionEffect =
  | { readonly type: 'send-initiate' }
  | { readonly type: 'send-accept' }
  | { readonly type: 'send-terminate'; readonly reason: Reason }
  | { readonly type: 'send-content-reject'; readonly contents: readonly ContentRef[] }
  /** Both sides have said yes: the content may connect. */
  | { readonly type: 'activate' }
  | { readonly type: 'take-info'; readonly info: FileInfo }
  /** The peer's iq gets this error. */
  | { readonly type: 'refuse'; readonly error: 'unsupported-info' | 'not-acceptable' }
  /** The session is over: stanzas with its sid get `<unknown-session/>` from now on. */
  | { readonly type: 'over'; readonly ending: SessionEnding };

const rows = rowsOf<SessionState, SessionEvent, SessionEffect>();
type Live = 'preparing' | 'initiating' | 'offered' | 'deciding' | 'accepting' | 'active';
/** The states in which the peer knows of the session. */
const known = ['initiating', 'offered', 'deciding', 'accepting', 'active'] as const satisfies Live[];

function endHere(end: SessionEnding) {
  return {
    state: { type: 'ended-here', ending: end },
    effects: [
      { type: 'send-terminate', reason: end.reason },
      { type: 'over', ending: end },
    ],
  } as const;
}

function lost(error: Error) {
  const end = ending({ condition: 'connectivity-error' }, error);
  return { state: { type: 'lost', ending: end }, effects: [{ type: 'over', ending: end }] } as const;
}

function tooLate(message: string) {
  return endHere(ending({ condition: 'timeout' }, new SessionFailedError('timeout', message)));
}

/** The peer's reason; one that gives none is taken to have ended it in good order (§6.7: SHOULD include). */
function peersEnding(reason: Reason | undefined): SessionEnding {
  const given = reason ?? { condition: 'success' };
  if (given.condition === 'success') return ending(given);
  return ending(given, new SessionEndedError(given.condition, given.text, given.application?.getName()));
}

export const sessionMachine: Machine<SessionState, SessionEvent, SessionEffect> = defineMachine(
  'jingle-session',
  [
    ...rows('preparing', 'prepared', 'XEP-0166 §6.2', () => ({
      state: { type: 'initiating' },
      effects: [{ type: 'send-initiate' }],
    })),
    ...rows('preparing', 'end', 'local', (_, { ending: end }) => ({
      state: { type: 'lost', ending: end },
      effects: [{ type: 'over', ending: end }],
    })),
    ...rows('preparing', 'timeout', 'local', () =>
      lost(new SessionFailedError('timeout', 'our side of the transport took too long')),
    ),

    ...rows('initiating', 'acknowledged', 'XEP-0166 §6.3.1', () => ({ state: { type: 'offered' } })),
    // The iq's own timeout is the timeout of initiating and accepting: it comes as `unanswered`.
    ...rows(
      ['preparing', 'initiating', 'offered', 'accepting', 'active'],
      'unanswered',
      'XEP-0166 §6.3.2',
      (_, { error, late }) => (late ? tooLate('the peer did not answer') : lost(error)),
    ),
    // The acceptance may overtake the acknowledgement, which then finds the session active.
    ...rows(['initiating', 'offered'], 'peer-accept', 'XEP-0166 §6.5', () => ({
      state: { type: 'active' },
      effects: [{ type: 'activate' }],
    })),
    ...rows('active', 'acknowledged', 'local', (state) => ({ state })),
    ...rows('offered', 'timeout', 'local', () => tooLate('the peer did not accept')),

    ...rows('deciding', 'accept', 'XEP-0166 §6.5', () => ({
      state: { type: 'accepting' },
      effects: [{ type: 'send-accept' }, { type: 'activate' }],
    })),
    ...rows('deciding', 'timeout', 'local', () => tooLate('no answer was found in time')),
    ...rows('accepting', 'acknowledged', 'XEP-0166 §6.5', () => ({ state: { type: 'active' } })),

    ...rows(known, 'end', 'XEP-0166 §6.7', (_, { ending: end }) => endHere(end)),
    ...rows(known, 'peer-terminate', 'XEP-0166 §6.7', (_, { reason }) => {
      const end = peersEnding(reason);
      return { state: { type: 'ended-by-peer', ending: end }, effects: [{ type: 'over', ending: end }] };
    }),

    ...rows(known, 'peer-ping', 'XEP-0166 §6.8', (state) => ({ state })),
    ...rows(known, 'peer-info', 'XEP-0234 §8', (state, { info }) => ({
      state,
      effects: [{ type: 'take-info', info }],
    })),
    ...rows(known, 'peer-unknown-info', 'XEP-0166 §6.8', (state) => ({
      state,
      effects: [{ type: 'refuse', error: 'unsupported-info' }],
    })),

    ...rows(known, 'peer-content-add', 'XEP-0166 §7.2.2', (state, { contents }) => ({
      state,
      effects: [{ type: 'send-content-reject', contents }],
    })),
    // §7.2.3: whoever doesn't want the new direction may refuse to move bytes in it; we say so at once.
    ...rows(known, 'peer-content-modify', 'XEP-0166 §7.2.3', (state) => ({
      state,
      effects: [{ type: 'refuse', error: 'not-acceptable' }],
    })),
    // It was the only content, and a session without one is void.
    ...rows(known, 'peer-content-remove', 'XEP-0166 §7.2.5', (_, { reason }) => {
      const given: Reason = { condition: reason?.condition ?? 'cancel' };
      return endHere(
        ending(given, new SessionEndedError(given.condition, reason?.text, reason?.application?.getName())),
      );
    }),
  ],
);

/** Which timeout bounds a state. */
export const sessionWaits: Readonly<Record<SessionState['type'], keyof JingleTimeouts | undefined>> = {
  preparing: 'prepareMs',
  initiating: undefined, // by the iq
  offered: 'acceptMs',
  deciding: 'decideMs',
  accepting: undefined, // by the iq
  active: undefined, // by the content
  'ended-here': undefined,
  'ended-by-peer': undefined,
  lost: undefined,
};
