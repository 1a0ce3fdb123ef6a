import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, rename, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

const FILES = 200;
/** Two at a time. */
const LANES = 2;
const KILLS_A_LANE = 52;

/** Numbers from 0 to 1, the same for the same seed (Mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Run {
  readonly jobs: readonly string[];
  readonly hashes: ReadonlyMap<string, string>;
  /** What was there in the end: by path, size and hash. */
  readonly files: readonly string[];
  /** Paths that were found by their words. */
  readonly found: readonly string[];
  readonly isDone: boolean;
  /** From its first line to its last one. */
  readonly tookMs: number;
}

describe('a node that is killed', () => {
  let folders: TemporaryFolder[] = [];
  const children = new Set<ChildProcess>();

  const newFolder = async () => {
    const folder = await temporaryFolder();
    folders.push(folder);
    return folder;
  };

  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    for (const folder of folders) await folder.remove();
    folders = [];
  });

  /** Kills it when it has been at work for so long. */
  async function run(folder: string, store: string, killAfterMs: number): Promise<Run> {
    const script = fileURLToPath(new URL('../support/library-child.js', import.meta.url));
    const child = spawn(process.execPath, [script, folder, store], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.add(child);
    const ended = once(child, 'exit');
    const jobs: string[] = [];
    const files: string[] = [];
    const found: string[] = [];
    const hashes = new Map<string, string>();
    let isDone = false;
    let beganMs = performance.now();
    let timer: NodeJS.Timeout | undefined;
    for await (const line of createInterface({ input: child.stdout })) {
      const [word, ...values] = line.split(' ');
      const [path = '', hash = ''] = word === 'file' ? [] : values.map((value): string => JSON.parse(value));
      if (word === 'begun') {
        beganMs = performance.now();
        if (killAfterMs < 60_000) timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
      }
      if (word === 'job') jobs.push(path);
      if (word === 'hash') hashes.set(path, hash);
      if (word === 'file') files.push(values.join(' '));
      if (word === 'found') found.push(path);
      if (word === 'done') isDone = true;
    }
    clearTimeout(timer);
    await ended;
    children.delete(child);
    return {
      jobs,
      hashes,
      files: files.sort(),
      found: found.sort(),
      isDone,
      tookMs: performance.now() - beganMs,
    };
  }

  async function lane(seed: number): Promise<number> {
    const random = randomNumbers(seed);
    const [folder, data, other] = [await newFolder(), await newFolder(), await newFolder()];
    const contents = new Map<string, string>();
    /** By path: those whose hash is stored. */
    const stored = new Set<string>();
    let made = 0;
    const write = async (path: string) => {
      const content = `${made++} `.repeat(1 + Math.floor(random() * 2000));
      contents.set(path, content);
      stored.delete(path);
      await folder.write(path, content);
    };
    const some = () => [...contents.keys()][Math.floor(random() * contents.size)] as string;
    const newPath = () => `d${made % 11}/f${made}`;
    const change = async () => {
      const path = some();
      const kind = random();
      if (kind < 0.4) await write(path);
      else if (kind < 0.6) await write(newPath());
      else {
        const content = contents.get(path) as string;
        contents.delete(path);
        const wasStored = stored.delete(path);
        if (kind < 0.8) {
          await rm(folder.at(path));
        } else {
          const to = newPath();
          made += 1;
          await rename(folder.at(path), folder.at(to));
          contents.set(to, content);
          if (wasStored) stored.add(to);
        }
      }
    };
    const check = ({ jobs, hashes, found, isDone }: Run) => {
      if (isDone) assert.deepEqual(found, [...contents.keys()].sort(), `found by words (seed ${seed})`);
      for (const path of jobs) assert.ok(!stored.has(path), `${path} is hashed again (seed ${seed})`);
      for (const [path, hash] of hashes) {
        const content = contents.get(path);
        assert.equal(content === undefined ? undefined : sha256(content), hash, `${path} (seed ${seed})`);
        stored.add(path);
      }
    };

    for (let i = 0; i < FILES; i += 1) await write(newPath());
    const store = `${data.path}/store`;
    const first = await run(folder.path, `${other.path}/first`, Number.POSITIVE_INFINITY);
    let longestMs = first.tookMs;
    let kills = 0;
    while (kills < KILLS_A_LANE) {
      const each = await run(folder.path, store, random() * longestMs);
      check(each);
      if (each.isDone) longestMs = each.tookMs;
      else kills += 1;
      if (random() < 0.6) for (let i = 0; i < 40; i += 1) await change();
    }

    const last = await run(folder.path, store, Number.POSITIVE_INFINITY);
    check(last);
    const expected = [...contents].map(
      ([path, content]) => `${JSON.stringify(path)} ${content.length} ${JSON.stringify(sha256(content))}`,
    );
    assert.deepEqual(last.files, expected.sort(), `seed ${seed}`);
    assert.deepEqual(await readdir(store).then((names) => names.sort()), ['catalogue', 'index']);
    const again = await run(folder.path, store, Number.POSITIVE_INFINITY);
    assert.deepEqual(again.jobs, []);
    assert.deepEqual(again.files, expected);
    assert.deepEqual(again.found, last.found);
    return kills;
  }

  it('at 104 moments of scans, hashing, snapshots, merges and saves has lost nothing, has nothing twice and hashes nothing again', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const kills = await Promise.all(Array.from({ length: LANES }, (_, at) => lane(seed + at)));
    assert.deepEqual(kills, Array(LANES).fill(KILLS_A_LANE));
  }).timeout(120_000);
});

function sha256(content: string): string {
  return createHash('sha256').update(content).digest('base64');
}
