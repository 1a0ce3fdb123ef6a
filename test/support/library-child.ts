/**
 * A library in a process of its own, to be killed. Arguments: folder, store. Prints `begun`, a line for every
 * file given to the hash pool (`job PATH`), for every hash that is written (`hash PATH BASE64`), and when
 * everything is hashed a line for every file (`file PATH SIZE BASE64`) and `done`. Paths are in JSON.
 *
 * The store is small: it makes a snapshot every few kilobytes, in many blocks.
 */
import { DiskStore } from '../../src/catalogue/disk-store.js';
import { systemClock } from '../../src/clock.js';
import { RealDataFolder } from '../../src/fs/real-data-folder.js';
import { realFileSystem } from '../../src/fs/real-file-system.js';
import { type HashPool, PiscinaHashPool } from '../../src/hashing/hash-pool.js';
import { silentLog } from '../../src/log.js';
import { Library } from '../../src/scan/library.js';

const [path, location] = process.argv.slice(2);
if (path === undefined || location === undefined) throw new TypeError('give a folder and a store');

const print = (word: string, ...values: readonly unknown[]) =>
  process.stdout.write(`${[word, ...values.map((value) => JSON.stringify(value))].join(' ')}\n`);
const pool = new PiscinaHashPool({ threads: 1 });
const hashPool: HashPool = {
  threads: 1,
  get bytesRead() {
    return pool.bytesRead;
  },
  start: () => pool.start(),
  stop: () => pool.stop(),
  run(jobs) {
    for (const job of jobs) print('job', job.path);
    return pool.run(jobs);
  },
};
const store = new DiskStore(
  { folder: new RealDataFolder(location), clock: systemClock, log: silentLog },
  { smallestFullLogBytes: 8000, blockRows: 16 },
);
const library = new Library(
  { fs: realFileSystem, store, clock: systemClock, log: silentLog, hashPool },
  {
    shares: [{ name: 's', path, exclude: [], followSymlinks: false, hidden: false }],
    quietMs: 1,
    rescanMs: 3_600_000,
    unwatchedRescanMs: 3_600_000,
    hashThreads: 1,
    maxHashWaiters: 1,
  },
);
const { table } = library.catalogue;
const hashes = (slots: Iterable<number>): (readonly [string, string])[] =>
  [...slots].flatMap((slot) => {
    if (!table.isShown(slot)) return [];
    const { path: found, sha256 } = table.columns.entryOf(slot);
    return sha256 === undefined ? [] : [[found, sha256] as const];
  });
const written: Promise<void>[] = [];

async function printWhenWritten(found: readonly (readonly [string, string])[]): Promise<void> {
  await Promise.resolve(); // until the store has heard of the batch, too
  await store.written();
  for (const each of found) print('hash', ...each);
}

print('begun');
table.onBatch(({ touched }) => void written.push(printWhenWritten(hashes(touched))));
await library.start();
await library.ready;
while (library.catalogue.totals.hashedFiles < library.catalogue.size) {
  await new Promise((resolve) => setTimeout(resolve, 5));
}
await Promise.all(written);
for (const slot of table.shown()) {
  const entry = table.columns.entryOf(slot);
  print('file', entry.path, entry.size, entry.sha256);
}
print('done');
await library.stop();
