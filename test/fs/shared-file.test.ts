import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFile, chmod, mkdir, rename, rm, symlink, truncate } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import type { ShareRelativePath } from '../../src/catalogue/share-path.js';
import { blockingFileSystem } from '../../src/fs/blocking-file-system.js';
import { realFileSystem } from '../../src/fs/real-file-system.js';
import {
  FileAbsentError,
  FileUnreadableError,
  openShared,
  openSharedBlocking,
} from '../../src/fs/shared-file.js';
import { asOrdinaryUser } from '../support/ordinary-user.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

/** Both ways of opening, which must agree: for serving and for hashing. */
async function read(share: { path: string; followSymlinks: boolean }, path: string): Promise<string> {
  const asked = path as ShareRelativePath;
  const file = await openShared(realFileSystem, share, asked).catch((error: unknown) => {
    assert.throws(
      () => openSharedBlocking(blockingFileSystem, share, asked),
      error instanceof Error ? error.constructor : Error,
    );
    throw error;
  });
  const blocking = openSharedBlocking(blockingFileSystem, share, asked);
  try {
    const buffer = Buffer.alloc(1000);
    const length = await file.read(buffer, 0);
    const other = Buffer.alloc(1000);
    assert.equal(blocking.file.read(other), length);
    assert.deepEqual(other, buffer);
    assert.equal(file.size, length);
    return buffer.toString('utf8', 0, length);
  } finally {
    blocking.file.close();
    await file.close();
  }
}

describe('opening a file of a share', () => {
  let folder: TemporaryFolder;
  let strict: { path: string; followSymlinks: boolean };
  let following: { path: string; followSymlinks: boolean };

  beforeEach(async () => {
    folder = await temporaryFolder();
    strict = { path: `${folder.path}/share`, followSymlinks: false };
    following = { path: `${folder.path}/share`, followSymlinks: true };
    await folder.write('share/in/file', 'inside');
    await folder.write('out/file', 'outside');
  });

  afterEach(() => folder.remove());

  const absent = async (share: typeof strict, path: string) =>
    assert.rejects(read(share, path), FileAbsentError, JSON.stringify(path));

  it('reads regular files, whatever bytes are in their names', async () => {
    for (const name of [
      'in/file',
      'new\nline',
      'bell\u0007',
      'broken\udcff',
      'é'.repeat(127),
      ' ',
      '%2e%2e',
      '\\',
      'a "b"',
    ]) {
      await folder.write(`share/${name}`, `content of ${name}`.toWellFormed());
      assert.equal(await read(strict, name), `content of ${name}`.toWellFormed());
      assert.equal(await read(following, name), `content of ${name}`.toWellFormed());
    }
  });

  it('knows no way out of the share', async () => {
    const ways = [
      '..',
      '../out/file',
      'in/../../out/file',
      '/etc/passwd',
      '//etc/passwd',
      'in/file\0',
      '\0',
      '',
    ];
    const encoded = [
      '%2e%2e/out/file',
      '..%2fout/file',
      '\udcae\udcae/out/file',
      '../share/in/file',
      './in/file',
      'in//file',
    ];
    for (const share of [strict, following]) {
      for (const path of [
        ...ways,
        ...encoded,
        'x'.repeat(5000),
        'x'.repeat(256),
        'none',
        'in',
        'in/file/more',
      ]) {
        await absent(share, path);
      }
    }
  });

  it('follows links when told to, and never outside', async () => {
    await symlink('in/file', folder.at('share/link'));
    await symlink('in', folder.at('share/folder-link'));
    await symlink('../out/file', folder.at('share/file-out'));
    await symlink('../out', folder.at('share/folder-out'));
    await symlink('/etc', folder.at('share/etc'));
    await symlink('circle', folder.at('share/circle'));
    await symlink('/proc/self/root', folder.at('share/root'));
    for (const path of ['link', 'folder-link/file']) {
      await absent(strict, path);
      assert.equal(await read(following, path), 'inside');
    }
    for (const path of ['file-out', 'folder-out/file', 'etc/passwd', 'circle', 'root/etc/passwd']) {
      await absent(strict, path);
      await absent(following, path);
    }
  });

  it('does not take a neighbour whose name begins alike for the share', async () => {
    await folder.write('share-not/file', 'outside');
    await symlink('../share-not/file', folder.at('share/link'));
    await absent(following, 'link');
  });

  it('lets the share itself be a link', async () => {
    await symlink('share', folder.at('alias'));
    assert.equal(await read({ path: `${folder.path}/alias`, followSymlinks: false }, 'in/file'), 'inside');
  });

  it('opens no FIFO, no device, no folder, and does not hang', async () => {
    execFileSync('mkfifo', [`${folder.path}/share/fifo`]);
    await symlink('/dev/zero', folder.at('share/zero'));
    for (const path of ['fifo', 'zero', 'in']) {
      await absent(strict, path);
      await absent(following, path);
    }
  });

  it('is not fooled by a folder that turns into a link meanwhile', async () => {
    await folder.write('secret/file', 'outside');
    let running = true;
    const swapping = (async () => {
      while (running) {
        await rename(folder.at('share/in'), folder.at('aside'));
        await symlink('../secret', folder.at('share/in'));
        await setImmediate();
        await rm(folder.at('share/in'));
        await rename(folder.at('aside'), folder.at('share/in'));
        await setImmediate();
      }
    })();
    const seen = new Set<string>();
    for (let i = 0; i < 1500; i += 1) {
      const share = i % 2 === 0 ? strict : following;
      const file = await openShared(realFileSystem, share, 'in/file' as ShareRelativePath).catch(
        (error: unknown) => {
          assert.ok(error instanceof FileAbsentError);
          return undefined;
        },
      );
      if (file === undefined) continue;
      const buffer = Buffer.alloc(100);
      seen.add(buffer.toString('utf8', 0, await file.read(buffer, 0)));
      await file.close();
    }
    running = false;
    await swapping;
    assert.ok(!seen.has('outside'));
  });

  it('notices that an open file was removed, replaced, renamed, cut or written to', async () => {
    const file = folder.at('share/in/file');
    const changes: Readonly<Record<string, () => Promise<unknown>>> = {
      removed: () => rm(file),
      replaced: () =>
        folder.write('share/in/new', 'inside').then(() => rename(folder.at('share/in/new'), file)),
      renamed: () => rename(file, folder.at('share/in/other')),
      cut: () => truncate(file, 3),
      'written to': () => appendFile(file, 'more'),
      nothing: async () => {},
    };
    for (const [what, change] of Object.entries(changes)) {
      await folder.write('share/in/file', 'inside');
      const opened = await openShared(realFileSystem, strict, 'in/file' as ShareRelativePath);
      await change();
      assert.equal(await opened.unchanged(), what === 'nothing', what);
      assert.equal(await opened.isUnwritten(), !['cut', 'written to'].includes(what), what);
      await opened.close();
    }
  });

  it('tells a file that may not be read from one that is not there', async () => {
    await mkdir(folder.at('share/shut'));
    await chmod(folder.at('share/in/file'), 0o000);
    await asOrdinaryUser(() => assert.rejects(read(strict, 'in/file'), FileUnreadableError));
  });
});
