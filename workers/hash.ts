/** Entry of a hashing worker; `src/hashing/hash-pool.ts` starts it and gives it batches. */
import { Piscina } from 'piscina';
import { blockingFileSystem } from '../src/fs/blocking-file-system.js';
import { type PackedBatch, type PackedResults, packResults, unpackBatch } from '../src/hashing/hash-batch.js';
import { createHasher } from '../src/hashing/hash-job.js';

const bytesRead: BigUint64Array = Piscina.workerData;
const hasher = createHasher(blockingFileSystem, (bytes) => Atomics.add(bytesRead, 0, BigInt(bytes)));

export function hash(batch: PackedBatch): PackedResults {
  return packResults(hasher.hash(unpackBatch(batch)));
}
