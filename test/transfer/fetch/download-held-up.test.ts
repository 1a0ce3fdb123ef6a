/** Downloads that wait, are stopped, or end with a disk that fails. Times are those of a simulated network. */
import assert from 'node:assert/strict';
import { DiskError } from '../../../src/transfer/fetch/disk-error.js';
import { FetchError } from '../../../src/transfer/fetch/fetch-request.js';
import { assertFetched, four, of, SIZE, world } from '../../support/download/download-checks.js';
import { BLOCK_BYTES, bytesOf, SimulatedWorld, TARGET } from '../../support/download/simulated-download.js';
import type { Behaviour } from '../../support/download/simulated-sources.js';

describe('a download that is held up', () => {
  it('waits in queues, and lets others do the work meanwhile', async () => {
    const all = world();
    const outcome = await all.run([
      all.source('queue', { bytesPerMs: 100, queuedUntilMs: 60_000 }),
      all.source('open', { bytesPerMs: 10 }),
    ]);
    assertFetched(all, outcome);
    assert.ok(outcome.tookMs <= 1.1 * (SIZE / 10));
    const places = of(outcome.events, 'progress').flatMap(({ sources }) => sources[0]?.position ?? []);
    assert.ok(places.length > 0 && places.every((place) => place > 0));
  });

  it('takes its turn when it comes to the head of a queue', async () => {
    const all = world();
    const outcome = await all.run([all.source('queue', { bytesPerMs: 10, queuedUntilMs: 200_000 })]);
    assertFetched(all, outcome);
    assert.ok(outcome.tookMs <= 200_000 + 1.1 * (SIZE / 10), `${outcome.tookMs}`);
  });

  it('asks a busy source again', async () => {
    const all = world();
    let isBusy = true;
    all.clock.after(20_000, () => {
      isBusy = false;
    });
    const busy = {
      bytesPerMs: 10,
      get refuses() {
        return isBusy ? ('busy' as const) : undefined;
      },
    };
    const outcome = await all.run([
      all.sources.add(
        'busy',
        Object.defineProperties(
          { content: all.content, list: all.list },
          Object.getOwnPropertyDescriptors(busy),
        ) as Behaviour,
      ),
    ]);
    assertFetched(all, outcome);
    assert.ok(outcome.tookMs < 80_000);
  });

  it('fails soon when nobody can give the file, and says why', async () => {
    const all = world();
    const { error, tookMs } = await all.run([
      all.source('gone', { bytesPerMs: 10, refuses: 'not-available' }),
      all.source('off', { bytesPerMs: 10, refuses: 'unreachable' }),
    ]);
    assert.ok(error instanceof FetchError);
    assert.equal(error.code, 'no-source-left');
    assert.deepEqual(
      error.failures.map(({ jid }) => jid),
      ['gone.example/n', 'off.example/n'],
    );
    assert.ok(tookMs < 10_000, `${tookMs}`);
    assert.equal(all.clock.pendingTimers, 0);
  });

  it('waits for days when told to, and goes on when a source returns', async () => {
    const all = world();
    const day = 86_400_000;
    const away = [{ fromMs: 2000, toMs: 2.5 * day }];
    const source = all.source('a', { bytesPerMs: 10, away });
    const outcome = await all.run([source], { waitMs: 3 * day });
    assertFetched(all, outcome);
    assert.ok(outcome.tookMs < 2.5 * day + 600_000, `${outcome.tookMs / day} days`);
    assert.equal(of(outcome.events, 'waiting').length, 1);
    assert.ok(all.sources.taken() <= SIZE + BLOCK_BYTES);
  });

  it('gives up when nobody came in the time it was told to wait', async () => {
    const all = world();
    all.answersFrom(all.source('late', { bytesPerMs: 10 }), 10_000_000);
    const { error, tookMs } = await all.run([], { waitMs: 3_600_000 });
    assert.ok(error instanceof FetchError && error.code === 'no-source-left', String(error));
    assert.ok(Math.abs(tookMs - 3_600_000) < 10_000, `${tookMs}`);
  });

  it('begins with nobody, and takes who is found', async () => {
    const all = world();
    all.answersFrom(all.source('late', { bytesPerMs: 10 }), 100_000);
    const outcome = await all.run([], { waitMs: 3_600_000, modifiedMs: 5 });
    assertFetched(all, outcome);
    assert.equal(all.parts.modifiedMs.get(TARGET), 5);
    assert.ok(outcome.tookMs < 250_000, `${outcome.tookMs}`);
  });

  it('fetches empty files, and files of one block', async () => {
    for (const size of [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1]) {
      for (const kind of ['source', 'plain'] as const) {
        const all = world(size);
        assertFetched(all, await all.run([all[kind]('a', { bytesPerMs: 10 })]));
      }
    }
  });

  it('ends with the error of a disk that is full, and keeps what is there', async () => {
    const all = world();
    let room = SIZE / 2;
    all.parts.fault = (_target, bytes) => {
      room -= bytes;
      if (room < 0) throw new DiskError('no-space', 'the disk is full');
    };
    const { error } = await all.run(four(all));
    assert.ok(error instanceof FetchError && error.code === 'no-space', String(error));
    assert.deepEqual(all.parts.has(TARGET), { open: false, kept: true });
    assert.equal(all.sources.openSources, 0);
    assert.equal(all.clock.pendingTimers, 0);
    room = Infinity;
    assertFetched(all, await all.run(four(all)));
    assert.ok(all.sources.taken() < 1.1 * SIZE, 'what was there was fetched again');
  });

  it('asks nobody when all was there before it was killed', async () => {
    const all = world();
    let isReadOnly = true;
    all.parts.fault = (_target, bytes) => {
      if (bytes === 0 && isReadOnly) throw new DiskError('not-writable', 'the file system is read-only');
    };
    const { error } = await all.run(four(all));
    assert.ok(error instanceof FetchError && error.code === 'not-writable', String(error));
    isReadOnly = false;
    const taken = all.sources.taken();
    assertFetched(all, await all.run([]));
    assert.equal(all.sources.taken(), taken);
  });

  it('does not look at what is there when that is of another file', async () => {
    const all = world();
    const abort = new AbortController();
    const listen = async () => {
      for await (const event of all.start(four(all), {}, {}, abort.signal))
        if (event.type === 'progress' && event.settledBytes > SIZE / 2) abort.abort();
    };
    await assert.rejects(all.clock.runUntil(listen(), 1e6), { code: 'aborted' });
    const other = new SimulatedWorld(bytesOf(SIZE, 8));
    other.parts = all.parts;
    assertFetched(other, await other.run(four(other)));
    assert.ok(other.sources.taken() >= SIZE);
  });

  it('gets all out of a dozen sources, of which three lie and three are slow', async () => {
    const all = world(1200 * BLOCK_BYTES);
    const sources = Array.from({ length: 12 }, (_, i) =>
      all.source(`s${i}`, {
        bytesPerMs: i < 3 ? 0.5 : 10,
        ...(i >= 9 && { lies: (block: number) => block % 7 === i - 9 }),
      }),
    );
    const outcome = await all.run(sources);
    assertFetched(all, outcome);
    assert.deepEqual(
      of(outcome.events, 'strike')
        .map(({ jid }) => jid)
        .sort(),
      ['s10.example/n', 's11.example/n', 's9.example/n'],
    );
    assert.ok(outcome.tookMs <= (1.2 * all.content.length) / 61, `${outcome.tookMs}`);
    assert.ok(all.sources.taken() <= all.content.length + 12 * BLOCK_BYTES);
  });

  it('fetches again what the disk has damaged, and blames nobody', async () => {
    const all = world();
    let isDamaged = false;
    all.clock.after(2500, () => {
      all.parts.damage(TARGET, 5 * BLOCK_BYTES + 3);
      all.parts.damage(TARGET, 3);
      isDamaged = true;
    });
    // The hash of the whole reads the damage where it comes behind it.
    const outcome = await all.run(four(all), {}, { firstBytes: BLOCK_BYTES });
    assert.ok(isDamaged);
    assert.deepEqual(of(outcome.events, 'strike'), []);
    assert.deepEqual(of(outcome.events, 'condemned'), []);
    assert.equal(outcome.error, undefined, String(outcome.error));
  });

  it('stops at once, and keeps what is there, when it is aborted or not listened to', async () => {
    const all = world();
    const abort = new AbortController();
    const events = all.start(four(all), {}, {}, abort.signal);
    const listen = async () => {
      for await (const event of events)
        if (event.type === 'progress' && event.settledBytes > SIZE / 3) abort.abort();
    };
    await assert.rejects(all.clock.runUntil(listen(), 1e6), { code: 'aborted' });
    assert.equal(all.sources.openSources, 0);
    assert.equal(all.clock.pendingTimers, 0);
    const again = async () => {
      for await (const event of all.start(four(all)))
        if (event.type === 'progress' && event.settledBytes > SIZE / 2) break;
    };
    await all.clock.runUntil(again(), 1e6);
    assert.equal(all.sources.openSources, 0);
    assert.equal(all.clock.pendingTimers, 0);
    const outcome = await all.run(four(all));
    assertFetched(all, outcome);
    assert.ok((of(outcome.events, 'progress').at(-1)?.resumedBytes ?? 0) > SIZE / 2);
    assert.ok(all.sources.taken() < 1.1 * SIZE);
  });

  it('is stopped at once while the hash of the whole is computed, and keeps all', async () => {
    const all = world();
    const { whole } = all;
    all.whole = () => ({
      extend: () => undefined,
      value: () => new Promise<never>(() => undefined),
      close: async () => undefined,
    });
    const abort = new AbortController();
    let abortedAtMs = 0;
    const listen = async () => {
      for await (const event of all.start(four(all), {}, {}, abort.signal)) {
        if (event.type !== 'verifying') continue;
        all.clock.after(1000, () => {
          abortedAtMs = all.clock.monotonic();
          abort.abort();
        });
      }
    };
    await assert.rejects(all.clock.runUntil(listen(), 1e6), { code: 'aborted' });
    assert.ok(all.clock.monotonic() - abortedAtMs <= 2000);
    assert.equal(all.clock.pendingTimers, 0);
    all.whole = whole;
    const outcome = await all.run(four(all));
    assertFetched(all, outcome);
    assert.equal(of(outcome.events, 'progress').at(-1)?.resumedBytes, SIZE);
  });

  it('is done when it is stopped after the hash has proved right', async () => {
    const all = world();
    const abort = new AbortController();
    all.parts.fault = (_, bytes) => {
      if (bytes === 0) abort.abort(); // while it gets its name
    };
    const types: string[] = [];
    const listen = async () => {
      for await (const { type } of all.start(four(all), {}, {}, abort.signal)) types.push(type);
    };
    await all.clock.runUntil(listen(), 1e6);
    assert.equal(types.at(-1), 'done');
    assert.ok(all.isFetched);
  });

  it('does not believe in blocks that no file of the size has', async () => {
    const all = world();
    const huge = { algo: 'sha-256' as const, blockBytes: 2 ** 30, count: 1, root: all.file.hash.value };
    const source = all.source('a', { bytesPerMs: 10 });
    assertFetched(all, await all.run([{ ...source, tree: huge }]));
  });
});
