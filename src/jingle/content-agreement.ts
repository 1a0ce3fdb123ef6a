/**
 * The first half of `content-machine.ts`: a content is proposed and accepted, its transport is
 * agreed and falls back where it fails (XEP-0260 §3). After a transport broke while it carried
 * bytes, the next one is agreed by the same rows.
 */
import {
  type ContentPlan,
  type ContentResult,
  fail,
  failed,
  proposeNext,
  rejectReplacement,
  contentRows as rows,
  takeReplacement,
  timedOut,
} from './content-state.js';
import { ending, SessionFailedError } from './reason.js';

/** Nothing has been agreed yet. */
const opening = ['preparing', 'deciding', 'ready', 'proposed'] as const;
/** The transport is being agreed. */
export const agreeing = ['connecting', 'awaiting-replace', 'replacing', 'answering'] as const;

/** XEP-0260 §3: replacing is the initiator's task. The responder waits for it, if anything is left to try. */
export function transportFailed(plan: ContentPlan, error: Error): ContentResult {
  if (plan.role === 'initiator') return proposeNext(plan, error);
  if (plan.untried.length === 0) return fail(plan, ending({ condition: 'failed-transport' }, error));
  return { state: { ...plan, type: 'awaiting-replace' }, effects: [{ type: 'abandon' }] };
}

function noTransport(): Error {
  return new SessionFailedError('failed-transport', 'no transport could be agreed in time');
}

export const agreementRows = [
  // The content itself.
  ...rows(['preparing', 'deciding'], 'described', 'local', (state) => ({
    state: { ...state, type: 'ready' },
  })),
  ...rows('ready', 'sent', 'XEP-0166 §7.2.2', (state) => ({ state: { ...state, type: 'proposed' } })),
  ...rows('ready', 'accepted', 'XEP-0166 §7.2.8', (state) => ({
    state: { ...state, type: 'connecting' },
    effects: [{ type: 'connect' }],
  })),
  ...rows('proposed', 'accepted', 'XEP-0260 §2.3', (state) => ({
    state: { ...state, type: 'connecting' },
    effects: [{ type: 'connect' }],
  })),
  ...rows('proposed', 'rejected', 'XEP-0166 §7.2.4', (state, { ending: end }) => fail(state, end, 'peer')),
  ...rows('preparing', 'timeout', 'local', (state) =>
    timedOut(state, 'our side of the transport took too long'),
  ),
  ...rows('deciding', 'timeout', 'local', (state) => timedOut(state, 'no answer was found in time')),
  ...rows('proposed', 'timeout', 'local', (state) => timedOut(state, 'the peer did not accept')),
  ...rows(opening, 'finish', 'XEP-0166 §7.2.5', (state, { ending: end }) => fail(state, end)),

  // Its transport.
  ...rows('connecting', 'connected', 'XEP-0260 §2.5', (state) => {
    if (state.sends && state.interruption === 'unplaced') {
      const error = new SessionFailedError('connectivity-error', 'nobody said where to go on');
      return fail(state, ending({ condition: 'connectivity-error' }, error));
    }
    return { state: { ...state, type: 'moving' }, effects: [{ type: 'move' }] };
  }),
  ...rows('connecting', 'connect-failed', 'XEP-0260 §3', (state, { error }) => transportFailed(state, error)),
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
  // Before the content is accepted we stay with what there is.
  ...rows(['deciding', 'ready', 'proposed', 'answering'], 'peer-replace', 'XEP-0166 §7.2.15', (state) =>
    rejectReplacement(state),
  ),
  ...rows(
    ['deciding', 'ready', 'proposed', ...agreeing],
    'peer-replace-unusable',
    'XEP-0166 §7.2.15',
    (state) => rejectReplacement(state),
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
  ...rows('replacing', 'replace-failed', 'XEP-0166 §7.2.14', (state, { error }) => proposeNext(state, error)),
  ...rows('replacing', 'replace-overruled', 'XEP-0166 §7.2.16', (state) => ({
    state: { ...state, type: 'awaiting-replace', untried: [state.transport, ...state.untried] },
    effects: [{ type: 'abandon' }],
  })),
  ...rows('replacing', 'timeout', 'local', (state) => timedOut(state, 'transport-replace was not answered')),

  // Its end.
  ...rows(agreeing, 'finish', 'XEP-0234 §6.5', (state, { ending: end }) => fail(state, end)),
  ...rows([...opening, ...agreeing], 'ended', 'XEP-0166 §6.7', (state, { ending: end }) =>
    failed(state, end),
  ),
];
