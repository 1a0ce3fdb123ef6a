import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

const FILES = 1500;

interface Run {
  readonly jobs: Set<string>;
  readonly hashes: Map<string, string>;
  readonly isDone: boolean;
}

describe('a node that is killed while it scans and hashes', () => {
  let folder: TemporaryFolder;
  let data: TemporaryFolder;
  const children = new Set<ChildProcess>();

  beforeEach(async () => {
    folder = await temporaryFolder();
    data = await temporaryFolder();
  });

  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    await folder.remove();
    await data.remove();
  });

  /** Kills it once it has printed so many lines. */
  async function run(killAfterLines: number): Promise<Run> {
    const script = fileURLToPath(new URL('../support/library-child.js', import.meta.url));
    const child = spawn(process.execPath, [script, folder.path, `${data.path}/store`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.add(child);
    const ended = once(child, 'exit');
    const jobs = new Set<string>();
    const hashes = new Map<string, string>();
    let lines = 0;
    let isDone = false;
    for await (const line of createInterface({ input: child.stdout })) {
      const [word, path = '', hash = ''] = line.split(' ');
      if (word === 'job') jobs.add(path);
      if (word === 'hash') hashes.set(path, hash);
      if (word === 'done') isDone = true;
      lines += 1;
      if (lines === killAfterLines) child.kill('SIGKILL');
    }
    await ended;
    children.delete(child);
    return { jobs, hashes, isDone };
  }

  it('has lost nothing when it is back, and hashes nothing twice that it had announced', async () => {
    const contents = new Map<string, string>();
    for (let i = 0; i < FILES; i += 1) {
      const path = `d${i % 11}/f${i}`;
      const content = `${i} `.repeat((i % 50) * 100);
      contents.set(path, createHash('sha256').update(content).digest('base64'));
      await folder.write(path, content);
    }
    const announced = new Set<string>();
    let last: Run | undefined;
    for (const killAfterLines of [1, 300, 700, 900, 2000, Number.POSITIVE_INFINITY]) {
      last = await run(killAfterLines);
      assert.equal(last.isDone, killAfterLines === Number.POSITIVE_INFINITY);
      for (const path of last.jobs) assert.ok(!announced.has(path), `${path} is hashed again`);
      for (const path of last.hashes.keys()) announced.add(path);
    }
    assert.deepEqual(new Map([...(last?.hashes ?? [])].sort()), new Map([...contents].sort()));
    const after = await run(Number.POSITIVE_INFINITY);
    assert.equal(after.jobs.size, 0);
    assert.equal(after.hashes.size, FILES);
  }).timeout(60_000);
});
