import assert from 'node:assert/strict';
import {
  type ContentEvent,
  type ContentPlan,
  type ContentState,
  contentMachine,
  contentWaits,
} from '../../src/jingle/content-machine.js';
import { describeTable } from '../support/machine-table.js';

const error = new Error('no');
const success = { reason: { condition: 'success' } } as const;
const cancel = { reason: { condition: 'cancel' }, error } as const;
/** Initiator and sender: the side that falls back and that waits for the receiver's word. */
const plan: ContentPlan = {
  role: 'initiator',
  sends: true,
  transport: 's5b',
  untried: ['ibb'],
  replacesLeft: 1,
};

const states: readonly ContentState[] = [
  { ...plan, type: 'offered' },
  { ...plan, type: 'connecting' },
  { ...plan, type: 'awaiting-replace' },
  { ...plan, type: 'replacing' },
  { ...plan, type: 'answering' },
  { ...plan, type: 'moving' },
  { ...plan, type: 'flushing' },
  { ...plan, type: 'checking' },
  { ...plan, type: 'delivered' },
  { ...plan, type: 'closing' },
  { ...plan, type: 'broken', error, allGiven: false },
  { ...plan, type: 'draining' },
  { ...plan, type: 'done' },
  { ...plan, type: 'failed', error },
];

const events: readonly ContentEvent[] = [
  { type: 'accepted' },
  { type: 'connected' },
  { type: 'connect-failed', error },
  { type: 'peer-replace', transport: 'ibb' },
  { type: 'peer-replace-unusable' },
  { type: 'peer-replace-accepted' },
  { type: 'replace-failed', error },
  { type: 'replace-overruled' },
  { type: 'replace-answered' },
  { type: 'all-given' },
  { type: 'flushed' },
  { type: 'all-received', checksumDue: true },
  { type: 'too-much' },
  { type: 'checksum' },
  { type: 'received' },
  { type: 'stream-closed' },
  { type: 'stream-failed', error },
  { type: 'source-failed', error },
  { type: 'finish', ending: cancel },
  { type: 'session-ended', ending: success, allGiven: false },
  { type: 'timeout' },
];

describeTable(
  contentMachine,
  { states, events },
  {
    offered: {
      accepted: 'connecting connect',
      'peer-replace': 'offered reject-replace',
      'peer-replace-unusable': 'offered reject-replace',
      finish: 'failed abandon end-session',
      'session-ended': 'failed abandon',
    },
    connecting: {
      connected: 'moving move',
      'connect-failed': 'replacing abandon propose',
      'peer-replace': 'answering abandon answer-replace',
      'peer-replace-unusable': 'connecting reject-replace',
      finish: 'failed abandon end-session',
      'session-ended': 'failed abandon',
      timeout: 'replacing abandon propose',
    },
    'awaiting-replace': {
      'peer-replace': 'answering abandon answer-replace',
      'peer-replace-unusable': 'awaiting-replace reject-replace',
      finish: 'failed abandon end-session',
      'session-ended': 'failed abandon',
      timeout: 'replacing abandon propose',
    },
    replacing: {
      'peer-replace': 'replacing tie-break',
      'peer-replace-unusable': 'replacing reject-replace',
      'peer-replace-accepted': 'connecting connect',
      'replace-failed': 'replacing abandon propose',
      'replace-overruled': 'awaiting-replace abandon',
      finish: 'failed abandon end-session',
      'session-ended': 'failed abandon',
      timeout: 'failed abandon end-session',
    },
    answering: {
      'peer-replace': 'answering reject-replace',
      'peer-replace-unusable': 'answering reject-replace',
      'replace-failed': 'awaiting-replace abandon reject-replace',
      'replace-answered': 'connecting connect',
      finish: 'failed abandon end-session',
      'session-ended': 'failed abandon',
      timeout: 'failed abandon end-session',
    },
    moving: {
      'peer-replace': 'moving reject-replace',
      'peer-replace-unusable': 'moving reject-replace',
      'all-given': 'flushing send-checksum',
      'all-received': 'checking',
      'too-much': 'failed abandon end-session',
      'stream-failed': 'broken',
      'source-failed': 'failed abandon end-session',
      finish: 'failed abandon end-session',
      'session-ended': 'failed abandon',
      timeout: 'failed abandon end-session',
    },
    flushing: {
      'peer-replace': 'flushing reject-replace',
      'peer-replace-unusable': 'flushing reject-replace',
      flushed: 'delivered',
      received: 'closing',
      'stream-failed': 'broken',
      'source-failed': 'failed abandon end-session',
      finish: 'failed abandon end-session',
      'session-ended': 'done',
      timeout: 'failed abandon end-session',
    },
    checking: {
      'peer-replace': 'checking reject-replace',
      'peer-replace-unusable': 'checking reject-replace',
      'too-much': 'failed abandon end-session',
      checksum: 'delivered end-stream',
      finish: 'failed abandon end-session',
      'session-ended': 'done end-stream',
      timeout: 'delivered end-stream',
    },
    delivered: {
      'peer-replace': 'delivered reject-replace',
      'peer-replace-unusable': 'delivered reject-replace',
      'too-much': 'failed abandon end-session',
      received: 'closing',
      'stream-closed': 'closing',
      'stream-failed': 'broken',
      finish: 'failed abandon end-session',
      'session-ended': 'done',
      timeout: 'done end-session',
    },
    closing: {
      'peer-replace': 'closing reject-replace',
      'peer-replace-unusable': 'closing reject-replace',
      received: 'closing',
      finish: 'failed abandon end-session',
      'session-ended': 'done',
      timeout: 'done end-session',
    },
    broken: {
      'peer-replace': 'broken reject-replace',
      'peer-replace-unusable': 'broken reject-replace',
      finish: 'failed abandon end-session',
      'session-ended': 'failed abandon',
      timeout: 'failed abandon end-session',
    },
    draining: {
      'all-received': 'done end-stream',
      'too-much': 'failed abandon',
      'stream-failed': 'failed abandon',
      finish: 'failed abandon',
      timeout: 'failed abandon',
    },
    done: {},
    failed: {},
  },
);

