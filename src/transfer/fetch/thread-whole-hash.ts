/**
 * The hash of a large file on a thread of its own: computed on the main thread it would take a third of its time
 * from what comes at 500 MB/s. When the thread fails, the main thread does it after all.
 */
import { Worker } from 'node:worker_threads';
import type { Hash, HashAlgorithm } from '../../stanza/xep0300-hashes.js';
import { inlineWholeHash, type WholeHash, type WholeHashing } from './whole-hash.js';

export interface WholeHashWork {
  readonly path: string;
  readonly algo: HashAlgorithm;
}

export type ToWholeHash =
  /** The bytes before it will not change any more. */
  | { readonly type: 'extend'; readonly end: number }
  /** When all of them are hashed, the hash is to be told. */
  | { readonly type: 'value' };

export type FromWholeHash = { readonly type: 'value'; readonly value: string };

/** Of smaller files the thread's start costs as much as it saves. */
const MIN_BYTES = 32 << 20;
/** The thread is told of so much at a time: a message costs the main thread 0.1 ms. */
const STEP_BYTES = 8 << 20;
/** Each takes some 8 MB; more would only wait for the same cores. */
const MAX_THREADS = 2;

let threads = 0;

export const systemWholeHash: WholeHashing = (part, algo) =>
  part.layout.file.size < MIN_BYTES || threads >= MAX_THREADS
    ? inlineWholeHash(part, algo)
    : new ThreadWholeHash(part, algo);

/** For tests, and for who knows better: a thread, whatever it costs. */
export const threadWholeHash: WholeHashing = (part, algo) => new ThreadWholeHash(part, algo);

class ThreadWholeHash implements WholeHash {
  readonly #part: Parameters<WholeHashing>[0];
  readonly #algo: HashAlgorithm;
  readonly #worker: Worker;
  #inline: WholeHash | undefined;
  #end = 0;
  /** What the thread has been told of it. */
  #toldEnd = 0;
  #waiting: (() => void) | undefined;
  #value: string | undefined;
  #state: 'open' | 'closed' = 'open';

  constructor(part: Parameters<WholeHashing>[0], algo: HashAlgorithm) {
    threads += 1;
    this.#part = part;
    this.#algo = algo;
    const workerData: WholeHashWork = { path: part.path, algo };
    this.#worker = new Worker(new URL('../../../workers/whole-hash.js', import.meta.url), { workerData });
    this.#worker.on('message', ({ value }: FromWholeHash) => {
      this.#value = value;
      this.#waiting?.();
    });
    this.#worker.on('error', () => this.#goOnInline());
    this.#worker.once('exit', () => {
      threads -= 1;
      this.#goOnInline();
    });
    this.#worker.unref(); // whoever waits for the hash has other things open
  }

  extend(end: number): void {
    if (end <= this.#end) return;
    this.#end = end;
    this.#value = undefined;
    if (this.#inline !== undefined) this.#inline.extend(end);
    else if (end - this.#toldEnd >= STEP_BYTES) this.#tell();
  }

  #tell(): void {
    this.#toldEnd = this.#end;
    this.#post({ type: 'extend', end: this.#end });
  }

  async value(): Promise<Hash> {
    if (this.#inline === undefined && this.#value === undefined) {
      this.#worker.ref();
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
        this.#tell();
        this.#post({ type: 'value' });
      });
    }
    if (this.#inline !== undefined) return this.#inline.value();
    return { algo: this.#algo, value: this.#value ?? '' };
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    this.#waiting?.();
    await this.#inline?.close();
    await this.#worker.terminate();
  }

  #post(message: ToWholeHash): void {
    this.#worker.postMessage(message);
  }

  #goOnInline(): void {
    if (this.#state === 'closed' || this.#inline !== undefined) return;
    this.#inline = inlineWholeHash(this.#part, this.#algo);
    this.#inline.extend(this.#end);
    this.#waiting?.();
  }
}
