/**
 * One content of a session as a table: its transport is agreed, falls back where it fails
 * (XEP-0260 §3), carries the bytes and is done with. Both directions of bytes are here; `sends`
 * says which one it is.
 *
 * A transport that breaks while it carries bytes ends the session, after a moment in which the
 * peer may say why; what is missing is fetched by range in a session of its own.
 *
 * Only the peer's transport actions are answered `<out-of-order/>` where they have no row. Events
 * of our own side have none where they come too late to matter.
 */
import { defineMachine, type Machine, rowsOf } from '../machine.js';
import type { JingleRole } from '../stanza/xep0166-jingle.js';
import type { TransportType } from '../transport/transport.js';
import type { TimeoutEvent } from './machine-runner.js';
import { ending, endingOf, type SessionEnding, SessionFailedError } from './reason.js';
import type { JingleTimeouts } from './timeouts.js';

/** What every state knows. */
export interface ContentPlan {
  /** Our role in the session. */
  readonly role: JingleRole;
  readonly sends: boolean;
  /** What carries the bytes, or is being agreed. */
  readonly transport: TransportType;
  /** Ours to propose next, in this order. */
  readonly untried: readonly TransportType[];
  /** How often the transport may still be replaced at the peer's wish: each time costs a listener. */
  readonly replacesLeft: number;
}

export type ContentState = ContentPlan &
  (
    | { readonly type: 'offered' }
    /** Both sides have described the transport. */
    | { readonly type: 'connecting' }
    /** It failed, and replacing it is the initiator's task. */
    | { readonly type: 'awaiting-replace' }
    /** We proposed `transport`. */
    | { readonly type: 'replacing' }
    /** The peer did, and we make our side of it. */
    | { readonly type: 'answering' }
    | { readonly type: 'moving' }
    /** Sender: all bytes are in the stream. */
    | { readonly type: 'flushing' }
    /** Receiver: all bytes are here, the promised checksum is not. */
    | { readonly type: 'checking' }
    /** All bytes have moved; the receiver has the last word. */
    | { readonly type: 'delivered' }
    /** Sender: the receiver is done, its session-terminate is due. */
    | { readonly type: 'closing' }
    /** The stream broke; the peer may still say why. */
    | { readonly type: 'broken'; readonly error: Error; readonly allGiven: boolean }
    /** Receiver: the sender ended the session before its last bytes came out of the stream. */
    | { readonly type: 'draining' }
    | { readonly type: 'done' }
    | { readonly type: 'failed'; readonly error: Error }
  );

export type ContentEvent =
  /** The session was accepted, by whichever side it was due. */
  | { readonly type: 'accepted' }
  | { readonly type: 'connected' }
  | { readonly type: 'connect-failed'; readonly error: Error }
  | { readonly type: 'peer-replace'; readonly transport: TransportType }
  /** With a transport that we don't have, or can't use as described. */
  | { readonly type: 'peer-replace-unusable' }
  | { readonly type: 'peer-replace-accepted' }
  /** Rejected, accepted in a way that we can't use, or impossible on our own side. */
  | { readonly type: 'replace-failed'; readonly error: Error }
  /** The initiator's own proposal overrules ours (XEP-0166 §7.2.16). */
  | { readonly type: 'replace-overruled' }
  | { readonly type: 'replace-answered' }
  /** Sender: the last byte was written. */
  | { readonly type: 'all-given' }
  | { readonly type: 'flushed' }
  /** Receiver: the last byte was read. */
  | { readonly type: 'all-received'; readonly checksumDue: boolean }
  | { readonly type: 'too-much' }
  | { readonly type: 'checksum' }
  /** The peer's `<received/>`. */
  | { readonly type: 'received' }
  | { readonly type: 'stream-closed' }
  | { readonly type: 'stream-failed'; readonly error: Error }
  /** Sender: the file can't be read on. */
  | { readonly type: 'source-failed'; readonly error: Error }
  /** Our side has its verdict: the receiver's check of the bytes, or a wish to give up. */
  | { readonly type: 'finish'; readonly ending: SessionEnding }
  /** The session ended elsewhere. `allGiven`: every byte has been written into the stream. */
  | { readonly type: 'session-ended'; readonly ending: SessionEnding; readonly allGiven: boolean }
  | TimeoutEvent;