describe('jingle-content', () => {
  /** Where an event leads, as `state effect effect`. */
  const go = (state: ContentState, event: ContentEvent): string => {
    const step = contentMachine.step(state, event);
    assert.ok(step);
    return [step.state.type, ...step.effects.map(({ type }) => type)].join(' ');
  };
  const responder: ContentPlan = { ...plan, role: 'responder' };
  const receiver: ContentPlan = { ...plan, sends: false };

  it('has a timeout row for every state that waits, and for no other', () => {
    for (const [state, wait] of Object.entries(contentWaits)) {
      const bounded = contentMachine.rows.some((row) => row.in === state && row.on === 'timeout');
      assert.equal(wait !== undefined, bounded, state);
    }
  });

  it('leaves replacing to the initiator, where anything is left to try', () => {
    const failed: ContentEvent = { type: 'connect-failed', error };
    assert.equal(go({ ...responder, type: 'connecting' }, failed), 'awaiting-replace abandon');
    assert.equal(go({ ...responder, untried: [], type: 'connecting' }, failed), 'failed abandon end-session');
    assert.equal(go({ ...plan, untried: [], type: 'connecting' }, failed), 'failed abandon end-session');
    assert.equal(
      go({ ...responder, untried: [], type: 'awaiting-replace' }, { type: 'timeout' }),
      'failed abandon end-session',
    );
  });

  it('does not try a transport again that was replaced away', () => {
    const step = contentMachine.step(
      { ...plan, type: 'connecting' },
      { type: 'peer-replace', transport: 'ibb' },
    );
    assert.deepEqual([step?.state.transport, step?.state.untried, step?.state.replacesLeft], ['ibb', [], 0]);
  });

  it('as responder drops its own replacement for the initiator’s, and may propose it again later', () => {
    const replacing: ContentState = { ...responder, transport: 'ibb', untried: [], type: 'replacing' };
    const step = contentMachine.step(replacing, { type: 'peer-replace', transport: 's5b' });
    assert.equal(step?.state.type, 'answering');
    assert.deepEqual(step?.state.untried, ['ibb']);
  });

  it('rejects replacements beyond the bound', () => {
    const event: ContentEvent = { type: 'peer-replace', transport: 'ibb' };
    for (const type of ['connecting', 'awaiting-replace', 'replacing'] as const) {
      assert.equal(go({ ...responder, replacesLeft: 0, type }, event), `${type} reject-replace`);
    }
  });

  it('as receiver waits for a checksum only where one is due', () => {
    const all = (checksumDue: boolean): ContentEvent => ({ type: 'all-received', checksumDue });
    assert.equal(go({ ...receiver, type: 'moving' }, all(true)), 'checking');
    assert.equal(go({ ...receiver, type: 'moving' }, all(false)), 'delivered end-stream');
  });

  it('calls it a success when either side ends the session with all bytes there', () => {
    const ended = (allGiven: boolean): ContentEvent => ({ type: 'session-ended', ending: success, allGiven });
    assert.equal(go({ ...plan, type: 'moving' }, ended(true)), 'done');
    assert.equal(go({ ...receiver, type: 'moving' }, ended(false)), 'draining');
    assert.equal(go({ ...plan, type: 'broken', error, allGiven: true }, ended(true)), 'done');
    for (const type of ['moving', 'flushing', 'checking', 'delivered', 'closing'] as const) {
      const event: ContentEvent = { type: 'session-ended', ending: cancel, allGiven: true };
      assert.equal(go({ ...plan, type }, event), 'failed abandon');
    }
  });

  it('as receiver has the last word, and must have one', () => {
    const finish: ContentEvent = { type: 'finish', ending: success };
    assert.equal(go({ ...receiver, type: 'delivered' }, finish), 'done end-stream end-session');
    assert.equal(go({ ...receiver, type: 'checking' }, finish), 'done end-stream end-session');
    assert.equal(go({ ...receiver, type: 'delivered' }, { type: 'timeout' }), 'failed abandon end-session');
    for (const type of ['stream-closed', 'received'] as const) {
      assert.equal(go({ ...receiver, type: 'delivered' }, { type }), 'delivered');
    }
    assert.equal(go({ ...receiver, type: 'delivered' }, { type: 'stream-failed', error }), 'delivered');
  });
});
