/**
 * Hashing beside `openssl dgst` and `sha256sum`: one large file on one thread, with and without the hashes of its
 * blocks, and many small ones on two.
 */
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Catalogue } from '../src/catalogue/catalogue.js';
import { type CatalogueChange, type FileEntry, keyOf } from '../src/catalogue/file-entry.js';
import type { FullPath, ShareRelativePath } from '../src/catalogue/share-path.js';
import { systemClock } from '../src/clock.js';
import { blockingFileSystem } from '../src/fs/blocking-file-system.js';
import { READ_BYTES } from '../src/hashing/block-lane.js';
import type { HashJob } from '../src/hashing/hash-job.js';
import { PiscinaHashPool } from '../src/hashing/hash-pool.js';
import { HashQueue } from '../src/hashing/hash-queue.js';
import { silentLog } from '../src/log.js';
import { describeMachine, programOf } from './machine.js';
import { type Contender, type Goal, publish, type Row, takeTurns, timed, timedShell } from './table.js';

const LARGE_BYTES = 1 << 30;
const PIECE_BYTES = 1 << 20;
const SMALL_BYTES = 4096;
const ALONE = 'the file alone';
const SMALL_FILES = 20_000;
const MB = 1e6;
const MS_A_SECOND = 1000;

const machine = describeMachine();
const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'));
const missing = ['openssl', 'sha256sum', 'xargs'].filter((name) => programOf(name) === undefined);
const isThere = (...names: string[]) => names.every((name) => !missing.includes(name));
try {
  const large = await hashLarge();
  const small = await hashSmall();
  publish({
    name: 'hash',
    about: [
      'sha-256 of files in the page cache. Ours is the pool of `src/hashing` with its workers running; the small files go',
      'through the `HashQueue`, as those of a catalogue do, until every entry has its hash. A file of 1 GiB has its blocks',
      'hashed in the same pass, on the same thread or on another beside it; "the file alone" is the same loop without them.',
    ],
    machine,
    tables: [
      { title: `A file of ${LARGE_BYTES / 2 ** 30} GiB`, unit: 'MB/s', rows: large },
      {
        title: `${SMALL_FILES.toLocaleString('en')} files of 4 KB, two workers`,
        unit: 'files/s',
        rows: small,
      },
    ],
    missing,
  });
} finally {
  await rm(folder, { recursive: true });
}

async function hashLarge(): Promise<Row[]> {
  const path = 'large' as ShareRelativePath;
  writeLarge(join(folder, path));
  const job = jobOf(folder, path);
  const pools = [0, 1].map((blockThreads) => new PiscinaHashPool({ threads: 1, blockThreads }));
  const sums = new Set<string>();
  const pooled = (name: string, pool: PiscinaHashPool): Contender => ({
    name,
    run: () =>
      timed(async () => {
        const [result] = await pool.run([job]);
        if (result?.type !== 'hashed' || result.blocks === undefined)
          throw new Error(`not hashed: ${result?.type}`);
        sums.add(Buffer.from(result.sha256, 'base64').toString('hex'));
      }),
  });
  const alone: Contender = { name: ALONE, run: () => timed(() => sums.add(hashAlone(join(folder, path)))) };
  const peer = (name: string, line: string): Contender => ({
    name,
    run: async () => {
      const { ms, stdout } = await timedShell(line, [join(folder, path)]);
      sums.add(/[0-9a-f]{64}/.exec(stdout)?.[0] ?? stdout);
      return ms;
    },
  });
  const names = ['with blocks, on one thread', 'with blocks, a thread for each'];
  const contenders = [alone];
  for (const [at, pool] of pools.entries()) {
    await pool.start();
    contenders.push(pooled(names[at] ?? '', pool));
  }
  if (isThere('openssl')) contenders.push(peer('openssl dgst', 'openssl dgst -sha256 "$1"'));
  if (isThere('sha256sum')) contenders.push(peer('sha256sum', 'sha256sum "$1"'));
  const medians = await takeTurns(contenders);
  for (const pool of pools) await pool.stop();
  if (sums.size !== 1) throw new Error(`different hashes: ${[...sums]}`);
  const rate = (name: string) => (LARGE_BYTES / MB / (medians.get(name) ?? Number.NaN)) * MS_A_SECOND;
  const goals: Goal[] = [
    { kind: 'at least', ratio: 1 / 2.1 },
    { kind: 'at least', ratio: 1 / 1.2 },
  ];
  return [
    ...['openssl dgst', 'sha256sum']
      .filter((name) => medians.has(name))
      .map((name) => ({
        work: ALONE,
        ours: rate(ALONE),
        peer: { name, value: rate(name) },
        ...(name === 'openssl dgst' && { goal: { kind: 'at least', ratio: 0.95 } as const }),
      })),
    ...names.map((work, at): Row => {
      const goal = goals[at];
      return {
        work,
        ours: rate(work),
        peer: { name: `ours, ${ALONE}`, value: rate(ALONE) },
        ...(goal && { goal }),
      };
    }),
  ];
}

