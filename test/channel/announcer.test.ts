import assert from 'node:assert/strict';
import { type AccessPolicy, allowAll } from '../../src/access/access-policy.js';
import { Catalogue } from '../../src/catalogue/catalogue.js';
import type { FullPath } from '../../src/catalogue/share-path.js';
import { AnnouncementQueue } from '../../src/channel/announcement-queue.js';
import { Announcer, type AnnouncerInit } from '../../src/channel/announcer.js';
import type { Entity } from '../../src/entity/entity.js';
import { silentLog } from '../../src/log.js';
import { parseBareJid } from '../../src/stanza/jid.js';
import { pubsubRequestCodec } from '../../src/stanza/xep0060-pubsub.js';
import { jinglepubCodec } from '../../src/stanza/xep0358-jinglepub.js';
import { put, remove } from '../support/file-entries.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { MemoryPubsub } from '../support/memory-pubsub.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

const SERVICE = parseBareJid('pubsub.example.org');
const hash = (seed: number) => Buffer.alloc(32, seed).toString('base64');

describe('announcer', () => {
  let clock: VirtualClock;
  let catalogue: Catalogue;
  let pubsub: MemoryPubsub;
  let entity: Entity;
  let announcer: Announcer | undefined;
  let becomeReady: () => void;

  beforeEach(async () => {
    clock = new VirtualClock();
    const network = new MemoryNetwork({ clock });
    catalogue = new Catalogue();
    pubsub = new MemoryPubsub(network.component(SERVICE));
    entity = network.component('files.example.org');
    await pubsub.start();
    await entity.start();
  });

  afterEach(async () => {
    await announcer?.stop();
    await entity.stop();
    await pubsub.stop();
    assert.equal(clock.pendingTimers, 0);
  });

  async function announce(init: Partial<AnnouncerInit> = {}, access: AccessPolicy = allowAll): Promise<void> {
    const ready = new Promise<void>((resolve) => {
      becomeReady = resolve;
    });
    announcer = new Announcer(
      { entity, catalogue, access, clock, log: silentLog, ready },
      { service: SERVICE, nodeId: 'news', create: true, shares: [], perMinute: 60, ...init },
    );
    await announcer.start();
  }

  const announced = () =>
    pubsub.itemsOf('news').map(({ payload }) => jinglepubCodec.fromXml(payload ?? assert.fail()));

  async function ready(): Promise<void> {
    becomeReady();
    await settle();
  }

  it('tells of a file that has come, when its content is known, with what it takes to have it', async () => {
    await announce();
    catalogue.apply([put('books/old.txt', { sha256: hash(1) }), put('books/unhashed.txt')]);
    await ready();
    catalogue.apply([put('books/unhashed.txt', { sha256: hash(2) }), put('books/new.txt', { size: 1234 })]);
    await clock.advance(10_000);
    assert.deepEqual(announced(), [], 'what was there before is no news, nor is what nobody can ask for');
    catalogue.apply([put('books/new.txt', { size: 1234, sha256: hash(3) })]);
    await clock.advance(10_000);
    const [news, ...more] = announced();
    assert.equal(more.length, 0);
    assert.equal(news?.id, `sha-256:${hash(3)}`);
    assert.equal(news.from, 'files.example.org');
    assert.deepEqual(news.meta, [{ lang: 'en', title: 'new.txt', summary: 'books/new.txt, 1.2 kB' }]);
    assert.equal(news.file.path, 'books/new.txt');
  });

  it('takes back what went, and says nothing of what was renamed', async () => {
    await announce();
    await ready();
    catalogue.apply([put('books/a', { sha256: hash(1) }), put('books/b', { sha256: hash(2) })]);
    await clock.advance(10_000);
    assert.equal(announced().length, 2);
    catalogue.apply([remove('books/a'), put('books/c', { sha256: hash(1) }), remove('books/b')]);
    await clock.advance(10_000);
    assert.deepEqual(
      announced().map(({ id }) => id),
      [`sha-256:${hash(1)}`],
    );
  });

  it('tells no more than who asks on the channel may see, and of the shares it is told to', async () => {
    const access: AccessPolicy = {
      viewOf: ({ through }) => ({
        key: 'x',
        maySee: ({ path }) => through?.nodeId === 'news' && !path.includes('secret'),
        mayTake: () => false,
        verdict: () => 'some',
      }),
    };
    await announce({ shares: ['books'] }, access);
    await ready();
    catalogue.apply([
      put('books/secret', { sha256: hash(1) }),
      put('films/b', { sha256: hash(2) }),
      put('books/open', { sha256: hash(3) }),
    ]);
    await clock.advance(10_000);
    assert.deepEqual(
      announced().map(({ file }) => file.path),
      ['books/open'],
    );
  });

  it('takes back what nobody may see there any more, wherever it is now', async () => {
    let [hidden, changed] = ['secret', () => {}];
    const access: AccessPolicy = {
      viewOf: () => ({
        key: hidden,
        maySee: ({ path }) => !path.includes(hidden),
        mayTake: () => false,
        verdict: () => 'some',
      }),
      onChange: (listener) => {
        changed = listener;
        return () => {};
      },
    };
    const names = () => announced().map(({ file }) => file.path);
    await announce({}, access);
    await ready();
    catalogue.apply([1, 2, 3].map((at) => put(`books/${at}`, { sha256: hash(at) })));
    await clock.advance(10_000);
    assert.equal(names().length, 3);
    catalogue.apply([remove('books/1'), put('books/secret/1', { sha256: hash(1) }), remove('books/2')]);
    // It comes back where nobody sees it, before anybody heard that it was gone.
    catalogue.apply([put('books/secret/2', { sha256: hash(2) })]);
    await clock.advance(10_000);
    assert.deepEqual(names(), ['books/3']);
    hidden = '3';
    changed();
    await clock.advance(10_000);
    assert.deepEqual(names(), []);
  });

  it('announces no faster than it may, and no more than a thousand at once', async () => {
    await announce({ perMinute: 30 });
    await ready();
    const many = Array.from({ length: 1500 }, (_, at) => {
      const sha256 = Buffer.alloc(32);
      sha256.writeUInt32BE(at + 1);
      return put(`books/${at}`, { sha256: sha256.toString('base64') });
    });
    catalogue.apply(many);
    await clock.advance(60_000);
    assert.equal(announced().length, 31);
    await clock.advance(60 * 60_000);
    assert.equal(announced().length, 1000);
  });

  it('tries again when the service does not answer well, and leaves out what it will never take', async () => {
    await announce({ create: false });
    await ready();
    catalogue.apply([put('books/a', { sha256: hash(1) })]);
    await clock.advance(30_000);
    const payload = pubsubRequestCodec.toXml({ type: 'create', nodeId: 'news' });
    await entity.request({ to: SERVICE, type: 'set', payload });
    await clock.advance(60_000);
    assert.equal(announced().length, 1);
  });
});

