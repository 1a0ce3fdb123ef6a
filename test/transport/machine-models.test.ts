/** Random sequences of events against the machines of the transports: what must hold whatever happens. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { S5bCandidate } from '../../src/stanza/xep0260-jingle-s5b.js';
import {
  acknowledgedBytes,
  hasRoom,
  type IbbEffect,
  type IbbEvent,
  type IbbState,
  ibbMachine,
  initialIbbState,
} from '../../src/transport/ibb-machine.js';
import { type S5bEffect, type S5bEvent, type S5bState, s5bMachine } from '../../src/transport/s5b-machine.js';

const RUNS = { numRuns: 1000 };

const candidate: fc.Arbitrary<S5bCandidate> = fc.record({
  cid: fc.constantFrom('a', 'b', 'c'),
  host: fc.constant('192.0.2.1'),
  port: fc.constant(5000),
  priority: fc.constantFrom(1, 2, 3),
  type: fc.constantFrom('direct' as const, 'proxy' as const),
});

const s5bEvent: fc.Arbitrary<S5bEvent> = fc.oneof(
  fc
    .tuple(candidate, fc.constantFrom(0, 2, 3))
    .map(([each, rival]): S5bEvent => ({ type: 'reached', candidate: each, rival })),
  candidate.map((each): S5bEvent => ({ type: 'peer-used', candidate: each })),
  fc.constantFrom<S5bEvent>(
    { type: 'unreachable' },
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
  ),
);

describe('s5b machine, modelled', () => {
  function run(role: 'initiator' | 'responder', events: readonly S5bEvent[]) {
    let state: S5bState = { type: 'searching', role };
    const effects: S5bEffect[] = [];
    for (const event of events) {
      const step = s5bMachine.step(state, event);
      if (!step) continue;
      state = step.state;
      effects.push(...step.effects);
    }
    return { state, effects };
  }

  const role = fc.constantFrom('initiator' as const, 'responder' as const);

  it('ends once at most, reports once at most, and is over after a timeout', () => {
    fc.assert(
      fc.property(role, fc.array(s5bEvent), (ours, events) => {
        const { effects } = run(ours, events);
        const count = (...types: string[]) => effects.filter(({ type }) => types.includes(type)).length;
        assert.ok(count('connect', 'fail') <= 1);
        assert.ok(count('send-used', 'send-error') <= 1);
        assert.ok(count('send-activated', 'send-proxy-error') <= 1);
        const { state } = run(ours, [...events, { type: 'timeout' }]);
        assert.ok(['connected', 'failed', 'closed'].includes(state.type), state.type);
        assert.equal(run(ours, [...events, { type: 'close' }]).state.type, 'closed');
      }),
      RUNS,
    );
  });

  it('has both sides nominate the same candidate, whatever each reached', () => {
    const reach = fc.option(candidate);
    fc.assert(
      fc.property(reach, reach, fc.boolean(), fc.nat(3), (byInitiator, byResponder, initiatorFirst, best) => {
        const own = (reached: S5bCandidate | null, theirs: S5bCandidate | null): S5bEvent =>
          reached
            ? { type: 'reached', candidate: reached, rival: theirs?.priority ?? best }
            : { type: 'unreachable' };
        const told = (reached: S5bCandidate | null): S5bEvent =>
          reached ? { type: 'peer-used', candidate: reached } : { type: 'peer-error' };
        const order = (...events: S5bEvent[]) => (initiatorFirst ? events : events.toReversed());
        const initiator = run('initiator', order(own(byInitiator, byResponder), told(byResponder)));
        const responder = run('responder', order(told(byInitiator), own(byResponder, byInitiator)));
        const outcome = ({ state, effects }: ReturnType<typeof run>) =>
          state.type === 'connected' ? effects.at(-1) : 'candidate' in state ? state : state.type;
        const pair = [outcome(initiator), outcome(responder)].map((each) =>
          typeof each === 'object' ? each.type : each,
        );
        const good = [
          ['failed', 'failed'],
          ['connect', 'awaiting-inbound'],
          ['awaiting-inbound', 'connect'],
          ['awaiting-activation', 'activating'],
          ['activating', 'awaiting-activation'],
        ];
        assert.ok(
          good.some(([one, other]) => one === pair[0] && other === pair[1]),
          pair.join(' '),
        );
      }),
      RUNS,
    );
  });
});

const WINDOW = 4;
const BLOCK = 8;

const ibbEvent: fc.Arbitrary<IbbEvent> = fc.oneof(
  fc.record({
    type: fc.constant('data' as const),
    seq: fc.nat(6),
    bytes: fc.nat(BLOCK + 1).map((length) => Buffer.alloc(length)),
  }),
  fc.record({ type: fc.constant('acked' as const), seq: fc.nat(8), slow: fc.boolean() }),
  fc.record({ type: fc.constant('bounced' as const), seq: fc.nat(8) }),
  fc.constantFrom<IbbEvent>(
    { type: 'start' },
    { type: 'opened' },
    { type: 'open-refused', why: 'no' },
    { type: 'open-too-large' },
    { type: 'peer-open', blockSize: BLOCK },
    { type: 'peer-open', blockSize: BLOCK + 1 },
    { type: 'refused', why: 'no' },
    { type: 'retry' },
    { type: 'end' },
    { type: 'malformed' },
    { type: 'overflow' },
    { type: 'peer-close' },
    { type: 'close-answered' },
    { type: 'linger' },
    { type: 'lost', why: 'cut' },
    { type: 'destroy' },
  ),
  // More often than one in so many: else little is ever sent.
  fc.constant<IbbEvent>({ type: 'write', bytes: Buffer.alloc(BLOCK) }),
  fc.constant<IbbEvent>({ type: 'write', bytes: Buffer.alloc(BLOCK) }),
);

describe('ibb machine, modelled', () => {
  const isOver = (state: IbbState) => state.type === 'closed' || state.type === 'failed';

  /** A stream that is open, or one that is not yet; writes only where there is room, as its driver does. */
  function run(events: readonly IbbEvent[], check: (state: IbbState, effects: readonly IbbEffect[]) => void) {
    let state: IbbState = initialIbbState({ blockSize: BLOCK, window: WINDOW });
    for (const event of events) {
      if (event.type === 'write' && !hasRoom(state)) continue;
      const before = state;
      const step = ibbMachine.step(state, event);
      if (!step) continue;
      state = step.state;
      check(state, step.effects);
      if (isOver(before)) assert.ok(isOver(state) && step.effects.length === 0, 'it lives after its end');
    }
    return state;
  }

  const opened: IbbEvent[] = [{ type: 'start' }, { type: 'opened' }];
  const sequence = fc
    .tuple(fc.constantFrom<readonly IbbEvent[]>([], opened), fc.array(ibbEvent, { maxLength: 60 }))
    .map(([first, rest]) => [...first, ...rest]);

  it('keeps within its window, sends and delivers in order, and ends once', () => {
    fc.assert(
      fc.property(sequence, (events) => {
        let delivered = 0;
        let closes = 0;
        let fails = 0;
        let acknowledged = 0;
        const sent: number[] = [];
        run(events, (state, effects) => {
          if ('sending' in state) {
            assert.ok(state.sending.blocks.length <= WINDOW, 'more than a window is kept');
            const now = acknowledgedBytes(state) ?? 0;
            assert.ok(now >= acknowledged && now <= state.sending.bytes, 'what was acknowledged shrank');
            acknowledged = now;
          }
          for (const effect of effects) {
            if (effect.type === 'deliver') delivered += 1;
            if (effect.type === 'send-close') closes += 1;
            if (effect.type === 'fail') fails += 1;
            if (effect.type === 'send-data') sent.push(effect.seq);
          }
          if ('receiving' in state) assert.equal(state.receiving.nextSeq, delivered);
        });
        assert.ok(closes <= 1 && fails <= 1);
        // A block is new, or one that is sent again.
        const highest = sent.reduce((high, seq) => {
          assert.ok(seq <= high + 1, `${seq} after ${high}`);
          return Math.max(high, seq);
        }, -1);
        assert.ok(highest < 1000);
      }),
      RUNS,
    );
  });

  it('is over once the connection is lost, or its owner gives up', () => {
    fc.assert(
      fc.property(sequence, fc.constantFrom('lost' as const, 'destroy' as const), (events, end) => {
        const last: IbbEvent = end === 'lost' ? { type: 'lost', why: 'cut' } : { type: 'destroy' };
        const state = run([...events, last], () => undefined);
        assert.ok(isOver(state) || (end === 'lost' && state.type === 'agreed'), state.type);
      }),
      RUNS,
    );
  });

  it('holds no more after ten thousand blocks than after ten', () => {
    const blocks = Array.from({ length: 10_000 }, (_, seq): IbbEvent[] => [
      { type: 'write', bytes: Buffer.alloc(BLOCK) },
      { type: 'acked', seq, slow: false },
      { type: 'data', seq, bytes: Buffer.alloc(BLOCK) },
    ]);
    const state = run([...opened, ...blocks.flat()], () => undefined);
    assert.equal(state.type, 'open');
    assert.equal(acknowledgedBytes(state), 10_000 * BLOCK);
    assert.ok(JSON.stringify(state).length < 1000);
  });
});
