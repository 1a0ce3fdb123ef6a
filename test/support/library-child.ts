/**
 * A library in a process of its own, to be killed. Arguments: folder, store. Prints a line for every
 * file given to the hash pool (`job PATH`), for every hash announced (`hash PATH BASE64`), and `done`.
 */
import { LevelStore } from '../../src/catalogue/level-store.js';
import { systemClock } from '../../src/clock.js';
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
const library = new Library(
  {
    fs: realFileSystem,
    store: new LevelStore({ log: silentLog }, { location }),
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
library.catalogue.onChange((changes) => {
  for (const change of changes) {
    if (change.type === 'put' && change.entry.sha256 !== undefined)
      print(`hash ${change.entry.path} ${change.entry.sha256}`);
  }
});
await library.start();
await library.ready;
while (library.catalogue.totals.hashedFiles < library.catalogue.size) {
  await new Promise((resolve) => setTimeout(resolve, 5));
}
print('done');
await library.stop();
