import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  backoffMs,
  type ConnectionEvent,
  type ConnectionState,
  connectionMachine,
  DEFAULT_CONNECTION_TIMES,
  type Loss,
} from '../../src/entity/connection-machine.js';
import { OfflineError, RefusedError } from '../../src/entity/entity.js';
import { describeTable } from '../support/machine-table.js';

const tries = { failures: 0, conflicts: 0, everOnline: true, mayLinger: false, suspended: false };
const error = new OfflineError('test');
const broken: Loss = { type: 'broken', error };
const random = 0.5;
const resumable = false;

const states: ConnectionState[] = [
  { type: 'new' },
  { ...tries, type: 'connecting' },
  { ...tries, type: 'online' },
  { ...tries, type: 'probing' },
  { ...tries, type: 'waiting' },
  { type: 'closing' },
  { type: 'stopped' },
  { type: 'failed' },
];
const events: ConnectionEvent[] = [
  { type: 'start' },
  { type: 'opened', resumed: false },
  { type: 'lost', loss: broken, random, resumable },
  { type: 'alive' },
  { type: 'connect-timeout', error, random, resumable },
  { type: 'retry' },
  { type: 'stable' },
  { type: 'ping-due' },
  { type: 'pong-timeout', error, random, resumable },
  { type: 'asked' },
  { type: 'expired' },
  { type: 'stop' },
  { type: 'closed' },
];

