import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claim } from '../../src/fs/process-claim.js';

describe('claim', () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shoal-claim-'));
    path = join(folder, 'thing.lock');
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('is given to one at a time, and leaves nothing behind', async () => {
    const first = await claim(path);
    assert.ok(first);
    assert.equal(await claim(path), undefined);
    await first.release();
    const next = await claim(path);
    assert.ok(next);
    await next.release();
    assert.deepEqual(await readdir(folder), []);
  });

  it('is never given to two that come at once', async () => {
    for (let round = 0; round < 20; round++) {
      const got = (await Promise.all([1, 2, 3, 4].map(() => claim(path)))).filter(
        (each) => each !== undefined,
      );
      assert.ok(got.length <= 1);
      await Promise.all(got.map((each) => each.release()));
      assert.deepEqual(await readdir(folder), []);
    }
  });

  it('passes over processes that are dead, also when their number is in use again', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    await writeFile(join(folder, `thing.lock-${child.pid}-1-aaaaaaaaaaaa`), '');
    await writeFile(join(folder, `thing.lock-${process.pid}-1-bbbbbbbbbbbb`), '');
    const got = await claim(path);
    assert.ok(got);
    assert.equal((await readdir(folder)).length, 1, 'what the dead left is gone');
    await got.release();
  });

  it('respects a living process of another kind', async () => {
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()']);
    try {
      await writeFile(join(folder, `thing.lock-${child.pid}-0-aaaaaaaaaaaa`), '');
      assert.equal(await claim(path), undefined);
    } finally {
      child.kill();
      await once(child, 'exit');
    }
  });

  it('leaves files alone that only look alike', async () => {
    const names = ['thing.lock-notes.txt', 'thing.lock', 'thing.lock-1-2-3'];
    for (const name of names) await writeFile(join(folder, name), '');
    const got = await claim(path);
    assert.ok(got);
    await got.release();
    assert.deepEqual((await readdir(folder)).sort(), [...names].sort());
  });
});
