import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { MIN_BLOCK_BYTES } from '../../src/blocks/block-size.js';
import type { ShareRelativePath } from '../../src/catalogue/share-path.js';
import { blockingFileSystem } from '../../src/fs/blocking-file-system.js';
import { BlockHasher } from '../../src/hashing/block-hasher.js';
import { ThreadLanes } from '../../src/hashing/block-thread.js';
import type { HashJob } from '../../src/hashing/hash-job.js';
import { PiscinaHashPool } from '../../src/hashing/hash-pool.js';
import { eventually } from '../support/eventually.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

const content = randomBytes(80 * MIN_BLOCK_BYTES + 5);

describe('hash pool', function () {
  this.timeout(30_000);
  let folder: TemporaryFolder;
  let pool: PiscinaHashPool | undefined;

  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(async () => {
    await pool?.stop();
    await folder.remove();
  });

  async function jobFor(path: string, bytes: Uint8Array): Promise<HashJob> {
    await folder.write(path, bytes);
    const stamp = blockingFileSystem.statusOf(`${folder.path}/${path}`);
    assert.ok(stamp);
    return { share: { path: folder.path, followSymlinks: false }, path: path as ShareRelativePath, stamp };
  }

  for (const blockThreads of [0, 1]) {
    it(`gives hashes of files and of their blocks with ${blockThreads} threads beside two`, async () => {
      pool = new PiscinaHashPool({ threads: 2, blockThreads });
      await pool.start();
      const sizes = [0, 1000, MIN_BLOCK_BYTES + 1, 3 * 2 ** 20, content.length, 9 * MIN_BLOCK_BYTES];
      const jobs = await Promise.all(sizes.map((size) => jobFor(`f${size}`, content.subarray(0, size))));
      // Often enough that threads have come, are shared, and have to be done without.
      const runs = Array.from({ length: 6 }, (_, at) => pool?.run(at % 2 === 0 ? jobs : jobs.toReversed()));
      for (const [run, results] of (await Promise.all(runs)).entries()) {
        for (const [at, result] of (results ?? []).entries()) {
          const bytes = content.subarray(0, (run % 2 === 0 ? sizes : sizes.toReversed())[at]);
          assert.ok(result.type === 'hashed');
          assert.equal(result.sha256, createHash('sha256').update(bytes).digest('base64'));
          const hasher = new BlockHasher(bytes.length);
          hasher.update(bytes);
          assert.deepEqual(result.blocks, bytes.length > MIN_BLOCK_BYTES ? hasher.end() : undefined);
        }
      }
      assert.equal(pool.bytesRead, 6 * sizes.reduce((sum, size) => sum + size));
    });
  }

  it('stops in the middle of a file', async () => {
    pool = new PiscinaHashPool({ threads: 1, blockThreads: 1 });
    await pool.start();
    const job = await jobFor('large', content);
    const { pool: running } = { pool };
    const hashing = running.run(Array.from({ length: 200 }, () => job)).catch(() => undefined);
    await eventually(
      () => running.bytesRead,
      (bytes) => bytes > content.length,
    );
    await running.stop();
    await hashing;
  });
});

describe('threads beside the one that reads', () => {
  it('are no more than there may be, and are given back', () => {
    const permits = new Int32Array(new SharedArrayBuffer(4));
    permits[0] = 1;
    const [one, other] = [new ThreadLanes({ permits }), new ThreadLanes({ permits })];
    const size = 70 * 2 ** 20;
    const lane = one.begin(size); // waited for: it is large
    assert.equal(permits[0], 0);
    other.begin(size).giveUp();
    assert.equal(permits[0], 0);
    lane.buffer();
    lane.read(1000);
    lane.giveUp();
    assert.equal(permits[0], 1);
    other.begin(1000).giveUp();
    assert.equal(permits[0], 1);
  });
});
