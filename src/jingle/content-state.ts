/**
 * What a content of a session can be in, what can happen to it and what it then asks for: the
 * vocabulary of `content-machine.ts`, and the steps that several of its rows take.
 */
import { rowsOf } from '../machine.js';
import type { JingleRole } from '../stanza/xep0166-jingle.js';
import type { TransportType } from '../transport/transport.js';
import type { TimeoutEvent } from './machine-runner.js';
import { ending, endingOf, type SessionEnding, SessionFailedError } from './reason.js';

/** What every state knows. */
export interface ContentPlan {
  /** Our role in the session. */
  readonly role: JingleRole;
  readonly sends: boolean;
  /** Every transport that we have, in our order. */
  readonly all: readonly TransportType[];
  /** What carries the bytes, or is being agreed. */
  readonly transport: TransportType;
  /** Ours to propose next, in this order. */
  readonly untried: readonly TransportType[];
  /** How often the transport may still be replaced at the peer's wish: each time costs a listener. */
  readonly replacesLeft: number;
  /** How often a transport that broke may still be replaced: a peer can make it break. */
  readonly resumesLeft: number;
  /**
   * Whether a transport has broken while it carried bytes and, if so, whether both sides know at
   * which byte the next one goes on.
   */
  readonly interruption: 'none' | 'unplaced' | 'placed';
}

export type ContentState = ContentPlan &
  // Ours: our side of it is being set up; the peer knows nothing yet.
  (
    | { readonly type: 'preparing' }
    /** The peer's: we decide, and set up our side. */
    | { readonly type: 'deciding' }
    /** Our side is described, and the session has yet to send it. */
    | { readonly type: 'ready' }
    /** Ours, and the peer knows of it. */
    | { readonly type: 'proposed' }
    /** Both sides have described the transport. */
    | { readonly type: 'connecting' }
    /** It failed, and replacing it is the initiator's task. */
    | { readonly type: 'awaiting-replace' }
    /** We proposed `transport`. */
    | { readonly type: 'replacing' }
    /** The peer did, and we make our side of it. */
    | { readonly type: 'answering' }
    | { readonly type: 'moving' }
    /** Receiver: the stream broke, and the peer is being told where to go on. */
    | { readonly type: 'telling'; readonly error: Error }
    /** Sender: all bytes are in the stream. */
    | { readonly type: 'flushing' }
    /** Receiver: all bytes are here, the promised checksum is not. */
    | { readonly type: 'checking' }
    /** All bytes have moved; the receiver has the last word. */
    | { readonly type: 'delivered' }
    /** Sender: the receiver is done, its session-terminate is due. */
    | { readonly type: 'closing' }
    /** The stream broke; the peer may still say why or, to the sender, where to go on. */
    | {
        readonly type: 'broken';
        readonly error: Error;
        readonly allGiven: boolean;
        readonly peerResumes: boolean;
      }
    /** Receiver: the sender ended the session before its last bytes came out of the stream. */
    | { readonly type: 'draining' }
    | { readonly type: 'done' }
    | { readonly type: 'failed'; readonly error: Error }
  );

export type ContentEvent =
  /** Our side is described. */
  | { readonly type: 'described' }
  /** The session has sent it to the peer. */
  | { readonly type: 'sent' }
  /** It was accepted, by whichever side it was due. */
  | { readonly type: 'accepted' }
  /** The peer doesn't take it. */
  | { readonly type: 'rejected'; readonly ending: SessionEnding }
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
  /** Sender: the receiver says where to go on. */
  | { readonly type: 'peer-position' }
  /** Receiver: the sender has heard where to go on, or won't. */
  | { readonly type: 'position-taken' }
  | { readonly type: 'position-refused'; readonly error: Error }
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
  /** `peerResumes`, to a sender: the receiver has said that it can tell where to go on. */
  | { readonly type: 'stream-failed'; readonly error: Error; readonly peerResumes: boolean }
  /** Sender: the file can't be read on. */
  | { readonly type: 'source-failed'; readonly error: Error }
  /** Our side has its verdict: the receiver's check of the bytes, or a wish to give up. */
  | { readonly type: 'finish'; readonly ending: SessionEnding }
  /** The session, or this content of it, was ended elsewhere. `allGiven`: every byte has been written into the stream. */
  | { readonly type: 'ended'; readonly ending: SessionEnding; readonly allGiven: boolean }
  | TimeoutEvent;

