/** One wish of a node: real files, virtual time, and sources that give what they are told to. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Catalogue } from '../../src/catalogue/catalogue.js';
import type { CatalogueChange } from '../../src/catalogue/file-entry.js';
import { parseJid } from '../../src/stanza/jid.js';
import type { WishEvent } from '../../src/wishes/keep-asking.js';
import { INCOMING, type Mirror, type MirrorInit } from '../../src/wishes/mirror.js';
import { eventually } from '../support/eventually.js';
import { entryOf } from '../support/file-entries.js';
import { DAY_MS, hexOf, MirrorWorld, type Sources, shaOf, startMirror } from '../support/mirror-world.js';
import type { VirtualClock } from '../support/virtual-clock.js';

describe('a wish of a node', () => {
  let world: MirrorWorld;
  let share: string;
  let clock: VirtualClock;
  let catalogue: Catalogue;
  let sources: Sources;

  beforeEach(async () => {
    world = await MirrorWorld.begin();
    ({ share, clock, catalogue, sources } = world);
  });
  afterEach(() => world.end());

  const wish = (init: Partial<MirrorInit> = {}) => startMirror(world, init);
  const filesInShare = () => world.filesInShare();
  const idle = (mirror: Mirror) => world.idle(mirror);

  it('fetches what it does not have, once, and gives it a name in the share in one step', async () => {
    const { mirror, offer } = await wish();
    sources.know('to be');
    offer('one.example.org', { name: 'Hamlet.txt', content: 'to be' });
    offer('two.example.org', { name: 'hamlet.txt', content: 'to be' });
    await eventually(filesInShare, (names) => names.length === 1);
    offer('one.example.org', { name: 'Hamlet.txt', content: 'to be' });
    const status = await idle(mirror);
    assert.deepEqual(await filesInShare(), ['Hamlet.txt']);
    assert.equal(await readFile(join(share, 'Hamlet.txt'), 'utf8'), 'to be');
    assert.deepEqual(await readdir(join(share, INCOMING)), []);
    assert.equal(sources.orders.length, 1);
    assert.deepEqual([status.fetchedFiles, status.fetchedBytes, status.state], [1, 5, 'waiting']);
  });

  it('leaves out what the node has in any share, what it offers itself, and what is too large', async () => {
    const { mirror, offer } = await wish();
    catalogue.apply([{ type: 'put', entry: entryOf('books/mine.txt', { sha256: shaOf('mine') }) }]);
    for (const content of ['mine', 'own', 'x'.repeat(1001), 'new']) sources.know(content);
    offer('us.example.org', { name: 'own.txt', content: 'own' });
    offer(
      'one.example.org',
      { name: 'mine.txt', content: 'mine' },
      { name: 'large.txt', content: 'x'.repeat(1001) },
      { name: 'new.txt', content: 'new' },
    );
    await eventually(filesInShare, (names) => names.length > 0);
    await idle(mirror);
    assert.deepEqual(await filesInShare(), ['new.txt']);
  });

  it('puts nothing into the share that was not asked for, whatever somebody answers', async () => {
    const { mirror, offer } = await wish({ criteria: { ext: ['txt'], text: ['hamlet'] } });
    for (const content of ['a', 'b', 'c']) sources.know(content);
    offer(
      'liar.example.org',
      { name: 'hamlet.exe', content: 'a' },
      { name: 'casino.txt', content: 'b' },
      { name: 'Hamlet 2.txt', content: 'c' },
    );
    await eventually(filesInShare, (names) => names.length > 0);
    await idle(mirror);
    assert.deepEqual(await filesInShare(), ['Hamlet 2.txt']);
  });

  it('does not fetch again at once what was taken out of the share, but on another day', async () => {
    const { mirror, offer } = await wish();
    sources.know('to be');
    const again = async (count: number) => {
      offer('one.example.org', { name: 'Hamlet.txt', content: 'to be' });
      await idle(mirror);
      await eventually(filesInShare, (names) => names.length === count);
    };
    await again(1);
    await rm(join(share, 'Hamlet.txt'));
    await clock.advance(DAY_MS / 2);
    await again(0);
    await clock.advance(DAY_MS / 2);
    await again(1);
    assert.equal(sources.orders.length, 2);
  });

  it('gives safe names, and a number where a name is taken', async () => {
    const { mirror, offer } = await wish();
    for (const content of ['a', 'b', 'c', 'd']) sources.know(content);
    await writeFile(join(share, 'passwd'), 'was here before');
    offer(
      'one.example.org',
      { name: '../../etc/passwd', content: 'a' },
      { name: 'passwd', content: 'b' },
      { name: '.shoal-incoming', content: 'c' },
      { name: 'tar.gz', content: 'd' },
    );
    await eventually(filesInShare, (names) => names.length === 5);
    await idle(mirror);
    assert.deepEqual(await filesInShare(), [
      '_shoal-incoming',
      'passwd',
      'passwd (2)',
      'passwd (3)',
      'tar.gz',
    ]);
    assert.equal(await readFile(join(share, 'passwd'), 'utf8'), 'was here before');
    assert.ok(!existsSync(join(dirname(share), 'etc')));
  });

  it('stops at the bounds of the share, and goes on when there is room again', async () => {
    const { mirror, offer } = await wish({ maxShareBytes: 10, maxShareFiles: 3 });
    const held: CatalogueChange = { type: 'put', entry: entryOf('copies/old.txt', { size: 6 }) };
    catalogue.apply([held]);
    for (const content of ['12345', '1', '2', '3']) sources.know(content);
    offer('one.example.org', { name: 'five', content: '12345' }, { name: '1', content: '1' });
    offer('one.example.org', { name: '2', content: '2' }, { name: '3', content: '3' });
    const status = await idle(mirror);
    await eventually(filesInShare, (names) => names.length === 2);
    assert.deepEqual(await filesInShare(), ['1', '2'], 'five bytes too many, then one file too many');
    assert.equal(status.state, 'share-full');
    catalogue.apply([{ type: 'remove', key: 'copies/old.txt' as never }]);
    offer('one.example.org', { name: '3', content: '3' });
    await eventually(filesInShare, (names) => names.length === 3);
  });

  it('waits while the disk is short, and fetches when it is not', async () => {
    const { mirror, offer } = await wish();
    sources.know('to be');
    world.freeBytes = 1004;
    offer('one.example.org', { name: 'Hamlet.txt', content: 'to be' });
    await eventually(
      () => mirror.status().state,
      (state) => state === 'disk-short',
    );
    await clock.advance(120_000);
    assert.deepEqual(sources.orders, []);
    world.freeBytes = 1005;
    await eventually(
      async () => {
        await clock.advance(60_000);
        return filesInShare();
      },
      (names) => names.length === 1,
    );
  });

  it('waits while the folder of the share is gone, and makes none', async () => {
    const { mirror, offer } = await wish();
    sources.know('to be');
    await rename(share, `${share}.away`);
    offer('one.example.org', { name: 'Hamlet.txt', content: 'to be' });
    await eventually(
      () => mirror.status().state,
      (state) => state === 'share-gone',
    );
    assert.ok(!existsSync(share));
    await rename(`${share}.away`, share);
    await eventually(
      async () => {
        await clock.advance(60_000);
        return filesInShare();
      },
      (names) => names.length === 1,
    );
  });

  it('tries what failed again, later and later, whoever offers it, also after a restart', async () => {
    const first = await wish();
    const offer = (to: typeof first) => to.offer('one.example.org', { name: 'x', content: 'nobody has it' });
    const tried = async (to: typeof first) => {
      offer(to);
      await clock.advance(0);
      await idle(to.mirror);
      return sources.orders.length;
    };
    offer(first);
    await eventually(
      () => sources.orders.length,
      (count) => count === 1,
    );
    assert.equal(await tried(first), 1);
    await clock.advance(5 * 60_000);
    offer(first);
    await eventually(
      () => sources.orders.length,
      (count) => count === 2,
    );
    await clock.advance(5 * 60_000);
    assert.equal(await tried(first), 2, 'ten minutes now');
    await first.stop();
    const second = await wish();
    assert.equal(await tried(second), 2);
    await clock.advance(5 * 60_000);
    offer(second);
    await eventually(
      () => sources.orders.length,
      (count) => count === 3,
    );
  });

  it('keeps what has come of a file when it is stopped, and continues it; what is a week old goes', async () => {
    const first = await wish();
    sources.know('to be');
    sources.stalls = true;
    first.offer('one.example.org', { name: 'Hamlet.txt', content: 'to be' });
    const { current } = await eventually(
      () => first.mirror.status(),
      ({ current }) => current?.receivedBytes === 1,
    );
    assert.deepEqual(current, { name: 'Hamlet.txt', receivedBytes: 1, totalBytes: 5 });
    await first.stop();
    const part = `${hexOf('to be')}.5.part`;
    assert.deepEqual(await filesInShare(), []);
    const second = await wish();
    await idle(second.mirror);
    assert.deepEqual(await readdir(join(share, INCOMING)), [part]);
    await second.stop();
    await clock.advance(8 * DAY_MS);
    const third = await wish();
    await idle(third.mirror);
    assert.deepEqual(await readdir(join(share, INCOMING)), []);
  });

  it('asks each source that offers the file, but not who tells another size', async () => {
    const { offer, events } = await wish();
    sources.know('first');
    sources.know('to be');
    sources.stalls = true;
    offer('one.example.org', { name: 'first', content: 'first' });
    await eventually(
      () => sources.orders.length,
      (count) => count === 1,
    );
    offer('two.example.org', { name: 'a', content: 'to be' });
    offer('three.example.org', { name: 'b', content: 'to be' });
    events.push({
      type: 'found',
      from: parseJid('liar.example.org'),
      last: true,
      found: {
        total: 1,
        more: false,
        pending: 0,
        page: {},
        files: [{ name: 'c', size: 7, hashes: [{ algo: 'sha-256', value: shaOf('to be') }], hashesUsed: [] }],
      },
    } satisfies WishEvent);
    sources.stalls = false;
    await clock.advance(0);
    assert.equal(sources.orders.length, 1, 'one file at a time');
    sources.go();
    await eventually(filesInShare, (names) => names.length === 2);
    assert.deepEqual(sources.orders[1]?.sources, [
      { jid: 'two.example.org', path: 'books/a' },
      { jid: 'three.example.org', path: 'books/b' },
    ]);
  });

  /** Whoever answers first with a size that is not that of the file. */
  const lie = (content: string, size: number, at = 'liar.example.org') => ({
    type: 'found' as const,
    from: parseJid(at),
    last: true,
    found: {
      total: 1,
      more: false,
      pending: 0,
      page: {},
      files: [
        { name: 'c', size, hashes: [{ algo: 'sha-256' as const, value: shaOf(content) }], hashesUsed: [] },
      ],
    },
  });

  it('gets a file of which somebody told another size before', async () => {
    const { offer, events } = await wish();
    events.push(lie('to be', 7) satisfies WishEvent);
    await eventually(
      () => sources.orders.length,
      (count) => count === 1,
    );
    sources.know('to be');
    offer('one.example.org', { name: 'Hamlet.txt', content: 'to be' });
    await eventually(filesInShare, (names) => names.length === 1);
    assert.deepEqual(
      sources.orders.map(({ size }) => size),
      [7, 5],
    );
    assert.notEqual(sources.orders[0]?.target, sources.orders[1]?.target);
  });

  it('fetches what there is room for while there is none for another', async () => {
    const { mirror, offer, events } = await wish();
    world.freeBytes = 1500;
    events.push(lie('large', 900) satisfies WishEvent);
    await eventually(
      () => mirror.status().state,
      (state) => state === 'disk-short',
    );
    sources.know('to be');
    offer('one.example.org', { name: 'Hamlet.txt', content: 'to be' });
    await eventually(
      async () => {
        await clock.advance(60_000);
        return filesInShare();
      },
      (names) => names.length === 1,
    );
    // It may be looking again whether there is room.
    await eventually(
      () => mirror.status().waitingFiles,
      (count) => count === 1,
    );
  });

  it('lets nobody keep it waiting for one file while there are others', async () => {
    const { offer } = await wish();
    sources.know('drips');
    sources.stalls = true;
    offer('liar.example.org', { name: 'drips', content: 'drips' });
    await eventually(
      () => sources.orders.length,
      (count) => count === 1,
    );
    await clock.advance(60 * 60_000); // nobody else is waiting
    assert.equal(sources.orders.length, 1);
    sources.stalls = false;
    sources.know('to be');
    offer('one.example.org', { name: 'Hamlet.txt', content: 'to be' });
    await eventually(
      async () => {
        await clock.advance(5 * 60_000);
        return filesInShare();
      },
      (names) => names.includes('Hamlet.txt'),
    );
  });

  it('takes files first from those of whom it could have files', async () => {
    const { offer } = await wish();
    sources.know('first');
    sources.stalls = true;
    offer('one.example.org', { name: 'first', content: 'first' });
    await eventually(
      () => sources.orders.length,
      (count) => count === 1,
    );
    const fakes = Array.from({ length: 5 }, (_, i) => ({ name: `f${i}`, content: `fake ${i}` }));
    offer('liar.example.org', ...fakes);
    sources.know('to be');
    offer('one.example.org', { name: 'Hamlet.txt', content: 'to be' });
    await clock.advance(0);
    sources.stalls = false;
    sources.go();
    await eventually(filesInShare, (names) => names.length === 2);
    const order = sources.orders.map(({ sources: [source] }) => source?.jid);
    assert.deepEqual(order.slice(0, 3), ['one.example.org', 'liar.example.org', 'one.example.org']);
  });
});
