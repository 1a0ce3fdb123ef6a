/**
 * Hashes the blocks of larger files on a thread beside the one that reads them, over the same bytes: where a core
 * is free for it, hashes of blocks then take hardly any time of their own. Runs in a hash worker, which it blocks.
 *
 * How many such threads there may be at work is a number that all workers share.
 */
import { Worker } from 'node:worker_threads';
import { blockBytesOf, blockCountOf } from '../blocks/block-size.js';
import { blockHashesOf } from './block-hasher.js';
import { type BlockLane, type BlockLanes, OwnLanes, READ_BYTES } from './block-lane.js';
import { newRing, RingWriter } from './block-ring.js';

/** Of smaller ones the threads would speak more than work. */
const MIN_FILE_BYTES = 2 * 1024 * 1024;
/** For a file of this size the start of a thread is waited for. */
const WORTH_WAITING_BYTES = 64 * 1024 * 1024;
const START_MS = 500;
/** A thread that has not done 256 KiB for so long never will. */
const PATIENCE_MS = 20_000;

export class ThreadLanes implements BlockLanes {
  readonly #own = new OwnLanes();
  readonly #permits: Int32Array;
  readonly #ring = newRing();
  readonly #writer = new RingWriter(this.#ring, { patienceMs: PATIENCE_MS });
  readonly #spare = new Uint8Array(READ_BYTES);
  #thread: Worker | undefined;
  #state: 'sound' | 'broken' = 'sound';

  /** In the first element of `permits`: how many more threads may work, in all hash workers. */
  constructor(init: { readonly permits: Int32Array }) {
    this.#permits = init.permits;
  }

  begin(fileBytes: number): BlockLane {
    if (fileBytes < MIN_FILE_BYTES || this.#state === 'broken' || !this.#permit())
      return this.#own.begin(fileBytes);
    this.#start();
    if (this.#writer.begin(fileBytes, fileBytes < WORTH_WAITING_BYTES ? 0 : START_MS))
      return this.#lane(fileBytes);
    this.#free();
    return this.#own.begin(fileBytes);
  }

  #lane(fileBytes: number): BlockLane {
    const writer = this.#writer;
    const count = blockCountOf(fileBytes, blockBytesOf(fileBytes));
    let isDead = false;
    const done = () => {
      if (isDead) this.#state = 'broken';
      else writer.release();
      this.#free();
    };
    return {
      buffer: () => {
        const buffer = isDead ? undefined : writer.buffer();
        isDead = buffer === undefined;
        return buffer ?? this.#spare;
      },
      read: (bytes) => {
        if (!isDead) writer.put(bytes);
      },
      end: () => {
        const hashes = isDead ? undefined : writer.end(count);
        isDead = hashes === undefined;
        done();
        return hashes && blockHashesOf(fileBytes, hashes);
      },
      giveUp: done,
    };
  }

  #start(): void {
    if (this.#thread !== undefined) return;
    const entry = new URL('../../workers/block-hash.js', import.meta.url);
    const thread = new Worker(entry, { workerData: this.#ring, name: 'block-hash' });
    this.#thread = thread;
    thread.unref();
    thread.on('error', () => {
      this.#state = 'broken';
    });
    thread.on('exit', () => {
      this.#thread = undefined;
    });
  }

  #permit(): boolean {
    for (let left = Atomics.load(this.#permits, 0); left > 0; left = Atomics.load(this.#permits, 0)) {
      if (Atomics.compareExchange(this.#permits, 0, left, left - 1) === left) return true;
    }
    return false;
  }

  #free(): void {
    Atomics.add(this.#permits, 0, 1);
  }
}
