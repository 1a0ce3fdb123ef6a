import assert from 'node:assert/strict';
import { readdir, readFile, rm } from 'node:fs/promises';
import { FileSystemError } from '../../src/fs/file-system.js';
import { createLog } from '../../src/log.js';
import {
  ChokidarWatches,
  type EndWatch,
  type FolderWatches,
  isWatchable,
} from '../../src/scan/chokidar-watch.js';
import { type FolderToWatch, Watcher } from '../../src/scan/watcher.js';
import { eventually } from '../support/eventually.js';
import {
  type HarnessOptions,
  type LibraryHarness,
  type LogLine,
  libraryHarness,
} from '../support/library-harness.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

/** Inotify watches of this process. */
async function countWatches(): Promise<number> {
  let count = 0;
  for (const fd of await readdir('/proc/self/fdinfo')) {
    const info = await readFile(`/proc/self/fdinfo/${fd}`, 'utf8').catch(() => '');
    count += info.split('\n').filter((line) => line.startsWith('inotify ')).length;
  }
  return count;
}

/** Watches as on a system that allows so many. */
class LimitedWatches implements FolderWatches {
  readonly #watches = new ChokidarWatches();

  constructor(public left: number) {}

  watch(path: string, onEvent: (path: string) => void): EndWatch {
    if (this.left === 0) throw new FileSystemError('ENOSPC', path);
    this.left -= 1;
    return this.#watches.watch(path, onEvent);
  }

  close(): Promise<void> {
    return this.#watches.close();
  }
}

