import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { isOnLocalDisk } from '../../src/fs/local-disk.js';

/** As coreutils call those of ours. */
const LOCAL = [
  'ext2/ext3',
  'xfs',
  'btrfs',
  'zfs',
  'f2fs',
  'tmpfs',
  'ramfs',
  'msdos',
  'overlayfs',
  'squashfs',
];

describe('a local disk', () => {
  it('is what stat calls by the name of one', async () => {
    for (const path of ['/', '/proc', '/sys', tmpdir()]) {
      const type = execFileSync('stat', ['-f', '-c', '%T', path], { encoding: 'utf8' }).trim();
      assert.equal(await isOnLocalDisk(Buffer.from(path)), LOCAL.includes(type), `${path} is ${type}`);
    }
  });

  it('is none where nothing is', async () => {
    assert.equal(await isOnLocalDisk(Buffer.from('/nowhere/at/all')), false);
  });
});