describe('connection machine', () => {
  const machine = connectionMachine(DEFAULT_CONNECTION_TIMES);

  describeTable(
    machine,
    { states, events },
    {
      new: { start: 'connecting open-stream set-timer', stop: 'stopped clear-timers' },
      connecting: {
        opened: 'online clear-timers set-timer set-timer report-online',
        lost: 'waiting clear-timers set-timer',
        alive: 'connecting',
        'connect-timeout': 'waiting clear-timers drop-stream set-timer',
        expired: 'connecting',
        stop: 'stopped clear-timers drop-stream',
      },
      online: {
        alive: 'online',
        stable: 'online',
        'ping-due': 'probing set-timer ping',
        asked: 'probing set-timer',
        lost: 'waiting clear-timers report-offline set-timer',
        stop: 'closing clear-timers close-stream report-offline',
      },
      probing: {
        alive: 'online clear-timer set-timer',
        'ping-due': 'probing',
        asked: 'probing',
        stable: 'probing',
        'pong-timeout': 'waiting clear-timers drop-stream report-offline set-timer',
        lost: 'waiting clear-timers report-offline set-timer',
        stop: 'closing clear-timers close-stream report-offline',
      },
      waiting: {
        retry: 'connecting open-stream set-timer',
        expired: 'waiting',
        stop: 'stopped clear-timers',
      },
      closing: { closed: 'stopped', alive: 'closing', lost: 'closing', stop: 'closing' },
      stopped: { stop: 'stopped' },
      failed: { stop: 'stopped clear-timers' },
    },
  );

  const effectsOf = (state: ConnectionState, event: ConnectionEvent) =>
    machine.step(state, event)?.effects.map(({ type }) => type);

  const run = (from: ConnectionState, ...seen: ConnectionEvent[]): ConnectionState =>
    seen.reduce((state, event) => {
      const step = machine.step(state, event);
      assert.ok(step, `no row for ${event.type} in ${state.type}`);
      return step.state;
    }, from);

  describe('of what may pass', () => {
    const passing: Loss = { type: 'refused', passing: true, error: new RefusedError('policy-violation') };
    const lost: ConnectionEvent = { type: 'lost', loss: passing, random, resumable };

    it('tries again once it was let in', () => {
      assert.equal(run({ ...tries, type: 'online' }, lost).type, 'waiting');
      assert.equal(run({ ...tries, type: 'connecting', failures: 3 }, lost).type, 'waiting');
    });

    it('gives up where it never was', () => {
      assert.equal(run({ ...tries, type: 'connecting', everOnline: false }, lost).type, 'failed');
    });
  });

  describe('while a session waits to be resumed', () => {
    const lost: ConnectionEvent = { type: 'lost', loss: broken, random, resumable: true };
    const waiting = { ...tries, type: 'waiting', suspended: true } as const;
    const connecting = { ...waiting, type: 'connecting' } as const;

    it('tells nobody that the stream broke', () => {
      for (const state of [
        { ...tries, type: 'online' },
        { ...tries, type: 'probing' },
      ] as const) {
        const step = machine.step(state, lost);
        assert.ok(step?.state.type === 'waiting' && step.state.suspended);
        assert.deepEqual(effectsOf(state, lost), ['clear-timers', 'report-interrupted', 'set-timer']);
      }
      assert.ok(run(waiting, { type: 'retry' }, lost, { type: 'retry' }).type === 'connecting');
      assert.deepEqual(effectsOf(connecting, lost), ['clear-timers', 'set-timer']);
    });

    it('says that it goes on, or that another has begun, when a stream is open again', () => {
      const timers = ['clear-timers', 'set-timer', 'set-timer'];
      assert.deepEqual(effectsOf(connecting, { type: 'opened', resumed: true }), [
        ...timers,
        'report-resumed',
      ]);
      assert.deepEqual(effectsOf(connecting, { type: 'opened', resumed: false }), [
        ...timers,
        'report-offline',
        'report-online',
      ]);
    });

    it('says once that it is over', () => {
      for (const state of [waiting, connecting]) {
        const over = run(state, { type: 'expired' });
        assert.ok('suspended' in over && !over.suspended);
        assert.deepEqual(effectsOf(state, { type: 'expired' }), ['report-offline']);
        assert.deepEqual(effectsOf(over, { type: 'expired' }), []);
        assert.ok(effectsOf(state, { type: 'stop' })?.includes('report-offline'));
        assert.ok(!effectsOf(over, { type: 'stop' })?.includes('report-offline'));
      }
      assert.ok(effectsOf(connecting, { ...lost, resumable: false })?.includes('report-offline'));
      const refused: Loss = { type: 'refused', error: new RefusedError('no') };
      assert.deepEqual(effectsOf(connecting, { ...lost, loss: refused }), [
        'clear-timers',
        'report-offline',
        'report-failed',
      ]);
    });

    it('waits longer each time, as for any other stream', () => {
      let state: ConnectionState = { ...tries, type: 'online' };
      const waits: number[] = [];
      for (let n = 0; n < 5; n++) {
        const step = machine.step(state, lost);
        const retry = step?.effects.find((effect) => effect.type === 'set-timer');
        waits.push(retry?.type === 'set-timer' ? retry.delayMs : 0);
        assert.ok(step);
        state = run(step.state, { type: 'retry' });
      }
      assert.deepEqual(
        waits,
        [...waits].sort((one, other) => one - other),
      );
      assert.ok((waits.at(-1) ?? 0) > 10_000);
    });
  });

  it('gives up at once when the server refuses us', () => {
    const loss: Loss = { type: 'refused', error: new RefusedError('wrong secret') };
    const step = machine.step({ ...tries, type: 'connecting' }, { type: 'lost', loss, random, resumable });
    assert.equal(step?.state.type, 'failed');
    assert.deepEqual(step?.effects.at(-1), { type: 'report-failed', error: loss.error });
  });

  it('tries a conflict again, since it may be our own stream of before, but not for ever', () => {
    const conflict: ConnectionEvent = { type: 'lost', loss: { type: 'conflict', error }, random, resumable };
    let state = run({ type: 'new' }, { type: 'start' });
    for (let n = 0; n < DEFAULT_CONNECTION_TIMES.maxConflicts; n++) {
      state = run(state, conflict, { type: 'retry' });
    }
    assert.equal(run(state, conflict).type, 'failed');
  });

  it('has patience with a server that has not noticed yet that our stream broke', () => {
    const conflict: ConnectionEvent = { type: 'lost', loss: { type: 'conflict', error }, random, resumable };
    for (const end of [
      { type: 'pong-timeout', error, random, resumable },
      { type: 'lost', loss: broken, random, resumable },
    ] as const) {
      let state = run(
        { type: 'new' },
        { type: 'start' },
        { type: 'opened', resumed: false },
        { type: 'ping-due' },
        end,
      );
      let waitedMs = 0;
      for (; state.type === 'waiting'; state = run(state, { type: 'retry' }, conflict)) {
        waitedMs += backoffMs(state.failures, random, DEFAULT_CONNECTION_TIMES);
      }
      assert.equal(state.type, 'failed');
      assert.ok(waitedMs > 20 * 60_000 && waitedMs < 90 * 60_000, `${waitedMs} ms`);
    }
  });

  it('does not fight for ever with another program that takes turns with us', () => {
    const conflict: ConnectionEvent = { type: 'lost', loss: { type: 'conflict', error }, random, resumable };
    let state = run({ type: 'new' }, { type: 'start' }, { type: 'opened', resumed: false });
    let rounds = 0;
    for (; state.type === 'online'; rounds++) {
      state = run(state, conflict);
      if (state.type === 'waiting') state = run(state, { type: 'retry' }, { type: 'opened', resumed: false });
    }
    assert.equal(rounds, DEFAULT_CONNECTION_TIMES.maxConflicts + 1);
  });

  it('never gives up on a server that is away', () => {
    let state = run({ type: 'new' }, { type: 'start' });
    for (let n = 0; n < 1000; n++)
      state = run(state, { type: 'lost', loss: broken, random, resumable }, { type: 'retry' });
    assert.equal(state.type, 'connecting');
  });

  it('gives up where somebody waits, but not once it was online', () => {
    const impatient = connectionMachine({ ...DEFAULT_CONNECTION_TIMES, maxInitialFailures: 1 });
    const lost: ConnectionEvent = { type: 'lost', loss: broken, random, resumable };
    const first = { ...tries, everOnline: false, type: 'connecting' } as const;
    assert.equal(impatient.step(first, lost)?.state.type, 'failed');
    assert.equal(impatient.step({ ...tries, type: 'connecting' }, lost)?.state.type, 'waiting');
  });

  it('forgets failures after a stable time only', () => {
    const failed = { ...tries, failures: 7, conflicts: 2 };
    const state = run({ ...failed, type: 'connecting' }, { type: 'opened', resumed: false });
    assert.deepEqual(state, { ...failed, type: 'online' });
    assert.deepEqual(run(state, { type: 'stable' }), { ...tries, type: 'online' });
  });

  it('waits between 1 and 60 s, twice as long each time, in a random part of that', () => {
    const at = (failures: number, chance: number) => backoffMs(failures, chance, DEFAULT_CONNECTION_TIMES);
    assert.deepEqual(
      [1, 2, 3, 4, 5, 6, 7, 100].map((failures) => [at(failures, 0), at(failures, 1)]),
      [
        [1000, 2000],
        [2000, 4000],
        [4000, 8000],
        [8000, 16_000],
        [16_000, 32_000],
        [30_000, 60_000],
        [30_000, 60_000],
        [30_000, 60_000],
      ],
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (failures, chance) => {
          const delay = at(failures, chance);
          assert.ok(delay >= 1000 && delay <= 60_000);
        },
      ),
    );
  });
});
