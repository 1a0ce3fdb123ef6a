import assert from 'node:assert/strict';
import { parseBareJid } from '../../../src/stanza/jid.js';
import { BandwidthGovernor, type Pace } from '../../../src/transfer/send/bandwidth-governor.js';
import { RangeReader } from '../../../src/transfer/send/range-reader.js';
import type { RatePlan } from '../../../src/transfer/send/rate-plan.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const [A, B, C] = ['a', 'b', 'c'].map((name) => parseBareJid(`${name}@example.org`)) as [
  ReturnType<typeof parseBareJid>,
  ReturnType<typeof parseBareJid>,
  ReturnType<typeof parseBareJid>,
];
const CHUNK = 262_144;

describe('BandwidthGovernor', () => {
  let clock: VirtualClock;
  let stop: AbortController;
  let governor: BandwidthGovernor;

  beforeEach(() => {
    clock = new VirtualClock(new Date(2026, 10, 23, 12).getTime());
    stop = new AbortController();
  });

  afterEach(async () => {
    stop.abort();
    await clock.advance(0);
    assert.equal(clock.pendingTimers, 0);
  });

  const governed = (plan: Partial<RatePlan>) => {
    governor = new BandwidthGovernor({ clock }, { times: [], ...plan });
  };

  function paceOf(peer: typeof A): Pace {
    const pace = governor.paceFor(peer);
    assert.ok(pace);
    return pace;
  }

  /** Sends for ever; what has gone out is in `bytes`. */
  function sender(peer: typeof A) {
    const pace = paceOf(peer);
    const sent = { bytes: 0, pace };
    void (async () => {
      while (!stop.signal.aborted) {
        const piece = pace.pieceBytes(CHUNK);
        await pace.take(piece, stop.signal);
        if (stop.signal.aborted) return;
        sent.bytes += piece;
        await new Promise<void>((resolve) => clock.after(0.01, resolve)); // as fast as a disk
      }
    })();
    return sent;
  }

  async function drain(): Promise<void> {
    stop.abort();
    await clock.advance(1);
  }

  function near(bytes: number, expected: number, what: string): void {
    assert.ok(Math.abs(bytes - expected) <= expected * 0.05, `${what}: ${bytes} instead of ${expected}`);
  }

  it('sends no more in all, and gives each peer as much, however many files it gets', async () => {
    governed({ bytesPerSecond: 300_000 });
    const greedy = [sender(A), sender(A), sender(A), sender(A)];
    const [b, c] = [sender(B), sender(C)];
    await clock.advance(20_000);
    const ofA = greedy.reduce((sum, { bytes }) => sum + bytes, 0);
    near(ofA + b.bytes + c.bytes, 6_000_000, 'in all');
    near(ofA, 2_000_000, 'four files of one');
    near(b.bytes, 2_000_000, 'one of another');
    assert.ok(b.pace.heldMs > 15_000);
    await drain();
  });

  it('sends no more to each, and leaves to others what one may not have', async () => {
    governed({ bytesPerSecond: 300_000, bytesPerSecondPerPeer: 50_000 });
    const [a, b] = [sender(A), sender(B)];
    await clock.advance(20_000);
    near(a.bytes, 1_000_000, 'one');
    near(b.bytes, 1_000_000, 'the other');
    await drain();
  });

  it('changes with the time of day, also for those who wait', async () => {
    governed({
      bytesPerSecond: 20_000,
      times: [{ from: 12 * 60 + 1, to: 12 * 60 + 2, bytesPerSecond: 1_000_000 }],
    });
    const a = sender(A);
    await clock.advance(60_000);
    near(a.bytes, 1_200_000, 'before');
    const before = a.bytes;
    await clock.advance(60_000);
    near(a.bytes - before, 60_000_000, 'meanwhile');
    const meanwhile = a.bytes;
    await clock.advance(62_000);
    assert.ok(a.bytes - meanwhile < 2_500_000, 'after it');
    await drain();
  });

  it('has other bounds at once, for what is under way and for who waits', async () => {
    governed({});
    const a = sender(A);
    await clock.advance(10);
    assert.ok(a.bytes > 100 * CHUNK, 'without bounds');
    governor.setPlan({ times: [], bytesPerSecond: 20_000 });
    let before = a.bytes;
    await clock.advance(60_000);
    near(a.bytes - before, 1_200_000, 'bounded');
    governor.setPlan({ times: [], bytesPerSecond: 200_000 });
    before = a.bytes;
    await clock.advance(60_000);
    near(a.bytes - before, 12_000_000, 'less bounded');
    governor.setPlan({ times: [] });
    before = a.bytes;
    await clock.advance(10);
    assert.ok(a.bytes - before > 100 * CHUNK, 'without bounds again');
    await drain();
  });

  it('lets go of who gave up', async () => {
    governed({ bytesPerSecond: 10_000 });
    const pace = paceOf(A);
    await clock.advance(100);
    assert.equal(pace.take(100_000, stop.signal), undefined, 'at once, and in debt');
    const gone = new AbortController();
    const waiting = pace.take(4096, gone.signal);
    gone.abort();
    await waiting;
    assert.equal(clock.pendingTimers, 0);
  });

  it('paces the reading of a file', async () => {
    governed({ bytesPerSecond: 100_000 });
    const content = Buffer.alloc(300_000, 'abc');
    const file = {
      size: content.length,
      mtimeMs: 0,
      read: async (buffer: Uint8Array, position: number) => content.copy(buffer, 0, position),
      isUnwritten: () => true,
      unchanged: async () => true,
      close: async () => undefined,
    };
    const range = { offset: 0, length: content.length };
    const reader = new RangeReader(file, { range, chunkBytes: CHUNK, pace: paceOf(A) });
    const got: Buffer[] = [];
    const reading = (async () => {
      for await (const chunk of reader) got.push(Buffer.from(chunk));
    })();
    await clock.advance(1_000);
    near(Buffer.concat(got).length, 100_000, 'after a second');
    await clock.advance(2_500);
    await reading;
    assert.ok(Buffer.concat(got).equals(content));

    const second = new RangeReader(file, { range, chunkBytes: CHUNK, pace: paceOf(A) });
    const given = second[Symbol.asyncIterator]();
    for (let at = 0; at < 5; at += 1) {
      const next = given.next();
      await clock.advance(100);
      await next;
    }
    const last = given.next();
    second.destroy();
    assert.equal((await last).done, true, 'one that waits can be ended');
  });
});
