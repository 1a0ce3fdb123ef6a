import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { FetchEvent } from '../../../src/transfer/fetch/fetch-request.js';
import { seededBytes } from '../../support/memory-sources.js';

const CHILD = fileURLToPath(new URL('./killed-fetch.js', import.meta.url));
const SIZE = 3_000_000;
const PIECE = 65_536; // what may be on its way between source and disk

describe('a fetch that is killed', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shoal-kill-'));
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** Runs until `pieces` pieces have come, then SIGKILL. How much was there at the start and at the end. */
  async function runFor(
    pieces: number,
    seed: number,
  ): Promise<{ first: number; last: number; done: boolean }> {
    const child = spawn(process.execPath, [CHILD, join(folder, 'file'), String(SIZE), String(seed)]);
    const exited = once(child, 'exit');
    let [first, last, seen, done] = [-1, 0, 0, false];
    try {
      for await (const line of createInterface(child.stdout)) {
        const event = JSON.parse(line) as FetchEvent;
        done ||= event.type === 'done';
        if (event.type !== 'progress') continue;
        if (first < 0) first = event.resumedBytes;
        last = event.receivedBytes;
        if (++seen === pieces) child.kill('SIGKILL');
      }
    } finally {
      child.kill('SIGKILL');
      await exited;
    }
    return { first, last, done };
  }

  it('goes on where it was, has the right bytes in the end, and leaves nothing else', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    let before = 0;
    let done = false;
    for (let kill = 0; kill < 6 && !done; kill++) {
      const run = await runFor(5 + ((seed >> kill) % 20), seed);
      assert.ok(run.first >= before - PIECE, `seed ${seed}: went back from ${before} to ${run.first}`);
      assert.ok(
        !(await readdir(folder)).includes('file') || run.done,
        `seed ${seed}: named before it was done`,
      );
      before = run.last;
      done = run.done;
    }
    if (!done) assert.ok((await runFor(Number.POSITIVE_INFINITY, seed)).done, `seed ${seed}`);
    assert.ok((await readFile(join(folder, 'file'))).equals(seededBytes(SIZE, seed)), `seed ${seed}`);
    assert.deepEqual(await readdir(folder), ['file']);
  });
});
