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
  { type: 'peer-accept', contents: [] },
  { type: 'peer-terminate', reason: { condition: 'cancel' } },
  { type: 'peer-ping' },
  { type: 'peer-info', info: { type: 'received', content: {} } },
  { type: 'peer-unknown-info' },
  { type: 'peer-queue', place: { creator: 'initiator', name: 'file', position: 1 } },
  { type: 'peer-content-add', contents: [] },
  { type: 'peer-content-accept', contents: [] },
  { type: 'peer-content-reject', contents: [], reason: undefined },
  { type: 'peer-content-remove', contents: [], reason: undefined },
  { type: 'peer-content-modify', contents: [] },
  { type: 'peer-description-info', contents: [] },
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
      'peer-accept': 'active take-accepted advance',
      'peer-terminate': 'ended-by-peer over',
      'peer-ping': 'initiating',
      'peer-info': 'initiating take-info',
      'peer-unknown-info': 'initiating refuse',
      'peer-queue': 'initiating take-queue',
      'peer-content-add': 'initiating take-added',
      'peer-content-accept': 'initiating take-accepted',
      'peer-content-reject': 'initiating take-rejected',
      'peer-content-remove': 'initiating take-removed',
      'peer-content-modify': 'initiating take-modified',
      'peer-description-info': 'initiating take-hints',
    },
    offered: {
      unanswered: 'lost over',
      end: 'ended-here send-terminate over',
      timeout: 'ended-here send-terminate over',
      'peer-accept': 'active take-accepted advance',
      'peer-terminate': 'ended-by-peer over',
      'peer-ping': 'offered',
      'peer-info': 'offered take-info',
      'peer-unknown-info': 'offered refuse',
      'peer-queue': 'offered take-queue',
      'peer-content-add': 'offered take-added',
      'peer-content-accept': 'offered take-accepted',
      'peer-content-reject': 'offered take-rejected',
      'peer-content-remove': 'offered take-removed',
      'peer-content-modify': 'offered take-modified',
      'peer-description-info': 'offered take-hints',
    },
    deciding: {
      unanswered: 'lost over',
      accept: 'accepting send-accept',
      end: 'ended-here send-terminate over',
      timeout: 'ended-here send-terminate over',
      'peer-terminate': 'ended-by-peer over',
      'peer-ping': 'deciding',
      'peer-info': 'deciding take-info',
      'peer-unknown-info': 'deciding refuse',
      'peer-queue': 'deciding take-queue',
      'peer-content-add': 'deciding take-added',
      'peer-content-accept': 'deciding take-accepted',
      'peer-content-reject': 'deciding take-rejected',
      'peer-content-remove': 'deciding take-removed',
      'peer-content-modify': 'deciding take-modified',
      'peer-description-info': 'deciding take-hints',
    },
    accepting: {
      acknowledged: 'active advance',
      unanswered: 'lost over',
      end: 'ended-here send-terminate over',
      'peer-terminate': 'ended-by-peer over',
      'peer-ping': 'accepting',
      'peer-info': 'accepting take-info',
      'peer-unknown-info': 'accepting refuse',
      'peer-queue': 'accepting take-queue',
      'peer-content-add': 'accepting take-added',
      'peer-content-accept': 'accepting take-accepted',
      'peer-content-reject': 'accepting take-rejected',
      'peer-content-remove': 'accepting take-removed',
      'peer-content-modify': 'accepting take-modified',
      'peer-description-info': 'accepting take-hints',
    },
    active: {
      acknowledged: 'active',
      unanswered: 'lost over',
      end: 'ended-here send-terminate over',
      'peer-terminate': 'ended-by-peer over',
      'peer-ping': 'active',
      'peer-info': 'active take-info',
      'peer-unknown-info': 'active refuse',
      'peer-queue': 'active take-queue',
      'peer-content-add': 'active take-added',
      'peer-content-accept': 'active take-accepted',
      'peer-content-reject': 'active take-rejected',
      'peer-content-remove': 'active take-removed',
      'peer-content-modify': 'active take-modified',
      'peer-description-info': 'active take-hints',
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
