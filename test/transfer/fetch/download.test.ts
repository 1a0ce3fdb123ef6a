/** What somebody who downloads from many may rely on. Times are those of a simulated network; 1 block is 1 KiB. */
import assert from 'node:assert/strict';
import { FetchError } from '../../../src/transfer/fetch/fetch-request.js';
import { Strikes } from '../../../src/transfer/fetch/strikes.js';
import {
  assertFetched,
  CHUNK_BYTES,
  four,
  of,
  SIZE,
  THREE_MS,
  world,
} from '../../support/download/download-checks.js';
import { BLOCK_BYTES, bytesOf, SimulatedWorld, TARGET } from '../../support/download/simulated-download.js';
import { listOf } from '../../support/download/simulated-sources.js';

describe('download', () => {
  it('adds up what sources of any speed give', async () => {
    const all = world(800 * BLOCK_BYTES);
    const speeds = [4, 8, 16, 32]; // bytes a ms
    const outcome = await all.run(speeds.map((bytesPerMs, i) => all.source(`s${i}`, { bytesPerMs })));
    assertFetched(all, outcome);
    const idealMs = all.content.length / speeds.reduce((sum, speed) => sum + speed);
    assert.ok(outcome.tookMs <= idealMs / 0.9, `${outcome.tookMs} ms where ${Math.round(idealMs)} would do`);
    assert.ok(all.sources.taken() <= all.content.length + 3 * 32 * 50, 'bytes were fetched twice');
  });

  for (const count of [1, 2, 4, 8]) {
    it(`gets nearly everything out of ${count} like sources`, async () => {
      const all = world(100 * count * BLOCK_BYTES);
      const sources = Array.from({ length: count }, (_, i) => all.source(`s${i}`, { bytesPerMs: 10 }));
      const outcome = await all.run(sources);
      assertFetched(all, outcome);
      const idealMs = 102_400 / 10;
      assert.ok(outcome.tookMs <= idealMs / 0.95 + 200, `${outcome.tookMs} ms`);
      assert.ok(all.sources.taken() <= all.content.length + count * CHUNK_BYTES);
    });
  }

  it('is not held up by a source that dies', async () => {
    for (let atMs = 200; atMs < 5000; atMs += 477) {
      const all = world();
      const outcome = await all.run(four(all, { away: [{ fromMs: atMs, toMs: Infinity }] }));
      assertFetched(all, outcome);
      assert.ok(outcome.tookMs <= 1.4 * THREE_MS, `died at ${atMs}: ${outcome.tookMs} ms`);
      assert.ok(all.sources.taken() <= SIZE + BLOCK_BYTES, `died at ${atMs}: bytes were fetched twice`);
      assert.deepEqual(of(outcome.events, 'strike'), []);
    }
  });

  it('is not held up by a source that falls silent', async () => {
    for (let atMs = 200; atMs < 5000; atMs += 477) {
      const all = world();
      const outcome = await all.run(four(all, { stalls: [{ fromMs: atMs, toMs: Infinity }] }));
      assertFetched(all, outcome);
      assert.ok(outcome.tookMs <= 1.4 * THREE_MS, `silent at ${atMs}: ${outcome.tookMs} ms`);
      assert.ok(all.sources.taken() <= SIZE + BLOCK_BYTES);
    }
  });

  it('is not held up by a source that lies, and names it', async () => {
    for (let block = 0; block < 200; block += 17) {
      const all = world();
      const outcome = await all.run(four(all, { lies: (each) => each >= block }));
      assertFetched(all, outcome);
      assert.ok(outcome.tookMs <= 1.4 * THREE_MS, `lied from block ${block}: ${outcome.tookMs} ms`);
      assert.ok(
        all.sources.taken() <= SIZE + 2 * BLOCK_BYTES + 4 * CHUNK_BYTES,
        `${all.sources.taken() - SIZE}`,
      );
      const strikes = of(outcome.events, 'strike');
      assert.ok(strikes.every(({ jid, why }) => jid === 'd.example/n' && why === 'wrong-block'));
      assert.ok(strikes.length === 1 || all.sources.taken('d') < BLOCK_BYTES * 60);
    }
  });

  it('gives work to a source that is found late within two seconds', async () => {
    const all = world(400 * BLOCK_BYTES);
    const late = all.source('late', { bytesPerMs: 30, connectMs: 300 });
    all.answersFrom(late, 4000);
    let foundMs: number | undefined;
    let carriedMs: number | undefined;
    const listen = async () => {
      for await (const event of all.start([all.source('a', { bytesPerMs: 10 })])) {
        const nowMs = all.clock.monotonic();
        if (event.type === 'source-found' && event.jid === late.jid) foundMs = nowMs;
        if (event.type !== 'progress') continue;
        const found = event.sources.find(({ jid }) => jid === late.jid);
        if ((found?.bytesPerSecond ?? 0) >= 0.9 * 30_000) carriedMs ??= nowMs;
      }
    };
    await all.clock.runUntil(listen(), 1e6);
    assert.ok(all.isFetched);
    assert.ok((carriedMs ?? Infinity) - (foundMs ?? 0) <= 2000, `${foundMs} ${carriedMs}`);
    const idealMs = 6000 + (all.content.length - 60_000) / 40;
    assert.ok(all.clock.monotonic() <= 1.1 * idealMs + 2000, `${all.clock.monotonic()} ms`);
  });

  it('fetches nothing twice however often it is killed', async () => {
    const all = world();
    const sources = four(all);
    let kills = 0;
    while (kills < 50) {
      const at = all.parts;
      const abort = new AbortController();
      const events = all.start(sources, {}, {}, abort.signal);
      const listen = async () => {
        for await (const event of events) if (event.type === 'done') return true;
        return false;
      };
      const work = listen().catch(() => false);
      let isOver = false;
      void work.then((is) => {
        isOver = is;
      });
      const pause = new Promise<void>((resolve) => all.clock.after(100 + ((kills * 37) % 90), resolve));
      await all.clock.runUntil(pause, 1e6);
      if (isOver) break;
      all.parts = at.kill(TARGET);
      abort.abort();
      await all.clock.runUntil(work, 1e6);
      kills += 1;
    }
    const outcome = await all.run(sources);
    assert.equal(kills, 50);
    assertFetched(all, outcome);
    // Each kill loses what was on its way from each of the four, at most a chunk.
    assert.ok(
      all.sources.taken() <= SIZE + kills * BLOCK_BYTES * 2,
      `${all.sources.taken() - SIZE} bytes too many`,
    );
  });

  it('bars a liar from the file at once, and from everything when it lies again and again', async () => {
    const strikes = new Strikes({ forGood: 2 });
    for (const [seed, forGood] of [
      [1, false],
      [2, true],
    ] as const) {
      const all = new SimulatedWorld(bytesOf(20 * BLOCK_BYTES, seed));
      all.strikes = strikes;
      const outcome = await all.run([
        all.source('liar', { bytesPerMs: 10, lies: () => true }),
        all.source('honest', { bytesPerMs: 10 }),
      ]);
      assertFetched(all, outcome);
      const [strike] = of(outcome.events, 'strike');
      assert.equal(strike?.jid, 'liar.example/n');
      assert.equal(strike?.forGood, forGood);
    }
    const all = new SimulatedWorld(bytesOf(20 * BLOCK_BYTES, 3));
    all.strikes = strikes;
    const outcome = await all.run([
      all.source('liar', { bytesPerMs: 10 }),
      all.source('honest', { bytesPerMs: 10 }),
    ]);
    assertFetched(all, outcome);
    assert.equal(all.sources.taken('liar'), 0, 'a liar was asked again');
  });

  it('fails, naming who lied, when only liars have the file', async () => {
    const all = world();
    const { error, events } = await all.run([
      all.source('x', { bytesPerMs: 10, lies: (block) => block > 3 }),
      all.source('y', { bytesPerMs: 10, lies: (block) => block > 100 }),
    ]);
    assert.ok(error instanceof FetchError);
    assert.equal(error.code, 'hash-mismatch');
    assert.deepEqual(error.failures.map(({ jid }) => jid).sort(), ['x.example/n', 'y.example/n']);
    assert.equal(of(events, 'strike').length, 2);
    assert.equal(all.isFetched, false);
    assert.equal(all.sources.openSources, 0);
  });

  it('strikes who gives a list that is not that of its root, and takes it from another', async () => {
    const all = world();
    const outcome = await all.run([
      all.source('false', { bytesPerMs: 10, gives: 'wrong-list' }),
      all.source('mute', { bytesPerMs: 10, gives: 'silence' }),
      all.source('none', { bytesPerMs: 10, gives: 'no-list' }),
      all.source('good', { bytesPerMs: 10 }),
    ]);
    assertFetched(all, outcome);
    assert.deepEqual(
      of(outcome.events, 'strike').map(({ jid, why }) => [jid, why]),
      [['false.example/n', 'bad-list']],
    );
    assert.ok(all.sources.taken('none') > 0, 'who has no list can still give ranges');
  });

  it('condemns blocks that make another file, and begins anew with others', async () => {
    const all = world();
    const other = bytesOf(SIZE, 99);
    const list = listOf(other, BLOCK_BYTES);
    const outcome = await all.run([
      all.source('x', { bytesPerMs: 20, content: other, list }),
      all.source('y', { bytesPerMs: 20, content: other, list }),
      all.source('good', { bytesPerMs: 10 }),
    ]);
    assertFetched(all, outcome);
    assert.deepEqual(
      of(outcome.events, 'other-blocks').map(({ jids }) => jids),
      [['good.example/n']],
    );
    const [condemned] = of(outcome.events, 'condemned');
    assert.deepEqual(condemned?.root, { algo: 'sha-256', value: list.root });
    assert.deepEqual(
      of(outcome.events, 'strike').map(({ jid, why }) => [jid, why]),
      [
        ['x.example/n', 'false-root'],
        ['y.example/n', 'false-root'],
      ],
    );
  });

  it('does not blame who vouches for nothing when the blocks of others are false', async () => {
    const all = world();
    const other = bytesOf(SIZE, 99);
    const outcome = await all.run(
      [
        all.plain('honest', { bytesPerMs: 10 }),
        all.source('liar', { bytesPerMs: 10, content: other, list: listOf(other, BLOCK_BYTES) }),
      ],
      { waitMs: 60_000 },
    );
    assert.deepEqual(
      of(outcome.events, 'strike').map(({ jid }) => jid),
      ['liar.example/n'],
    );
    assertFetched(all, outcome);
  });

  it('takes ranges of who has no list, and verifies them by the list of others', async () => {
    const all = world();
    const outcome = await all.run([
      all.plain('plain', { bytesPerMs: 30 }),
      all.source('listed', { bytesPerMs: 10 }),
    ]);
    assertFetched(all, outcome);
    assert.ok(all.sources.taken('plain') > all.sources.taken('listed'));
  });

  it('fetches without a list from one after another, each going on where the last one stopped', async () => {
    const all = world();
    const outcome = await all.run([
      all.plain('a', { bytesPerMs: 20, away: [{ fromMs: 3000, toMs: Infinity }] }),
      all.plain('b', { bytesPerMs: 20, away: [{ fromMs: 6000, toMs: Infinity }] }),
      all.plain('c', { bytesPerMs: 20 }),
    ]);
    assertFetched(all, outcome);
    assert.equal(all.sources.taken(), SIZE);
  });

  it('finds out, without a list, whose bytes were wrong', async () => {
    const all = world();
    const outcome = await all.run([
      all.plain('a', { bytesPerMs: 20, away: [{ fromMs: 3000, toMs: 20_000 }] }),
      all.plain('liar', { bytesPerMs: 20, lies: () => true }),
      all.plain('c', { bytesPerMs: 20 }),
    ]);
    assert.deepEqual(
      of(outcome.events, 'strike').filter(({ jid }) => jid !== 'liar.example/n'),
      [],
    );
    assertFetched(all, outcome);
  });

  it('blames nobody, without a list, for the beginning of a piece that an earlier run left', async () => {
    const all = world();
    const abort = new AbortController();
    const liar = all.plain('liar', { bytesPerMs: 1, chunkBytes: 100, lies: () => true });
    const listen = async () => {
      for await (const event of all.start([liar], {}, {}, abort.signal))
        if (event.type === 'progress' && event.receivedBytes > 0) abort.abort();
    };
    await assert.rejects(all.clock.runUntil(listen(), 1e6), { code: 'aborted' });
    assert.ok(all.sources.taken() < 4 * BLOCK_BYTES, 'a whole piece is there');
    assert.equal(all.parts.has(TARGET).kept, true);
    const outcome = await all.run([all.plain('honest', { bytesPerMs: 20 })]);
    assert.deepEqual(of(outcome.events, 'strike'), []);
    assertFetched(all, outcome);
  });
});
