/**
 * The second half of `content-machine.ts`: the bytes move, break off and go on over another
 * transport, are checked and done with.
 *
 * Going on: the receiver alone knows which bytes it has. When a transport breaks it says so in a
 * description-info (XEP-0166 §7.2.6) with the `<range/>` that is missing; then the transport is
 * replaced as in a fallback. A peer that doesn't know that answers with an error, and the session
 * ends; what is missing is fetched by range in a session of its own.
 */
import { agreeing } from './content-agreement.js';
import {
  type ContentPlan,
  type ContentResult,
  type ContentState,
  done,
  fail,
  failed,
  planOf,
  proposeNext,
  rejectReplacement,
  contentRows as rows,
  success,
  takeReplacement,
  timedOut,
} from './content-state.js';
import { ending, endingOf, SessionFailedError } from './reason.js';

const carrying = ['moving', 'flushing', 'checking', 'delivered', 'closing', 'broken', 'telling'] as const;

function lostConnection(plan: ContentPlan, error: Error): ContentResult {
  return fail(plan, ending({ condition: 'connectivity-error' }, error));
}

/** The plan for the time after a break: every transport is worth another try. */
function resuming(plan: ContentPlan, interruption: 'unplaced' | 'placed'): ContentPlan {
  return { ...planOf(plan), interruption, untried: plan.all, resumesLeft: plan.resumesLeft - 1 };
}

/** Receiver: the bytes stopped coming. */
function stopped(state: ContentState, error: Error): ContentResult {
  if (state.resumesLeft === 0)
    return {
      state: { ...planOf(state), type: 'broken', error, allGiven: false, peerResumes: false },
    };
  return {
    state: { ...resuming(state, 'placed'), type: 'telling', error },
    effects: [{ type: 'abandon' }, { type: 'interrupt' }, { type: 'tell-position' }],
  };
}

/** Replacing is the initiator's task here too. */
function replaceBroken(plan: ContentPlan, error: Error): ContentResult {
  if (plan.role === 'initiator') return proposeNext(plan, error);
  return { state: { ...planOf(plan), type: 'awaiting-replace' }, effects: [{ type: 'abandon' }] };
}

/** Sender: the receiver lost the stream, and says which bytes it has not. */
function goOn(state: ContentState): ContentResult {
  if (!state.sends || state.resumesLeft === 0) return { state, effects: [{ type: 'refuse-position' }] };
  const error = new SessionFailedError('connectivity-error', 'the receiver lost the stream');
  const next = replaceBroken(resuming(state, 'placed'), error);
  return {
    state: next.state,
    effects: [{ type: 'interrupt' }, { type: 'take-position' }, ...(next.effects ?? [])],
  };
}

