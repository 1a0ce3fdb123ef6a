/**
 * A batch of jobs, and its results, as they go from thread to thread: a few flat lists instead of
 * objects in objects, whose cloning costs as much as hashing a small file.
 */
import type { FileStamp } from '../catalogue/file-stamp.js';
import type { ShareRelativePath } from '../catalogue/share-path.js';
import type { ShareFolder } from '../fs/shared-file.js';
import type { HashedContent, HashJob, HashResult } from './hash-job.js';

export interface PackedBatch {
  /** Each folder once. */
  readonly shares: readonly ShareFolder[];
  /** By job: which of `shares`. */
  readonly shareOf: Uint32Array;
  readonly paths: readonly string[];
  /** {@link FIELDS} a job. */
  readonly stamps: Float64Array;
}

/** By job: the hash alone, where there is nothing else to say, or what else came of it. */
export type PackedResults = readonly (string | HashResult)[];

const FIELDS = ['size', 'mtimeMs', 'ctimeMs', 'birthtimeMs', 'ino'] as const satisfies (keyof FileStamp)[];

export function packBatch(jobs: readonly HashJob[]): PackedBatch {
  const shares = new Map<string, number>();
  const folders: ShareFolder[] = [];
  const shareOf = new Uint32Array(jobs.length);
  const stamps = new Float64Array(jobs.length * FIELDS.length);
  jobs.forEach(({ share: { path, followSymlinks }, stamp }, index) => {
    const key = `${followSymlinks} ${path}`;
    const number = shares.get(key) ?? folders.push({ path, followSymlinks }) - 1;
    shares.set(key, number);
    shareOf[index] = number;
    FIELDS.forEach((field, at) => {
      stamps[index * FIELDS.length + at] = stamp[field];
    });
  });
  return { shares: folders, shareOf, paths: jobs.map(({ path }) => path), stamps };
}

export function unpackBatch({ shares, shareOf, paths, stamps }: PackedBatch): HashJob[] {
  return paths.map((path, index) => {
    const share = shares[shareOf[index] ?? 0];
    const stampAt = (field: number) => stamps[index * FIELDS.length + field] ?? 0;
    const stamp: FileStamp = {
      size: stampAt(0),
      mtimeMs: stampAt(1),
      ctimeMs: stampAt(2),
      birthtimeMs: stampAt(3),
      ino: stampAt(4),
    };
    if (share === undefined) throw new TypeError('a batch names the share of every job');
    return { share, path: path as ShareRelativePath, stamp };
  });
}

export function packResults(results: readonly HashResult[]): PackedResults {
  const isHashAlone = (result: HashResult): result is HashedContent =>
    result.type === 'hashed' && result.blocks === undefined;
  return results.map((result) => (isHashAlone(result) ? result.sha256 : result));
}

export function unpackResults(results: PackedResults): HashResult[] {
  return results.map((result) => (typeof result === 'string' ? { type: 'hashed', sha256: result } : result));
}