describe('watcher', () => {
  let folder: TemporaryFolder;
  let looked: Set<string>;
  let logged: LogLine[];
  const open: Watcher[] = [];
  const harnesses: LibraryHarness[] = [];

  beforeEach(async () => {
    folder = await temporaryFolder();
    looked = new Set();
    logged = [];
  });

  afterEach(async () => {
    for (const watcher of open.splice(0)) await watcher.stop();
    for (const harness of harnesses.splice(0)) await harness.cleanUp();
    await folder.remove();
  });

  function watcherWith(watches: FolderWatches = new ChokidarWatches()): Watcher {
    const log = createLog('debug', { write: (line) => void logged.push(JSON.parse(line)) });
    const watcher = new Watcher(
      { watches, log },
      { onLook: (share, directory) => looked.add(`${share} ${directory}`) },
    );
    open.push(watcher);
    return watcher;
  }

  const place = (directory: string, root = folder.path): FolderToWatch => ({
    share: 0,
    root,
    directory,
  });

  async function library(options: HarnessOptions, fill: (at: TemporaryFolder) => Promise<void>) {
    const harness = await libraryHarness(options, fill);
    harnesses.push(harness);
    return harness;
  }

  it('says in which folder something happened, and not after it was told to forget it', async () => {
    await folder.write('a/file');
    await folder.write('b/file');
    const watcher = watcherWith();
    for (const directory of ['', 'a', 'b']) watcher.watch(place(directory));
    await watcher.settled();
    await folder.write('a/new');
    await eventually(() => looked.has('0 a'), Boolean);
    assert.ok(!looked.has('0 b'));
    watcher.forget(place('a'));
    looked.clear();
    await folder.write('a/newer');
    await folder.write('b/new');
    await eventually(() => looked.has('0 b'), Boolean);
    assert.ok(!looked.has('0 a'));
  });

  it('spends one inotify watch a folder, none a file, and gives them back', async () => {
    const before = await countWatches();
    const harness = await library({}, async (at) => {
      for (let i = 0; i < 300; i += 1) await at.write(`d${i % 30}/f${i}`, '');
    });
    await eventually(countWatches, (count) => count === before + 31);
    assert.equal(harness.library.progress().watchedFolders, 31);
    for (let i = 0; i < 10; i += 1) await rm(harness.folder.at(`d${i}`), { recursive: true });
    await harness.folder.write('new/deep/file');
    await eventually(countWatches, (count) => count === before + 23);
    await harness.stop();
    assert.equal(await countWatches(), before);
  });

  it('forgets nothing of thousands of folders', async () => {
    const before = await countWatches();
    const watcher = watcherWith();
    for (let i = 0; i < 1000; i += 1) {
      await folder.write(`d${i}/f`, '');
      watcher.watch(place(`d${i}`));
    }
    await watcher.settled();
    assert.equal(await countWatches(), before + 1000);
    assert.equal(watcher.watched, 1000);
    for (let i = 0; i < 1000; i += 1) if (i % 3 > 0) watcher.forget(place(`d${i}`));
    for (let i = 0; i < 1000; i += 3) await folder.write(`d${i}/g`);
    await eventually(
      () => looked.size,
      (size) => size === 334,
    );
  });

  it('watches anew what is another folder under the same path', async () => {
    await folder.write('a/file');
    const watcher = watcherWith();
    watcher.watch(place('a'));
    await watcher.settled();
    await rm(folder.at('a'), { recursive: true });
    await folder.write('a/file');
    watcher.watch(place('a'));
    await watcher.settled();
    looked.clear();
    await folder.write('a/new');
    await eventually(() => looked.has('0 a'), Boolean);
  });

  it('knows a share whose folder has moved, and one folder in two shares', async () => {
    await folder.write('one/a/file');
    await folder.write('two/a/file');
    const watcher = watcherWith();
    watcher.watch(place('a', `${folder.path}/one`));
    watcher.watch({ ...place('a', `${folder.path}/two`), share: 1 });
    watcher.watch(place('a', `${folder.path}/two`));
    await watcher.settled();
    assert.equal(watcher.watched, 2);
    await folder.write('one/a/new');
    await folder.write('two/a/new');
    await eventually(
      () => [...looked].sort(),
      (all) => all.join() === '0 a,1 a',
    );
    watcher.forget({ share: 0, directory: 'a' });
    looked.clear();
    await folder.write('two/a/newer');
    await eventually(() => looked.has('1 a'), Boolean);
    assert.ok(!looked.has('0 a'));
  });

  it('passes over what is gone', async () => {
    const watcher = watcherWith();
    watcher.watch(place('none'));
    await watcher.settled();
    assert.deepEqual(logged, []);
  });

  it('says once which sysctl to set when there are no more watches, and watches again when there are', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await folder.write(`${name}/file`);
    const limited = new LimitedWatches(2);
    const watcher = watcherWith(limited);
    for (const name of ['a', 'b', 'c', 'd']) watcher.watch(place(name));
    await watcher.settled();
    assert.equal(watcher.unwatched, 2);
    const told = logged.filter(({ msg }) => msg.includes('fs.inotify.max_user_watches'));
    assert.equal(told.length, 1);
    assert.equal(told[0]?.level, 50);
    limited.left = 4;
    watcher.retry();
    await watcher.settled();
    assert.equal(watcher.unwatched, 0);
    await folder.write('d/new');
    await eventually(() => looked.has('0 d'), Boolean);
    assert.equal(logged.length, 1);
  });

  it('leaves to the scan what cannot be watched: beyond the limit, and names that are no text', async () => {
    assert.deepEqual(['/a b/é', '/a\\b', '/\udcff'].map(isWatchable), [true, false, false]);
    const limited = await library({ watches: new LimitedWatches(2) }, async (at) => {
      for (const name of ['a', 'b', 'c', 'd']) await at.write(`${name}/file`);
    });
    const odd = await library({}, (at) => at.write('broken\udcff/file'));
    for (const name of ['a', 'b', 'c', 'd']) await limited.folder.write(`${name}/new`);
    await odd.folder.write('broken\udcff/new');
    await limited.offers(['a', 'b', 'c', 'd'].flatMap((name) => [`share/${name}/file`, `share/${name}/new`]));
    await odd.offers(['share/broken\udcff/file', 'share/broken\udcff/new']);
    assert.equal(limited.logged.filter(({ msg }) => msg.includes('max_user_watches')).length, 1);
  });

  it('outlives a burst of events', async () => {
    const harness = await library({}, (at) => at.write('d/first'));
    const names = Array.from({ length: 2000 }, (_, index) => `d/f${index}`);
    await Promise.all(names.map((name) => harness.folder.write(name, name)));
    await Promise.all(names.slice(0, 1000).map((name) => rm(harness.folder.at(name))));
    await harness.offers(['share/d/first', ...names.slice(1000).map((name) => `share/${name}`)]);
  });
});
