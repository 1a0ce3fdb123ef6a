import assert from 'node:assert/strict';
import { sleep } from '../../src/clock.js';
import { AbortedError } from '../../src/errors.js';
import type { DownloadOrder } from '../../src/node/asker.js';
import { downloadDoubted } from '../../src/node/doubted-size.js';
import { parseJid } from '../../src/stanza/jid.js';
import type { DownloadEvent, DownloadProgress } from '../../src/transfer/fetch/download-events.js';
import { FetchError, type FetchErrorCode } from '../../src/transfer/fetch/fetch-request.js';
import { VirtualClock } from '../support/virtual-clock.js';

const DAY_MS = 86_400_000;

const orderOf = (size: number, waitMs: number): DownloadOrder => ({
  file: { hash: { algo: 'sha-256', value: 'x' }, size },
  sources: [],
  target: 'x',
  overwrite: 'refuse',
  waitMs,
  audience: { channels: [], nodes: [] },
});

interface Told {
  readonly sizes: readonly number[];
  readonly waitMs: number;
  /** What has this size comes, from then on. */
  readonly size?: number;
  readonly fromMs?: number;
  /** What the others end with. */
  readonly code?: FetchErrorCode;
  /** Is told of a second after somebody is waited for. */
  readonly later?: number;
}

/** What was asked for, when, and how it ended. */
async function downloaded({ sizes, waitMs, size, fromMs = 0, code = 'no-source-left', later }: Told) {
  const clock = new VirtualClock();
  const asked: { size: number; atMs: number; waitMs: number; isDoubted: boolean }[] = [];
  const events: DownloadEvent[] = [];
  const asker = {
    async *download(order: DownloadOrder, signal?: AbortSignal): AsyncGenerator<DownloadEvent> {
      const { file, waitMs: forMs = 0, isDoubted = false, onOtherSize } = order;
      asked.push({ size: file.size, atMs: clock.monotonic(), waitMs: forMs, isDoubted });
      if (forMs > 0) yield { type: 'waiting', forMs };
      const untilMs = clock.monotonic() + forMs;
      const isThere = () => file.size === size && clock.monotonic() >= fromMs;
      const stepMs = 1000;
      while (!isThere() && clock.monotonic() < untilMs && code === 'no-source-left') {
        await sleep(clock, Math.min(stepMs, untilMs - clock.monotonic()), signal);
        if (later !== undefined)
          onOtherSize?.({ size: later, dateMs: 5, source: { jid: parseJid('late.x') } });
        if (signal?.aborted) throw new AbortedError('the turn is over');
      }
      if (!isThere()) throw new FetchError(code, 'no');
      yield { type: 'verifying' };
    },
  };
  let ended: string | undefined;
  const run = async () => {
    const orders = sizes.map((each) => orderOf(each, waitMs));
    for await (const event of downloadDoubted({ asker, clock }, orders)) events.push(event);
    return 'done';
  };
  void run()
    .catch((error: unknown) => (error instanceof FetchError ? error.code : String(error)))
    .then((how) => {
      ended = how;
    });
  for (let at = 0; ended === undefined && at < 5000; at += 1) await clock.advance(60_000);
  assert.equal(clock.pendingTimers, 0);
  return { asked, ended, events };
}

const ALL = [3, 2, 1];

describe('a file of which several sizes are told', () => {
  it('is looked for with each', async () => {
    for (const code of ['no-source-left', 'hash-mismatch', 'exists'] as const) {
      const { asked, ended } = await downloaded({ sizes: ALL, waitMs: 0, size: 1, code });
      assert.deepEqual([asked.map(({ size }) => size), ended], [ALL, 'done']);
      assert.ok(asked.slice(0, 2).every(({ isDoubted, waitMs }) => isDoubted && waitMs === 0));
      assert.equal((await downloaded({ sizes: ALL, waitMs: 0, size: 9, code })).ended, code);
    }
  });

  it('is waited for with each in turn, for so long in all', async () => {
    for (const size of ALL) {
      const { asked, ended } = await downloaded({ sizes: ALL, waitMs: 3 * DAY_MS, size, fromMs: DAY_MS });
      assert.equal(ended, 'done');
      assert.ok((asked.at(-1)?.atMs ?? 0) < DAY_MS + 3 * 600_000);
      assert.ok(asked.length < 500, 'the channel is asked all the time');
    }
    const { asked, ended, events } = await downloaded({ sizes: ALL, waitMs: DAY_MS });
    assert.equal(ended, 'no-source-left');
    const last = asked.at(-1) ?? assert.fail();
    assert.ok(last.atMs <= DAY_MS && last.atMs + last.waitMs >= DAY_MS - 1000);
    const waiting = events.filter(({ type }) => type === 'waiting');
    assert.equal(waiting.length, 1, 'that it waits is told again and again');
  });

  it('is not tried again with a size whose bytes were wrong, nor without a pause', async () => {
    const { asked, ended } = await downloaded({ sizes: ALL, waitMs: DAY_MS, code: 'hash-mismatch' });
    assert.deepEqual([asked.length, ended], [3, 'hash-mismatch']);
  });

  it('is waited for with a size that is told only later', async () => {
    const { asked, ended } = await downloaded({ sizes: [3], waitMs: 3 * DAY_MS, later: 7, size: 7 });
    assert.equal(ended, 'done');
    assert.deepEqual(
      asked.slice(0, 2).map(({ size, isDoubted }) => [size, isDoubted]),
      [
        [3, false],
        [7, true],
      ],
    );
    assert.ok((asked.at(-1)?.atMs ?? 0) < 60_000);
  });

  it('may take as long as something comes', async () => {
    const clock = new VirtualClock();
    let turns = 0;
    const asker = {
      async *download({ file }: DownloadOrder): AsyncGenerator<DownloadEvent> {
        turns += 1;
        await sleep(clock, 20 * 60_000);
        const settledBytes = file.size === 2 ? turns : 0;
        yield { type: 'progress', resumedBytes: 0, settledBytes } as DownloadProgress & DownloadEvent;
        if (turns < 40) throw new FetchError('no-source-left', 'gone again');
        yield { type: 'verifying' };
      },
    };
    let isOver = false;
    const run = async () => {
      const orders = [3, 2].map((size) => orderOf(size, 3_600_000));
      for await (const event of downloadDoubted({ asker, clock }, orders))
        isOver ||= event.type === 'verifying';
    };
    const running = run();
    for (let at = 0; !isOver && at < 50; at += 1) await clock.advance(20 * 60_000);
    await running;
    assert.equal(turns, 40);
  });

  it('is fetched though there is no room for what somebody else tells', async () => {
    const { asked, ended } = await downloaded({ sizes: ALL, waitMs: DAY_MS, size: 2, code: 'no-space' });
    assert.deepEqual([asked.map(({ size }) => size), ended], [[3, 2], 'done']);
  });

  it('is given up where there is room for none, or the disk takes nothing', async () => {
    const full = await downloaded({ sizes: ALL, waitMs: DAY_MS, code: 'no-space' });
    assert.deepEqual([full.asked.map(({ size }) => size), full.ended], [[3, 2, 1], 'no-space']);
    const shut = await downloaded({ sizes: ALL, waitMs: DAY_MS, size: 2, code: 'not-writable' });
    assert.deepEqual([shut.asked.map(({ size }) => size), shut.ended], [[3], 'not-writable']);
  });
});
