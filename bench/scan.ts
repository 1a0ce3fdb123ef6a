/** The first scan of a real tree beside `find -printf`, which also reads size, date and inode of every file. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskStore } from '../src/catalogue/disk-store.js';
import type { ShareConfig } from '../src/catalogue/share.js';
import { systemClock } from '../src/clock.js';
import { RealDataFolder } from '../src/fs/real-data-folder.js';
import { realFileSystem } from '../src/fs/real-file-system.js';
import type { HashPool } from '../src/hashing/hash-pool.js';
import { silentLog } from '../src/log.js';
import { Library } from '../src/scan/library.js';
import { Walker } from '../src/scan/walker.js';
import { describeMachine, programOf } from './machine.js';
import { generateNames } from './names.js';
import { type Contender, publish, REPEATS, type Row, takeTurns, timed, timedShell } from './table.js';

const FOLDERS = 2000;
const FILES = 100_000;
const GOAL = { kind: 'at most', ratio: 2 } as const;

const machine = describeMachine();
const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'));
const missing: string[] = [];
try {
  const tree = join(folder, 'tree');
  plant(tree);
  const share: ShareConfig = { name: 's', path: tree, exclude: [], followSymlinks: false, hidden: false };
  const contenders: Contender[] = [];
  if (programOf('find') === undefined) missing.push('find');
  else contenders.push({ name: 'find -printf', run: () => runFind(tree) });

  const walker = new Walker({ log: silentLog, clock: systemClock }, { shares: [share] });
  await walker.start();
  contenders.push({ name: 'walk', run: () => walk(walker) });
  let turn = 0;
  contenders.push({ name: 'library', run: () => scan(share, join(folder, `store-${turn++}`)) });
  const medians = await takeTurns(contenders, REPEATS);
  await walker.stop();

  const find = medians.get('find -printf');
  const peer = find === undefined ? {} : { peer: { name: 'find -printf', value: find } };
  const row = (work: string, name: string): Row => ({ work, ours: medians.get(name) ?? Number.NaN, ...peer });
  publish({
    name: 'scan',
    about: [
      `${FILES.toLocaleString('en')} small files in ${FOLDERS.toLocaleString('en')} folders, everything in the cache of the kernel. The walk is that`,
      'of `src/scan/walker.ts`: its worker reads every folder and the status of every file and sends both to the main',
      'thread. The whole first scan is a `Library` with an empty store, from its start until its catalogue is complete,',
      'stored and watched, without hashing.',
    ],
    machine,
    tables: [
      {
        title: 'First scan with stat',
        unit: 'ms',
        rows: [{ ...row('walk with stat', 'walk'), goal: GOAL }, row('whole first scan', 'library')],
      },
    ],
    missing,
  });
} finally {
  await rm(folder, { recursive: true });
}

function plant(tree: string): void {
  const folders = Array.from({ length: FOLDERS }, (_, index) =>
    join(tree, `group ${index % 40}`, `folder ${index}`),
  );
  for (const path of folders) mkdirSync(path, { recursive: true });
  let index = 0;
  for (const name of generateNames(FILES)) {
    writeFileSync(join(folders[index % FOLDERS] ?? tree, `${index} ${name}`), 'x');
    index += 1;
  }
}

async function runFind(tree: string): Promise<number> {
  const { ms } = await timedShell('find "$1" -printf "%p %s %T@ %i\\n" > /dev/null', [tree]);
  return ms;
}

function walk(walker: Walker): Promise<number> {
  return timed(async () => {
    let files = 0;
    await walker.look({ share: 0, directory: '', depth: 'below' }, 'later', (findings) => {
      for (const finding of findings) if (finding.type === 'listing') files += finding.files.length;
    });
    if (files !== FILES) throw new Error(`${files} files found instead of ${FILES}`);
  });
}

async function scan(share: ShareConfig, location: string): Promise<number> {
  const library = new Library(
    {
      fs: realFileSystem,
      store: new DiskStore({ folder: new RealDataFolder(location), clock: systemClock, log: silentLog }),
      clock: systemClock,
      log: silentLog,
      hashPool: idleHashPool(),
    },
    {
      shares: [share],
      quietMs: 1,
      rescanMs: 3_600_000,
      unwatchedRescanMs: 3_600_000,
      hashThreads: 1,
      maxHashWaiters: 1,
    },
  );
  const ms = await timed(async () => {
    await library.start();
    await library.ready;
  });
  const { files } = library.catalogue.totals;
  await library.stop();
  if (files !== FILES) throw new Error(`${files} files catalogued instead of ${FILES}`);
  return ms;
}

/** Takes batches and never ends them, so that only the scan is measured. */
function idleHashPool(): HashPool {
  let end: (results: []) => void = () => undefined;
  return {
    threads: 1,
    bytesRead: 0,
    start: async () => {},
    stop: async () => end([]),
    run: () =>
      new Promise((resolve) => {
        end = resolve;
      }),
  };
}
