/**
 * Which file is hashed next. Every catalogue entry without a hash waits here, those first that
 * somebody waits for. The queue holds paths, never more than the catalogue; what the pool is given
 * at a time is bounded.
 */
import type { ReadonlyCatalogue } from '../catalogue/catalogue.js';
import { type CatalogueChange, type FileEntry, keyOf } from '../catalogue/file-entry.js';
import type { FileStamp } from '../catalogue/file-stamp.js';
import type { FullPath } from '../catalogue/share-path.js';
import type { Clock, Timer } from '../clock.js';
import { AbortedError, LimitError, messageOf, ShoalError } from '../errors.js';
import type { Log } from '../log.js';
import type { Startable } from '../startable.js';
import type { HashJob, HashResult } from './hash-job.js';
import type { HashPool } from './hash-pool.js';
import { RateMeter } from './rate-meter.js';

export interface HashedFile {
  readonly key: FullPath;
  readonly stamp: FileStamp;
  readonly sha256: string;
}

/** Where the queue finds files and leaves hashes. */
export interface HashTargets {
  /** Undefined for a file that is not offered any more. */
  locate(key: FullPath): HashJob | undefined;
  /** Stores them, then puts them into the catalogue. */
  hashed(files: readonly HashedFile[]): Promise<void>;
  /** Not readable: not offered until it changes. */
  unreadable(key: FullPath, why: string): void;
  /** Not what it was when it was found: look again. */
  changed(key: FullPath): void;
}

export interface HashQueueComponents {
  readonly catalogue: Pick<ReadonlyCatalogue, 'get' | 'entries' | 'onChange'>;
  readonly pool: HashPool;
  readonly targets: HashTargets;
  readonly clock: Clock;
  readonly log: Log;
}

export interface HashQueueInit {
  /** How many may wait in {@link HashQueue.waitFor} at once. */
  readonly maxWaiters: number;
}

export interface HashProgress {
  readonly filesLeft: number;
  readonly bytesLeft: number;
  /** Since the start of the process. */
  readonly filesDone: number;
  readonly bytesDone: number;
  readonly unreadable: number;
  readonly bytesPerSecond: number;
}

/** Thrown to those who wait for the hash of a file that is not offered, or no longer, or cannot be read. */
export class NotHashedError extends ShoalError {
  readonly code = 'not-hashed';
}

interface Waiter {
  readonly resolve: (entry: FileEntry) => void;
  readonly reject: (error: Error) => void;
}

/** One task costs as much as hashing some 50 KB; this many small files make that cost small. */
const BATCH_FILES = 64;
/** A batch ends once it holds this much, so that a large file goes alone and threads share the work. */
const BATCH_BYTES = 8 * 1024 * 1024;
/** A file that changed while it was hashed is tried again after this, if the scan has not said what became of it. */
const RETRY_MS = 2000;
const MAX_TRIES = 5;
const LOG_EVERY_MS = 10_000;

export class HashQueue implements Startable {
  readonly #components: HashQueueComponents;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #maxWaiters: number;
  readonly #rate: RateMeter;
  /** Size by path. */
  readonly #waiting = new Map<FullPath, number>();
  readonly #urgent = new Set<FullPath>();
  readonly #inFlight = new Map<FullPath, number>();
  readonly #waiters = new Map<FullPath, Set<Waiter>>();
  readonly #tries = new Map<FullPath, number>();
  readonly #retries = new Map<FullPath, Timer>();
  readonly #batches = new Set<Promise<void>>();
  #waiterCount = 0;
  #urgentBatches = 0;
  #bytesWaiting = 0;
  #filesDone = 0;
  #unreadable = 0;
  #state: 'new' | 'running' | 'stopped' = 'new';
  #unsubscribe: (() => void) | undefined;
  #logTimer: Timer | undefined;

  constructor(components: HashQueueComponents, init: HashQueueInit) {
    this.#components = components;
    this.#clock = components.clock;
    this.#log = components.log;
    this.#maxWaiters = init.maxWaiters;
    this.#rate = new RateMeter(components);
  }

