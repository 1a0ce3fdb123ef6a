import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  DEFAULT_MANAGEMENT_TIMES,
  type ManagementEffect,
  type ManagementEvent,
  type ManagementState,
  managementMachine,
  unackedOf,
} from '../../src/entity/stream-management-machine.js';
import { COUNT_MODULUS } from '../../src/stanza/xep0198-stream-management.js';
import { describeTable } from '../support/machine-table.js';

const times = { ...DEFAULT_MANAGEMENT_TIMES, askAfterStanzas: 3, maxFruitless: 2 };
const counts = { sent: 5, acked: 3, handled: 7 };
const resumption = { id: 'some-id', maxMs: 60_000, fruitless: 0 };
type Active = Extract<ManagementState, { type: 'active' }>;
const active: Active = { ...counts, type: 'active', resumption, asking: 'timed', unasked: 1 };

const states: ManagementState[] = [
  { type: 'off' },
  { type: 'enabling' },
  active,
  { ...counts, type: 'suspended', resumption },
  { ...counts, type: 'resuming', resumption, isLast: false },
  { ...counts, type: 'verifying', resumption },
];
const events: ManagementEvent[] = [
  { type: 'login', offered: true },
  { type: 'bound', offered: true },
  { type: 'enabled', resume: true, id: 'some-id', maxS: 60 },
  { type: 'resumed', previousId: 'some-id', handled: 4 },
  { type: 'failed', handled: 4 },
  { type: 'send' },
  { type: 'overflow' },
  { type: 'received' },
  { type: 'request' },
  { type: 'ack', handled: 4 },
  { type: 'ask-due' },
  { type: 'probe' },
  { type: 'lost', cut: true },
  { type: 'expired' },
  { type: 'unverified' },
  { type: 'close' },
];

const CLEAR = 'clear-timer clear-timer clear-timer';

