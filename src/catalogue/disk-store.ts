/**
 * The catalogue's store on disk: a snapshot of the table and a log of the batches after it (`store-files.ts`).
 * Each batch is in the operating system's hands before it counts as written: it outlives a killed process. Only
 * snapshots wait for the disk itself: what a power cut takes of the log is hashed again.
 *
 * When the log has become larger than the snapshot, another log is begun and another snapshot written, block by
 * block while the table changes; then both take the place of the old ones. Read back, the snapshot with its log
 * gives the table as it was after some batch.
 */
import type { Clock, Timer } from '../clock.js';
import { AbortedError, messageOf } from '../errors.js';
import type { Log } from '../log.js';
import { LAYOUT, readHeader } from './block-file.js';
import { ChangeLog } from './change-log.js';
import type { DataFolder } from './data-folder.js';
import { encodeRows } from './file-rows.js';
import type { FileTable } from './file-table.js';
import { readRoots, writeRoots } from './root-file.js';
import { writeSnapshot } from './snapshot-file.js';
import { type CatalogueStore, type StoredShares, StoreLockedError, StoreUnusableError } from './store.js';
import { DRAFT, LOCK, logName, type NumberedFiles, numberedFiles, snapshotName } from './store-files.js';
import { loadTable } from './store-loading.js';
import type { TableBatch } from './table-feed.js';

/** Reading a log of this size takes some 50 ms. */
const SMALLEST_FULL_LOG_BYTES = 4 << 20;
/** Each start makes a log; to read many is slow, however small they are. */
const MAX_LOGS = 16;
/** At a stop, a log of this part of what would be full is made a snapshot: the next start is the quicker. */
const STOP_PART = 8;
/** From a write that failed to the next try. */
const RETRY_MS = 60_000;

/** What was made from the table and is kept elsewhere. */
export interface DerivedFiles {
  /**
   * Removes what was made of batches after this one. They are lost, when the power was cut or the process killed;
   * others will have their numbers.
   */
  forgetAfter(batch: number): Promise<void>;
}

export interface DiskStoreComponents {
  /** Its own; made when missing. */
  readonly folder: DataFolder;
  readonly clock: Clock;
  readonly log: Log;
  readonly derived?: DerivedFiles;
}

export interface DiskStoreInit {
  /** A log that is smaller is not replaced by a snapshot. Default: some MB. */
  readonly smallestFullLogBytes?: number;
  /** Rows that are written at once. Default: some ms of work. */
  readonly blockRows?: number;
}

/** A block takes some 2 ms to make, and as long to read. */
const BLOCK_ROWS = 2048;

export class DiskStore implements CatalogueStore {
  readonly #folder: DataFolder;
  readonly #derived: DerivedFiles | undefined;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #smallestFullLogBytes: number;
  readonly #blockRows: number;
  readonly #changes: ChangeLog;
  #claim: { release(): Promise<void> } | undefined;
  #files: NumberedFiles = { snapshots: [], logs: [] };
  #roots = new Map<string, string>();
  #rootWriting: Promise<void> = Promise.resolve();
  #areRootsSaved = true;
  /** The last file that was begun. */
  #number = 0;
  #snapshotBytes = 0;
  /** Of logs before the one that is written. */
  #olderLogBytes = 0;
  #logs = 0;
  /** What is on disk is not all that there was: only a snapshot helps. */
  #lacksBatches = false;
  #loadedNumber: number | undefined;
  #following: { readonly table: FileTable; readonly end: () => void } | undefined;
  #checkpoint: Promise<void> | undefined;
  #onBatch: (() => void) | undefined;
  #isStopping = false;
  #hasFailed = false;
  #retry: Timer | undefined;