  async start(): Promise<void> {
    await this.#components.pool.start();
    this.#state = 'running';
    this.#unsubscribe = this.#components.catalogue.onChange((changes) => this.#follow(changes));
    for (const entry of this.#components.catalogue.entries()) this.#add(entry);
    for (const key of [...this.#waiters.keys()]) {
      if (!this.#waiting.has(key)) this.#settle(key, new NotHashedError('the file is not offered any more'));
    }
    this.#pump();
  }

  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#unsubscribe?.();
    this.#logTimer?.cancel();
    for (const timer of this.#retries.values()) timer.cancel();
    this.#retries.clear();
    const error = new AbortedError('hashing was stopped');
    for (const key of [...this.#waiters.keys()]) this.#settle(key, error);
    await this.#components.pool.stop();
    await Promise.allSettled(this.#batches);
  }

  progress(): HashProgress {
    const { bytesRead } = this.#components.pool;
    let bytesInFlight = 0;
    for (const size of this.#inFlight.values()) bytesInFlight += size;
    return {
      filesLeft: this.#waiting.size + this.#inFlight.size + this.#retries.size,
      bytesLeft: this.#bytesWaiting + bytesInFlight,
      filesDone: this.#filesDone,
      bytesDone: bytesRead,
      unreadable: this.#unreadable,
      bytesPerSecond: this.#inFlight.size === 0 ? 0 : this.#rate.perSecond(bytesRead),
    };
  }

  /**
   * The entry with its hash; the file goes before all others. Rejects with {@link NotHashedError},
   * {@link LimitError} (`hash-waiters`), {@link AbortedError}.
   */
  waitFor(key: FullPath, signal?: AbortSignal): Promise<FileEntry> {
    if (this.#state === 'stopped' || signal?.aborted)
      return Promise.reject(new AbortedError('nobody waits for the hash'));
    const entry = this.#components.catalogue.get(key);
    if (entry === undefined) return Promise.reject(new NotHashedError('the file is not offered'));
    if (entry.sha256 !== undefined) return Promise.resolve(entry);
    if (this.#waiterCount >= this.#maxWaiters) {
      return Promise.reject(new LimitError('hash-waiters', 'too many wait for hashes'));
    }
    return new Promise((resolve, reject) => {
      const onAbort = () =>
        this.#removeWaiter(key, waiter)?.reject(new AbortedError('nobody waits for the hash'));
      const done = () => signal?.removeEventListener('abort', onAbort);
      const waiter: Waiter = {
        resolve: (hashed) => {
          done();
          resolve(hashed);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiters.set(key, (this.#waiters.get(key) ?? new Set()).add(waiter));
      this.#waiterCount += 1;
      if (this.#waiting.has(key)) this.#urgent.add(key);
      this.#pump();
    });
  }

  #follow(changes: readonly CatalogueChange[]): void {
    for (const change of changes) {
      const key = change.type === 'put' ? keyOf(change.entry) : change.key;
      this.#drop(key);
      if (change.type === 'remove') {
        this.#tries.delete(key);
        this.#settle(key, new NotHashedError('the file is not offered any more'));
      } else {
        this.#add(change.entry);
      }
    }
    this.#pump();
  }

  #add(entry: FileEntry): void {
    const key = keyOf(entry);
    if (entry.sha256 !== undefined) {
      this.#tries.delete(key);
      this.#settle(key, entry);
      return;
    }
    this.#waiting.set(key, entry.size);
    this.#bytesWaiting += entry.size;
    if (this.#waiters.has(key)) this.#urgent.add(key);
  }

  #drop(key: FullPath): void {
    this.#retries.get(key)?.cancel();
    this.#retries.delete(key);
    this.#urgent.delete(key);
    const size = this.#waiting.get(key);
    if (size === undefined) return;
    this.#waiting.delete(key);
    this.#bytesWaiting -= size;
  }

  /** Gives the pool what it can take: a batch a thread, and one more while somebody waits. */
  #pump(): void {
    if (this.#state !== 'running') return;
    const { threads } = this.#components.pool;
    while (this.#urgent.size > 0 && this.#batches.size <= threads && this.#urgentBatches <= threads) {
      if (!this.#runBatch(this.#urgent.keys(), 'urgent')) break;
    }
    while (this.#batches.size < threads) {
      if (!this.#runBatch(this.#waiting.keys(), 'ordinary')) break;
    }
    this.#logProgress();
  }

  /** False when there is nothing to run. */
  #runBatch(keys: Iterable<FullPath>, kind: 'urgent' | 'ordinary'): boolean {
    const batch: { key: FullPath; job: HashJob }[] = [];
    let bytes = 0;
    for (const key of keys) {
      if (batch.length === BATCH_FILES || bytes >= BATCH_BYTES) break;
      if (this.#inFlight.has(key)) continue;
      const job = this.#components.targets.locate(key);
      if (job !== undefined && batch.length > 0 && bytes + job.stamp.size > BATCH_BYTES) break;
      this.#drop(key);
      if (job === undefined) continue;
      batch.push({ key, job });
      bytes += job.stamp.size;
    }
    if (batch.length === 0) return false;
    for (const { key, job } of batch) this.#inFlight.set(key, job.stamp.size);
    if (kind === 'urgent') this.#urgentBatches += 1;
    const running = this.#hash(batch).finally(() => {
      for (const { key } of batch) this.#inFlight.delete(key);
      if (kind === 'urgent') this.#urgentBatches -= 1;
      this.#batches.delete(running);
      this.#pump();
    });
    this.#batches.add(running);
    return true;
  }

  async #hash(batch: readonly { key: FullPath; job: HashJob }[]): Promise<void> {
    let results: readonly HashResult[];
    this.#rate.read(this.#components.pool.bytesRead);
    try {
      results = await this.#components.pool.run(batch.map(({ job }) => job));
    } catch (error) {
      if (this.#state === 'stopped') return;
      this.#log.error({ why: messageOf(error), files: batch.length }, 'a hashing worker failed');
      for (const { key } of batch) this.#retry(key, messageOf(error));
      return;
    }
    this.#rate.read(this.#components.pool.bytesRead);
    const hashed: HashedFile[] = [];
    batch.forEach(({ key, job }, index) => {
      const result = results[index];
      if (result?.type === 'hashed') hashed.push({ key, stamp: job.stamp, sha256: result.sha256 });
      else if (result?.type === 'unreadable') this.#giveUp(key, result.why);
      else this.#retry(key, 'it changes whenever it is read');
    });
    this.#filesDone += hashed.length;
    await this.#components.targets.hashed(hashed);
  }

  /** The scan is told to look; if it finds the file as it was, it comes back here after a while. */
  #retry(key: FullPath, why: string): void {
    const tries = (this.#tries.get(key) ?? 0) + 1;
    if (tries >= MAX_TRIES) {
      this.#giveUp(key, why);
      return;
    }
    this.#tries.set(key, tries);
    this.#components.targets.changed(key);
    this.#retries.get(key)?.cancel();
    const timer = this.#clock.after(RETRY_MS, () => {
      this.#retries.delete(key);
      const entry = this.#components.catalogue.get(key);
      if (entry === undefined || this.#waiting.has(key)) return;
      this.#add(entry);
      this.#pump();
    });
    this.#retries.set(key, timer);
  }

  #giveUp(key: FullPath, why: string): void {
    this.#tries.delete(key);
    this.#unreadable += 1;
    this.#components.targets.unreadable(key, why);
  }

  #settle(key: FullPath, outcome: FileEntry | Error): void {
    for (const waiter of this.#waiters.get(key) ?? []) {
      this.#waiterCount -= 1;
      if (outcome instanceof Error) waiter.reject(outcome);
      else waiter.resolve(outcome);
    }
    this.#waiters.delete(key);
  }

  #removeWaiter(key: FullPath, waiter: Waiter): Waiter | undefined {
    const waiters = this.#waiters.get(key);
    if (waiters?.delete(waiter) !== true) return undefined;
    this.#waiterCount -= 1;
    if (waiters.size === 0) {
      this.#waiters.delete(key);
      this.#urgent.delete(key);
    }
    return waiter;
  }

  /** A line now and then while there is work, and one at its end. */
  #logProgress(): void {
    const isBusy = this.#batches.size > 0;
    if (isBusy && this.#logTimer === undefined) {
      this.#logTimer = this.#clock.after(LOG_EVERY_MS, () => {
        this.#logTimer = undefined;
        if (this.#batches.size > 0) this.#log.info(this.progress(), 'hashing');
        this.#logProgress();
      });
    } else if (!isBusy && this.#logTimer !== undefined && this.#waiting.size === 0) {
      this.#logTimer.cancel();
      this.#logTimer = undefined;
      this.#rate.reset();
      this.#log.info(this.progress(), 'all files are hashed');
    }
  }
}
