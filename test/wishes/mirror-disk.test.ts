/** A wish of a node, and the disk that it fetches to. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type PartFileSystem, realPartFileSystem } from '../../src/fs/part-file.js';
import { DiskError } from '../../src/transfer/fetch/disk-error.js';
import { INCOMING, type Mirror, type MirrorInit } from '../../src/wishes/mirror.js';
import { eventually } from '../support/eventually.js';
import { DAY_MS, hexOf, MirrorWorld, type Sources, shaOf, startMirror } from '../support/mirror-world.js';
import type { VirtualClock } from '../support/virtual-clock.js';

describe('a wish of a node whose disk is not as it might be', () => {
  let world: MirrorWorld;
  let share: string;
  let clock: VirtualClock;
  let sources: Sources;

  beforeEach(async () => {
    world = await MirrorWorld.begin();
    ({ share, clock, sources } = world);
  });
  afterEach(() => world.end());

  const wish = (init: Partial<MirrorInit> = {}, disk: Partial<PartFileSystem> = {}) =>
    startMirror(world, init, disk);
  const filesInShare = () => world.filesInShare();
  const idle = (mirror: Mirror) => world.idle(mirror);

  it('gives a plainer name where the disk can not have that one, and fetches once', async () => {
    const disk = {
      rename: (from: string, to: string, overwrite: 'refuse' | 'replace') =>
        /[?*]/.test(to)
          ? Promise.reject(Object.assign(new Error('EINVAL'), { code: 'EINVAL' }))
          : realPartFileSystem.rename(from, to, overwrite),
    };
    const { offer } = await wish({}, disk);
    sources.know('to be');
    offer('one.example.org', { name: 'to be?.txt', content: 'to be' });
    const names = await eventually(filesInShare, ({ length }) => length === 1);
    assert.deepEqual(names, [`${hexOf('to be')}.txt`]);
    assert.equal(sources.orders.length, 1);
  });

  it('does not fetch again what only could not be given its name, also after a restart', async () => {
    let isReadOnly = true;
    const disk = {
      rename: (from: string, to: string, overwrite: 'refuse' | 'replace') =>
        isReadOnly
          ? Promise.reject(Object.assign(new Error('EACCES'), { code: 'EACCES' }))
          : realPartFileSystem.rename(from, to, overwrite),
    };
    sources.know('to be');
    const begin = async () => {
      const begun = await wish({}, disk);
      begun.offer('one.example.org', { name: 'Hamlet.txt', content: 'to be' });
      await eventually(
        () => begun.mirror.status().state,
        (state) => state === 'share-gone',
      );
      for (let minute = 0; minute < 5; minute += 1) await clock.advance(60_000);
      return begun;
    };
    await (await begin()).stop();
    await begin();
    isReadOnly = false;
    await eventually(
      async () => {
        await clock.advance(60_000);
        return filesInShare();
      },
      ({ length }) => length === 1,
    );
    assert.equal(sources.orders.length, 1);
  });

  it('does not hold it against a file that the disk can not be written', async () => {
    const { mirror, offer, memory } = await wish();
    sources.know('to be');
    sources.error = new DiskError('not-writable', 'the file system is read-only');
    offer('one.example.org', { name: 'Hamlet.txt', content: 'to be' });
    await eventually(
      () => mirror.status().state,
      (state) => state === 'share-gone',
    );
    assert.equal(memory.waitMs(shaOf('to be')) + memory.waitMs(`${shaOf('to be')} 5`), 0);
    sources.error = undefined;
    await eventually(
      async () => {
        await clock.advance(60_000);
        return filesInShare();
      },
      ({ length }) => length === 1,
    );
  });

  it('bounds what has come of files that nobody finishes', async () => {
    const { mirror, offer } = await wish({
      maxShareBytes: 100_000,
      maxFileBytes: 50_000,
      criteria: { sizeMax: 50_001 },
    });
    sources.leaves = 20_000;
    for (let i = 0; i < 12; i += 1) {
      const content = `${i}`.padEnd(30_000, ' ');
      sources.know(content);
      offer('one.example.org', { name: `${i}`, content });
      await eventually(
        () => sources.orders.length,
        (count) => count === i + 1,
      );
      await idle(mirror);
      await clock.advance(1000);
    }
    const parts = await readdir(join(share, INCOMING));
    assert.ok(parts.length > 1 && parts.length * 20_480 <= 100_000, `${parts.length} parts`);
    const newest = hexOf('11'.padEnd(30_000, ' '));
    assert.ok(
      parts.some((name) => name.startsWith(newest)),
      'the newest went',
    );
  });

  it('removes each day what nobody has offered for a week', async () => {
    const { mirror, offer } = await wish();
    sources.know('to be');
    sources.leaves = 10;
    offer('one.example.org', { name: 'Hamlet.txt', content: 'to be' });
    await eventually(
      () => sources.orders.length,
      (count) => count === 1,
    );
    await idle(mirror);
    assert.equal((await readdir(join(share, INCOMING))).length, 1);
    await eventually(
      async () => {
        await clock.advance(DAY_MS);
        return readdir(join(share, INCOMING));
      },
      ({ length }) => length === 0,
    );
    assert.ok(clock.monotonic() >= 7 * DAY_MS);
  });
});
