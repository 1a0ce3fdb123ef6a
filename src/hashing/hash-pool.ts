/** The worker pool that hashes. */
import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import type { Startable } from '../startable.js';
import { type PackedBatch, type PackedResults, packBatch, unpackResults } from './hash-batch.js';
import type { HashJob, HashResult } from './hash-job.js';

export interface HashPool extends Startable {
  /** How many batches run at the same time; one more is let in for {@link HashQueue.waitFor}. */
  readonly threads: number;
  /** Bytes read so far, also of files that are not done. */
  readonly bytesRead: number;
  run(jobs: readonly HashJob[]): Promise<readonly HashResult[]>;
}

/** A thread that has had nothing to do for this long ends. */
const IDLE_MS = 10_000;

/** What a worker is given; shared by all. */
export interface HashWorkerInit {
  readonly bytesRead: BigUint64Array;
  /** How many more threads may hash blocks beside them. */
  readonly blockThreads: Int32Array;
}

export interface PiscinaHashPoolInit {
  readonly threads: number;
  /**
   * How many of them may have another thread beside them that hashes blocks. Default: as many as the machine has
   * cores to spare.
   */
  readonly blockThreads?: number;
}

export class PiscinaHashPool implements HashPool {
  readonly threads: number;
  readonly #bytes = new BigUint64Array(new SharedArrayBuffer(BigUint64Array.BYTES_PER_ELEMENT));
  readonly #blockThreads = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  #pool: Piscina<PackedBatch, PackedResults> | undefined;

  constructor(init: PiscinaHashPoolInit) {
    this.threads = init.threads;
    this.#blockThreads[0] = init.blockThreads ?? Math.max(0, availableParallelism() - init.threads);
  }

  get bytesRead(): number {
    return Number(Atomics.load(this.#bytes, 0));
  }

  async start(): Promise<void> {
    this.#pool = new Piscina({
      filename: new URL('../../workers/hash.js', import.meta.url).href,
      name: 'hash',
      minThreads: 0,
      maxThreads: this.threads + 1,
      idleTimeout: IDLE_MS,
      workerData: { bytesRead: this.#bytes, blockThreads: this.#blockThreads } satisfies HashWorkerInit,
    });
  }

  async stop(): Promise<void> {
    await this.#pool?.destroy();
  }

  async run(jobs: readonly HashJob[]): Promise<readonly HashResult[]> {
    if (this.#pool === undefined) throw new TypeError('the hash pool has not been started');
    return unpackResults(await this.#pool.run(packBatch(jobs)));
  }
}