export type ContentEffect =
  | { readonly type: 'connect' }
  /** Give up the transport being agreed. */
  | { readonly type: 'abandon' }
  | { readonly type: 'propose'; readonly transport: TransportType }
  | { readonly type: 'answer-replace' }
  | { readonly type: 'reject-replace' }
  /** The peer's iq gets the error `<tie-break/>`. */
  | { readonly type: 'tie-break' }
  | { readonly type: 'move' }
  | { readonly type: 'send-checksum' }
  /** Receiver: the reader of the bytes may see their end. */
  | { readonly type: 'end-stream' }
  | { readonly type: 'end-session'; readonly ending: SessionEnding };

type Result = { state: ContentState; effects?: readonly ContentEffect[] };
const rows = rowsOf<ContentState, ContentEvent, ContentEffect>();

const success: SessionEnding = ending({ condition: 'success' });

/** The session is to end, and this content has failed with it. */
function fail(plan: ContentPlan, end: SessionEnding): Result {
  const error = end.error ?? new SessionFailedError(end.reason.condition, 'given up');
  return {
    state: { ...planOf(plan), type: 'failed', error },
    effects: [{ type: 'abandon' }, { type: 'end-session', ending: end }],
  };
}

function failed(plan: ContentPlan, end: SessionEnding): Result {
  const error =
    end.error ?? new SessionFailedError('success', 'the session ended before all bytes were there');
  return { state: { ...planOf(plan), type: 'failed', error }, effects: [{ type: 'abandon' }] };
}

function timedOut(plan: ContentPlan, message: string): Result {
  return fail(plan, endingOf(new SessionFailedError('timeout', message)));
}

function done(plan: ContentPlan, ...effects: ContentEffect[]): Result {
  return { state: { ...planOf(plan), type: 'done' }, effects };
}

/** A plan without what only one state has. */
function planOf({ role, sends, transport, untried, replacesLeft }: ContentPlan): ContentPlan {
  return { role, sends, transport, untried, replacesLeft };
}

function proposeNext(plan: ContentPlan, error: Error): Result {
  const [next, ...untried] = plan.untried;
  if (next === undefined) return fail(plan, ending({ condition: 'failed-transport' }, error));
  return {
    state: { ...planOf(plan), type: 'replacing', transport: next, untried },
    effects: [{ type: 'abandon' }, { type: 'propose', transport: next }],
  };
}

/** XEP-0260 §3: replacing is the initiator's task. The responder waits for it, if anything is left to try. */
function transportFailed(plan: ContentPlan, error: Error): Result {
  if (plan.role === 'initiator') return proposeNext(plan, error);
  if (plan.untried.length === 0) return fail(plan, ending({ condition: 'failed-transport' }, error));
  return { state: { ...planOf(plan), type: 'awaiting-replace' }, effects: [{ type: 'abandon' }] };
}

function takeReplacement(state: ContentState, transport: TransportType, untried = state.untried): Result {
  if (state.replacesLeft === 0) return rejectReplacement(state);
  return {
    state: {
      ...planOf(state),
      type: 'answering',
      transport,
      untried: untried.filter((each) => each !== transport),
      replacesLeft: state.replacesLeft - 1,
    },
    effects: [{ type: 'abandon' }, { type: 'answer-replace' }],
  };
}

/** §7.2.15: a transport that isn't wanted is rejected; what was agreed before stays. */
function rejectReplacement(state: ContentState): Result {
  return { state, effects: [{ type: 'reject-replace' }] };
}

function noTransport(): Error {
  return new SessionFailedError('failed-transport', 'no transport could be agreed in time');
}

const agreeing = ['offered', 'connecting', 'awaiting-replace', 'replacing', 'answering'] as const;
const carrying = ['moving', 'flushing', 'checking', 'delivered', 'closing', 'broken'] as const;

