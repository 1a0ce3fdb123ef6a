import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, rename, rm, symlink, truncate } from 'node:fs/promises';
import { fromBytes, join } from '../../src/catalogue/share-path.js';
import { blockingFileSystem } from '../../src/fs/blocking-file-system.js';
import { FileSystemError } from '../../src/fs/file-system.js';
import type { Finding, Listing } from '../../src/scan/listing.js';
import { walk, walkedShare } from '../../src/scan/walk.js';
import { asOrdinaryUser } from '../support/ordinary-user.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

describe('walk', () => {
  let folder: TemporaryFolder;

  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => folder.remove());

  function share(options: { followSymlinks?: boolean; exclude?: string[] } = {}) {
    const config = {
      name: 's',
      path: folder.path,
      exclude: [],
      followSymlinks: false,
      hidden: false,
      ...options,
    };
    return walkedShare(config);
  }

  const walkAll = (options?: Parameters<typeof share>[0]) => [
    ...walk(blockingFileSystem, share(options), { directory: '', depth: 'below' }),
  ];

  it('finds what find finds, names with any bytes in them included', async () => {
    const names = [
      'a\nb',
      'tab\tbell\u0007',
      'é'.repeat(127),
      'x'.repeat(255),
      '\udcff\udcfe',
      '� and \udcff',
      '�',
      'nested/\udc80/deep',
    ];
    for (const name of names) await folder.write(name, 'x');
    const printed = execFileSync('find', ['.', '-type', 'f', '-print0'], { cwd: folder.path });
    const expected = fromBytes(printed)
      .split('\0')
      .filter(Boolean)
      .map((path) => path.slice(2));
    assert.equal(expected.length, names.length);
    assert.deepEqual(filesIn(walkAll()), expected.sort());
  });

  it('gives a large folder in parts that follow each other, the last with its folders', async () => {
    for (let i = 0; i < 2500; i += 1) await folder.write(`f${i}`, '');
    await mkdir(folder.at('sub'));
    const parts = listings(walkAll()).filter(({ directory }) => directory === '');
    assert.deepEqual(
      parts.map(({ files, stamps, part, last, directories }) => [
        files.length,
        stamps.length,
        part,
        last,
        directories,
      ]),
      [
        [1000, 5000, 0, false, []],
        [1000, 5000, 1, false, []],
        [500, 2500, 2, true, ['sub']],
      ],
    );
  });

  it('passes over what is no file, and counts it', async () => {
    execFileSync('mkfifo', [`${folder.path}/fifo`]);
    await symlink('nowhere', folder.at('dangling'));
    await symlink('self', folder.at('self'));
    const [plain] = listings(walkAll());
    assert.deepEqual(plain?.skipped, { unreadable: 0, special: 1, outside: 0 });
    const [following] = listings(walkAll({ followSymlinks: true }));
    assert.deepEqual(following?.skipped, { unreadable: 2, special: 1, outside: 0 });
    assert.match(following.example ?? '', /: ENOENT|: ELOOP/);
  });

  it('skips folders and files that it may not read, and goes on', async () => {
    for (const path of ['shut/file', 'no-enter/file', 'secret', 'open/file']) await folder.write(path);
    await chmod(folder.at('shut'), 0o000);
    await chmod(folder.at('no-enter'), 0o644);
    await chmod(folder.at('secret'), 0o000);
    const found = await asOrdinaryUser(async () => walkAll());
    await chmod(folder.at('shut'), 0o755);
    await chmod(folder.at('no-enter'), 0o755);
    assert.deepEqual(filesIn(found), ['open/file']);
    const lost = found.flatMap((each) =>
      each.type === 'unlisted' ? [[each.directory, each.reason, each.errno]] : [],
    );
    assert.deepEqual(lost, [['shut', 'unreadable', 'EACCES']]);
    const skipped = listings(found).map((each) => [each.directory, each.skipped.unreadable]);
    assert.deepEqual(skipped.sort(), [
      ['', 1],
      ['no-enter', 1],
      ['open', 0],
    ]);
  });

  it('says that a folder is gone which is removed during the walk, or has become a link', async () => {
    await folder.write('a/file');
    await folder.write('b/file');
    await folder.write('elsewhere/file');
    const walking = walk(blockingFileSystem, share(), { directory: '', depth: 'below' });
    const found = [walking.next().value];
    await rm(folder.at('a'), { recursive: true });
    await rename(folder.at('b'), folder.at('c'));
    await symlink('elsewhere', folder.at('b'));
    for (const each of walking) found.push(each);
    const gone = found.flatMap((each) =>
      each?.type === 'unlisted' && each.reason === 'gone' ? [each.directory] : [],
    );
    assert.deepEqual(gone.sort(), ['a', 'b']);
  });

  it('says so of a share that is not there', () => {
    const away = walkedShare({ ...share().config, path: `${folder.path}/none` });
    const found = [...walk(blockingFileSystem, away, { directory: '', depth: 'below' })];
    assert.deepEqual(found, [{ type: 'unlisted', directory: '', reason: 'gone', errno: 'ENOENT' }]);
  });

  it('comes to an end whatever knots links are tied in', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await folder.write(`${name}/file`);
    for (const from of ['a', 'b', 'c', 'd', 'e', 'f']) {
      for (const to of ['a', 'b', 'c', 'd', 'e', 'f', '.'])
        await symlink(`../${to}`, folder.at(`${from}/to-${to}`));
    }
    const found = filesIn(walkAll({ followSymlinks: true }));
    assert.ok(found.includes('a/to-b/file') && found.includes('f/to-a/file'));
    assert.ok(!found.some((path) => path.includes('to-./') || path.startsWith('a/to-a/')));
    assert.equal(found.length, 6 + 6 * 5);
  });

  it('does not show through a link what the rules keep back', async () => {
    await folder.write('.hidden/file');
    await folder.write('docs/private/file');
    await folder.write('docs/open');
    await symlink('.hidden', folder.at('way1'));
    await symlink('.hidden/file', folder.at('way2'));
    await symlink('docs', folder.at('way3'));
    await symlink('docs/private', folder.at('way4'));
    const found = filesIn(walkAll({ followSymlinks: true, exclude: ['docs/private/**'] }));
    assert.deepEqual(found, ['docs/open', 'way3/open']);
  });

  it('takes no descriptions from what is too large to be a list of them', async () => {
    await folder.write('descript.ion', 'file text');
    await folder.write('file');
    assert.deepEqual(listings(walkAll())[0]?.descriptions, [['file', 'text']]);
    await truncate(folder.at('descript.ion'), 2 * 1024 * 1024);
    assert.deepEqual(listings(walkAll())[0]?.descriptions, []);
  });

  it('lets faults of its own be seen', () => {
    const broken = { ...blockingFileSystem, readDirectory: () => assert.fail('a fault') };
    assert.throws(() => [...walk(broken, share(), { directory: '', depth: 'below' })], /a fault/);
    const failing = {
      ...blockingFileSystem,
      readDirectory: (path: string) => {
        throw new FileSystemError('EIO', path);
      },
    };
    const found = [...walk(failing, share(), { directory: '', depth: 'below' })];
    assert.deepEqual(found, [{ type: 'unlisted', directory: '', reason: 'unreadable', errno: 'EIO' }]);
  });
});

function listings(found: readonly Finding[]): Listing[] {
  return found.flatMap((each) => (each.type === 'listing' ? [each] : []));
}

function filesIn(found: readonly Finding[]): string[] {
  return listings(found)
    .flatMap(({ directory, files }) => files.map((name) => join(directory, name)))
    .sort();
}
