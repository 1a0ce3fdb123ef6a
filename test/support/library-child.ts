/**
 * A library in a process of its own, to be killed. Arguments: folder, store. Prints a line for every
 * file given to the hash pool (`job PATH`), for every hash that is written (`hash PATH BASE64`), and `done`.
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

const print = (line: string) => process.stdout.write(`${line}\n`);
const pool = new PiscinaHashPool({ threads: 2 });
const hashPool: HashPool = {
  threads: 2,
  get bytesRead() {
    return pool.bytesRead;
  },
  start: () => pool.start(),
  stop: () => pool.stop(),
  run(jobs) {
    for (const job of jobs) print(`job ${job.path}`);
    return pool.run(jobs);
  },
};
const store = new DiskStore({ folder: new RealDataFolder(location), clock: systemClock, log: silentLog });
const library = new Library(
  {
    fs: realFileSystem,
    store,
    clock: systemClock,
    log: silentLog,
    hashPool,
  },
  {
    shares: [{ name: 's', path, exclude: [], followSymlinks: false, hidden: false }],
    quietMs: 1,
    rescanMs: 3_600_000,
    unwatchedRescanMs: 3_600_000,
    hashThreads: 2,
    maxHashWaiters: 1,
  },
);
const { columns } = library.catalogue.table;
/** As it is printed; empty where there is no hash yet. */
function hashLine(slot: number): string {
  const { path, sha256 } = columns.entryOf(slot);
  return sha256 === undefined ? '' : `hash ${path} ${sha256}`;
}
const isNews = (line: string) => line !== '';
const written: Promise<void>[] = [];
library.catalogue.onBatch(({ touched }) => {
  const lines = [...touched].map(hashLine).filter(isNews);
  if (lines.length > 0) written.push(store.written().then(() => lines.forEach(print)));
});
await library.start();
for (const slot of library.catalogue.table.shown()) if (columns.hasHash(slot)) print(hashLine(slot));
await library.ready;
while (library.catalogue.totals.hashedFiles < library.catalogue.size) {
  await new Promise((resolve) => setTimeout(resolve, 5));
}
await Promise.all(written);
print('done');
await library.stop();