describe('stream management machine', () => {
  const machine = managementMachine(times);

  describeTable(
    machine,
    { states, events },
    {
      off: {
        login: 'off bind',
        bound: 'enabling send-enable',
        send: 'off write',
        received: 'off',
        lost: 'off',
        close: `off ${CLEAR} discard`,
      },
      enabling: {
        enabled: 'active report-ready',
        failed: 'off report-ready',
        lost: 'off',
        close: `off ${CLEAR} discard`,
      },
      active: {
        send: 'active keep write',
        overflow: `off ${CLEAR} discard fail`,
        received: 'active',
        request: 'active send-ack',
        ack: 'active forget',
        'ask-due': 'active clear-timer send-request',
        probe: 'active clear-timer send-request',
        lost: `suspended ${CLEAR} set-timer`,
        close: `off ${CLEAR} send-ack discard`,
      },
      suspended: {
        login: 'resuming send-resume',
        send: 'suspended keep',
        lost: 'suspended',
        expired: 'off salvage report-expired',
        close: `off ${CLEAR} discard`,
      },
      resuming: {
        resumed: 'verifying clear-timer forget report-ready send-request set-timer',
        failed: `off ${CLEAR} forget salvage report-expired bind`,
        send: 'resuming keep',
        lost: 'suspended',
        expired: 'resuming',
        close: `off ${CLEAR} discard`,
      },
      verifying: {
        send: 'verifying keep',
        received: 'verifying',
        request: 'verifying send-ack',
        ack: 'active clear-timer forget resend clear-timer send-request',
        probe: 'verifying',
        lost: `suspended ${CLEAR} set-timer`,
        unverified: `off ${CLEAR} salvage fail`,
        close: `off ${CLEAR} send-ack discard`,
      },
    },
  );

  const step = (state: ManagementState, event: ManagementEvent) => {
    const next = machine.step(state, event);
    assert.ok(next, `no row for ${event.type} in ${state.type}`);
    return next;
  };
  const run = (from: ManagementState, ...seen: ManagementEvent[]): ManagementState =>
    seen.reduce((state, event) => step(state, event).state, from);
  const types = (effects: readonly ManagementEffect[]) => effects.map(({ type }) => type);
  const send: ManagementEvent = { type: 'send' };

  it('does not speak of it to a server that does not', () => {
    const { state, effects } = step({ type: 'off' }, { type: 'bound', offered: false });
    assert.equal(state.type, 'off');
    assert.deepEqual(effects, [{ type: 'report-ready', resumed: false }]);
  });

  it('counts from <enabled/> on (§4)', () => {
    const state = run(
      { type: 'off' },
      { type: 'received' }, // of the login
      { type: 'bound', offered: true },
      { type: 'enabled', resume: true, id: 'x', maxS: undefined },
      { type: 'received' },
      send,
      send,
    );
    assert.ok(state.type === 'active');
    assert.deepEqual([state.sent, state.handled], [2, 1]);
  });

  it('asks after some stanzas, or some time after the first of fewer, and once at a time', () => {
    const idle: Active = { ...active, acked: 5, asking: 'idle', unasked: 0 };
    const first = step(idle, send);
    assert.deepEqual(types(first.effects), ['keep', 'write', 'set-timer']);
    const second = step(first.state, send);
    assert.deepEqual(types(second.effects), ['keep', 'write']);
    const third = step(second.state, send);
    assert.deepEqual(types(third.effects), ['keep', 'write', 'clear-timer', 'send-request']);
    const more = Array.from({ length: 3 }, () => send);
    const state = more.reduce((from: ManagementState, event) => {
      const next = step(from, event);
      assert.deepEqual(types(next.effects), ['keep', 'write']);
      return next.state;
    }, third.state);
    // As many again have gone out meanwhile: it asks at once.
    const answered = step(state, { type: 'ack', handled: 8 });
    assert.deepEqual(types(answered.effects), ['forget', 'clear-timer', 'send-request']);
    const all = step(answered.state, { type: 'ack', handled: 11 });
    assert.deepEqual(types(all.effects), ['forget', 'clear-timer']);
    assert.ok(all.state.type === 'active' && all.state.asking === 'idle');
  });

  it('ends the stream when more is acknowledged than was sent (§6)', () => {
    for (const handled of [6, 2, COUNT_MODULUS - 1]) {
      const { state, effects } = step(active, { type: 'ack', handled });
      assert.equal(state.type, 'off');
      const fail = effects.find((effect) => effect.type === 'fail');
      assert.ok(fail?.type === 'fail');
      assert.equal(fail.tooHigh?.claimed, handled);
      assert.equal(fail.tooHigh?.sent, 5);
    }
    const resuming: ManagementState = { ...counts, type: 'resuming', resumption, isLast: false };
    const claims = step(resuming, { type: 'resumed', previousId: 'some-id', handled: 9 });
    assert.ok(types(claims.effects).includes('fail'));
    const other = step(resuming, { type: 'resumed', previousId: 'another', handled: 5 });
    assert.ok(types(other.effects).includes('fail'));
  });

  it('goes round at 2³² (§4)', () => {
    const late: Active = {
      ...active,
      sent: COUNT_MODULUS - 1,
      acked: COUNT_MODULUS - 1,
      handled: COUNT_MODULUS - 1,
    };
    const state = run(late, send, send, { type: 'received' });
    assert.ok(state.type === 'active');
    assert.deepEqual([state.sent, state.handled, unackedOf(state)], [1, 0, 2]);
    const acked = step(state, { type: 'ack', handled: 0 });
    assert.deepEqual(acked.effects[0], { type: 'forget', count: 1 });
  });

  it('is not resumed where the server only acknowledges, or the stream ended by word of either side', () => {
    const enabling: ManagementState = { type: 'enabling' };
    for (const answer of [
      { resume: false, id: 'x', maxS: undefined },
      { resume: true, id: undefined, maxS: undefined },
    ]) {
      assert.equal(run(enabling, { type: 'enabled', ...answer }, { type: 'lost', cut: true }).type, 'off');
    }
    const ended = step(active, { type: 'lost', cut: false });
    assert.equal(ended.state.type, 'off');
    assert.ok(types(ended.effects).includes('salvage'));
  });

  it('waits no longer than the server does, nor than we want to', () => {
    for (const [maxS, maxMs] of [
      [10, 10_000],
      [undefined, times.maxSuspendedMs],
      [1_000_000, times.maxSuspendedMs],
    ] as const) {
      const state = run({ type: 'enabling' }, { type: 'enabled', resume: true, id: 'x', maxS });
      const { effects } = step(state, { type: 'lost', cut: true });
      assert.deepEqual(effects.at(-1), { type: 'set-timer', timer: 'expire', delayMs: maxMs });
    }
  });

  it('keeps the session through attempts that fail before it was spoken of, and ends it by word of the server', () => {
    const suspended = run(active, { type: 'lost', cut: true });
    assert.equal(run(suspended, { type: 'lost', cut: false }).type, 'suspended');
    const resuming = run(suspended, { type: 'login', offered: true });
    assert.equal(run(resuming, { type: 'lost', cut: true }).type, 'suspended');
    assert.equal(run(resuming, { type: 'lost', cut: false }).type, 'off');
    assert.equal(run(resuming, { type: 'expired' }, { type: 'lost', cut: true }).type, 'off');
    assert.deepEqual(types(step(suspended, { type: 'login', offered: false }).effects).slice(-3), [
      'salvage',
      'report-expired',
      'bind',
    ]);
  });

  it('does not resume again and again a session of which nothing comes', () => {
    let state: ManagementState = active;
    let rounds = 0;
    for (; rounds < 100; rounds++) {
      state = run(state, { type: 'lost', cut: true });
      if (state.type !== 'suspended') break;
      state = run(
        state,
        { type: 'login', offered: true },
        { type: 'resumed', previousId: 'some-id', handled: 3 },
      );
    }
    assert.equal(rounds, times.maxFruitless);
    const fruitful = run(
      active,
      { type: 'lost', cut: true },
      { type: 'login', offered: true },
      { type: 'resumed', previousId: 'some-id', handled: 3 },
      { type: 'received' },
    );
    assert.ok(fruitful.type === 'verifying' && fruitful.resumption.fruitless === 0);
  });

  it('keeps exactly what is not acknowledged, whatever happens (any sequence of events)', () => {
    // The model: the queue as the driver holds it.
    const event = fc.oneof(
      ...events.filter(({ type }) => type !== 'ack').map((each) => fc.constant(each)),
      fc.constant(send),
      fc.record({ type: fc.constant('ack' as const), handled: fc.nat(12) }),
      fc.record({
        type: fc.constant('resumed' as const),
        previousId: fc.constant('some-id'),
        handled: fc.nat(12),
      }),
      fc.record({ type: fc.constant('lost' as const), cut: fc.boolean() }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (sequence) => {
        let state: ManagementState = { type: 'off' };
        let queued = 0;
        for (const each of sequence) {
          const next = machine.step(state, each);
          if (next === undefined) continue;
          state = next.state;
          for (const effect of next.effects) {
            if (effect.type === 'keep') queued += 1;
            if (effect.type === 'forget') queued -= effect.count;
            if (effect.type === 'salvage' || effect.type === 'discard') queued = 0;
            assert.ok(queued >= 0);
          }
          assert.equal(queued, 'sent' in state ? unackedOf(state) : 0, each.type);
        }
      }),
    );
  });
});
