/**
 * A library and the words of its files in a process of their own, to be killed. Arguments: folder, data. Prints
 * `begun`, a line for every file given to the hash pool (`job PATH`), for every hash that is written (`hash PATH
 * BASE64`), and when everything is hashed a line for every file (`file PATH SIZE BASE64`), for every
 * file that is found by its words (`found PATH`), and `done`. Paths are in JSON.
 *
 * What is kept is small: there is a snapshot every few kilobytes, in many blocks, and the words are merged and
 * saved every few files.
 */
import { DiskStore } from '../../src/catalogue/disk-store.js';
import { systemClock } from '../../src/clock.js';
import { AbortedError } from '../../src/errors.js';
import { blockingFileSystem } from '../../src/fs/blocking-file-system.js';
import { RealDataFolder } from '../../src/fs/real-data-folder.js';
import { realFileSystem } from '../../src/fs/real-file-system.js';
import { createHasher } from '../../src/hashing/hash-job.js';
import type { HashPool } from '../../src/hashing/hash-pool.js';
import { silentLog } from '../../src/log.js';
import { parseCriteria } from '../../src/query/criteria.js';
import { IndexFolder } from '../../src/query/index-folder.js';
import { SearchThread } from '../../src/query/search-thread.js';
import { Library } from '../../src/scan/library.js';

/** The folders of the files are `d0`, `d1` and so on. */
const FOLDERS = 11;

const [path, data] = process.argv.slice(2);
if (path === undefined || data === undefined) throw new TypeError('give a folder and one for data');

const print = (word: string, ...values: readonly unknown[]) =>
  process.stdout.write(`${[word, ...values.map((value) => JSON.stringify(value))].join(' ')}\n`);
const hasher = createHasher({ fs: blockingFileSystem }, () => undefined);
/** On this thread, a batch in each round of the event loop: another thread would cost more than the hashes. */
const hashPool: HashPool = {
  threads: 1,
  bytesRead: 0,
  async start() {},
  async stop() {},
  async run(jobs) {
    for (const job of jobs) print('job', job.path);
    await new Promise((resolve) => setImmediate(resolve));
    return hasher.hash(jobs);
  },
};
const store = new DiskStore(
  {
    folder: new RealDataFolder(`${data}/catalogue`),
    derived: new IndexFolder({ folder: new RealDataFolder(`${data}/index`) }),
    clock: systemClock,
    log: silentLog,
  },
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
const words = new SearchThread(
  { table },
  { words: true, indexLocation: `${data}/index`, saveAfter: 10, maxSegmentDocuments: 64, mergeFactor: 2 },
);
await library.ready;
while (library.catalogue.totals.hashedFiles < library.catalogue.size) {
  await new Promise((resolve) => setTimeout(resolve, 5));
}
await Promise.all(written);
for (const slot of table.shown()) {
  const entry = table.columns.entryOf(slot);
  print('file', entry.path, entry.size, entry.sha256);
}
await words.reached(table.number);
for (let folder = 0; folder < FOLDERS; folder++) {
  const criteria = parseCriteria({ text: [`d${folder}`] });
  const { answer } = await words.search({ criteria, page: { max: 1000 }, deadlineMs: 10_000 });
  for (const { entry } of answer.entries) print('found', entry.path);
}
print('done');
words.leave(new AbortedError('done'));
await words.ended;
await library.stop();