export const transferRows = [
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
  ...rows(['moving', 'flushing'], 'source-failed', 'XEP-0166 §6.7', (state, { error }) =>
    fail(state, endingOf(error)),
  ),
  // A receiver that takes nothing is given up; a receiver to whom nothing comes asks for another way.
  ...rows(['moving', 'flushing'], 'timeout', 'local', (state) =>
    state.sends || state.resumesLeft === 0
      ? timedOut(state, 'no byte moved for too long')
      : stopped(state, new SessionFailedError('timeout', 'no byte came for too long')),
  ),

  // The stream's end.
  ...rows(['moving', 'flushing'], 'stream-failed', 'XEP-0166 §7.4', (state, { error, peerResumes }) =>
    state.sends
      ? { state: { ...state, type: 'broken', error, allGiven: state.type === 'flushing', peerResumes } }
      : stopped(state, error),
  ),
  // The sender can't know yet whether the receiver had them all; a receiver that has them needs no stream.
  ...rows('delivered', 'stream-failed', 'local', (state, { error, peerResumes }) =>
    state.sends ? { state: { ...state, type: 'broken', error, allGiven: true, peerResumes } } : { state },
  ),
  ...rows('draining', 'stream-failed', 'local', (state, { error }) => failed(state, endingOf(error))),
  ...rows('delivered', 'stream-closed', 'XEP-0065 §6.3', (state) => ({
    state: state.sends ? { ...state, type: 'closing' } : state,
  })),
  // The receiver has not noticed, or knows no way on: a transport-replace shows which. A responder leaves
  // it where the receiver promised nothing: whoever breaks what it asked for would hold us for as long as that takes.
  ...rows('broken', 'timeout', 'XEP-0166 §7.2.15', (state) =>
    state.sends && (state.role === 'initiator' || state.peerResumes) && state.resumesLeft > 0
      ? proposeNext(resuming(state, 'unplaced'), state.error)
      : lostConnection(state, state.error),
  ),

  // Going on over another transport.
  ...rows('telling', 'position-taken', 'XEP-0166 §7.2.6', (state) => replaceBroken(state, state.error)),
  ...rows('telling', 'position-refused', 'XEP-0166 §6.8', (state) => ({
    state: { ...state, type: 'broken', allGiven: false, peerResumes: false },
  })),
  ...rows(agreeing, 'position-taken', 'XEP-0166 §7.2.6', (state) => ({ state })),
  // Refused, and yet replaced: nobody knows what such a sender sends.
  ...rows([...agreeing, 'moving'], 'position-refused', 'XEP-0166 §6.8', (state, { error }) =>
    lostConnection(state, error),
  ),
  ...rows(
    ['moving', 'flushing', 'delivered', 'closing', 'broken'],
    'peer-position',
    'XEP-0166 §7.2.6',
    (state) => goOn(state),
  ),
  ...rows(agreeing, 'peer-position', 'XEP-0166 §7.2.6', (state) =>
    state.sends && state.interruption !== 'none'
      ? { state: { ...state, interruption: 'placed' }, effects: [{ type: 'take-position' }] }
      : { state, effects: [{ type: 'refuse-position' }] },
  ),
  // The sender has noticed first.
  ...rows('moving', 'peer-replace', 'XEP-0166 §7.2.15', (state, { transport }) => {
    if (state.sends || state.resumesLeft === 0 || state.replacesLeft === 0) return rejectReplacement(state);
    const next = takeReplacement({ ...state, ...resuming(state, 'placed') }, transport);
    return {
      state: next.state,
      effects: [{ type: 'interrupt' }, { type: 'tell-position' }, ...(next.effects ?? [])],
    };
  }),
  ...rows('telling', 'peer-replace', 'XEP-0166 §7.2.15', (state, { transport }) =>
    takeReplacement(state, transport),
  ),
  // Otherwise we stay with what there is.
  ...rows(
    ['flushing', 'checking', 'delivered', 'closing', 'broken'],
    'peer-replace',
    'XEP-0166 §7.2.15',
    (state) => rejectReplacement(state),
  ),
  ...rows(carrying, 'peer-replace-unusable', 'XEP-0166 §7.2.15', (state) => rejectReplacement(state)),

  // Who ends it.
  ...rows(['flushing', 'delivered', 'closing'], 'received', 'XEP-0234 §8.1', (state) => ({
    state: state.sends ? { ...state, type: 'closing' } : state,
  })),
  // COMPAT: Gajim 1.7.3 and others send no session-terminate after receiving.
  ...rows('closing', 'timeout', 'XEP-0234 §6.6', (state) =>
    done(state, { type: 'conclude', ending: success, by: 'us' }),
  ),
  // COMPAT: clients that say nothing at the end, and leave the connection open. Over SOCKS5 no more is known then than that our
  // system took the bytes; blocks in-band are acknowledged.
  ...rows('delivered', 'timeout', 'XEP-0234 §6.6', (state) =>
    state.sends
      ? done(state, ...(state.transport === 'ibb' ? [] : [{ type: 'unconfirmed' } as const]), {
          type: 'conclude',
          ending: success,
          by: 'us',
        })
      : timedOut(state, 'the bytes were not judged in time'),
  ),
  ...rows(['delivered', 'checking'], 'finish', 'XEP-0234 §6.6', (state, { ending: end }) =>
    end.error
      ? fail(state, end)
      : done(state, { type: 'end-stream' }, { type: 'conclude', ending: end, by: 'us' }),
  ),
  ...rows(
    ['moving', 'flushing', 'closing', 'broken', 'telling'],
    'finish',
    'XEP-0234 §6.5',
    (state, { ending: end }) => fail(state, end),
  ),
  ...rows('draining', 'finish', 'XEP-0234 §6.5', (state, { ending: end }) => failed(state, end)),
  // Either side ending first is success when all bytes are there (XEP-0234 §6.6: "either party").
  ...rows('moving', 'ended', 'XEP-0234 §6.6', (state, { ending: end, allGiven }) => {
    if (end.error) return failed(state, end);
    if (!state.sends) return { state: { ...state, type: 'draining' } };
    return allGiven ? done(state) : failed(state, end);
  }),
  ...rows(['flushing', 'delivered', 'closing'], 'ended', 'XEP-0234 §6.6', (state, { ending: end }) =>
    end.error ? failed(state, end) : done(state),
  ),
  ...rows('checking', 'ended', 'XEP-0234 §6.6', (state, { ending: end }) =>
    end.error ? failed(state, end) : done(state, { type: 'end-stream' }),
  ),
  ...rows('broken', 'ended', 'XEP-0166 §6.7', (state, { ending: end }) =>
    state.allGiven && !end.error
      ? done(state)
      : failed(state, end.error ? end : ending(end.reason, state.error)),
  ),
  ...rows('telling', 'ended', 'XEP-0166 §6.7', (state, { ending: end }) =>
    failed(state, end.error ? end : ending(end.reason, state.error)),
  ),
  ...rows('draining', 'timeout', 'local', (state) =>
    failed(
      state,
      ending({ condition: 'timeout' }, new SessionFailedError('timeout', 'the last bytes never came')),
    ),
  ),
];
