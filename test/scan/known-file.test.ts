import assert from 'node:assert/strict';
import { type FileStamp, hashOfMoved, isSameFile, isSameMoved } from '../../src/catalogue/file-stamp.js';
import { decide, type FindingContext, type KnownFile } from '../../src/scan/known-file.js';
import { MovedFiles } from '../../src/scan/moved-files.js';
import { QuietFiles } from '../../src/scan/quiet-files.js';
import { nextQuietMs } from '../../src/scan/quiet-period.js';

const old: FileStamp = { size: 5, mtimeMs: 1000.5, ctimeMs: 1000.5, birthtimeMs: 900, ino: 7 };
const later: FindingContext = { nowMs: 1e6, monotonicMs: 10_000, scan: 'later' };
const offered: KnownFile = { state: 'offered', stamp: old, offeredMs: 9000, quietMs: 1000 };

describe('what is known of a file', () => {
  it('lets a new file settle, but offers at once what a first scan finds old', () => {
    assert.deepEqual(decide(undefined, old, 1000, later), { type: 'settle', quietMs: 1000 });
    assert.deepEqual(decide(undefined, old, 1000, { ...later, scan: 'first' }), {
      type: 'offer',
      quietMs: 1000,
      as: 'new',
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
    const remembered: KnownFile = { state: 'remembered', stamp: old };
    assert.deepEqual(decide(remembered, old, 1000, later), { type: 'offer', quietMs: 1000, as: 'known' });
    assert.equal(decide(remembered, { ...old, mtimeMs: 1 }, 1000, later).type, 'settle');
  });

  it('tries an unreadable file again when anything about it changes', () => {
    const unreadable: KnownFile = { state: 'unreadable', stamp: old };
    assert.equal(decide(unreadable, old, 1000, later).type, 'keep');
    assert.equal(decide(unreadable, { ...old, ctimeMs: 5000 }, 1000, later).type, 'settle');
  });
});

describe('moved files', () => {
  const stamps = new Map<number, FileStamp>();
  const movedFiles = () =>
    new MovedFiles({ table: { stampOf: (slot) => stamps.get(slot) ?? assert.fail(`no file ${slot}`) } });

  beforeEach(() => stamps.clear());

  it('are handed out once, and given up after a while', () => {
    const moved = movedFiles();
    stamps.set(1, old).set(2, { ...old, ino: 8 });
    moved.add(1, 0);
    moved.add(2, 1000);
    assert.equal(moved.claim({ ...old, ctimeMs: 1 }), 1);
    assert.equal(moved.claim(old), undefined);
    assert.equal(moved.expire(1000), undefined);
    assert.equal(moved.expire(1_000_000), 2);
    assert.equal(moved.expire(1_000_000), undefined);
    assert.equal(moved.size, 0);
  });

  it('do not take a new file with a used inode number for an old one', () => {
    const moved = movedFiles();
    stamps.set(1, old);
    moved.add(1, 0);
    assert.equal(moved.claim({ ...old, birthtimeMs: 901 }), undefined);
    assert.equal(isSameMoved(old, { ...old, size: 6 }), false);
    assert.equal(hashOfMoved(old), hashOfMoved({ ...old, ctimeMs: 1 }));
  });

  it('are there under each of two paths of one file, and not when they are back', () => {
    const moved = movedFiles();
    stamps.set(1, old).set(2, old).set(3, old);
    for (const slot of [1, 2, 3]) moved.add(slot, 0);
    moved.forget(2);
    assert.deepEqual([moved.claim(old), moved.claim(old), moved.claim(old)], [3, 1, undefined]);
  });
});

describe('quiet files', () => {
  it('are forgotten once it says nothing how long they have been quiet', () => {
    const quiet = new QuietFiles();
    quiet.settle(1, 0, 1000);
    quiet.offer(2, 0, 1000);
    quiet.offer(3, 0, 64_000);
    quiet.offer(4, 5000, 1000);
    quiet.tidy(10_000);
    assert.equal(quiet.size, 4);
    quiet.tidy(10_001);
    assert.deepEqual([quiet.of(2), quiet.of(4)], [undefined, { sinceMs: 5000, quietMs: 1000 }]);
    quiet.tidy(700_000);
    assert.equal(quiet.size, 1, 'what settles waits until it is looked at');
  });
});
