/** Many changes at once: archives unpacked, trees moved, more events than the kernel keeps. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { rename } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { promisify } from 'node:util';
import type { FullPath } from '../../src/catalogue/share-path.js';
import { type HashPool, PiscinaHashPool } from '../../src/hashing/hash-pool.js';
import { ChokidarWatches, type FolderWatches } from '../../src/scan/chokidar-watch.js';
import { eventually } from '../support/eventually.js';
import { type HarnessOptions, type LibraryHarness, libraryHarness } from '../support/library-harness.js';

const FILES = 20_000;
const FOLDERS = 400;
const WITHIN_MS = 40_000;

/** Another process makes the files, folder by folder, as fast as it can: `root/F % 20/F/I`. */
const PLANT = `
const [, root, files, folders] = process.argv;
const { mkdirSync, writeFileSync } = require('node:fs');
for (let f = 0; f < folders; f++) mkdirSync(root + '/' + f % 20 + '/' + f, { recursive: true });
for (let f = 0; f < folders; f++)
  for (let i = 0; i < files / folders; i++) writeFileSync(root + '/' + f % 20 + '/' + f + '/' + i, f + ' ' + i);
`;
const planting = (root: Buffer, files = FILES) => ['-e', PLANT, root.toString(), `${files}`, `${FOLDERS}`];

/** Knows how many files it was given. */
class CountingPool implements HashPool {
  readonly threads = 1;
  readonly #pool = new PiscinaHashPool({ threads: 1 });
  jobs = 0;

  get bytesRead(): number {
    return this.#pool.bytesRead;
  }
  start(): Promise<void> {
    return this.#pool.start();
  }
  stop(): Promise<void> {
    return this.#pool.stop();
  }
  run(jobs: Parameters<HashPool['run']>[0]): ReturnType<HashPool['run']> {
    this.jobs += jobs.length;
    return this.#pool.run(jobs);
  }
}

describe('very many changes at once', () => {
  let harness: LibraryHarness | undefined;

  async function start(options: HarnessOptions, files: number): Promise<LibraryHarness> {
    const started = await libraryHarness(options, async (folder) => {
      execFileSync(process.execPath, planting(folder.at('old'), files));
    });
    harness = started;
    return started;
  }

  afterEach(async () => {
    await harness?.cleanUp();
    harness = undefined;
  });

  async function holds({ library }: LibraryHarness, files: number, hashed = files): Promise<void> {
    await eventually(
      () => library.catalogue.totals,
      (totals) => totals.files === files && totals.hashedFiles === hashed,
      WITHIN_MS,
    );
  }

  it('finds all files of an archive that is unpacked, and the event loop goes on', async () => {
    const { library, folder } = await start({ quietMs: 300 }, FOLDERS);
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    await promisify(execFile)(process.execPath, planting(folder.at('new')));
    await holds({ library } as LibraryHarness, FILES + FOLDERS);
    delay.disable();
    const p99Ms = delay.percentile(99) / 1e6;
    console.log(`      event loop delay: p99 ${p99Ms.toFixed(1)} ms, max ${(delay.max / 1e6).toFixed(1)} ms`);
    assert.ok(p99Ms < 500, `${p99Ms} ms`);
  }).timeout(60_000);

  it('knows a tree that was moved, and hashes nothing of it', async () => {
    const hashPool = new CountingPool();
    const started = await start({ hashPool }, FILES);
    await holds(started, FILES);
    assert.equal(hashPool.jobs, FILES);
    const { catalogue } = started.library;
    await rename(started.folder.at('old'), started.folder.at('moved'));
    await eventually(
      () =>
        [...Array(FOLDERS).keys()].filter((f) => catalogue.get(`share/moved/${f % 20}/${f}/0` as FullPath))
          .length,
      (folders) => folders === FOLDERS,
      WITHIN_MS,
    );
    await holds(started, FILES);
    assert.equal(hashPool.jobs, FILES);
    assert.equal(started.keys()[0]?.startsWith('share/moved/'), true);
  }).timeout(60_000);

  it('finds by scanning what a watcher never told', async () => {
    let isDropping = false;
    const watches = new ChokidarWatches();
    const forgetful: FolderWatches = {
      watch: (path, onEvent) =>
        watches.watch(path, () => {
          if (!isDropping) onEvent(path);
        }),
      close: () => watches.close(),
    };
    const started = await start({ watches: forgetful, rescanMs: 300 }, 2 * FOLDERS);
    await holds(started, 2 * FOLDERS);
    isDropping = true;
    await promisify(execFile)(process.execPath, planting(started.folder.at('new'), 5 * FOLDERS));
    await holds(started, 7 * FOLDERS);
  }).timeout(60_000);

  it('finds what the kernel had no room to tell', async () => {
    const started = await start({}, FOLDERS);
    await holds(started, FOLDERS);
    // Blocks this process, so that nobody reads the events: two at least for each file.
    execFileSync(process.execPath, planting(started.folder.at('old')));
    await holds(started, FILES);
  }).timeout(60_000);
});