describe('announcement queue', () => {
  const KEY = 'books/a' as FullPath;
  const queueOf = () => new AnnouncementQueue({ maxWaiting: 2, maxRemembered: 2 });

  it('says nothing of what came and went, and takes back what went while it was being said', () => {
    const queue = queueOf();
    queue.isNew('1', KEY);
    queue.isGone('1');
    assert.equal(queue.next(), undefined);
    queue.isNew('1', KEY);
    const saying = queue.next() ?? assert.fail();
    queue.isGone('1');
    queue.done(saying);
    assert.deepEqual(queue.next(), { type: 'retract', sha256: '1' });
    queue.isNew('1', KEY);
    assert.equal(queue.next(), undefined, 'it is back, and nobody knows that it was gone');
  });

  it('counts what it leaves out, and forgets what was announced long ago', () => {
    const queue = queueOf();
    for (const each of ['1', '2', '3']) queue.isNew(each, KEY);
    assert.deepEqual([queue.waiting, queue.takeMissed(), queue.takeMissed()], [2, 1, 0]);
    for (let next = queue.next(); next; next = queue.next()) queue.done(next);
    queue.isNew('4', KEY);
    queue.done(queue.next() ?? assert.fail());
    assert.deepEqual(
      ['1', '2', '4'].map((each) => queue.knows(each)),
      [false, true, true],
    );
  });
});
