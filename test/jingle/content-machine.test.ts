import assert from 'node:assert/strict';
import { contentMachine, contentWaits } from '../../src/jingle/content-machine.js';
import type { ContentEvent, ContentPlan, ContentState } from '../../src/jingle/content-state.js';
import { describeTable } from '../support/machine-table.js';

const error = new Error('no');
const success = { reason: { condition: 'success' } } as const;
const cancel = { reason: { condition: 'cancel' }, error } as const;
/** Initiator and sender: the side that falls back and that waits for the receiver's word. */
const plan: ContentPlan = {
  role: 'initiator',
  sends: true,
  all: ['s5b', 'ibb'],
  transport: 's5b',
  untried: ['ibb'],
  replacesLeft: 1,
  resumesLeft: 1,
  interruption: 'none',
};

const states: readonly ContentState[] = [
  { ...plan, type: 'preparing' },
  { ...plan, type: 'deciding' },
  { ...plan, type: 'ready' },
  { ...plan, type: 'proposed' },
  { ...plan, type: 'connecting' },
  { ...plan, type: 'awaiting-replace' },
  { ...plan, type: 'replacing' },
  { ...plan, type: 'answering' },
  { ...plan, type: 'moving' },
  { ...plan, type: 'telling', error },
  { ...plan, type: 'flushing' },
  { ...plan, type: 'checking' },
  { ...plan, type: 'delivered' },
  { ...plan, type: 'closing' },
  { ...plan, type: 'broken', error, allGiven: false, peerResumes: false },
  { ...plan, type: 'draining' },
  { ...plan, type: 'done' },
  { ...plan, type: 'failed', error },
];

const events: readonly ContentEvent[] = [
  { type: 'described' },
  { type: 'sent' },
  { type: 'accepted' },
  { type: 'rejected', ending: cancel },
  { type: 'connected' },
  { type: 'connect-failed', error },
  { type: 'peer-replace', transport: 'ibb' },
  { type: 'peer-replace-unusable' },
  { type: 'peer-replace-accepted' },
  { type: 'replace-failed', error },
  { type: 'replace-overruled' },
  { type: 'replace-answered' },
  { type: 'peer-position' },
  { type: 'position-taken' },
  { type: 'position-refused', error },
  { type: 'all-given' },
  { type: 'flushed' },
  { type: 'all-received', checksumDue: true },
  { type: 'too-much' },
  { type: 'checksum' },
  { type: 'received' },
  { type: 'stream-closed' },
  { type: 'stream-failed', error, peerResumes: false },
  { type: 'source-failed', error },
  { type: 'finish', ending: cancel },
  { type: 'ended', ending: success, allGiven: false },
  { type: 'timeout' },
];

