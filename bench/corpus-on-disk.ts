/**
 * The generated corpus as real files, small ones, below the temporary folder. It is kept for the next
 * measurement, since a million files take a while; `--clean` of a measurement removes it.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Cleanups } from './cleanups.js';
import type { Planted, PlanterTask } from './corpus-planter.js';

/** All of them are below this folder. */
export const CORPORA = join(tmpdir(), 'shoal-bench-corpus');

export interface Corpus {
  readonly files: number;
  /** Folders with files in them. */
  readonly folders: number;
  readonly shares: readonly { readonly name: string; readonly path: string }[];
}

/** Written last: what has it is complete. */
const MARKER = 'complete.json';
const PLANTER = new URL('corpus-planter.js', import.meta.url);
/** A folder holds some twelve files, and is below others. */
const FOLDERS_A_FILE = 0.2;
const GB = 1e9;
/** Longer than a file must have been left alone: the first scan offers all of them at once. */
const SETTLE_MS = 3000;

/** The `files` files of `seed`; made where they are not there yet. Throws when they don't fit. */
export async function corpusOnDisk(cleanups: Cleanups, files: number, seed = 1): Promise<Corpus> {
  if (!Number.isInteger(files) || files < 1) throw new Error('a number of files is a whole one, from 1');
  const folder = join(CORPORA, `${files}-${seed}`);
  const marker = join(folder, MARKER);
  const shares = join(folder, 'shares');
  if (!existsSync(marker)) {
    rmSync(folder, { recursive: true, force: true }); // half of one
    mkdirSync(shares, { recursive: true });
    assertFits(files, shares);
    const began = performance.now();
    const planted = await plantFiles(cleanups, shares, files, seed);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    process.stderr.write(`${files} files written below ${folder} in ${seconds} s\n`);
    await pause(SETTLE_MS);
    writeFileSync(marker, JSON.stringify(planted));
  }
  const { folders } = JSON.parse(readFileSync(marker, 'utf8')) as Planted;
  const names = readdirSync(shares).sort();
  return { files, folders, shares: names.map((name) => ({ name, path: join(shares, name) })) };
}

export function removeCorpora(): void {
  rmSync(CORPORA, { recursive: true, force: true });
}

/** Writes them, the shares as folders of `folder`. Ends early with `cleanups`. */
export async function plantFiles(
  cleanups: Cleanups,
  folder: string,
  files: number,
  seed: number,
): Promise<Planted> {
  const parts = availableParallelism();
  const planted = await Promise.all(
    Array.from({ length: parts }, (_, part) => runPlanter(cleanups, { folder, files, seed, part, parts })),
  );
  const written = planted.reduce((sum, each) => sum + each.files, 0);
  if (written !== files) throw new Error(`${written} files were written instead of ${files}`);
  return { files, folders: planted[0]?.folders ?? 0 };
}

function runPlanter(cleanups: Cleanups, task: PlanterTask): Promise<Planted> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(PLANTER, { workerData: task });
    cleanups.add(() => worker.terminate());
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('a planter ended without a word')));
  });
}

function assertFits(files: number, folder: string): void {
  const { bavail, bsize, files: inodes, ffree } = statfsSync(folder);
  const wanted = Math.ceil(files * (1 + FOLDERS_A_FILE));
  // File systems that make inodes as they need them tell of none.
  if (inodes > 0 && ffree < wanted) {
    throw new Error(`${files} files don't fit: ${wanted} inodes are needed at ${folder}, ${ffree} are free`);
  }
  if (bavail * bsize < wanted * bsize) {
    const gigabytes = (blocks: number) => `${((blocks * bsize) / GB).toFixed(1)} GB`;
    throw new Error(
      `${files} files don't fit: ${gigabytes(wanted)} are needed at ${folder}, ${gigabytes(bavail)} are free`,
    );
  }
}
