/** Sources that lie together, or take up room without ever giving anything, beside an honest one. */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DiskError } from '../../../src/transfer/fetch/disk-error.js';
import { FetchError } from '../../../src/transfer/fetch/fetch-request.js';
import type { FoundSource } from '../../../src/transfer/fetch/range-source.js';
import { assertFetched, of, SIZE, world } from '../../support/download/download-checks.js';
import {
  BLOCK_BYTES,
  bytesOf,
  type SimulatedWorld,
  TARGET,
} from '../../support/download/simulated-download.js';
import { type Behaviour, listOf } from '../../support/download/simulated-sources.js';

const FOR_EVER = Number.MAX_SAFE_INTEGER;
/** A byte a second. */
const DRIP = { bytesPerMs: 0.001, chunkBytes: 1 };
const HONEST_MS = SIZE / 10;

const other = bytesOf(SIZE, 9);
const HOSTILE = {
  queues: { queuedUntilMs: FOR_EVER },
  drips: DRIP,
  'drips lies': { ...DRIP, lies: () => true },
  lies: { lies: () => true },
  'falls silent': { stalls: [{ fromMs: 300, toMs: FOR_EVER }] },
  'lies and falls silent': { stalls: [{ fromMs: 300, toMs: FOR_EVER }], lies: () => true },
  refuses: { refuses: 'refused' },
  'is busy': { refuses: 'busy' },
  'is never there': { refuses: 'unreachable' },
  'keeps its list': { gives: 'silence', queuedUntilMs: FOR_EVER },
  'gives little': { endsAfter: 10 },
  'comes and goes': {
    away: Array.from({ length: 500 }, (_, i) => ({ fromMs: 900 * i + 300, toMs: 900 * i + 600 })),
  },
} as const satisfies Readonly<Record<string, Partial<Behaviour>>>;
type Hostile = keyof typeof HOSTILE;

/** One that misbehaves so, and says of the blocks: what is right, nothing, or what several of them agreed on. */
interface Liar {
  readonly how: Hostile;
  readonly blocks: 'right' | 'none' | 'false' | 'false too';
}
const OTHERS = { false: other, 'false too': bytesOf(SIZE, 10) };

function liarOf(all: SimulatedWorld, name: string, { how, blocks }: Liar): FoundSource {
  const behaviour = { bytesPerMs: 10, ...HOSTILE[how] };
  if (blocks === 'none') return all.plain(name, behaviour);
  if (blocks === 'right') return all.source(name, behaviour);
  const content = OTHERS[blocks];
  return all.source(name, { ...behaviour, content, list: listOf(content, BLOCK_BYTES) });
}

