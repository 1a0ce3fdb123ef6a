import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFile, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import type { FullPath } from '../../src/catalogue/share-path.js';
import { FileAbsentError } from '../../src/fs/shared-file.js';
import { eventually } from '../support/eventually.js';
import { type HarnessOptions, type LibraryHarness, libraryHarness } from '../support/library-harness.js';
import type { TemporaryFolder } from '../support/temporary-folder.js';

describe('library', () => {
  const open: LibraryHarness[] = [];

  async function start(options?: HarnessOptions, fill?: (folder: TemporaryFolder) => Promise<void>) {
    const harness = await libraryHarness(options, fill);
    open.push(harness);
    return harness;
  }

  async function restart(harness: LibraryHarness, also?: HarnessOptions) {
    const next = await harness.restart(also);
    open.splice(open.indexOf(harness), 1, next);
    return next;
  }

  afterEach(async () => {
    for (const harness of open.splice(0)) await harness.cleanUp();
  });

  it('offers what is there, with size, date, media type and the hash that sha256sum gives', async () => {
    const harness = await start({}, async (folder) => {
      await folder.write('songs/Romeo and Juliet.flac', 'not really music');
      await folder.write('empty', '');
      await utimes(folder.at('empty'), 1000, 1_000_000_000);
    });
    await harness.offers(['share/empty', 'share/songs/Romeo and Juliet.flac']);
    await harness.hashed(2);
    const entry = harness.library.catalogue.get('share/songs/Romeo and Juliet.flac' as FullPath);
    assert.equal(entry?.size, 16);
    assert.equal(entry?.mediaType, 'audio/x-flac');
    const printed = execFileSync('sha256sum', [
      `${harness.folder.path}/songs/Romeo and Juliet.flac`,
    ]).toString();
    assert.equal(Buffer.from(entry?.sha256 ?? '', 'base64').toString('hex'), printed.slice(0, 64));
    assert.equal(harness.library.catalogue.get('share/empty' as FullPath)?.mtimeMs, 1_000_000_000_000);
    const { table } = harness.library.catalogue;
    assert.deepEqual(
      table.withHash(entry?.sha256 ?? '').map((slot) => table.columns.entryOf(slot).path),
      ['songs/Romeo and Juliet.flac'],
    );
  });

  it('finds files and folders that come, change and go while it runs', async () => {
    const harness = await start();
    await harness.folder.write('one');
    await harness.folder.write('deep/er/two');
    await harness.offers(['share/one', 'share/deep/er/two']);
    await harness.folder.write('deep/er/three');
    await rm(harness.folder.at('one'));
    await harness.offers(['share/deep/er/two', 'share/deep/er/three']);
    await harness.hashed(2);
    await writeFile(harness.folder.at('deep/er/two'), 'changed');
    const expected = await harness.hashOfFile('deep/er/two');
    await eventually(
      () => harness.sha256('share/deep/er/two'),
      (hash) => hash === expected,
    );
    await rm(harness.folder.at('deep'), { recursive: true });
    await harness.offers([]);
  });

  it('finds files in a folder that was removed and made again', async () => {
    const harness = await start({}, (folder) => folder.write('deep/er/one'));
    for (const round of ['a', 'b', 'c']) {
      await rm(harness.folder.at('deep'), { recursive: true });
      await harness.folder.write(`deep/er/${round}`);
      await harness.offers([`share/deep/er/${round}`]);
    }
    await harness.folder.write('deep/er/late');
    await harness.offers(['share/deep/er/c', 'share/deep/er/late']);
  });

  it('sees through the exchange of two folders', async () => {
    const harness = await start({}, async (folder) => {
      await folder.write('live/sub/old');
      await folder.write('next/sub/new');
    });
    await rename(harness.folder.at('live'), harness.folder.at('gone'));
    await rename(harness.folder.at('next'), harness.folder.at('live'));
    await harness.offers(['share/gone/sub/old', 'share/live/sub/new']);
    await harness.folder.write('live/sub/more');
    await harness.offers(['share/gone/sub/old', 'share/live/sub/new', 'share/live/sub/more']);
  });

  it('does not offer a file that is being written', async () => {
    const harness = await start({ quietMs: 400 });
    const offered: string[] = [];
    const { catalogue } = harness.library;
    catalogue.onBatch(({ added }) => {
      for (const slot of added) offered.push(`${catalogue.table.columns.size.get(slot)}`);
    });
    await harness.folder.write('growing', '');
    for (let i = 0; i < 20; i += 1) {
      await appendFile(harness.folder.at('growing'), 'x');
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    assert.deepEqual(offered, []);
    await harness.offers(['share/growing']);
    assert.equal(offered[0], '20');
  });

  it('keeps the hash of a file and of a folder that is moved', async () => {
    const harness = await start({}, async (folder) => {
      await folder.write('a/one');
      await folder.write('a/b/two');
      await folder.write('three');
    });
    await harness.hashed(3);
    assert.equal(harness.filesHashed(), 3);
    await rename(harness.folder.at('a'), harness.folder.at('z'));
    await rename(harness.folder.at('three'), harness.folder.at('z/3'));
    await harness.offers(['share/z/3', 'share/z/b/two', 'share/z/one']);
    await harness.hashed(3);
    assert.equal(harness.sha256('share/z/3'), await harness.hashOfFile('z/3'));
    assert.equal(harness.filesHashed(), 3);
    const again = await restart(harness);
    await again.hashed(3);
    assert.equal(again.filesHashed(), 0);
  });

  it('hashes nothing again after a restart but what changed or came, and knows what was moved meanwhile', async () => {
    const first = await start({}, async (folder) => {
      for (let i = 0; i < 200; i += 1) await folder.write(`d${i % 7}/f${i}`);
    });
    await first.hashed(200);
    assert.equal(first.filesHashed(), 200);
    await first.stop();
    await rename(first.folder.at('d1'), first.folder.at('moved'));
    await first.folder.write('d2/f2', 'new content');
    await first.folder.write('brand new');
    await rm(first.folder.at('d3/f3'));
    const second = await restart(first);
    await second.hashed(200);
    assert.equal(second.filesHashed(), 2);
    assert.equal(second.library.catalogue.size, 200);
    assert.equal(second.sha256('share/moved/f1'), await second.hashOfFile('moved/f1'));
    assert.equal(second.sha256('share/d2/f2'), await second.hashOfFile('d2/f2'));
  });

  it('hashes a file again that was replaced by one of the same size and date', async () => {
    const harness = await start({}, async (folder) => {
      await folder.write('f', 'old');
      await utimes(folder.at('f'), 1e9, 1e9);
    });
    await harness.hashed(1);
    await harness.folder.write('.new', 'new');
    await utimes(harness.folder.at('.new'), 1e9, 1e9);
    await rename(harness.folder.at('.new'), harness.folder.at('f'));
    const expected = await harness.hashOfFile('f');
    await eventually(
      () => harness.sha256('share/f'),
      (hash) => hash === expected,
    );
  });

  it('hashes first what somebody waits for', async () => {
    const harness = await start({ quietMs: 1 }, async (folder) => {
      const large = new Uint8Array(12 * 1024 * 1024);
      for (let i = 0; i < 40; i += 1) await folder.write(`a${String(i).padStart(2, '0')}`, large);
      await folder.write('z', 'small');
    });
    const entry = await harness.library.hashNow('share/z' as FullPath);
    assert.equal(entry.sha256, await harness.hashOfFile('z'));
    assert.ok(harness.library.progress().hashing.filesLeft > 0, 'others still wait');
  });

  it('refuses to wait for the hash of what is not offered', async () => {
    const harness = await start();
    await assert.rejects(harness.library.hashNow('share/none' as FullPath), { code: 'not-hashed' });
    await assert.rejects(harness.library.hashNow('none' as FullPath, AbortSignal.abort()), {
      code: 'aborted',
    });
  });

  it('leaves out hidden files and what is excluded', async () => {
    const fill = async (folder: TemporaryFolder) => {
      for (const path of ['a.part', 'deep/b.part', '.git/config', '.dot', 'deep/.dot/x', 'deep/c', 'out/x']) {
        await folder.write(path);
      }
    };
    const plain = await start({ share: { exclude: ['*.part', 'out/'] } }, fill);
    await plain.offers(['share/deep/c']);
    const hidden = await start({ share: { exclude: ['*.part', '.git/**'], hidden: true } }, fill);
    await hidden.offers(['share/.dot', 'share/deep/.dot/x', 'share/deep/c', 'share/out/x']);
    await hidden.folder.write('new.part');
    await hidden.folder.write('.git/new');
    await hidden.folder.write('new');
    await hidden.offers(['share/.dot', 'share/deep/.dot/x', 'share/deep/c', 'share/new', 'share/out/x']);
  });

  it('takes descriptions from descript.ion, also when they change', async () => {
    const harness = await start({}, async (folder) => {
      await folder.write('descript.ion', 'plain A plain one\r\n"two words" Of two words\r\n');
      await folder.write('plain');
      await folder.write('two words');
    });
    const descOf = (path: string) => harness.library.catalogue.get(`share/${path}` as FullPath)?.desc;
    assert.equal(descOf('plain'), 'A plain one');
    assert.equal(descOf('two words'), 'Of two words');
    await harness.hashed(3);
    const hashed = harness.filesHashed();
    await harness.folder.write('descript.ion', 'plain Another\n');
    await eventually(
      () => [descOf('plain'), descOf('two words')],
      ([plain, two]) => plain === 'Another' && two === undefined,
    );
    await harness.offers(['share/descript.ion', 'share/plain', 'share/two words']);
    await harness.hashed(3);
    assert.equal(harness.filesHashed(), hashed + 1, 'only descript.ion itself is hashed again');
  });

  it('does not follow links unless told to', async () => {
    const fill = async (folder: TemporaryFolder) => {
      await folder.write('real/file');
      await symlink('real', folder.at('dir-link'));
      await symlink('real/file', folder.at('file-link'));
      await symlink('/etc', folder.at('etc'));
      await symlink('/etc/passwd', folder.at('passwd'));
      await symlink('nowhere', folder.at('dangling'));
      await symlink('loop', folder.at('loop'));
      await symlink('..', folder.at('real/up'));
    };
    const off = await start({}, fill);
    await off.offers(['share/real/file']);
    const on = await start({ share: { followSymlinks: true } }, fill);
    await on.offers(['share/real/file', 'share/dir-link/file', 'share/file-link']);
    assert.equal(on.library.progress().shares[0]?.outside, 3 + 1);
    await on.hashed(3);
    await on.folder.write('real/more');
    await on.folder.write('real/file', 'changed');
    await on.offers([
      'share/real/file',
      'share/real/more',
      'share/dir-link/file',
      'share/dir-link/more',
      'share/file-link',
    ]);
    await on.hashed(5);
    assert.equal(on.sha256('share/file-link'), await on.hashOfFile('real/file'));
  });

  it('tells of a share that is not there, and has its hashes when it is back', async () => {
    const harness = await start({ rescanMs: 100 }, async (folder) => {
      await folder.write('disk/one');
      await folder.write('disk/two');
    });
    const other = await start({
      shares: [
        {
          name: 'disk',
          path: `${harness.folder.path}/disk`,
          exclude: [],
          followSymlinks: false,
          hidden: false,
        },
      ],
      rescanMs: 100,
    });
    await other.hashed(2);
    const hashed = other.filesHashed();
    await rename(harness.folder.at('disk'), harness.folder.at('away'));
    await mkdir(harness.folder.at('disk')); // as an empty mount point
    await other.offers([]);
    assert.equal(other.library.progress().shares[0]?.available, false);
    assert.ok(other.logged.some(({ level, msg }) => level === 50 && msg.includes('not available')));
    await rm(harness.folder.at('disk'), { recursive: true });
    await rename(harness.folder.at('away'), harness.folder.at('disk'));
    await other.offers(['disk/one', 'disk/two']);
    assert.equal(other.library.progress().shares[0]?.available, true);
    assert.equal(other.library.catalogue.totals.hashedFiles, 2);
    assert.equal(other.filesHashed(), hashed);
  });

  it('remembers the hashes of a share that is not there when it starts', async () => {
    const first = await start({}, (folder) => folder.write('one'));
    await first.hashed(1);
    await first.stop();
    await rename(first.folder.path, `${first.folder.path}.away`);
    const second = await restart(first);
    assert.deepEqual(second.keys(), []);
    await second.stop();
    await rename(`${first.folder.path}.away`, first.folder.path);
    const third = await restart(second);
    await third.offers(['share/one']);
    assert.equal(third.library.catalogue.totals.hashedFiles, 1);
    assert.equal(third.filesHashed(), 0);
  });

  it('offers at once, when it is back, what it offered before, and then what is there', async () => {
    const first = await start({}, async (folder) => {
      for (const name of ['same', 'gone', 'changed', 'sub/deep']) await folder.write(name);
    });
    await first.hashed(4);
    await first.stop();
    await rm(first.folder.at('gone'));
    await rm(first.folder.at('sub'), { recursive: true });
    await first.folder.write('changed', 'to something else');
    const second = await restart(first, { awaitsReady: false });
    const { catalogue } = second.library;
    assert.equal(catalogue.totals.hashedFiles, 4);
    const entry = catalogue.get('share/same' as FullPath);
    assert.ok(entry);
    await (await second.library.openFile(entry)).close();
    for (const name of ['gone', 'changed']) {
      const stale = catalogue.get(`share/${name}` as FullPath);
      assert.ok(stale);
      await assert.rejects(second.library.openFile(stale), FileAbsentError);
    }
    await second.library.ready;
    await second.offers(['share/same', 'share/changed']);
    await second.hashed(2);
    assert.equal(second.filesHashed(), 1);
  });

  it('offers nothing of what was stored when its share is another folder or no share any more', async () => {
    const first = await start({}, (folder) => folder.write('one'));
    await first.hashed(1);
    await first.stop();
    await rename(first.folder.path, `${first.folder.path}.away`);
    await mkdir(first.folder.path);
    const second = await restart(first, { awaitsReady: false });
    assert.equal(second.library.catalogue.size, 0);
    await second.library.ready;
    assert.equal(second.library.catalogue.size, 0);
    const elsewhere = { name: 'other', path: `${first.folder.path}.away` };
    const share = { ...elsewhere, exclude: [], followSymlinks: false, hidden: false };
    const third = await restart(second, { shares: [share] });
    await third.offers(['other/one']);
    await rm(`${first.folder.path}.away`, { recursive: true });
  });

  it('opens what it offers, and nothing else', async () => {
    const harness = await start({}, (folder) => folder.write('a/one', 'content'));
    const entry = harness.library.catalogue.get('share/a/one' as FullPath);
    assert.ok(entry);
    const file = await harness.library.openFile(entry);
    const buffer = Buffer.alloc(100);
    assert.equal(await file.read(buffer, 3), 4);
    assert.equal(buffer.toString('utf8', 0, 4), 'tent');
    assert.equal(await file.unchanged(), true);
    await appendFile(harness.folder.at('a/one'), '!');
    assert.equal(await file.unchanged(), false);
    await file.close();
    await assert.rejects(harness.library.openFile(entry), FileAbsentError);
    await assert.rejects(harness.library.openFile({ ...entry, share: 'other' }), FileAbsentError);
  });

  it('looks again after a change it was not told of', async () => {
    const watches = { watch: () => () => undefined, close: async () => undefined };
    const harness = await start({ watches });
    await harness.folder.write('one');
    await harness.library.rescan();
    await harness.offers(['share/one']);
  });
});
