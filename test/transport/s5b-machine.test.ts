import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { CandidateType, S5bCandidate } from '../../src/stanza/xep0260-jingle-s5b.js';
import {
  nominate,
  type Report,
  type S5bEvent,
  type S5bState,
  s5bMachine,
} from '../../src/transport/s5b-machine.js';
import { describeTable } from '../support/machine-table.js';

function candidate(cid: string, priority: number, type: CandidateType = 'direct'): S5bCandidate {
  return { cid, host: '192.0.2.1', port: 5000, priority, type };
}

function used(cid: string, priority: number, type: CandidateType = 'direct'): Report {
  return { type: 'used', candidate: candidate(cid, priority, type) };
}

const role = 'initiator';
const direct = candidate('direct', 100);
const proxy = candidate('proxy', 1, 'proxy');
const error: Report = { type: 'error' };

const states: readonly S5bState[] = [
  { type: 'searching', role },
  { type: 'searching-alone', role, theirs: error },
  { type: 'reported', role, ours: error },
  { type: 'awaiting-inbound', candidate: direct },
  { type: 'awaiting-activation', candidate: proxy },
  { type: 'activating', candidate: proxy },
  { type: 'connected' },
  { type: 'failed' },
  { type: 'closed' },
];
const events: readonly S5bEvent[] = [
  { type: 'reached', candidate: direct, rival: 200 },
  { type: 'unreachable' },
  { type: 'peer-used', candidate: direct },
  { type: 'peer-error' },
  { type: 'activated' },
  { type: 'proxy-error' },
  { type: 'bytes' },
  { type: 'inbound' },
  { type: 'inbound-bytes' },
  { type: 'relay-ready' },
  { type: 'relay-failed' },
  { type: 'lost' },
  { type: 'timeout' },
  { type: 'close' },
];

const failed = 'failed stop-search fail';
const ignoredIn = (state: string) =>
  Object.fromEntries(events.filter(({ type }) => type !== 'close').map(({ type }) => [type, state] as const));

describeTable(
  s5bMachine,
  { states, events },
  {
    searching: {
      reached: 'reported send-used await-bytes',
      unreachable: 'reported send-error',
      'peer-used': 'searching-alone narrow',
      'peer-error': 'searching-alone',
      'inbound-bytes': 'connected stop-search send-error connect',
      lost: failed,
      timeout: 'failed send-error stop-search fail',
      close: 'closed stop-search',
    },
    'searching-alone': {
      reached: 'connected send-used connect',
      unreachable: 'failed send-error stop-search fail',
      'inbound-bytes': 'searching-alone',
      lost: failed,
      timeout: 'failed send-error stop-search fail',
      close: 'closed stop-search',
    },
    reported: {
      'peer-used': 'awaiting-inbound take-inbound',
      'peer-error': failed,
      bytes: 'reported',
      'inbound-bytes': 'connected connect',
      lost: failed,
      timeout: failed,
      close: 'closed stop-search',
    },
    'awaiting-inbound': {
      inbound: 'connected connect',
      'inbound-bytes': 'connected connect',
      lost: failed,
      timeout: failed,
      close: 'closed stop-search',
    },
    'awaiting-activation': {
      'peer-used': 'awaiting-activation',
      'peer-error': 'awaiting-activation',
      bytes: 'connected connect',
      'inbound-bytes': 'awaiting-activation',
      activated: 'connected connect',
      'proxy-error': failed,
      lost: failed,
      timeout: 'failed send-proxy-error stop-search fail',
      close: 'closed stop-search',
    },
    activating: {
      'inbound-bytes': 'activating',
      'proxy-error': failed,
      'relay-ready': 'connected send-activated connect',
      'relay-failed': 'failed send-proxy-error stop-search fail',
      lost: failed,
      timeout: 'failed send-proxy-error stop-search fail',
      close: 'closed stop-search',
    },
    connected: {
      'peer-used': 'connected',
      'peer-error': 'connected',
      activated: 'connected',
      'inbound-bytes': 'connected',
      lost: 'connected',
      close: 'closed stop-search',
    },
    failed: { ...ignoredIn('failed'), close: 'closed stop-search' },
    closed: { ...ignoredIn('closed'), close: 'closed' },
  },
);

