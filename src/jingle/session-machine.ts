/**
 * A Jingle session (XEP-0166 §5.1) as a table: preparing, initiating and offered are the
 * initiator's PENDING, deciding and accepting the responder's. What happens to a content goes on
 * in `content-machine.ts`; the rows here say when the session hands it an action.
 *
 * An action of the peer's without a row is answered `<out-of-order/>`: a second session-initiate,
 * a session-accept to whom it isn't due.
 */
import { defineMachine, type Machine, rowsOf } from '../machine.js';
import type { QueuePlace } from '../stanza/transfer-queue.js';
import type { Content, ContentHint, ContentRef, Reason } from '../stanza/xep0166-jingle.js';
import type { FileInfo } from '../stanza/xep0234-file-transfer.js';
import type { TimeoutEvent } from './machine-runner.js';
import { ending, peersEnding, type SessionEnding, SessionFailedError } from './reason.js';
import type { JingleTimeouts } from './timeouts.js';

export type SessionState =
  /** Initiator: our side of the contents is being set up; the peer knows nothing yet. */
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
  | { readonly type: 'peer-accept'; readonly contents: readonly Content[] }
  | { readonly type: 'peer-terminate'; readonly reason: Reason | undefined }
  | { readonly type: 'peer-ping' }
  | { readonly type: 'peer-info'; readonly info: FileInfo }
  | { readonly type: 'peer-queue'; readonly place: QueuePlace }
  | { readonly type: 'peer-unknown-info' }
  | { readonly type: 'peer-description-info'; readonly contents: readonly ContentHint[] }
  | { readonly type: 'peer-content-add'; readonly contents: readonly Content[] }
  | { readonly type: 'peer-content-accept'; readonly contents: readonly Content[] }
  | {
      readonly type: 'peer-content-reject' | 'peer-content-remove';
      readonly contents: readonly ContentRef[];
      readonly reason: Reason | undefined;
    }
  | { readonly type: 'peer-content-modify'; readonly contents: readonly ContentRef[] };

export type SessionEffect =
  | { readonly type: 'send-initiate' }
  | { readonly type: 'send-accept' }
  | { readonly type: 'send-terminate'; readonly reason: Reason }
  /** Contents that wait for the session can be proposed, and accepted, from now on. */
  | { readonly type: 'advance' }
  /** The peer accepts contents of ours; where it does so for the session, those that it leaves out are rejected. */
  | {
      readonly type: 'take-accepted';
      readonly contents: readonly Content[];
      readonly of: 'session' | 'contents';
    }
  | { readonly type: 'take-added'; readonly contents: readonly Content[] }
  | {
      readonly type: 'take-rejected' | 'take-removed';
      readonly contents: readonly ContentRef[];
      readonly ending: SessionEnding;
    }
  | { readonly type: 'take-modified'; readonly contents: readonly ContentRef[] }
  | { readonly type: 'take-hints'; readonly contents: readonly ContentHint[] }
  | { readonly type: 'take-info'; readonly info: FileInfo }
  | { readonly type: 'take-queue'; readonly place: QueuePlace }
  /** The peer's iq gets this error. */
  | { readonly type: 'refuse'; readonly error: 'unsupported-info' }
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

/** XEP-0234 §6.5: a content that is taken away without a reason is one that nobody wants any more. */
function removal(reason: Reason | undefined): SessionEnding {
  return peersEnding(reason ?? { condition: 'cancel' });
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
      ['preparing', 'initiating', 'offered', 'deciding', 'accepting', 'active'],
      'unanswered',
      'XEP-0166 §6.3.2',
      (_, { error, late }) => (late ? tooLate('the peer did not answer') : lost(error)),
    ),
    // The acceptance may overtake the acknowledgement, which then finds the session active.
    ...rows(['initiating', 'offered'], 'peer-accept', 'XEP-0166 §6.5', (_, { contents }) => ({
      state: { type: 'active' },
      effects: [{ type: 'take-accepted', contents, of: 'session' }, { type: 'advance' }],
    })),
    ...rows('active', 'acknowledged', 'local', (state) => ({ state })),
    ...rows('offered', 'timeout', 'local', () => tooLate('the peer did not accept')),

    ...rows('deciding', 'accept', 'XEP-0166 §6.5', () => ({
      state: { type: 'accepting' },
      effects: [{ type: 'send-accept' }],
    })),
    ...rows('deciding', 'timeout', 'local', () => tooLate('no answer was found in time')),
    ...rows('accepting', 'acknowledged', 'XEP-0166 §6.5', () => ({
      state: { type: 'active' },
      effects: [{ type: 'advance' }],
    })),

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
    ...rows(known, 'peer-queue', 'local', (state, { place }) => ({
      state,
      effects: [{ type: 'take-queue', place }],
    })),
    ...rows(known, 'peer-unknown-info', 'XEP-0166 §6.8', (state) => ({
      state,
      effects: [{ type: 'refuse', error: 'unsupported-info' }],
    })),

    ...rows(known, 'peer-description-info', 'XEP-0166 §7.2.6', (state, { contents }) => ({
      state,
      effects: [{ type: 'take-hints', contents }],
    })),

    // XEP-0234 §6.3: in both directions, while others are under way.
    ...rows(known, 'peer-content-add', 'XEP-0166 §7.2.2', (state, { contents }) => ({
      state,
      effects: [{ type: 'take-added', contents }],
    })),
    ...rows(known, 'peer-content-accept', 'XEP-0166 §7.2.1', (state, { contents }) => ({
      state,
      effects: [{ type: 'take-accepted', contents, of: 'contents' }],
    })),
    ...rows(known, 'peer-content-reject', 'XEP-0166 §7.2.4', (state, { contents, reason }) => ({
      state,
      effects: [{ type: 'take-rejected', contents, ending: removal(reason) }],
    })),
    ...rows(known, 'peer-content-remove', 'XEP-0166 §7.2.5', (state, { contents, reason }) => ({
      state,
      effects: [{ type: 'take-removed', contents, ending: removal(reason) }],
    })),
    ...rows(known, 'peer-content-modify', 'XEP-0166 §7.2.3', (state, { contents }) => ({
      state,
      effects: [{ type: 'take-modified', contents }],
    })),
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
