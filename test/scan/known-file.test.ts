import assert from 'node:assert/strict';
import { type FileStamp, identityOf, isSameFile } from '../../src/catalogue/file-stamp.js';
import type { FullPath, ShareRelativePath } from '../../src/catalogue/share-path.js';
import { decide, type FindingContext, type KnownFile } from '../../src/scan/known-file.js';
import { MovedFiles } from '../../src/scan/moved-files.js';
import { nextQuietMs } from '../../src/scan/quiet-period.js';

const old: FileStamp = { size: 5, mtimeMs: 1000.5, ctimeMs: 1000.5, birthtimeMs: 900, ino: 7 };
const entry = { share: 's', path: 'p' as ShareRelativePath, size: 5, mtimeMs: 1000, mediaType: 'text/plain' };
const later: FindingContext = { nowMs: 1e6, monotonicMs: 10_000, scan: 'later' };
const offered: KnownFile = { state: 'offered', stamp: old, entry, offeredMs: 9000, quietMs: 1000 };

describe('what is known of a file', () => {
  it('lets a new file settle, but offers at once what a first scan finds old', () => {
    assert.deepEqual(decide(undefined, old, 1000, later), { type: 'settle', quietMs: 1000 });
    assert.deepEqual(decide(undefined, old, 1000, { ...later, scan: 'first' }), {
      type: 'offer',
      quietMs: 1000,
    });
    const fresh = { ...old, ctimeMs: 1e6 - 10 };
    const future = { ...old, mtimeMs: 2e6 };
    for (const stamp of [fresh, future]) {
      assert.equal(decide(undefined, stamp, 1000, { ...later, scan: 'first' }).type, 'settle');
    }
  });

  it('offers a file once it has been quiet, and begins anew when it changes', () => {
    const settling: KnownFile = { state: 'settling', stamp: old, sinceMs: 9500, quietMs: 1000 };
    assert.equal(decide(settling, old, 1000, later).type, 'keep');
    assert.equal(decide(settling, old, 1000, { ...later, monotonicMs: 10_500 }).type, 'offer');
    assert.equal(
      decide(settling, { ...old, size: 6 }, 1000, { ...later, monotonicMs: 10_500 }).type,
      'settle',
    );
  });

  it('keeps what was offered through a chmod, a new hard link and a new mount', () => {
    assert.equal(decide(offered, { ...old, ctimeMs: 5000 }, 1000, later).type, 'keep');
    assert.equal(decide(offered, { ...old, ino: 8 }, 1000, later).type, 'keep');
    assert.equal(isSameFile(old, { ...old, ino: 8, ctimeMs: 5000 }), false);
  });

  it('makes a restless file wait twice as long each time, up to a bound, and a calm one not', () => {
    assert.deepEqual(decide(offered, { ...old, size: 6 }, 1000, later), { type: 'settle', quietMs: 2000 });
    const calm = { ...later, monotonicMs: 9000 + 10_001 };
    assert.deepEqual(decide(offered, { ...old, size: 6 }, 1000, calm), { type: 'settle', quietMs: 1000 });
    assert.equal(nextQuietMs(1000, 64_000, 1), 64_000);
  });

  it('takes a stored hash for the same file only', () => {
    const remembered: KnownFile = { state: 'remembered', stamp: old, sha256: 'x' };
    assert.deepEqual(decide(remembered, old, 1000, later), { type: 'offer', quietMs: 1000, sha256: 'x' });
    assert.equal(decide(remembered, { ...old, mtimeMs: 1 }, 1000, later).type, 'settle');
  });

  it('tries an unreadable file again when anything about it changes', () => {
    const unreadable: KnownFile = { state: 'unreadable', stamp: old };
    assert.equal(decide(unreadable, old, 1000, later).type, 'keep');
    assert.equal(decide(unreadable, { ...old, ctimeMs: 5000 }, 1000, later).type, 'settle');
  });
});

describe('moved files', () => {
  const gone = (key: string, stamp: FileStamp) => ({ key: key as FullPath, stamp, sha256: key });

  it('are handed out once, and given up after a while', () => {
    const moved = new MovedFiles();
    assert.deepEqual(moved.add(gone('a', old), 0), []);
    assert.deepEqual(moved.add(gone('b', { ...old, ino: 8 }), 1000), []);
    assert.equal(moved.claim({ ...old, ctimeMs: 1 })?.key, 'a');
    assert.equal(moved.claim(old), undefined);
    assert.deepEqual(moved.expire(1000), []);
    assert.deepEqual(
      moved.expire(1_000_000).map(({ key }) => key),
      ['b'],
    );
    assert.equal(moved.size, 0);
  });

  it('do not take a new file with a used inode number for an old one', () => {
    const moved = new MovedFiles();
    moved.add(gone('a', old), 0);
    assert.equal(moved.claim({ ...old, birthtimeMs: 901 }), undefined);
    assert.notEqual(identityOf(old), identityOf({ ...old, size: 6 }));
  });

  it('give up the first of two paths of one file', () => {
    const moved = new MovedFiles();
    moved.add(gone('a', old), 0);
    assert.deepEqual(
      moved.add(gone('b', old), 0).map(({ key }) => key),
      ['a'],
    );
  });
});
