/**
 * Which file is hashed next. Every file of the catalogue without a hash waits here, those first that
 * somebody waits for. A file is a slot of the table, which may be another file's by the time its hash is
 * there: it is the same as long as its stamp is. What the pool is given at a time is bounded.
 *
 * Files that have a hash, but whose blocks' hashes are not known, are read again when nothing else waits.
 */
import type { BlockHashes } from '../blocks/block-tree.js';
import type { ReadonlyCatalogue } from '../catalogue/catalogue.js';
import type { Slot } from '../catalogue/file-columns.js';
import type { FileEntry } from '../catalogue/file-entry.js';
import { type FileStamp, isSameFile } from '../catalogue/file-stamp.js';
import type { FullPath } from '../catalogue/share-path.js';
import type { TableBatch } from '../catalogue/table-feed.js';
import type { Clock, Timer } from '../clock.js';
import { AbortedError, LimitError, messageOf, ShoalError } from '../errors.js';
import type { Log } from '../log.js';
import type { Startable } from '../startable.js';
import type { HashJob, HashResult } from './hash-job.js';
import type { HashPool } from './hash-pool.js';
import { RateMeter } from './rate-meter.js';
import { WaitingFiles } from './waiting-files.js';

export interface HashedFile {
  readonly slot: Slot;
  readonly stamp: FileStamp;
  readonly sha256: string;
  /** Of a file of several blocks. */
  readonly blocks?: BlockHashes;
}

/** Where the queue finds files and leaves hashes. */
export interface HashTargets {
  /** Undefined for a file that is not offered any more. */
  locate(slot: Slot): HashJob | undefined;
  /** Puts them into the table, where they are missing, and commits it; resolves when they are stored. */
  hashed(files: readonly HashedFile[]): Promise<void>;
  /** Whether the file has a hash, but should have hashes of blocks that are not known. */
  lacksBlocks(slot: Slot): boolean;
  /** Not readable: not offered until it changes. */
  unreadable(slot: Slot, stamp: FileStamp, why: string): void;
  /** Not what it was when it was found: look again. */
  changed(slot: Slot): void;
}

export interface HashQueueComponents {
  readonly catalogue: Pick<ReadonlyCatalogue, 'slotOf' | 'table' | 'onBatch'>;
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
  /** Files that wait to be read once more, for the hashes of their blocks. */
  readonly withoutBlocks: number;
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

/** A file that was given to the pool. */
interface HashTask {
  readonly slot: Slot;
  readonly job: HashJob;
}

/** Who waits for a file. */
interface Waiters {
  readonly key: FullPath;
  readonly all: Set<Waiter>;
}

interface Waiter {
  slot: Slot;
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
/** Of files with one content, so many are looked at when what is known of their blocks is lost. */
const MAX_RECHECKED = 16;
const LOG_EVERY_MS = 10_000;
/** Files looked at when the queue starts, before others have their turn. */
const FILES_A_TURN = 5_000;

export class HashQueue implements Startable {
  readonly #components: HashQueueComponents;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #maxWaiters: number;
  readonly #rate: RateMeter;
  readonly #table: ReadonlyCatalogue['table'];
  readonly #waiting = new WaitingFiles();
  readonly #urgent = new Set<Slot>();
  /** Those that have a hash. */
  readonly #lacking = new WaitingFiles();
  /** With their sizes. */
  readonly #inFlight = new Map<Slot, number>();
  readonly #waiters = new Map<Slot, Waiters>();
  readonly #tries = new Map<Slot, number>();
  readonly #retries = new Map<Slot, Timer>();
  readonly #batches = new Set<Promise<void>>();
  #waiterCount = 0;
  #urgentBatches = 0;
  #filesDone = 0;
  #unreadable = 0;
  #state: 'new' | 'running' | 'stopped' = 'new';
  #unsubscribe: (() => void) | undefined;
  #logTimer: Timer | undefined;
  #logState: 'busy' | 'done' | 'told' = 'told';
  #loggedMs = Number.NEGATIVE_INFINITY;

