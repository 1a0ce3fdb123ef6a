import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  acknowledgedBytes,
  hasRoom,
  type IbbEffect,
  type IbbEvent,
  type IbbState,
  ibbMachine,
  initialIbbState,
} from '../../src/transport/ibb-machine.js';
import { describeTable } from '../support/machine-table.js';

const bytes = Buffer.from('data');

function go(state: IbbState, ...happened: readonly IbbEvent[]): { state: IbbState; effects: IbbEffect[] } {
  const effects: IbbEffect[] = [];
  let now = state;
  for (const event of happened) {
    const step = ibbMachine.step(now, event);
    assert.ok(step, `'${event.type}' has no row in '${now.type}'`);
    now = step.state;
    effects.push(...step.effects);
  }
  return { state: now, effects };
}

function open(window = 4): IbbState {
  return go(initialIbbState({ blockSize: 4, window }), { type: 'start' }, { type: 'opened' }).state;
}

const agreed = initialIbbState({ blockSize: 4, window: 4 });
const opening = go(agreed, { type: 'start' }).state;
const sending = go(open(), { type: 'write', bytes }).state;
const ending = go(sending, { type: 'end' }).state;
const closing = go(open(), { type: 'end' }).state;
const peerClosing = go(sending, { type: 'peer-close' }).state;

const events: readonly IbbEvent[] = [
  { type: 'start' },
  { type: 'opened' },
  { type: 'open-refused', why: 'no' },
  { type: 'open-too-large' },
  { type: 'peer-open', blockSize: 4 },
  { type: 'write', bytes },
  { type: 'acked', seq: 0, slow: false },
  { type: 'bounced', seq: 0 },
  { type: 'refused', why: 'no' },
  { type: 'retry' },
  { type: 'end' },
  { type: 'data', seq: 0, bytes },
  { type: 'malformed' },
  { type: 'overflow' },
  { type: 'peer-close' },
  { type: 'close-answered' },
  { type: 'linger' },
  { type: 'lost', why: 'cut' },
  { type: 'destroy' },
];

const over = (state: string) => ({
  start: state,
  opened: state,
  'open-refused': state,
  'open-too-large': state,
  acked: state,
  bounced: state,
  refused: state,
  retry: state,
  'close-answered': state,
  linger: state,
  lost: state,
  destroy: state,
});

const states: readonly IbbState[] = [
  agreed,
  opening,
  sending,
  ending,
  closing,
  peerClosing,
  { type: 'closed' },
  { type: 'failed' },
];

describeTable(
  ibbMachine,
  {
    states,
    events,
  },
  {
    agreed: {
      start: 'opening send-open',
      'peer-open': 'open opened',
      'peer-close': 'failed answer-close fail',
      lost: 'failed fail',
      destroy: 'closed',
    },
    opening: {
      opened: 'open opened',
      'open-refused': 'failed fail',
      'open-too-large': 'opening send-open',
      'peer-open': 'open opened',
      data: 'open deliver opened',
      malformed: 'failed send-close fail',
      overflow: 'failed refuse send-close fail',
      'peer-close': 'failed answer-close fail',
      lost: 'failed fail',
      destroy: 'closed send-close',
    },
    open: {
      start: 'open',
      opened: 'open',
      'open-too-large': 'open',
      'peer-open': 'open opened',
      write: 'open send-data',
      acked: 'open',
      bounced: 'open start-retry',
      refused: 'failed send-close fail',
      retry: 'open send-data',
      end: 'ending',
      data: 'open deliver',
      malformed: 'failed send-close fail',
      overflow: 'failed refuse send-close fail',
      'peer-close': 'peer-closing end-reader start-linger',
      lost: 'failed fail',
      destroy: 'closed send-close',
    },
    ending: {
      acked: 'closing send-close flushed',
      bounced: 'ending start-retry',
      refused: 'failed send-close fail',
      retry: 'ending send-data',
      data: 'ending deliver',
      malformed: 'failed send-close fail',
      overflow: 'failed refuse send-close fail',
      'peer-close': 'peer-closing end-reader start-linger',
      lost: 'failed fail',
      destroy: 'closed send-close',
    },
    closing: {
      data: 'closing deliver',
      malformed: 'failed fail',
      overflow: 'failed refuse fail',
      'peer-close': 'closed end-reader answer-close',
      'close-answered': 'closed end-reader',
      lost: 'closed end-reader',
      destroy: 'closed',
    },
    'peer-closing': {
      write: 'peer-closing send-data',
      acked: 'peer-closing',
      bounced: 'peer-closing start-retry',
      refused: 'failed send-close fail',
      retry: 'peer-closing send-data',
      end: 'peer-closing',
      linger: 'peer-closing start-linger',
      lost: 'failed fail',
      destroy: 'closed answer-close',
    },
    closed: over('closed'),
    failed: over('failed'),
  },
);

