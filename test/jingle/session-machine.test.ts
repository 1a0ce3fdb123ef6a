import assert from 'node:assert/strict';
import { SessionEndedError } from '../../src/jingle/file-session.js';
import {
  type SessionEvent,
  type SessionState,
  sessionMachine,
  sessionWaits,
} from '../../src/jingle/session-machine.js';
import { describeTable } from '../support/machine-table.js';

const error = new Error('no');
const good = { reason: { condition: 'success' } } as const;

const states: readonly SessionState[] = [
  { type: 'preparing' },
  { type: 'initiating' },
  { type: 'offered' },
  { type: 'deciding' },
  { type: 'accepting' },
  { type: 'active' },
  { type: 'ended-here', ending: good },
  { type: 'ended-by-peer', ending: good },
  { type: 'lost', ending: good },
];

const events: readonly SessionEvent[] = [
  { type: 'prepared' },
  { type: 'acknowledged' },
  { type: 'unanswered', error, late: false },
  { type: 'accept' },
  { type: 'end', ending: good },
  { type: 'timeout' },
  { type: 'peer-initiate' },
  { type: 'peer-accept' },
  { type: 'peer-terminate', reason: { condition: 'cancel' } },
  { type: 'peer-ping' },
  { type: 'peer-info', info: { type: 'received', content: {} } },
  { type: 'peer-unknown-info' },
  { type: 'peer-content-add', contents: [] },
  { type: 'peer-content-modify' },
  { type: 'peer-content-remove', reason: undefined },
  { type: 'peer-content-accept' },
  { type: 'peer-content-reject' },
];

describeTable(
  sessionMachine,
  { states, events },
  {
    preparing: {
      prepared: 'initiating send-initiate',
      unanswered: 'lost over',
      end: 'lost over',
      timeout: 'lost over',
    },
    initiating: {
      acknowledged: 'offered',
      unanswered: 'lost over',
      end: 'ended-here send-terminate over',
      'peer-accept': 'active activate',
      'peer-terminate': 'ended-by-peer over',
      'peer-ping': 'initiating',
      'peer-info': 'initiating take-info',
      'peer-unknown-info': 'initiating refuse',
      'peer-content-add': 'initiating send-content-reject',
      'peer-content-modify': 'initiating refuse',
      'peer-content-remove': 'ended-here send-terminate over',
    },
    offered: {
      unanswered: 'lost over',
      end: 'ended-here send-terminate over',
      timeout: 'ended-here send-terminate over',
      'peer-accept': 'active activate',
      'peer-terminate': 'ended-by-peer over',
      'peer-ping': 'offered',
      'peer-info': 'offered take-info',
      'peer-unknown-info': 'offered refuse',
      'peer-content-add': 'offered send-content-reject',
      'peer-content-modify': 'offered refuse',
      'peer-content-remove': 'ended-here send-terminate over',
    },
    deciding: {
      accept: 'accepting send-accept activate',
      end: 'ended-here send-terminate over',
      timeout: 'ended-here send-terminate over',
      'peer-terminate': 'ended-by-peer over',
      'peer-ping': 'deciding',
      'peer-info': 'deciding take-info',
      'peer-unknown-info': 'deciding refuse',
      'peer-content-add': 'deciding send-content-reject',
      'peer-content-modify': 'deciding refuse',
      'peer-content-remove': 'ended-here send-terminate over',
    },
    accepting: {
      acknowledged: 'active',
      unanswered: 'lost over',
      end: 'ended-here send-terminate over',
      'peer-terminate': 'ended-by-peer over',
      'peer-ping': 'accepting',
      'peer-info': 'accepting take-info',
      'peer-unknown-info': 'accepting refuse',
      'peer-content-add': 'accepting send-content-reject',
      'peer-content-modify': 'accepting refuse',
      'peer-content-remove': 'ended-here send-terminate over',
    },
    active: {
      acknowledged: 'active',
      unanswered: 'lost over',
      end: 'ended-here send-terminate over',
      'peer-terminate': 'ended-by-peer over',
      'peer-ping': 'active',
      'peer-info': 'active take-info',
      'peer-unknown-info': 'active refuse',
      'peer-content-add': 'active send-content-reject',
      'peer-content-modify': 'active refuse',
      'peer-content-remove': 'ended-here send-terminate over',
    },
    'ended-here': {},
    'ended-by-peer': {},
    lost: {},
  },
);

describe('jingle-session', () => {
  const step = (type: 'initiating' | 'offered' | 'active', event: SessionEvent) => {
    const result = sessionMachine.step({ type }, event);
    assert.ok(result && 'ending' in result.state);
    return { ...result, ending: result.state.ending };
  };

  it('has a timeout row for every state that a timer bounds, and one for the iq', () => {
    for (const [state, wait] of Object.entries(sessionWaits)) {
      const bounded = sessionMachine.rows.some((row) => row.in === state && row.on === 'timeout');
      assert.equal(wait !== undefined, bounded, state);
    }
    for (const state of ['initiating', 'accepting']) {
      assert.ok(sessionMachine.rows.some((row) => row.in === state && row.on === 'unanswered'));
    }
  });

  it('tells a peer that never acknowledged, in case it is there after all', () => {
    const late = step('initiating', { type: 'unanswered', error, late: true });
    assert.deepEqual(
      late.effects.map(({ type }) => type),
      ['send-terminate', 'over'],
    );
    assert.equal(late.ending.reason.condition, 'timeout');
  });

  it('takes an ending without a reason, or with success, for one in good order', () => {
    for (const reason of [undefined, { condition: 'success' } as const]) {
      assert.equal(step('active', { type: 'peer-terminate', reason }).ending.error, undefined);
    }
  });

  it('keeps what the peer said of its reason', () => {
    const reason = { condition: 'decline', text: 'not today' } as const;
    const { ending } = step('offered', { type: 'peer-terminate', reason });
    assert.ok(ending.error instanceof SessionEndedError);
    assert.deepEqual([ending.error.reason, ending.error.text], ['decline', 'not today']);
  });
});