export const contentMachine: Machine<ContentState, ContentEvent, ContentEffect> = defineMachine(
  'jingle-content',
  [
    // Agreeing on a transport.
    ...rows('offered', 'accepted', 'XEP-0260 §2.3', (state) => ({
      state: { ...state, type: 'connecting' },
      effects: [{ type: 'connect' }],
    })),
    ...rows('connecting', 'connected', 'XEP-0260 §2.5', (state) => ({
      state: { ...state, type: 'moving' },
      effects: [{ type: 'move' }],
    })),
    ...rows('connecting', 'connect-failed', 'XEP-0260 §3', (state, { error }) =>
      transportFailed(state, error),
    ),
    ...rows('connecting', 'timeout', 'XEP-0260 §3', (state) => transportFailed(state, noTransport())),
    // COMPAT: an initiator that never falls back (a known fault of several): then we do.
    ...rows('awaiting-replace', 'timeout', 'local', (state) => proposeNext(state, noTransport())),

    // The peer's transport-replace.
    ...rows(['connecting', 'awaiting-replace'], 'peer-replace', 'XEP-0166 §7.2.15', (state, { transport }) =>
      takeReplacement(state, transport),
    ),
    ...rows('replacing', 'peer-replace', 'XEP-0166 §7.2.16', (state, { transport }) =>
      state.role === 'initiator'
        ? { state, effects: [{ type: 'tie-break' }] }
        : takeReplacement(state, transport, [state.transport, ...state.untried]),
    ),
    // Before the session is accepted, and once bytes move, we stay with what there is.
    ...rows(['offered', 'answering', ...carrying], 'peer-replace', 'XEP-0166 §7.2.15', (state) =>
      rejectReplacement(state),
    ),
    ...rows([...agreeing, ...carrying], 'peer-replace-unusable', 'XEP-0166 §7.2.15', (state) =>
      rejectReplacement(state),
    ),
    ...rows('answering', 'replace-answered', 'XEP-0166 §7.2.12', (state) => ({
      state: { ...state, type: 'connecting' },
      effects: [{ type: 'connect' }],
    })),
    ...rows('answering', 'replace-failed', 'XEP-0166 §7.2.15', (state) => ({
      state: { ...state, type: 'awaiting-replace' },
      effects: [{ type: 'abandon' }, { type: 'reject-replace' }],
    })),
    ...rows('answering', 'timeout', 'local', (state) =>
      timedOut(state, 'our side of the transport took too long'),
    ),

    // Our own.
    ...rows('replacing', 'peer-replace-accepted', 'XEP-0166 §7.2.12', (state) => ({
      state: { ...state, type: 'connecting' },
      effects: [{ type: 'connect' }],
    })),
    ...rows('replacing', 'replace-failed', 'XEP-0166 §7.2.14', (state, { error }) =>
      proposeNext(state, error),
    ),
    ...rows('replacing', 'replace-overruled', 'XEP-0166 §7.2.16', (state) => ({
      state: { ...state, type: 'awaiting-replace', untried: [state.transport, ...state.untried] },
      effects: [{ type: 'abandon' }],
    })),
    ...rows('replacing', 'timeout', 'local', (state) =>
      timedOut(state, 'transport-replace was not answered'),
    ),

    // The bytes.
    ...rows('moving', 'all-given', 'XEP-0234 §8.2', (state) => ({
      state: { ...state, type: 'flushing' },
      effects: [{ type: 'send-checksum' }],
    })),
    ...rows('flushing', 'flushed', 'local', (state) => ({ state: { ...state, type: 'delivered' } })),
    ...rows(['moving', 'draining'], 'all-received', 'XEP-0234 §8.2', (state, { checksumDue }) => {
      if (state.type === 'draining') return done(state, { type: 'end-stream' });
      if (checksumDue) return { state: { ...state, type: 'checking' } };
      return { state: { ...state, type: 'delivered' }, effects: [{ type: 'end-stream' }] };
    }),
    ...rows('checking', 'checksum', 'XEP-0234 §8.2', (state) => ({
      state: { ...state, type: 'delivered' },
      effects: [{ type: 'end-stream' }],
    })),
    ...rows('checking', 'timeout', 'XEP-0234 §8.2', (state) => ({
      // The sender SHOULD tell it; whether the bytes can do without is for their reader to say.
      state: { ...state, type: 'delivered' },
      effects: [{ type: 'end-stream' }],
    })),
    ...rows(['moving', 'checking', 'delivered'], 'too-much', 'XEP-0234 §9.2', (state) =>
      fail(
        state,
        endingOf(new SessionFailedError('media-error', 'more bytes than announced', 'file-too-large')),
      ),
    ),
    ...rows('draining', 'too-much', 'XEP-0234 §9.2', (state) =>
      failed(
        state,
        ending(
          { condition: 'media-error' },
          new SessionFailedError('media-error', 'more bytes than announced'),
        ),
      ),
    ),
    ...rows(['moving', 'flushing'], 'timeout', 'local', (state) =>
      timedOut(state, 'no byte moved for too long'),
    ),
    ...rows(['moving', 'flushing'], 'source-failed', 'XEP-0166 §6.7', (state, { error }) =>
      fail(state, endingOf(error)),
    ),

    // The stream's end.
    ...rows(['moving', 'flushing'], 'stream-failed', 'XEP-0166 §7.4', (state, { error }) => ({
      state: { ...state, type: 'broken', error, allGiven: state.type === 'flushing' },
    })),
    // The sender can't know yet whether the receiver had them all; a receiver that has them needs no stream.
    ...rows('delivered', 'stream-failed', 'local', (state, { error }) =>
      state.sends ? { state: { ...state, type: 'broken', error, allGiven: true } } : { state },
    ),
    ...rows('draining', 'stream-failed', 'local', (state, { error }) => failed(state, endingOf(error))),
    ...rows('delivered', 'stream-closed', 'XEP-0065 §6.3', (state) => ({
      state: state.sends ? { ...state, type: 'closing' } : state,
    })),
    ...rows('broken', 'timeout', 'XEP-0166 §7.4', (state) =>
      fail(state, ending({ condition: 'connectivity-error' }, state.error)),
    ),

    // Who ends it.
    ...rows(['flushing', 'delivered', 'closing'], 'received', 'XEP-0234 §8.1', (state) => ({
      state: state.sends ? { ...state, type: 'closing' } : state,
    })),
    // COMPAT: Gajim 1.7.3 and others send no session-terminate after receiving.
    ...rows('closing', 'timeout', 'XEP-0234 §6.6', (state) =>
      done(state, { type: 'end-session', ending: success }),
    ),
    ...rows('delivered', 'timeout', 'XEP-0234 §6.6', (state) =>
      state.sends
        ? done(state, { type: 'end-session', ending: success })
        : timedOut(state, 'the bytes were not judged in time'),
    ),
    ...rows(['delivered', 'checking'], 'finish', 'XEP-0234 §6.6', (state, { ending: end }) =>
      end.error
        ? fail(state, end)
        : done(state, { type: 'end-stream' }, { type: 'end-session', ending: end }),
    ),
    ...rows(
      [...agreeing, 'moving', 'flushing', 'closing', 'broken'],
      'finish',
      'XEP-0234 §6.5',
      (state, { ending: end }) => fail(state, end),
    ),
    ...rows('draining', 'finish', 'XEP-0234 §6.5', (state, { ending: end }) => failed(state, end)),
    ...rows(agreeing, 'session-ended', 'XEP-0166 §6.7', (state, { ending: end }) => failed(state, end)),
    // Either side ending first is success when all bytes are there (XEP-0234 §6.6: "either party").
    ...rows('moving', 'session-ended', 'XEP-0234 §6.6', (state, { ending: end, allGiven }) => {
      if (end.error) return failed(state, end);
      if (!state.sends) return { state: { ...state, type: 'draining' } };
      return allGiven ? done(state) : failed(state, end);
    }),
    ...rows(
      ['flushing', 'delivered', 'closing'],
      'session-ended',
      'XEP-0234 §6.6',
      (state, { ending: end }) => (end.error ? failed(state, end) : done(state)),
    ),
    ...rows('checking', 'session-ended', 'XEP-0234 §6.6', (state, { ending: end }) =>
      end.error ? failed(state, end) : done(state, { type: 'end-stream' }),
    ),
    ...rows('broken', 'session-ended', 'XEP-0166 §6.7', (state, { ending: end }) =>
      state.allGiven && !end.error
        ? done(state)
        : failed(state, end.error ? end : ending(end.reason, state.error)),
    ),
    ...rows('draining', 'timeout', 'local', (state) =>
      failed(
        state,
        ending({ condition: 'timeout' }, new SessionFailedError('timeout', 'the last bytes never came')),
      ),
    ),
  ],
);

/** Which timeout bounds a state. `offered` is bounded by the session's own. */
export const contentWaits: Readonly<Record<ContentState['type'], keyof JingleTimeouts | undefined>> = {
  offered: undefined,
  connecting: 'connectMs',
  'awaiting-replace': 'fallbackMs',
  replacing: 'replaceMs',
  answering: 'replaceMs',
  moving: 'idleMs',
  flushing: 'idleMs',
  checking: 'checksumMs',
  delivered: 'finishMs',
  closing: 'closeMs',
  broken: 'reasonMs',
  draining: 'idleMs',
  done: undefined,
  failed: undefined,
};

/** The states in which a wait starts anew as long as bytes move. */
export function movesBytes(state: ContentState['type']): boolean {
  return state === 'moving' || state === 'flushing' || state === 'draining';
}
