import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Catalogue } from '../../src/catalogue/catalogue.js';
import type { FileEntry } from '../../src/catalogue/file-entry.js';
import { isSameFile } from '../../src/catalogue/file-stamp.js';
import { fullPath, type ShareRelativePath } from '../../src/catalogue/share-path.js';
import type { HashJob, HashResult } from '../../src/hashing/hash-job.js';
import type { HashPool } from '../../src/hashing/hash-pool.js';
import { HashQueue, type HashTargets } from '../../src/hashing/hash-queue.js';
import type { Log } from '../../src/log.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

function hashOf(path: string): string {
  return createHash('sha256').update(path).digest('base64');
}

/** A pool whose batches end when the test says so. */
class ManualPool implements HashPool {
  bytesRead = 0;
  readonly batches: { readonly paths: string[]; end(result?: HashResult | Error): void }[] = [];

  constructor(readonly threads: number) {}

  async start(): Promise<void> {}
  async stop(): Promise<void> {
    for (const batch of this.batches) batch.end(new Error('the pool was stopped'));
  }

  run(jobs: readonly HashJob[]): Promise<readonly HashResult[]> {
    return new Promise((resolve, reject) => {
      this.batches.push({
        paths: jobs.map(({ path }) => path),
        end: (result) => {
          if (result instanceof Error) return reject(result);
          for (const job of jobs) this.bytesRead += job.stamp.size;
          resolve(jobs.map(({ path }) => result ?? { type: 'hashed', sha256: hashOf(path) }));
        },
      });
    });
  }
}

