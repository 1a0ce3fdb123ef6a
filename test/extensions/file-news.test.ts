import assert from 'node:assert/strict';
import { Catalogue } from '../../src/catalogue/catalogue.js';
import type { ExtensionHooks, FileNews as News } from '../../src/extensions/api.js';
import { FileNews } from '../../src/extensions/file-news.js';
import { type Extended, extended, LIMIT_MS } from '../support/extended.js';
import { put, remove } from '../support/file-entries.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

const SHA = Buffer.alloc(32, 7).toString('base64');

describe('news of files', () => {
  const clock = new VirtualClock();
  let catalogue: Catalogue;
  let world: Extended;
  let news: FileNews;
  let ready: () => void;
  let told: News[];

  const listen: ExtensionHooks = {
    onFiles: (each) => {
      told.push(each);
    },
  };

  async function start(hooks: ExtensionHooks): Promise<void> {
    told = [];
    catalogue = new Catalogue();
    world = extended({ clock, extensions: [hooks] });
    await world.host.start();
    const isReady = new Promise<void>((resolve) => {
      ready = resolve;
    });
    news = new FileNews({ catalogue, extensions: world.host, ready: isReady });
    await news.start();
  }

  afterEach(async () => {
    const stopped = news.stop().then(() => world.host.stop());
    await clock.advance(10 * LIMIT_MS);
    await stopped;
    catalogue.apply([put('books/late')]);
    await settle();
    assert.equal(clock.pendingTimers, 0);
  });

  /** What was told since the last look. */
  async function since(): Promise<[string[], readonly string[]][]> {
    await settle();
    return told.splice(0).map(({ added, removed }) => [added.map(({ path }) => path), removed]);
  }

  it('begin when the first scan is over', async () => {
    await start(listen);
    catalogue.apply([put('books/old')]);
    ready();
    await settle();
    catalogue.apply([put('books/new'), remove('books/old')]);
    assert.deepEqual(await since(), [[['books/new'], ['books/old']]]);
  });

  it('are what changed, not what became known of a file', async () => {
    await start(listen);
    ready();
    await settle();
    catalogue.apply([put('books/a')]);
    assert.deepEqual(await since(), [[['books/a'], []]]);
    catalogue.apply([put('books/a', { sha256: SHA })]);
    assert.deepEqual(await since(), []);
    catalogue.apply([put('books/a', { sha256: SHA, size: 7 })]);
    assert.deepEqual(await since(), [[['books/a'], ['books/a']]]);
  });

  it('come one after another, and in one piece where many waited', async () => {
    let done: () => void = () => undefined;
    await start({
      onFiles: (each) => {
        told.push(each);
        return new Promise((resolve) => {
          done = resolve;
        });
      },
    });
    ready();
    await settle();
    for (const name of ['a', 'b', 'c']) catalogue.apply([put(`books/${name}`)]);
    assert.deepEqual(await since(), [[['books/a'], []]]);
    done();
    assert.deepEqual(await since(), [[['books/b', 'books/c'], []]]);
    done();
  });

  it('are bounded for who does not keep up, who hears how many it missed', async () => {
    let calls = 0;
    await start({
      onFiles: (each) => {
        calls += 1;
        told.push(each);
        return calls === 1 ? new Promise(() => undefined) : undefined;
      },
    });
    ready();
    await settle();
    catalogue.apply(Array.from({ length: 12_000 }, (_, at) => put(`books/${at}`)));
    for (let at = 0; at < 12_000; at += 100)
      catalogue.apply(Array.from({ length: 100 }, (_, each) => remove(`books/${at + each}`)));
    await clock.advance(LIMIT_MS);
    assert.deepEqual(
      told.map(({ added, removed, missed }) => [added.length, removed.length, missed]),
      [
        [10_000, 0, 2_000],
        [0, 10_000, 2_000],
      ],
    );
  });
});