  constructor(components: HashQueueComponents, init: HashQueueInit) {
    this.#components = components;
    this.#table = components.catalogue.table;
    this.#clock = components.clock;
    this.#log = components.log;
    this.#maxWaiters = init.maxWaiters;
    this.#rate = new RateMeter(components);
  }

  async start(): Promise<void> {
    await this.#components.pool.start();
    this.#state = 'running';
    this.#unsubscribe = this.#components.catalogue.onBatch((batch) => this.#follow(batch));
    let looked = 0;
    for (const slot of this.#table.shown()) {
      looked += 1;
      if (looked % FILES_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
      if (this.#state !== 'running') return;
      if (this.#table.isShown(slot) && !this.#inFlight.has(slot)) this.#add(slot);
    }
    for (const slot of [...this.#waiters.keys()]) if (!this.#table.isShown(slot)) this.#lose(slot);
    this.#pump();
  }

  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#unsubscribe?.();
    this.#logTimer?.cancel();
    for (const timer of this.#retries.values()) timer.cancel();
    this.#retries.clear();
    const error = new AbortedError('hashing was stopped');
    for (const slot of [...this.#waiters.keys()]) this.#settle(slot, error);
    await this.#components.pool.stop();
    await Promise.allSettled(this.#batches);
  }

  progress(): HashProgress {
    const { bytesRead } = this.#components.pool;
    let bytesInFlight = 0;
    for (const size of this.#inFlight.values()) bytesInFlight += size;
    return {
      filesLeft: this.#waiting.size + this.#inFlight.size + this.#retries.size,
      bytesLeft: this.#waiting.bytes + bytesInFlight,
      withoutBlocks: this.#lacking.size,
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
    const slot = this.#components.catalogue.slotOf(key);
    if (slot === undefined) return Promise.reject(new NotHashedError('the file is not offered'));
    if (this.#table.columns.hasHash(slot)) return Promise.resolve(this.#table.columns.entryOf(slot));
    if (this.#waiterCount >= this.#maxWaiters) {
      return Promise.reject(new LimitError('hash-waiters', 'too many wait for hashes'));
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => this.#removeWaiter(waiter)?.reject(new AbortedError('nobody waits for the hash'));
      const done = () => signal?.removeEventListener('abort', onAbort);
      const waiter: Waiter = {
        slot,
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
      const waiters = this.#waiters.get(slot) ?? { key, all: new Set() };
      waiters.all.add(waiter);
      this.#waiters.set(slot, waiters);
      this.#waiterCount += 1;
      if (this.#waiting.has(slot)) this.#urgent.add(slot);
      this.#pump();
    });
  }

  /** What was known of blocks is lost: files with this content are looked at again. */
  recheckBlocks(sha256: string): void {
    if (this.#state !== 'running') return;
    // One is enough, but who knows which of them can be read.
    for (const slot of this.#table.withHash(sha256, MAX_RECHECKED))
      if (this.#table.isShown(slot)) this.#checkBlocks(slot);
    this.#pump();
  }

  #follow({ added, removed, touched, dropped }: TableBatch): void {
    for (const slots of [removed, dropped]) for (const slot of slots) this.#lose(slot);
    for (const slot of added) this.#add(slot);
    for (const slot of touched) if (this.#table.columns.hasHash(slot)) this.#has(slot);
    this.#pump();
  }

  #add(slot: Slot): void {
    if (this.#table.columns.hasHash(slot)) {
      this.#has(slot);
      return;
    }
    this.#waiting.add(slot, this.#table.columns.size.get(slot));
    if (this.#waiters.has(slot)) this.#urgent.add(slot);
  }

  #has(slot: Slot): void {
    this.#drop(slot);
    this.#tries.delete(slot);
    this.#checkBlocks(slot);
    if (this.#waiters.has(slot)) this.#settle(slot, this.#table.columns.entryOf(slot));
  }

  #checkBlocks(slot: Slot): void {
    if (this.#components.targets.lacksBlocks(slot))
      this.#lacking.add(slot, this.#table.columns.size.get(slot));
  }

  /** The file is not offered any more, or has another slot. */
  #lose(slot: Slot): void {
    this.#drop(slot);
    this.#tries.delete(slot);
    const waiters = this.#waiters.get(slot);
    if (waiters === undefined) return;
    const other = this.#components.catalogue.slotOf(waiters.key);
    if (other === undefined || other === slot) {
      this.#settle(slot, new NotHashedError('the file is not offered any more'));
      return;
    }
    this.#waiters.delete(slot);
    const { all } = this.#waiters.get(other) ?? { all: new Set() };
    for (const waiter of waiters.all) {
      waiter.slot = other;
      all.add(waiter);
    }
    this.#waiters.set(other, { key: waiters.key, all });
    if (this.#table.columns.hasHash(other)) this.#has(other);
  }

  #drop(slot: Slot): void {
    this.#retries.get(slot)?.cancel();
    this.#retries.delete(slot);
    this.#urgent.delete(slot);
    this.#waiting.delete(slot, this.#table.columns.size.get(slot));
    this.#lacking.delete(slot, this.#table.columns.size.get(slot));
  }

  /** Gives the pool what it can take: a batch a thread, and one more while somebody waits. */
  #pump(): void {
    if (this.#state !== 'running') return;
    const { threads } = this.#components.pool;
    while (this.#urgent.size > 0 && this.#batches.size <= threads && this.#urgentBatches <= threads) {
      if (!this.#runBatch(this.#urgent, 'urgent')) break;
    }
    while (this.#batches.size < threads) {
      if (!this.#runBatch(this.#waiting.round(), 'ordinary')) break;
    }
    // One at a time: nobody waits for these.
    if (this.#batches.size === 0 && this.#waiting.size === 0)
      this.#runBatch(this.#lacking.round(), 'lacking');
    this.#logProgress();
  }

  /** False when there is nothing to run. */
  #runBatch(slots: Iterable<Slot>, kind: 'urgent' | 'ordinary' | 'lacking'): boolean {
    const batch: HashTask[] = [];
    let bytes = 0;
    for (const slot of slots) {
      if (this.#inFlight.has(slot)) continue;
      if (kind === 'lacking' && !this.#components.targets.lacksBlocks(slot)) {
        this.#drop(slot); // another file with this content was read
        continue;
      }
      const job = this.#components.targets.locate(slot);
      if (job !== undefined && batch.length > 0 && bytes + job.stamp.size > BATCH_BYTES) break;
      this.#drop(slot);
      if (job === undefined) continue;
      batch.push({ slot, job });
      bytes += job.stamp.size;
      if (batch.length === BATCH_FILES || bytes >= BATCH_BYTES) break;
    }
    if (batch.length === 0) return false;
    for (const { slot, job } of batch) this.#inFlight.set(slot, job.stamp.size);
    if (kind === 'urgent') this.#urgentBatches += 1;
    const running = this.#hash(batch).finally(() => {
      for (const { slot } of batch) this.#inFlight.delete(slot);
      if (kind === 'urgent') this.#urgentBatches -= 1;
      this.#batches.delete(running);
      this.#pump();
    });
    this.#batches.add(running);
    return true;
  }

  async #hash(batch: readonly HashTask[]): Promise<void> {
    let results: readonly HashResult[];
    this.#rate.read(this.#components.pool.bytesRead);
    try {
      results = await this.#components.pool.run(batch.map(({ job }) => job));
    } catch (error) {
      if (this.#state === 'stopped') return;
      this.#log.error({ why: messageOf(error), files: batch.length }, 'a hashing worker failed');
      for (const task of batch) this.#retry(task, messageOf(error));
      return;
    }
    this.#rate.read(this.#components.pool.bytesRead);
    const hashed: HashedFile[] = [];
    batch.forEach((task, index) => {
      const { slot, job } = task;
      const result = results[index];
      if (result?.type === 'hashed') {
        const { sha256, blocks } = result;
        hashed.push({ slot, stamp: job.stamp, sha256, ...(blocks && { blocks }) });
      } else if (this.#table.columns.hasHash(slot)) this.#components.targets.changed(slot);
      else if (result?.type === 'unreadable') this.#giveUp(task, result.why);
      else this.#retry(task, 'it changes whenever it is read');
    });
    this.#filesDone += hashed.length;
    await this.#components.targets.hashed(hashed);
  }

  /** The scan is told to look; if it finds the file as it was, it comes back here after a while. */
  #retry(task: HashTask, why: string): void {
    const { slot } = task;
    if (!this.#isStill(task)) return;
    const tries = (this.#tries.get(slot) ?? 0) + 1;
    if (tries >= MAX_TRIES) {
      this.#giveUp(task, why);
      return;
    }
    this.#tries.set(slot, tries);
    this.#components.targets.changed(slot);
    this.#retries.get(slot)?.cancel();
    const timer = this.#clock.after(RETRY_MS, () => {
      this.#retries.delete(slot);
      this.#add(slot);
      this.#pump();
    });
    this.#retries.set(slot, timer);
  }

  #giveUp(task: HashTask, why: string): void {
    if (!this.#isStill(task)) return;
    this.#tries.delete(task.slot);
    this.#unreadable += 1;
    this.#components.targets.unreadable(task.slot, task.job.stamp, why);
  }

  /** Whether the slot holds the file that was given to the pool, and nobody knows its hash. */
  #isStill({ slot, job }: HashTask): boolean {
    return (
      this.#table.isShown(slot) &&
      !this.#table.columns.hasHash(slot) &&
      isSameFile(this.#table.stampOf(slot), job.stamp)
    );
  }

  #settle(slot: Slot, outcome: FileEntry | Error): void {
    for (const waiter of this.#waiters.get(slot)?.all ?? []) {
      this.#waiterCount -= 1;
      if (outcome instanceof Error) waiter.reject(outcome);
      else waiter.resolve(outcome);
    }
    this.#waiters.delete(slot);
  }

  #removeWaiter(waiter: Waiter): Waiter | undefined {
    const waiters = this.#waiters.get(waiter.slot);
    if (waiters?.all.delete(waiter) !== true) return undefined;
    this.#waiterCount -= 1;
    if (waiters.all.size === 0) {
      this.#waiters.delete(waiter.slot);
      this.#urgent.delete(waiter.slot);
    }
    return waiter;
  }

  /** A line now and then while there is work, and one at its end; never more than one in so long. */
  #logProgress(): void {
    const isBusy = this.#batches.size > 0;
    if (isBusy) this.#logState = 'busy';
    else if (this.#logState === 'busy' && this.#waiting.size === 0) {
      this.#logState = 'done';
      this.#rate.reset();
      this.#logTimer?.cancel();
      this.#logTimer = undefined;
    }
    if (this.#logState === 'told' || this.#logTimer !== undefined) return;
    const now = this.#clock.monotonic();
    const atMs = isBusy ? now + LOG_EVERY_MS : this.#loggedMs + LOG_EVERY_MS;
    if (now >= atMs) this.#tellProgress();
    else this.#logTimer = this.#clock.after(atMs - now, () => this.#tellProgress());
  }

  #tellProgress(): void {
    this.#logTimer?.cancel();
    this.#logTimer = undefined;
    this.#loggedMs = this.#clock.monotonic();
    if (this.#logState === 'busy') this.#log.info(this.progress(), 'hashing');
    if (this.#logState === 'done') {
      this.#logState = 'told';
      this.#log.info(this.progress(), 'all files are hashed');
    }
    this.#logProgress();
  }
}