  constructor({ folder, clock, log, derived }: DiskStoreComponents, init: DiskStoreInit = {}) {
    this.#folder = folder;
    this.#derived = derived;
    this.#clock = clock;
    this.#log = log;
    this.#smallestFullLogBytes = init.smallestFullLogBytes ?? SMALLEST_FULL_LOG_BYTES;
    this.#blockRows = init.blockRows ?? BLOCK_ROWS;
    this.#changes = new ChangeLog(
      { folder },
      {
        onFailure: (error) => {
          this.#lacksBatches = true;
          this.#fail(error);
        },
      },
    );
  }

  async start(): Promise<void> {
    const { location } = this.#folder;
    try {
      await this.#folder.make();
      this.#claim = await this.#folder.claim(LOCK);
      if (this.#claim === undefined) throw new StoreLockedError(location);
      await this.#open();
    } catch (error) {
      await this.#release();
      if (error instanceof StoreLockedError || error instanceof StoreUnusableError) throw error;
      throw new StoreUnusableError(location, messageOf(error), { cause: error });
    }
  }

  /** Also throws {@link StoreUnusableError}, when the disk gives an error. */
  async load(table: FileTable, shares: StoredShares, signal?: AbortSignal): Promise<void> {
    const how = (share: string) => {
      const isThere = shares.isThere(share, this.#roots.get(share));
      if (isThere === 'unknown-share') return 'left-out';
      return isThere ? 'shown' : 'hidden';
    };
    try {
      const components = { folder: this.#folder, table, log: this.#log };
      const loaded = await loadTable(components, { ...this.#files, signal, how });
      this.#snapshotBytes = loaded.snapshotBytes;
      this.#olderLogBytes = loaded.logBytes;
      this.#lacksBatches = !loaded.isWhole;
      await this.#derived?.forgetAfter(table.number);
      this.#loadedNumber = table.number;
    } catch (error) {
      if (error instanceof AbortedError) throw error;
      throw new StoreUnusableError(this.#folder.location, messageOf(error), { cause: error });
    }
  }

  /** Right after {@link load}: a batch in between would be missing in the log. */
  follow(table: FileTable): void {
    if (table.number !== this.#loadedNumber) throw new TypeError('the table has changed since it was loaded');
    this.#following = { table, end: table.onBatch((batch) => this.#take(table, batch)) };
    this.#begin(table);
    this.#checkpointIfDue();
  }

  written(): Promise<void> {
    return this.#changes.written();
  }

  readRoot(share: string): Promise<string | undefined> {
    return Promise.resolve(this.#roots.get(share));
  }

  writeRoot(share: string, identity: string): Promise<void> {
    this.#roots.set(share, identity);
    this.#areRootsSaved = false;
    return this.#saveRoots();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#onBatch?.();
    await this.#checkpoint;
    this.#retry?.cancel();
    this.#retry = undefined;
    this.#checkpointIfDue(STOP_PART);
    await this.#checkpoint;
    this.#following?.end();
    this.#following = undefined;
    await this.#changes.close();
    await this.#rootWriting;
    await this.#release();
  }

  async #open(): Promise<void> {
    const names = await this.#folder.list();
    // COMPAT: shoal until 0.1 kept a LevelDB here.
    if (names.includes('CURRENT')) throw this.#unusable('it was made by an older version of this program');
    this.#files = numberedFiles(names);
    const { snapshots, logs } = this.#files;
    for (const name of [...snapshots.map(snapshotName), ...logs.map(logName)]) await this.#checkLayout(name);
    for (const name of names) if (name.endsWith(DRAFT)) await this.#folder.remove(name);
    this.#number = Math.max(0, ...snapshots, ...logs);
    this.#logs = logs.length;
    const roots = await readRoots(this.#folder);
    if (roots === undefined)
      this.#log.warn({ folder: this.#folder.location }, 'which folders the shares were cannot be read');
    this.#roots = roots ?? new Map();
  }

  async #checkLayout(name: string): Promise<void> {
    const reader = await this.#folder.open(name);
    if (reader === undefined) return;
    try {
      const layout = (await readHeader(reader))?.layout ?? LAYOUT;
      if (layout !== LAYOUT)
        throw this.#unusable(`${name} has layout ${layout}, this program reads layout ${LAYOUT}`);
    } finally {
      await reader.close();
    }
  }

  #unusable(why: string): StoreUnusableError {
    return new StoreUnusableError(this.#folder.location, why);
  }

  #begin(table: FileTable): number {
    this.#olderLogBytes += this.#changes.bytes;
    this.#number += 1;
    this.#logs += 1;
    this.#changes.begin(this.#number, table.number);
    return this.#number;
  }

  #take(table: FileTable, { number, added, touched, dropped }: TableBatch): void {
    const slots = added.length === 0 ? touched : Uint32Array.from(new Set([...added, ...touched]));
    this.#changes.append(
      number,
      encodeRows(table, slots, { batch: number, dropped, maxRows: this.#blockRows }),
    );
    this.#onBatch?.();
    this.#checkpointIfDue();
  }

  /** Whether it is time for a snapshot, or will be when the log is `part` times as long. */
  #isDue(part: number): boolean {
    if (this.#checkpoint !== undefined || this.#following === undefined) return false;
    const fullBytes = Math.max(this.#smallestFullLogBytes, this.#snapshotBytes);
    const isFull = (this.#olderLogBytes + this.#changes.bytes) * part > fullBytes;
    return isFull || this.#logs > MAX_LOGS || this.#lacksBatches;
  }

  #checkpointIfDue(part = 1): void {
    if (this.#retry !== undefined || !this.#isDue(part) || this.#following === undefined) return;
    this.#checkpoint = this.#writeCheckpoint(this.#following.table)
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#checkpoint = undefined;
      });
  }

  async #writeCheckpoint(table: FileTable): Promise<void> {
    const after = table.number;
    const number = this.#begin(table);
    const name = snapshotName(number);
    const bytes = await this.#writeDraft(table, `${name}${DRAFT}`, after);
    if (bytes === undefined) return this.#folder.remove(`${name}${DRAFT}`);
    await this.#folder.rename(`${name}${DRAFT}`, name);
    this.#snapshotBytes = bytes;
    this.#olderLogBytes = 0;
    this.#logs = 1;
    this.#lacksBatches = this.#changes.isBroken;
    this.#recovered();
    const { snapshots, logs } = numberedFiles(await this.#folder.list());
    for (const old of snapshots) if (old < number) await this.#folder.remove(snapshotName(old));
    for (const old of logs) if (old < number) await this.#folder.remove(logName(old));
  }

  /** Undefined when nothing came of it. */
  async #writeDraft(table: FileTable, draft: string, after: number): Promise<number | undefined> {
    const file = await this.#folder.create(draft);
    try {
      const isWanted = () => !this.#changes.isBroken;
      const written = await writeSnapshot({ table, file }, { after, isWanted, blockRows: this.#blockRows });
      if (written === undefined || !(await this.#reaches(table, written.batch))) return undefined;
      await file.sync();
      // The snapshot is right only with the log of what happened while it was written.
      await this.#changes.sync();
      return isWanted() ? written.bytes : undefined;
    } finally {
      await file.close();
    }
  }

  /** False when there will be no such batch. */
  async #reaches(table: FileTable, batch: number): Promise<boolean> {
    while (table.number < batch && !this.#isStopping) {
      await new Promise<void>((resolve) => {
        this.#onBatch = resolve;
      });
    }
    this.#onBatch = undefined;
    return table.number >= batch;
  }

  #saveRoots(): Promise<void> {
    this.#rootWriting = this.#rootWriting
      .then(() => writeRoots(this.#folder, this.#roots))
      .then(
        () => {
          this.#areRootsSaved = true;
        },
        (error: unknown) => this.#fail(error),
      );
    return this.#rootWriting;
  }

  #fail(error: unknown): void {
    if (!this.#hasFailed)
      this.#log.error(
        { err: error, folder: this.#folder.location },
        'the catalogue cannot be written; if that stays so, files are hashed again at the next start',
      );
    this.#hasFailed = true;
    if (this.#isStopping) return;
    this.#retry ??= this.#clock.after(RETRY_MS, () => {
      this.#retry = undefined;
      if (!this.#areRootsSaved) void this.#saveRoots();
      this.#checkpointIfDue();
    });
  }

  #recovered(): void {
    if (this.#hasFailed) this.#log.info({ folder: this.#folder.location }, 'the catalogue is written again');
    this.#hasFailed = false;
  }

  async #release(): Promise<void> {
    await this.#claim?.release();
    this.#claim = undefined;
  }
}