describe('hostile sources of a download', () => {
  it('of any kind, together, cost time in bounds and blame nobody who is honest', async function () {
    this.timeout(120_000);
    const liar = fc.record<Liar>({
      how: fc.constantFrom(...(Object.keys(HOSTILE) as Hostile[])),
      blocks: fc.constantFrom('right', 'none', 'false', 'false too'),
    });
    const place = fc.nat(60);
    await fc.assert(
      fc.asyncProperty(
        fc.array(liar, { maxLength: 60, size: 'max' }),
        place,
        fc.boolean(),
        async (liars, at, isPlain) => {
          const all = world();
          const sources = liars.map((each, i) => liarOf(all, `l${i}`, each));
          const honest = all[isPlain ? 'plain' : 'source']('honest', { bytesPerMs: 10 });
          sources.splice(Math.min(at, sources.length), 0, honest);
          const outcome = await all.run(sources);
          assertFetched(all, outcome);
          assert.ok(
            !all.strikes.all.some(({ jid }) => jid.startsWith('honest')),
            'the honest one was blamed',
          );
          // A turn for each that it takes, and the whole file of those who give it to the end.
          const mostMs = 10 * HONEST_MS + liars.length * (30_000 + HONEST_MS);
          assert.ok(outcome.tookMs < mostMs, `it took ${Math.round(outcome.tookMs)} ms, of ${mostMs}`);
        },
      ),
      { numRuns: 50 },
    );
  });

  for (const kind of ['source', 'plain'] as const) {
    const file = kind === 'source' ? 'a file with hashes of blocks' : 'a file without hashes of blocks';

    it(`do not keep ${file} by queues without an end, under many addresses`, async () => {
      const all = world();
      const liars = Array.from({ length: 40 }, (_, i) =>
        all[kind](`q${i}`, { bytesPerMs: 10, queuedUntilMs: FOR_EVER }),
      );
      const outcome = await all.run([...liars, all[kind]('honest', { bytesPerMs: 10 })]);
      assertFetched(all, outcome);
      assert.ok(outcome.tookMs < 10 * HONEST_MS, `${outcome.tookMs}`);
    });

    it(`do not keep ${file} by a byte a second, under many addresses`, async () => {
      const all = world();
      const liars = Array.from({ length: 40 }, (_, i) => all[kind](`d${i}`, DRIP));
      const outcome = await all.run([...liars, all[kind]('honest', { bytesPerMs: 10 })]);
      assertFetched(all, outcome);
      assert.ok(outcome.tookMs < 20 * HONEST_MS, `${outcome.tookMs}`);
    });
  }

  for (const [how, behaviour] of [
    ['a queue without an end', { bytesPerMs: 10, queuedUntilMs: FOR_EVER }],
    ['a byte a second', DRIP],
  ] as const) {
    it(`do not keep a file by vouching for other blocks in a majority, with ${how}`, async () => {
      const all = world();
      const lie = { content: other, list: listOf(other, BLOCK_BYTES), ...behaviour };
      const outcome = await all.run([
        all.source('liar', lie),
        all.source('liar2', lie),
        all.source('honest', { bytesPerMs: 10 }),
      ]);
      assertFetched(all, outcome);
      assert.ok(!of(outcome.events, 'strike').some(({ jid }) => jid.startsWith('honest')));
    });
  }

  it('cost no more than a turn when they vouch for other blocks and the honest ones are slow', async () => {
    const all = world();
    const lie = { content: other, list: listOf(other, BLOCK_BYTES), ...DRIP };
    const honest = { bytesPerMs: 0.1 };
    const outcome = await all.run([
      ...Array.from({ length: 3 }, (_, i) => all.source(`honest${i}`, honest)),
      all.source('liar', lie),
      all.source('liar2', { ...lie, queuedUntilMs: FOR_EVER }),
    ]);
    assertFetched(all, outcome);
    assert.ok(outcome.tookMs < 1.3 * (SIZE / 0.3), `${outcome.tookMs}`);
    assert.ok(all.sources.taken() < 1.05 * SIZE, 'what was there was fetched again');
  });

  it('do not keep a file that only one without hashes of blocks has, by vouching for other blocks', async () => {
    for (const behaviour of [
      DRIP,
      { bytesPerMs: 10, queuedUntilMs: FOR_EVER },
      { bytesPerMs: 10, gives: 'silence' },
    ] as const) {
      const all = world();
      const lie = { content: other, list: listOf(other, BLOCK_BYTES), ...behaviour };
      const outcome = await all.run([
        all.source('liar', lie),
        all.source('liar2', lie),
        all.plain('honest', { bytesPerMs: 10 }),
      ]);
      assertFetched(all, outcome);
      assert.ok(outcome.tookMs < 10 * HONEST_MS, `${outcome.tookMs}`);
    }
  });

  for (const [what, behaviour] of [
    ['goes away', { away: [{ fromMs: 500, toMs: FOR_EVER }] }],
    ['then drips', { stalls: [{ fromMs: 500, toMs: FOR_EVER }] }],
  ] as const) {
    it(`do not spoil a file without hashes of blocks by a wrong beginning of one who ${what}`, async () => {
      const all = world();
      const outcome = await all.run([
        all.plain('liar', { bytesPerMs: 10, lies: () => true, ...behaviour }),
        all.plain('honest', { bytesPerMs: 10 }),
      ]);
      assertFetched(all, outcome);
      assert.ok(!of(outcome.events, 'strike').some(({ jid }) => jid.startsWith('honest')));
    });
  }

  for (const [what, behaviour] of [
    ['drips', DRIP],
    ['queues', { queuedUntilMs: FOR_EVER }],
  ] as const) {
    it(`leave nothing in the way of another size when one of a size that is doubted ${what}`, async () => {
      const all = world();
      const liar = all.source('liar', { bytesPerMs: 10, ...behaviour });
      const { error, tookMs } = await all.run([liar], { isDoubted: true });
      assert.ok(error instanceof FetchError && error.code === 'no-source-left', String(error));
      assert.ok(tookMs < 120_000, `${tookMs}`);
      assert.deepEqual(all.parts.has(TARGET), { open: false, kept: false });
    });
  }

  it('do not take what came of a size that is doubted when its sources have gone', async () => {
    const all = world();
    const honest = all.source('honest', { bytesPerMs: 10, away: [{ fromMs: 2000, toMs: FOR_EVER }] });
    const { error } = await all.run([honest], { isDoubted: true });
    assert.ok(error instanceof FetchError && error.code === 'no-source-left', String(error));
    const liar = all.source('liar', { bytesPerMs: 10, refuses: 'refused' });
    const file = { ...all.file, size: 5 };
    assert.ok((await all.run([liar], { isDoubted: true, file })).error instanceof FetchError);
    const outcome = await all.run([all.source('another', { bytesPerMs: 10 })]);
    assertFetched(all, outcome);
    const resumed = of(outcome.events, 'progress').map(({ resumedBytes }) => resumedBytes);
    assert.ok(Math.max(...resumed) > 10_000, `${resumed}`);
  });

  it('do not take what has come when the disk is full', async () => {
    const all = world();
    let left = 20;
    all.parts.fault = () => {
      left -= 1;
      if (left < 0) throw new DiskError('no-space', 'full');
    };
    const honest = all.source('honest', { bytesPerMs: 10 });
    const { error } = await all.run([honest], { isDoubted: true });
    assert.ok(error instanceof DiskError, String(error));
    assert.deepEqual(all.parts.has(TARGET), { open: false, kept: true });
  });

  it('do not keep a file by never giving the hashes of its blocks, under many addresses', async () => {
    const all = world();
    const liars = Array.from({ length: 40 }, (_, i) =>
      all.source(`l${i}`, { bytesPerMs: 10, gives: 'silence' }),
    );
    const outcome = await all.run([...liars, all.source('honest', { bytesPerMs: 10 })]);
    assertFetched(all, outcome);
    assert.ok(outcome.tookMs < 10 * HONEST_MS, `${outcome.tookMs}`);
  });

  it('leave room for one that is found when as many as are remembered have failed', async () => {
    const all = world();
    const liars = Array.from({ length: 20 }, (_, i) =>
      all.source(`l${i}`, { bytesPerMs: 10, refuses: 'refused' }),
    );
    all.answersFrom(all.source('honest', { bytesPerMs: 10 }), 1000);
    assertFetched(all, await all.run(liars, { waitMs: 600_000 }, { maxSources: 20 }));
  });

  it('leave room for one that is found when as many as are remembered wait in queues', async () => {
    const all = world();
    const liars = Array.from({ length: 60 }, (_, i) =>
      all.source(`l${i}`, { bytesPerMs: 10, queuedUntilMs: FOR_EVER }),
    );
    all.answersFrom(all.source('honest', { bytesPerMs: 10 }), 20_000);
    assertFetched(all, await all.run(liars, {}, { maxSources: 60 }));
  });

  it('have no honest one blamed for a block that a liar began', async () => {
    const all = world();
    // Its half block is followed by honest bytes each time it goes away.
    const away = Array.from({ length: 20 }, (_, i) => ({ fromMs: 1000 * i + 300, toMs: 1000 * i + 500 }));
    const outcome = await all.run([
      all.source('liar', { bytesPerMs: 3, lies: () => true, away }),
      all.source('a', { bytesPerMs: 10 }),
      all.source('b', { bytesPerMs: 7 }),
    ]);
    assertFetched(all, outcome);
    assert.ok(of(outcome.events, 'strike').every(({ jid }) => jid.startsWith('liar')));
  });
});
