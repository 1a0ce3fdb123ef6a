import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realPartFileSystem as fs, renameExclusively } from '../../src/fs/part-file.js';

describe('realPartFileSystem', () => {
  let folder: string;
  const at = (name: string) => join(folder, name);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shoal-part-'));
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('creates only what is not there, and writes and reads where it is told', async () => {
    const handle = await fs.create(at('a'));
    await assert.rejects(fs.create(at('a')), { code: 'EEXIST' });
    await handle.write(Buffer.from('juliet'), 0);
    await handle.write(Buffer.from('O'), 2);
    const buffer = Buffer.alloc(4);
    assert.equal(await handle.read(buffer, 3), 3);
    await handle.truncate(3);
    await handle.sync();
    assert.equal(await handle.size(), 3);
    await handle.close();
    assert.equal(await readFile(at('a'), 'utf8'), 'juO');
  });

  it('tells what has a name', async () => {
    await writeFile(at('file'), '');
    await mkdir(at('folder'));
    await symlink(at('file'), at('link'));
    const kinds = await Promise.all(['file', 'folder', 'link', 'nothing'].map((name) => fs.kindOf(at(name))));
    assert.deepEqual(kinds, ['file', 'folder', 'other', 'absent']);
  });

  it('goes on only with a plain file of one name, and waits for nobody', async () => {
    await writeFile(at('file'), 'x');
    await (await fs.reopen(at('file')))?.close();
    await mkdir(at('folder'));
    await symlink(at('file'), at('link'));
    execFileSync('mkfifo', [at('fifo')]);
    for (const name of ['nothing', 'folder', 'link', 'fifo']) {
      assert.equal(await fs.reopen(at(name)), undefined, name);
      assert.equal(await fs.readText(at(name), 100), undefined, name);
    }
    await link(at('file'), at('second'));
    assert.equal(await fs.reopen(at('file')), undefined);
  });

  it('replaces a text whole, and reads none that is too long', async () => {
    await fs.writeText(at('text'), 'one');
    await fs.writeText(at('text'), 'two and more');
    assert.equal(await fs.readText(at('text'), 12), 'two and more');
    assert.equal(await fs.readText(at('text'), 11), undefined);
    assert.deepEqual(await readdir(folder), ['text']);
  });

  it('takes a name over only where that was asked for', async () => {
    await writeFile(at('from'), 'new');
    await writeFile(at('to'), 'old');
    await assert.rejects(fs.rename(at('from'), at('to'), 'refuse'), { code: 'EEXIST' });
    assert.equal(await readFile(at('to'), 'utf8'), 'old');
    await fs.rename(at('from'), at('to'), 'replace');
    assert.equal(await readFile(at('to'), 'utf8'), 'new');
    await fs.rename(at('to'), at('free'), 'refuse');
    assert.deepEqual(await readdir(folder), ['free']);
  });

  it('does so on a file system without hard links as well', async () => {
    const noLinks = () => Promise.reject(Object.assign(new Error('no links here'), { code: 'EPERM' }));
    await writeFile(at('from'), 'new');
    await writeFile(at('to'), 'old');
    await assert.rejects(renameExclusively(at('from'), at('to'), noLinks), { code: 'EEXIST' });
    await renameExclusively(at('from'), at('free'), noLinks);
    assert.deepEqual((await readdir(folder)).sort(), ['free', 'to']);
    assert.equal(await readFile(at('free'), 'utf8'), 'new');
  });

  it('removes what is there and is content with what is not', async () => {
    await writeFile(at('a'), '');
    await fs.remove(at('a'));
    await fs.remove(at('a'));
    assert.deepEqual(await readdir(folder), []);
  });

  it('knows how much room there is', async () => {
    assert.ok((await fs.freeBytes(folder)) > 0);
  });
});