export type ContentEffect =
  | { readonly type: 'connect' }
  /** Give up the transport being agreed. */
  | { readonly type: 'abandon' }
  /** Let go of the stream that carried the bytes; another one goes on. */
  | { readonly type: 'interrupt' }
  | { readonly type: 'propose'; readonly transport: TransportType }
  | { readonly type: 'answer-replace' }
  | { readonly type: 'reject-replace' }
  /** The peer's iq gets the error `<tie-break/>`. */
  | { readonly type: 'tie-break' }
  | { readonly type: 'tell-position' }
  | { readonly type: 'take-position' }
  /** The peer's iq gets an error: there is nothing to go on with. */
  | { readonly type: 'refuse-position' }
  | { readonly type: 'move' }
  | { readonly type: 'send-checksum' }
  /** Receiver: the reader of the bytes may see their end. */
  | { readonly type: 'end-stream' }
  /** Sender: it is taken for a success though nothing says that the bytes arrived. */
  | { readonly type: 'unconfirmed' }
  /** The content is over, by our own doing or at the peer's word: so is the session, if it was the last one. */
  | { readonly type: 'conclude'; readonly ending: SessionEnding; readonly by: 'us' | 'peer' };

export interface ContentResult {
  state: ContentState;
  effects?: readonly ContentEffect[];
}

export const contentRows = rowsOf<ContentState, ContentEvent, ContentEffect>();
export const success: SessionEnding = ending({ condition: 'success' });

/** A plan without what only one state has. */
export function planOf({
  role,
  sends,
  all,
  transport,
  untried,
  replacesLeft,
  resumesLeft,
  interruption,
}: ContentPlan): ContentPlan {
  return { role, sends, all, transport, untried, replacesLeft, resumesLeft, interruption };
}

/** This content has failed: the peer is to be told. */
export function fail(plan: ContentPlan, end: SessionEnding, by: 'us' | 'peer' = 'us'): ContentResult {
  const error = end.error ?? new SessionFailedError(end.reason.condition, 'given up');
  return {
    state: { ...planOf(plan), type: 'failed', error },
    effects: [{ type: 'abandon' }, { type: 'conclude', ending: end, by }],
  };
}

/** It has failed with its session. */
export function failed(plan: ContentPlan, end: SessionEnding): ContentResult {
  const error =
    end.error ?? new SessionFailedError('success', 'the session ended before all bytes were there');
  return { state: { ...planOf(plan), type: 'failed', error }, effects: [{ type: 'abandon' }] };
}

export function timedOut(plan: ContentPlan, message: string): ContentResult {
  return fail(plan, endingOf(new SessionFailedError('timeout', message)));
}

export function done(plan: ContentPlan, ...effects: ContentEffect[]): ContentResult {
  return { state: { ...planOf(plan), type: 'done' }, effects };
}

/** Proposes the next transport that was not tried; without one the content fails. */
export function proposeNext(plan: ContentPlan, error: Error): ContentResult {
  const [next, ...untried] = plan.untried;
  if (next === undefined) return fail(plan, ending({ condition: 'failed-transport' }, error));
  return {
    state: { ...planOf(plan), type: 'replacing', transport: next, untried },
    effects: [{ type: 'abandon' }, { type: 'propose', transport: next }],
  };
}

/** Takes up the peer's transport, or rejects it where it has replaced often enough. */
export function takeReplacement(
  state: ContentState,
  transport: TransportType,
  untried = state.untried,
): ContentResult {
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

/** XEP-0166 §7.2.15: a transport that isn't wanted is rejected; what was agreed before stays. */
export function rejectReplacement(state: ContentState): ContentResult {
  return { state, effects: [{ type: 'reject-replace' }] };
}