describe('hash queue', () => {
  let catalogue: Catalogue;
  let pool: ManualPool;
  let clock: VirtualClock;
  let queue: HashQueue;
  let changed: string[];
  let unreadable: string[];
  let told: string[];
  /** Hashes of files whose blocks' hashes are not known. */
  let lacking: Set<string>;

  const entry = (path: string, size = 10): FileEntry => ({
    share: 's',
    path: path as ShareRelativePath,
    size,
    mtimeMs: 0,
    mediaType: 'text/plain',
  });
  const key = (path: string) => fullPath('s', path as ShareRelativePath);
  const put = (...entries: FileEntry[]) =>
    catalogue.apply(entries.map((each) => ({ type: 'put', entry: each })));

  async function start(threads = 1, maxWaiters = 10) {
    catalogue = new Catalogue();
    pool = new ManualPool(threads);
    clock = new VirtualClock();
    changed = [];
    unreadable = [];
    told = [];
    lacking = new Set();
    const log = { info: (_: object, msg: string) => void told.push(msg), error: () => {} } as unknown as Log;
    const { table } = catalogue;
    const targets: HashTargets = {
      locate(slot) {
        if (!table.isShown(slot)) return undefined;
        const { path } = table.columns.entryOf(slot);
        return { share: { path: '/s', followSymlinks: false }, path, stamp: table.stampOf(slot) };
      },
      async hashed(files) {
        for (const { slot, stamp, sha256 } of files) {
          lacking.delete(sha256);
          const isStill = table.isShown(slot) && isSameFile(stamp, table.stampOf(slot));
          if (isStill && !table.columns.hasHash(slot)) table.setSha256(slot, sha256);
        }
        table.commit();
      },
      unreadable: (slot) => {
        unreadable.push(table.columns.keyOf(slot));
        table.hide(slot);
        table.commit();
      },
      changed: (slot) => void changed.push(table.columns.keyOf(slot)),
      lacksBlocks: (slot) => {
        const sha256 = table.columns.sha256Of(slot);
        return sha256 !== undefined && lacking.has(sha256);
      },
    };
    queue = new HashQueue({ catalogue, pool, targets, clock, log }, { maxWaiters });
    await queue.start();
  }

  afterEach(async () => {
    await queue.stop();
    assert.equal(clock.pendingTimers, 0);
  });

  it('gives small files to the pool in batches, large ones alone, and no more at a time than it has threads', async () => {
    await start(2);
    const small = Array.from({ length: 100 }, (_, index) => entry(`f${index}`));
    put(...small, entry('large', 1e9), entry('last'));
    assert.deepEqual(
      pool.batches.map(({ paths }) => paths.length),
      [64, 36],
    );
    pool.batches[0]?.end();
    await settle();
    assert.deepEqual(pool.batches[2]?.paths, ['large']);
    pool.batches[1]?.end();
    await settle();
    assert.deepEqual(pool.batches[3]?.paths, ['last']);
    for (const batch of pool.batches) batch.end();
    await settle();
    assert.deepEqual(catalogue.totals.hashedFiles, 102);
  });

  it('lets in what somebody waits for beside what is running', async () => {
    await start(1);
    put(entry('large', 1e9), entry('b'), entry('c'));
    const waiting = queue.waitFor(key('c'));
    assert.deepEqual(
      pool.batches.map(({ paths }) => paths),
      [['large'], ['c']],
    );
    pool.batches[1]?.end();
    assert.equal((await waiting).sha256, hashOf('c'));
    assert.equal((await queue.waitFor(key('c'))).sha256, hashOf('c'));
    assert.equal(pool.batches.length, 2);
  });

  it('tells those who wait that the file is gone, or was given up, and lets go of those who leave', async () => {
    await start(1, 2);
    put(entry('large', 1e9), entry('b'), entry('c'));
    await assert.rejects(queue.waitFor(key('none')), { code: 'not-hashed' });
    const leaving = new AbortController();
    const left = queue.waitFor(key('b'), leaving.signal);
    const gone = queue.waitFor(key('b'));
    await assert.rejects(queue.waitFor(key('c')), { code: 'limit', bound: 'hash-waiters' });
    leaving.abort();
    await assert.rejects(left, { code: 'aborted' });
    catalogue.apply([{ type: 'remove', key: key('b') }]);
    await assert.rejects(gone, { code: 'not-hashed' });
    const givenUp = queue.waitFor(key('large'));
    pool.batches[0]?.end({ type: 'unreadable', why: 'EIO' });
    await assert.rejects(givenUp, { code: 'not-hashed' });
    assert.deepEqual(unreadable, ['s/large']);
    const stopped = queue.waitFor(key('c'));
    const failed = assert.rejects(stopped, { code: 'aborted' });
    await queue.stop();
    await failed;
  });

  it('has the scan look at a file that changed, and tries it again a few times', async () => {
    await start();
    put(entry('restless'));
    for (let tries = 1; tries < 5; tries += 1) {
      pool.batches.at(-1)?.end({ type: 'changed' });
      await settle();
      assert.equal(changed.length, tries);
      assert.equal(queue.progress().filesLeft, 1);
      await clock.advance(2000);
      assert.equal(pool.batches.length, tries + 1);
    }
    pool.batches.at(-1)?.end({ type: 'changed' });
    await settle();
    assert.deepEqual(unreadable, ['s/restless']);
    assert.equal(queue.progress().filesLeft, 0);
  });

  it('hashes a file again that changed after it had been given to the pool', async () => {
    await start();
    put(entry('file', 10));
    put(entry('file', 20));
    assert.equal(pool.batches.length, 1);
    assert.deepEqual(queue.progress().filesLeft, 2);
    catalogue.apply([{ type: 'remove', key: key('file') }]);
    put(entry('file', 30));
    pool.batches[0]?.end({ type: 'changed' });
    await settle();
    assert.equal(pool.batches.length, 2);
    pool.batches[1]?.end();
    await settle();
    assert.equal(catalogue.totals.hashedFiles, 1);
  });

  it('outlives a worker that fails', async () => {
    await start();
    put(entry('a'), entry('b'));
    pool.batches[0]?.end(new Error('the worker died'));
    await settle();
    await clock.advance(2000);
    pool.batches[1]?.end();
    await settle();
    pool.batches[2]?.end();
    await settle();
    assert.equal(catalogue.totals.hashedFiles, 2);
  });

  it('reads files again whose blocks nobody knows, one batch at a time, when nothing else waits', async () => {
    await start(2);
    for (const path of ['x', 'y']) lacking.add(hashOf(path));
    const hashed = (path: string) => ({ ...entry(path, 9e6), sha256: hashOf(path) });
    put(entry('new', 9e6), hashed('x'), hashed('y'), hashed('known'), {
      ...hashed('copy of x'),
      sha256: hashOf('x'),
    });
    assert.deepEqual(
      pool.batches.map(({ paths }) => paths),
      [['new']],
    );
    assert.equal(queue.progress().withoutBlocks, 3);
    pool.batches[0]?.end();
    await settle();
    assert.deepEqual(pool.batches[1]?.paths, ['x']);
    assert.equal(pool.batches.length, 2);
    put(entry('newer', 9e6)); // does not wait for it
    assert.deepEqual(pool.batches[2]?.paths, ['newer']);
    pool.batches[1]?.end();
    await settle();
    assert.equal(pool.batches.length, 3);
    pool.batches[2]?.end();
    await settle();
    assert.deepEqual(pool.batches[3]?.paths, ['y']);
    pool.batches[3]?.end();
    await settle();
    assert.equal(pool.batches.length, 4, 'a copy is not read again');
    assert.equal(queue.progress().withoutBlocks, 0);
  });

  it('reads a file again whose block hashes were lost, and lets go of it when that fails', async () => {
    await start();
    put({ ...entry('x', 9e6), sha256: hashOf('x') });
    assert.equal(pool.batches.length, 0);
    lacking.add(hashOf('x'));
    queue.recheckBlocks(hashOf('x'));
    queue.recheckBlocks(hashOf('unknown'));
    assert.deepEqual(pool.batches[0]?.paths, ['x']);
    pool.batches[0]?.end({ type: 'changed' });
    await settle();
    assert.deepEqual(changed, [key('x')]);
    queue.recheckBlocks(hashOf('x'));
    pool.batches[1]?.end({ type: 'unreadable', why: 'EIO' });
    await settle();
    assert.deepEqual(unreadable, [], 'it is offered as it was');
    queue.recheckBlocks(hashOf('x'));
    pool.batches[2]?.end(new Error('the worker died'));
    await settle();
    assert.equal(pool.batches.length, 3);
    assert.equal(catalogue.totals.hashedFiles, 1);
  });

  it('says that all is done, at once the first time, and not more than now and then while files trickle in', async () => {
    await start();
    for (let at = 0; at < 50; at++) {
      put(entry(`f${at}`));
      pool.batches.at(-1)?.end();
      await settle();
      if (at === 0) assert.deepEqual(told, ['all files are hashed']);
      await clock.advance(100);
    }
    assert.equal(told.length, 1);
    await clock.advance(10_000);
    assert.deepEqual(told, ['all files are hashed', 'all files are hashed']);
    put(entry('long'));
    await clock.advance(25_000);
    assert.deepEqual(told.slice(2), ['hashing', 'hashing']);
  });

  it('counts what is done, what is left and how fast it goes', async () => {
    await start();
    put(entry('a', 9e6), entry('b', 9e6), entry('c', 1e6));
    assert.deepEqual(queue.progress(), {
      filesLeft: 3,
      bytesLeft: 19e6,
      filesDone: 0,
      bytesDone: 0,
      withoutBlocks: 0,
      unreadable: 0,
      bytesPerSecond: 0,
    });
    await clock.advance(1000);
    pool.batches[0]?.end();
    await settle();
    const { filesLeft, bytesLeft, filesDone, bytesDone, bytesPerSecond } = queue.progress();
    assert.deepEqual([filesLeft, bytesLeft, filesDone, bytesDone, bytesPerSecond], [2, 10e6, 1, 9e6, 9e6]);
  });
});
