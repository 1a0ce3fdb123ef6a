/** Entry of a hashing worker; `src/hashing/hash-pool.ts` starts it and gives it batches. */
import { Piscina } from 'piscina';
import { blockingFileSystem } from '../src/fs/blocking-file-system.js';
import { ThreadLanes } from '../src/hashing/block-thread.js';
import { type PackedBatch, type PackedResults, packResults, unpackBatch } from '../src/hashing/hash-batch.js';
import { createHasher } from '../src/hashing/hash-job.js';
import type { HashWorkerInit } from '../src/hashing/hash-pool.js';

const { bytesRead, blockThreads }: HashWorkerInit = Piscina.workerData;
const lanes = new ThreadLanes({ permits: blockThreads });
const hasher = createHasher({ fs: blockingFileSystem, lanes }, (bytes) =>
  Atomics.add(bytesRead, 0, BigInt(bytes)),
);

export function hash(batch: PackedBatch): PackedResults {
  return packResults(hasher.hash(unpackBatch(batch)));
}