/** As a worker would without blocks. */
function hashAlone(path: string): string {
  const file = openSync(path, 'r');
  const buffer = new Uint8Array(READ_BYTES);
  const hash = createHash('sha256');
  for (let got = readSync(file, buffer); got > 0; got = readSync(file, buffer))
    hash.update(got === buffer.length ? buffer : buffer.subarray(0, got));
  closeSync(file);
  return hash.digest('hex');
}

function writeLarge(path: string): void {
  const file = openSync(path, 'wx');
  const piece = randomBytes(PIECE_BYTES);
  for (let at = 0; at < LARGE_BYTES; at += PIECE_BYTES) {
    piece.writeUInt32LE(at / PIECE_BYTES); // no piece is like the one before
    writeSync(file, piece);
  }
  closeSync(file);
}

async function hashSmall(): Promise<Row[]> {
  const share = join(folder, 'small');
  mkdirSync(share);
  const jobs = new Map<FullPath, HashJob>();
  const entries: FileEntry[] = [];
  for (let index = 0; index < SMALL_FILES; index += 1) {
    const path = `${index}` as ShareRelativePath;
    writeFileSync(join(share, path), randomBytes(SMALL_BYTES));
    const job = jobOf(share, path);
    const { size, mtimeMs } = job.stamp;
    const entry: FileEntry = { share: 's', path, size, mtimeMs, mediaType: 'application/octet-stream' };
    entries.push(entry);
    jobs.set(keyOf(entry), job);
  }
  const pool = new PiscinaHashPool({ threads: 2 });
  await pool.start();
  const contenders: Contender[] = [{ name: 'ours', run: () => timed(() => runQueue(pool, entries, jobs)) }];
  if (isThere('xargs', 'sha256sum')) {
    contenders.push({
      name: 'xargs -P2 sha256sum',
      run: async () => {
        const line = 'cd "$1" && printf "%s\\0" * | xargs -0 -P2 -n 1000 sha256sum > /dev/null';
        return (await timedShell(line, [share])).ms;
      },
    });
  }
  const medians = await takeTurns(contenders);
  await pool.stop();
  const rate = (ms: number) => (SMALL_FILES / ms) * MS_A_SECOND;
  return rowsOf('small files', medians, rate, 'xargs -P2 sha256sum', { kind: 'at least', ratio: 1.5 });
}

/** Until every entry has its hash. The pool runs on: a node starts its queue once. */
async function runQueue(
  pool: PiscinaHashPool,
  entries: readonly FileEntry[],
  jobs: ReadonlyMap<FullPath, HashJob>,
): Promise<void> {
  const catalogue = new Catalogue();
  catalogue.apply(entries.map((entry): CatalogueChange => ({ type: 'put', entry })));
  const running = {
    threads: pool.threads,
    get bytesRead() {
      return pool.bytesRead;
    },
    start: async () => {},
    stop: async () => {},
    run: (batch: readonly HashJob[]) => pool.run(batch),
  };
  let finish = () => {};
  const done = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const { table } = catalogue;
  const fail = (slot: number) => {
    throw new Error(`${table.columns.keyOf(slot)} was not hashed`);
  };
  const queue = new HashQueue(
    {
      catalogue,
      pool: running,
      targets: {
        locate: (slot) => jobs.get(table.columns.keyOf(slot)),
        hashed: async (files) => {
          for (const { slot, sha256 } of files) table.setSha256(slot, sha256);
          table.commit();
          if (catalogue.totals.hashedFiles === entries.length) finish();
        },
        unreadable: fail,
        changed: fail,
        lacksBlocks: () => false,
      },
      clock: systemClock,
      log: silentLog,
    },
    { maxWaiters: 1 },
  );
  await queue.start();
  await done;
  await queue.stop();
}

function jobOf(share: string, path: ShareRelativePath): HashJob {
  const stamp = blockingFileSystem.statusOf(join(share, path));
  if (stamp === undefined) throw new Error(`${path} is not there`);
  return { share: { path: share, followSymlinks: false }, path, stamp };
}

function rowsOf(
  work: string,
  medians: ReadonlyMap<string, number>,
  rate: (ms: number) => number,
  judge: string,
  goal: Goal,
): Row[] {
  const ours = rate(medians.get('ours') ?? Number.NaN);
  const rows = [...medians]
    .filter(([name]) => name !== 'ours')
    .map(([name, ms]) => ({
      work,
      ours,
      peer: { name, value: rate(ms) },
      ...(name === judge && { goal }),
    }));
  return rows.length > 0 ? rows : [{ work, ours }];
}
