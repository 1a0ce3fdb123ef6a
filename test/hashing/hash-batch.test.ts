import assert from 'node:assert/strict';
import type { ShareRelativePath } from '../../src/catalogue/share-path.js';
import { packBatch, packResults, unpackBatch, unpackResults } from '../../src/hashing/hash-batch.js';
import type { HashJob, HashResult } from '../../src/hashing/hash-job.js';
import { hashedBlocks } from '../support/block-lists.js';

describe('hash batch', () => {
  it('brings jobs of several shares to the worker as they were, and names each share once', () => {
    const stamp = { size: 2 ** 40, mtimeMs: 1.5, ctimeMs: 2.25, birthtimeMs: 0, ino: 2 ** 52 };
    const job = (share: string, followSymlinks: boolean, path: string): HashJob => ({
      share: { path: share, followSymlinks },
      path: path as ShareRelativePath,
      stamp: { ...stamp, size: stamp.size + path.length },
    });
    const jobs = [
      job('/a', false, 'x'),
      job('/b', false, 'folder/\u{dc80} not UTF-8'),
      job('/a', true, ''),
      job('/a', false, 'longer'),
    ];
    const packed = packBatch(jobs);
    assert.equal(packed.shares.length, 3);
    assert.deepEqual(unpackBatch(structuredClone(packed)), jobs);
  });

  it('brings every kind of result back', () => {
    const large = hashedBlocks('large', 600_000);
    const results: HashResult[] = [
      { type: 'hashed', sha256: 'uIteuQnRvVIVzm3UTmQkSvrSE9x3t3aRzBJKRiGzDrw=' },
      { type: 'hashed', sha256: large.sha256, blocks: large.blocks },
      { type: 'changed' },
      { type: 'unreadable', why: 'EACCES' },
    ];
    assert.deepEqual(unpackResults(structuredClone(packResults(results))), results);
  });
});