describeTable(
  contentMachine,
  { states, events },
  {
    preparing: {
      described: 'ready',
      finish: 'failed abandon conclude',
      ended: 'failed abandon',
      timeout: 'failed abandon conclude',
    },
    deciding: {
      described: 'ready',
      'peer-replace': 'deciding reject-replace',
      'peer-replace-unusable': 'deciding reject-replace',
      finish: 'failed abandon conclude',
      ended: 'failed abandon',
      timeout: 'failed abandon conclude',
    },
    ready: {
      sent: 'proposed',
      accepted: 'connecting connect',
      'peer-replace': 'ready reject-replace',
      'peer-replace-unusable': 'ready reject-replace',
      finish: 'failed abandon conclude',
      ended: 'failed abandon',
    },
    proposed: {
      accepted: 'connecting connect',
      rejected: 'failed abandon conclude',
      'peer-replace': 'proposed reject-replace',
      'peer-replace-unusable': 'proposed reject-replace',
      finish: 'failed abandon conclude',
      ended: 'failed abandon',
      timeout: 'failed abandon conclude',
    },
    connecting: {
      connected: 'moving move',
      'connect-failed': 'replacing abandon propose',
      'peer-replace': 'answering abandon answer-replace',
      'peer-replace-unusable': 'connecting reject-replace',
      'peer-position': 'connecting refuse-position',
      'position-taken': 'connecting',
      'position-refused': 'failed abandon conclude',
      finish: 'failed abandon conclude',
      ended: 'failed abandon',
      timeout: 'replacing abandon propose',
    },
    'awaiting-replace': {
      'peer-replace': 'answering abandon answer-replace',
      'peer-replace-unusable': 'awaiting-replace reject-replace',
      'peer-position': 'awaiting-replace refuse-position',
      'position-taken': 'awaiting-replace',
      'position-refused': 'failed abandon conclude',
      finish: 'failed abandon conclude',
      ended: 'failed abandon',
      timeout: 'replacing abandon propose',
    },
    replacing: {
      'peer-replace': 'replacing tie-break',
      'peer-replace-unusable': 'replacing reject-replace',
      'peer-replace-accepted': 'connecting connect',
      'replace-failed': 'replacing abandon propose',
      'replace-overruled': 'awaiting-replace abandon',
      'peer-position': 'replacing refuse-position',
      'position-taken': 'replacing',
      'position-refused': 'failed abandon conclude',
      finish: 'failed abandon conclude',
      ended: 'failed abandon',
      timeout: 'failed abandon conclude',
    },
    answering: {
      'peer-replace': 'answering reject-replace',
      'peer-replace-unusable': 'answering reject-replace',
      'replace-failed': 'awaiting-replace abandon reject-replace',
      'replace-answered': 'connecting connect',
      'peer-position': 'answering refuse-position',
      'position-taken': 'answering',
      'position-refused': 'failed abandon conclude',
      finish: 'failed abandon conclude',
      ended: 'failed abandon',
      timeout: 'failed abandon conclude',
    },
    moving: {
      'peer-replace': 'moving reject-replace',
      'peer-replace-unusable': 'moving reject-replace',
      'peer-position': 'replacing interrupt take-position abandon propose',
      'position-refused': 'failed abandon conclude',
      'all-given': 'flushing send-checksum',
      'all-received': 'checking',
      'too-much': 'failed abandon conclude',
      'stream-failed': 'broken',
      'source-failed': 'failed abandon conclude',
      finish: 'failed abandon conclude',
      ended: 'failed abandon',
      timeout: 'failed abandon conclude',
    },
    telling: {
      'peer-replace': 'answering abandon answer-replace',
      'peer-replace-unusable': 'telling reject-replace',
      'position-taken': 'replacing abandon propose',
      'position-refused': 'broken',
      finish: 'failed abandon conclude',
      ended: 'failed abandon',
    },
    flushing: {
      'peer-replace': 'flushing reject-replace',
      'peer-replace-unusable': 'flushing reject-replace',
      'peer-position': 'replacing interrupt take-position abandon propose',
      flushed: 'delivered',
      received: 'closing',
      'stream-failed': 'broken',
      'source-failed': 'failed abandon conclude',
      finish: 'failed abandon conclude',
      ended: 'done',
      timeout: 'failed abandon conclude',
    },
    checking: {
      'peer-replace': 'checking reject-replace',
      'peer-replace-unusable': 'checking reject-replace',
      'too-much': 'failed abandon conclude',
      checksum: 'delivered end-stream',
      finish: 'failed abandon conclude',
      ended: 'done end-stream',
      timeout: 'delivered end-stream',
    },
    delivered: {
      'peer-replace': 'delivered reject-replace',
      'peer-replace-unusable': 'delivered reject-replace',
      'peer-position': 'replacing interrupt take-position abandon propose',
      'too-much': 'failed abandon conclude',
      received: 'closing',
      'stream-closed': 'closing',
      'stream-failed': 'broken',
      finish: 'failed abandon conclude',
      ended: 'done',
      timeout: 'done unconfirmed conclude',
    },
    closing: {
      'peer-replace': 'closing reject-replace',
      'peer-replace-unusable': 'closing reject-replace',
      'peer-position': 'replacing interrupt take-position abandon propose',
      received: 'closing',
      finish: 'failed abandon conclude',
      ended: 'done',
      timeout: 'done conclude',
    },
    broken: {
      'peer-replace': 'broken reject-replace',
      'peer-replace-unusable': 'broken reject-replace',
      'peer-position': 'replacing interrupt take-position abandon propose',
      finish: 'failed abandon conclude',
      ended: 'failed abandon',
      timeout: 'replacing abandon propose',
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
  const receivingResponder: ContentPlan = { ...responder, sends: false };

  it('has a timeout row for every state that waits, and for no other', () => {
    for (const [state, wait] of Object.entries(contentWaits)) {
      const bounded = contentMachine.rows.some((row) => row.in === state && row.on === 'timeout');
      assert.equal(wait !== undefined, bounded, state);
    }
  });

  it('leaves replacing to the initiator, where anything is left to try', () => {
    const failed: ContentEvent = { type: 'connect-failed', error };
    assert.equal(go({ ...responder, type: 'connecting' }, failed), 'awaiting-replace abandon');
    assert.equal(go({ ...responder, untried: [], type: 'connecting' }, failed), 'failed abandon conclude');
    assert.equal(go({ ...plan, untried: [], type: 'connecting' }, failed), 'failed abandon conclude');
    assert.equal(
      go({ ...responder, untried: [], type: 'awaiting-replace' }, { type: 'timeout' }),
      'failed abandon conclude',
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
    const ended = (allGiven: boolean): ContentEvent => ({ type: 'ended', ending: success, allGiven });
    assert.equal(go({ ...plan, type: 'moving' }, ended(true)), 'done');
    assert.equal(go({ ...receiver, type: 'moving' }, ended(false)), 'draining');
    assert.equal(
      go({ ...plan, type: 'broken', error, allGiven: true, peerResumes: false }, ended(true)),
      'done',
    );
    for (const type of ['moving', 'flushing', 'checking', 'delivered', 'closing'] as const) {
      const event: ContentEvent = { type: 'ended', ending: cancel, allGiven: true };
      assert.equal(go({ ...plan, type }, event), 'failed abandon');
    }
  });

  it('as receiver has the last word, and must have one', () => {
    const finish: ContentEvent = { type: 'finish', ending: success };
    assert.equal(go({ ...receiver, type: 'delivered' }, finish), 'done end-stream conclude');
    assert.equal(go({ ...receiver, type: 'checking' }, finish), 'done end-stream conclude');
    assert.equal(go({ ...receiver, type: 'delivered' }, { type: 'timeout' }), 'failed abandon conclude');
    for (const type of ['stream-closed', 'received'] as const) {
      assert.equal(go({ ...receiver, type: 'delivered' }, { type }), 'delivered');
    }
    assert.equal(
      go({ ...receiver, type: 'delivered' }, { type: 'stream-failed', error, peerResumes: false }),
      'delivered',
    );
  });

  describe('when a transport breaks', () => {
    const broke: ContentEvent = { type: 'stream-failed', error, peerResumes: false };
    const left = (state: ContentState, event: ContentEvent) => {
      const step = contentMachine.step(state, event);
      assert.ok(step);
      const { transport, untried, resumesLeft, interruption } = step.state;
      return { transport, untried, resumesLeft, interruption };
    };

    it('as receiver tells where to go on, and replaces it if it is the initiator', () => {
      assert.equal(go({ ...receiver, type: 'moving' }, broke), 'telling abandon interrupt tell-position');
      assert.equal(
        go({ ...receiver, type: 'moving' }, { type: 'timeout' }),
        'telling abandon interrupt tell-position',
      );
      const taken: ContentEvent = { type: 'position-taken' };
      assert.equal(go({ ...receiver, type: 'telling', error }, taken), 'replacing abandon propose');
      assert.equal(go({ ...receivingResponder, type: 'telling', error }, taken), 'awaiting-replace abandon');
    });

    it('tries every transport again', () => {
      assert.deepEqual(left({ ...receiver, transport: 'ibb', untried: [], type: 'moving' }, broke), {
        transport: 'ibb',
        untried: ['s5b', 'ibb'],
        resumesLeft: 0,
        interruption: 'placed',
      });
    });

    it('as receiver that has not noticed takes the sender’s word for it', () => {
      const event: ContentEvent = { type: 'peer-replace', transport: 'ibb' };
      for (const plans of [receiver, receivingResponder]) {
        assert.equal(
          go({ ...plans, type: 'moving' }, event),
          'answering interrupt tell-position abandon answer-replace',
        );
      }
    });

    it('as sender waits for the receiver, then for the initiator', () => {
      const position: ContentEvent = { type: 'peer-position' };
      for (const type of ['moving', 'flushing', 'delivered', 'closing'] as const) {
        assert.equal(
          go({ ...responder, type }, position),
          'awaiting-replace interrupt take-position abandon',
        );
      }
      assert.equal(
        go({ ...responder, type: 'broken', error, allGiven: false, peerResumes: false }, position),
        'awaiting-replace interrupt take-position abandon',
      );
    });

    it('as sender that hears nothing proposes a transport if it is the initiator, or the receiver knows how', () => {
      const timeout: ContentEvent = { type: 'timeout' };
      const failing: ContentEvent = { type: 'stream-failed', error, peerResumes: true };
      for (const type of ['moving', 'flushing', 'delivered'] as const) {
        const broken: ContentState | undefined = contentMachine.step({ ...responder, type }, failing)?.state;
        assert.ok(broken);
        assert.equal(go(broken, timeout), 'replacing abandon propose');
        assert.equal(left(broken, timeout).interruption, 'unplaced');
      }
      assert.equal(
        go({ ...plan, type: 'broken', error, allGiven: false, peerResumes: false }, timeout),
        'replacing abandon propose',
      );
      assert.equal(
        go({ ...responder, type: 'broken', error, allGiven: false, peerResumes: false }, timeout),
        'failed abandon conclude',
      );
    });

    it('as sender moves nothing before it knows where to go on', () => {
      const unplaced: ContentState = { ...plan, type: 'connecting', interruption: 'unplaced' };
      assert.equal(go(unplaced, { type: 'connected' }), 'failed abandon conclude');
      const position: ContentEvent = { type: 'peer-position' };
      assert.equal(go(unplaced, position), 'connecting take-position');
      assert.equal(left(unplaced, position).interruption, 'placed');
      assert.equal(go({ ...unplaced, interruption: 'placed' }, { type: 'connected' }), 'moving move');
    });

    it('does so only so often', () => {
      const none = { resumesLeft: 0 };
      assert.equal(go({ ...receiver, ...none, type: 'moving' }, broke), 'broken');
      assert.equal(
        go({ ...receiver, ...none, type: 'moving' }, { type: 'timeout' }),
        'failed abandon conclude',
      );
      assert.equal(
        go({ ...plan, ...none, type: 'moving' }, { type: 'peer-position' }),
        'moving refuse-position',
      );
      assert.equal(
        go(
          { ...plan, ...none, type: 'broken', error, allGiven: false, peerResumes: false },
          { type: 'timeout' },
        ),
        'failed abandon conclude',
      );
      const replace: ContentEvent = { type: 'peer-replace', transport: 'ibb' };
      assert.equal(go({ ...receiver, ...none, type: 'moving' }, replace), 'moving reject-replace');
    });

    it('as receiver that is refused hears the peer’s reason, if it has one', () => {
      const refused: ContentEvent = { type: 'position-refused', error };
      assert.equal(go({ ...receiver, type: 'telling', error }, refused), 'broken');
      const broken: ContentState = {
        ...receiver,
        type: 'broken',
        error,
        allGiven: false,
        peerResumes: false,
      };
      assert.equal(go(broken, { type: 'timeout' }), 'failed abandon conclude');
    });
  });
});