describe('nominate (XEP-0260 §2.4)', () => {
  it('fails when neither side connected', () => {
    assert.equal(nominate(error, error, 'initiator'), undefined);
  });

  it('takes the only one there is', () => {
    assert.equal(nominate(used('a', 1), error, 'responder')?.by, 'us');
    assert.equal(nominate(error, used('b', 1), 'initiator')?.by, 'peer');
  });

  it('takes the higher priority', () => {
    assert.equal(nominate(used('a', 2), used('b', 1), 'responder')?.candidate.cid, 'a');
    assert.equal(nominate(used('a', 1), used('b', 2), 'initiator')?.candidate.cid, 'b');
  });

  it("takes the initiator's choice when priorities are equal", () => {
    assert.equal(nominate(used('a', 1), used('b', 1), 'initiator')?.candidate.cid, 'a');
    assert.equal(nominate(used('a', 1), used('b', 1), 'responder')?.candidate.cid, 'b');
  });
});

/** One side's part of a run: the events that its search and the peer's messages make. */
function end(start: S5bState, happened: readonly S5bEvent[]): S5bState {
  return happened.reduce((state, event) => s5bMachine.step(state, event)?.state ?? state, start);
}

describe('two s5b machines', () => {
  const report = fc.oneof(
    fc.constant<Report>(error),
    fc
      .record({
        cid: fc.constant('c'),
        priority: fc.nat(3),
        type: fc.constantFrom('direct' as const, 'proxy' as const),
      })
      .map(({ cid, priority, type }) => used(cid, priority, type)),
  );
  /** `theirs` is one of those that we offer; `more`, how far the best of them is above it. */
  const own = (mine: Report, theirs: Report, more: number): S5bEvent => {
    if (mine.type === 'error') return { type: 'unreachable' };
    const rival = theirs.type === 'used' ? theirs.candidate.priority + more : more;
    return { type: 'reached', candidate: mine.candidate, rival };
  };
  const heard = (theirs: Report): S5bEvent =>
    theirs.type === 'used' ? { type: 'peer-used', candidate: theirs.candidate } : { type: 'peer-error' };

  it('agree, whatever order the reports come in', () => {
    fc.assert(
      fc.property(report, report, fc.boolean(), fc.boolean(), fc.nat(3), (a, b, aFirst, bFirst, more) => {
        const initiator = end(
          { type: 'searching', role: 'initiator' },
          aFirst ? [own(a, b, more), heard(b)] : [heard(b), own(a, b, more)],
        );
        const responder = end(
          { type: 'searching', role: 'responder' },
          bFirst ? [own(b, a, more), heard(a)] : [heard(a), own(b, a, more)],
        );
        const partner: Record<string, string> = {
          connected: 'awaiting-inbound',
          'awaiting-inbound': 'connected',
          activating: 'awaiting-activation',
          'awaiting-activation': 'activating',
          failed: 'failed',
        };
        assert.equal(partner[initiator.type], responder.type);
      }),
    );
  });
});

describe('an s5b machine that has reached a candidate (XEP-0260 §2.4)', () => {
  const reached = (role: 'initiator' | 'responder', priority: number, type: CandidateType = 'direct') =>
    s5bMachine.step(
      { type: 'searching', role },
      { type: 'reached', candidate: candidate('c', priority, type), rival: 100 },
    );

  it('waits for no report where none of its own could be better', () => {
    const step = reached('responder', 101);
    assert.equal(step?.state.type, 'connected');
    assert.deepEqual(
      step.effects.map(({ type }) => type),
      ['send-used', 'connect'],
    );
    assert.equal(reached('initiator', 100)?.state.type, 'connected');
    assert.equal(reached('responder', 101, 'proxy')?.state.type, 'awaiting-activation');
  });

  it('waits where one of its own could be', () => {
    assert.equal(reached('responder', 100)?.state.type, 'reported');
    assert.equal(reached('initiator', 99)?.state.type, 'reported');
  });

  it('uses it when the peer sends over it, who has had our report', () => {
    const ours: Report = { type: 'used', candidate: direct };
    const step = s5bMachine.step({ type: 'reported', role, ours }, { type: 'bytes' });
    assert.deepEqual(step?.effects, [{ type: 'connect', by: 'outgoing' }]);
  });

  it('gives up on what is of the same kind as what the peer has reached', () => {
    const ours = { ...candidate('c', 126 * 65_536 + 7), type: 'direct' as const };
    const step = s5bMachine.step(
      { type: 'searching', role: 'responder' },
      { type: 'peer-used', candidate: ours },
    );
    assert.deepEqual(step?.effects, [{ type: 'narrow', above: 127 * 65_536 - 1 }]);
  });
});