describe('ibb machine', () => {
  const condition = (effects: readonly IbbEffect[]) =>
    effects.flatMap((effect) => (effect.type === 'refuse' ? [`${effect.condition}/${effect.as}`] : []));
  const sent = (effects: readonly IbbEffect[]) =>
    effects.flatMap((effect) => (effect.type === 'send-data' ? [effect.seq] : []));

  it('counts from 65535 on to 0, in both directions', () => {
    let state = open(1);
    const seqs: number[] = [];
    for (let block = 0; block < 65_538; block += 1) {
      const write = go(state, { type: 'write', bytes });
      seqs.push(...sent(write.effects));
      const seq = block % 65_536;
      state = go(write.state, { type: 'acked', seq, slow: false }, { type: 'data', seq, bytes }).state;
    }
    assert.deepEqual(seqs.slice(-3), [65_535, 0, 1]);
  });

  it('keeps no more than the window under way', () => {
    let state = open(3);
    for (const _ of [1, 2, 3]) {
      assert.ok(hasRoom(state));
      state = go(state, { type: 'write', bytes }).state;
    }
    assert.ok(!hasRoom(state));
    assert.ok(hasRoom(go(state, { type: 'acked', seq: 0, slow: false }).state));
  });

  it('opens with smaller and smaller blocks where the peer wants that, and not for ever', () => {
    const sizes: number[] = [];
    let state: IbbState = initialIbbState({ blockSize: 100, window: 1 });
    let event: IbbEvent = { type: 'start' };
    while (state.type === 'agreed' || state.type === 'opening') {
      const next = go(state, event);
      sizes.push(
        ...next.effects.flatMap((effect) => (effect.type === 'send-open' ? [effect.blockSize] : [])),
      );
      state = next.state;
      event = { type: 'open-too-large' };
    }
    assert.deepEqual(sizes, [100, 50, 25, 12, 6]);
    assert.equal(state.type, 'failed');
  });

  it('knows how many bytes the peer has, to the first block that is not acknowledged', () => {
    const full = [0, 1, 2].reduce((state) => go(state, { type: 'write', bytes }).state, open(3));
    assert.equal(acknowledgedBytes(full), 0);
    const gap = go(full, { type: 'acked', seq: 1, slow: false }).state;
    assert.equal(acknowledgedBytes(gap), 0);
    const first = go(gap, { type: 'acked', seq: 0, slow: false }).state;
    assert.equal(acknowledgedBytes(first), 2 * bytes.length);
    assert.equal(
      acknowledgedBytes(go(first, { type: 'acked', seq: 2, slow: false }).state),
      3 * bytes.length,
    );
  });

  it('refuses a seq that was used already, and closes', () => {
    const { state } = go(open(), { type: 'data', seq: 0, bytes });
    const again = go(state, { type: 'data', seq: 0, bytes });
    assert.deepEqual(condition(again.effects), ['unexpected-request/cancel']);
    assert.equal(again.state.type, 'failed');
  });

  it('refuses a seq that came too early, and delivers nothing of it', () => {
    const early = go(open(), { type: 'data', seq: 1, bytes });
    assert.deepEqual(condition(early.effects), ['unexpected-request/cancel']);
    assert.ok(!early.effects.some((effect) => effect.type === 'deliver'));
  });

  it('refuses a block larger than agreed', () => {
    const large = go(open(), { type: 'data', seq: 0, bytes: Buffer.alloc(5) });
    assert.deepEqual(condition(large.effects), ['bad-request/cancel']);
  });

  it('refuses to be opened with larger blocks than agreed, and may be opened again', () => {
    const large = go(agreed, { type: 'peer-open', blockSize: 5 });
    assert.deepEqual(condition(large.effects), ['resource-constraint/modify']);
    assert.equal(go(large.state, { type: 'peer-open', blockSize: 4 }).state.type, 'open');
  });

  it('sends blocks that bounced again, in order and one by one', () => {
    const full = [0, 1, 2].reduce((state) => go(state, { type: 'write', bytes }).state, open(3));
    const back = go(
      full,
      { type: 'bounced', seq: 1 },
      { type: 'bounced', seq: 2 },
      { type: 'acked', seq: 0, slow: false },
    );
    assert.deepEqual(
      back.effects.map((effect) => effect.type),
      ['start-retry'],
    );
    const first = go(back.state, { type: 'retry' });
    assert.deepEqual(sent(first.effects), [1]);
    const second = go(first.state, { type: 'acked', seq: 1, slow: false });
    assert.deepEqual(sent(second.effects), [2]);
  });

  it('gives up when a block was lost between others', () => {
    const full = [0, 1].reduce((state) => go(state, { type: 'write', bytes }).state, open(3));
    const lost = go(full, { type: 'bounced', seq: 0 }, { type: 'acked', seq: 1, slow: false });
    assert.equal(lost.state.type, 'failed');
  });

  it('gives up when blocks bounce again and again', () => {
    let state = go(open(), { type: 'write', bytes }).state;
    let bounces = 0;
    while (state.type === 'open') {
      bounces += 1;
      state = go(state, { type: 'bounced', seq: 0 }).state;
      if (state.type === 'open') state = go(state, { type: 'retry' }).state;
    }
    assert.equal(state.type, 'failed');
    assert.ok(bounces > 3 && bounces < 20, String(bounces));
  });

  it('widens its window again after a bounce', () => {
    let { state } = go(open(4), { type: 'write', bytes }, { type: 'bounced', seq: 0 }, { type: 'retry' });
    let seq = 0;
    for (let acks = 0; acks < 40; acks += 1) {
      state = go(state, { type: 'acked', seq, slow: false }, { type: 'write', bytes }).state;
      seq += 1;
    }
    let room = 0;
    while (hasRoom(state)) {
      state = go(state, { type: 'write', bytes }).state;
      room += 1;
    }
    assert.equal(room, 3);
  });

  it('delivers every block once and in order over a server that bounces at random', () => {
    const server = fc.record({
      window: fc.integer({ min: 1, max: 6 }),
      blocks: fc.integer({ min: 1, max: 30 }),
    });
    fc.assert(
      fc.property(server, fc.array(fc.boolean(), { maxLength: 40 }), ({ window, blocks }, fates) => {
        let sender = open(window);
        let receiver = open(window);
        const got: number[] = [];
        const fate = [...fates];
        const queue: { seq: number; bytes: Buffer }[] = [];
        const perform = (effects: readonly IbbEffect[]): void => {
          for (const effect of effects) {
            if (effect.type === 'send-data') queue.push(effect);
            if (effect.type === 'start-retry') {
              const again = go(sender, { type: 'retry' });
              sender = again.state;
              perform(again.effects);
            }
          }
        };
        let written = 0;
        while (got.length < blocks && sender.type === 'open') {
          while (hasRoom(sender) && written < blocks) {
            const write = go(sender, { type: 'write', bytes: Buffer.from([written]) });
            written += 1;
            sender = write.state;
            perform(write.effects);
          }
          // The server bounces everything it holds just now, or nothing.
          const bounce = fate.shift() === true;
          for (const block of queue.splice(0)) {
            if (!bounce) {
              const step = go(receiver, { type: 'data', seq: block.seq, bytes: block.bytes });
              receiver = step.state;
              got.push(...step.effects.flatMap((each) => (each.type === 'deliver' ? [...each.bytes] : [])));
            }
            const told = go(
              sender,
              bounce ? { type: 'bounced', seq: block.seq } : { type: 'acked', seq: block.seq, slow: false },
            );
            sender = told.state;
            perform(told.effects);
          }
        }
        // It may give up, but never delivers anything else than the beginning of what was sent.
        assert.deepEqual(
          got,
          got.map((_, index) => index),
        );
        if (fates.filter(Boolean).length < 8) assert.equal(got.length, blocks);
      }),
    );
  });
});
