/**
 * Reads a catalogue from disk into an empty table: the newest snapshot that is whole, and the logs from its
 * number on. What a log says of a slot stands in place of what the snapshot says; so the logs are read first
 * for which slots they name, and each row is put into the table once. What can't be read is left out.
 */
import { Column } from '../columns/column.js';
import { AbortedError } from '../errors.js';
import type { Log } from '../log.js';
import { readBlocks, readEndBlock, readHeader } from './block-file.js';
import type { DataFolder, DataReader } from './data-folder.js';
import type { FileRows } from './file-rows.js';
import type { FileTable } from './file-table.js';
import { fromBytes } from './share-path.js';
import { logName, snapshotName } from './store-files.js';

export interface LoadingComponents {
  readonly folder: DataFolder;
  readonly table: FileTable;
  readonly log: Log;
}

export interface LoadingInit {
  /** Numbers of the files that there are, ascending. */
  readonly snapshots: readonly number[];
  readonly logs: readonly number[];
  readonly how: (share: string) => Fate;
  readonly signal?: AbortSignal | undefined;
}

/** What becomes of the files of a share. */
export type Fate = 'shown' | 'hidden' | 'left-out';

export interface Loaded {
  readonly snapshotBytes: number;
  readonly logBytes: number;
  /** Whether all of what had been written could be read. */
  readonly isWhole: boolean;
}

interface SurveyedLog {
  readonly name: string;
  /** Blocks that make whole batches. */
  readonly blocks: number;
}

export async function loadTable(components: LoadingComponents, init: LoadingInit): Promise<Loaded> {
  return new TableLoading(components, init).run();
}

class TableLoading {
  readonly #folder: DataFolder;
  readonly #table: FileTable;
  readonly #log: Log;
  readonly #init: LoadingInit;
  /** By slot: the number of the log's block that speaks of it last, from 1. */
  readonly #lastBlock = Column.uint32();
  readonly #surveyed: SurveyedLog[] = [];
  #blocks = 0;
  #slots = 0;
  /** The last batch that is known of. */
  #batch = 0;
  #logBytes = 0;
  #isWhole = true;
  /** Whether a file may be there twice: in a snapshot without all of its log, when it got another slot. */
  #mayRepeat = false;
  readonly #fates = new Map<string, Fate>();

  constructor({ folder, table, log }: LoadingComponents, init: LoadingInit) {
    this.#folder = folder;
    this.#table = table;
    this.#log = log;
    this.#init = init;
  }

  async run(): Promise<Loaded> {
    const number = await this.#chooseSnapshot();
    await this.#surveyLogs(number);
    let snapshotBytes = 0;
    const snapshot = number === undefined ? undefined : await this.#folder.open(snapshotName(number));
    if (snapshot === undefined) {
      this.#table.reserve(this.#slots);
    } else {
      snapshotBytes = snapshot.size;
      await closing(snapshot, () => this.#restoreSnapshot(snapshot));
    }
    let before = 0;
    for (const { name, blocks } of this.#surveyed) {
      await this.#withFile(name, (reader) => this.#restoreLog(reader, before, blocks));
      before += blocks;
    }
    this.#table.restored(this.#batch);
    return { snapshotBytes, logBytes: this.#logBytes, isWhole: this.#isWhole };
  }

  /** There are two when the last one was finished, but the one before it not removed yet. */
  async #chooseSnapshot(): Promise<number | undefined> {
    const numbers = this.#init.snapshots.toReversed();
    for (const [at, number] of numbers.entries()) {
      if (at === numbers.length - 1) return number;
      if (await this.#withFile(snapshotName(number), (reader) => this.#isSound(reader))) return number;
      this.#damaged(snapshotName(number), 'a snapshot of the catalogue is damaged; using the one before it');
    }
    return undefined;
  }

  async #isSound(reader: DataReader): Promise<boolean> {
    if ((await readHeader(reader)) === undefined || (await readEndBlock(reader)) === undefined) return false;
    for await (const rows of this.#blocksOf(reader)) if (rows === 'damaged') return false;
    return true;
  }

  async #surveyLogs(snapshot: number | undefined): Promise<void> {
    const header = async (name: string) => this.#withFile(name, (reader) => readHeader(reader));
    // A snapshot without a header is not read either; then it is all up to the logs.
    let expected = snapshot === undefined ? 0 : (await header(snapshotName(snapshot)))?.batch;
    for (const number of this.#init.logs.filter((each) => each >= (snapshot ?? 0))) {
      // One without a header was made when the process ended: nothing went into it.
      const name = logName(number);
      const after = (await header(name))?.batch;
      if (after === undefined) continue;
      if (expected !== undefined && after !== expected) {
        this.#damaged(name, 'a part of the log of the catalogue is missing; leaving out what came after it');
        continue;
      }
      this.#batch = Math.max(this.#batch, after);
      expected = await this.#withFile(name, (reader) => this.#survey(name, reader, after));
    }
  }

  /** The last whole batch of a log. */
  async #survey(name: string, reader: DataReader, after: number): Promise<number> {
    let batch = after;
    let blocks = 0;
    let waiting: Uint32Array[][] = [];
    for await (const rows of this.#blocksOf(reader)) {
      if (rows === 'damaged' || rows.batch !== batch + 1) {
        // As far as it goes it is right; what is lost was not `written` when the process was killed.
        this.#log.warn({ file: name }, 'the end of the log of the catalogue was cut off; leaving it out');
        break;
      }
      waiting.push([rows.slots.slice(), rows.dropped.slice()]);
      if (!rows.endsBatch) continue;
      for (const [at, slots] of waiting.entries()) this.#note(slots, this.#blocks + blocks + at + 1);
      blocks += waiting.length;
      waiting = [];
      batch = rows.batch;
    }
    this.#surveyed.push({ name, blocks });
    this.#blocks += blocks;
    this.#logBytes += reader.size;
    this.#batch = Math.max(this.#batch, batch);
    return batch;
  }

  #note(slots: readonly Uint32Array[], block: number): void {
    for (const each of slots) {
      for (const slot of each) {
        this.#lastBlock.set(slot, block);
        this.#slots = Math.max(this.#slots, slot + 1);
      }
    }
  }

  async #restoreSnapshot(reader: DataReader): Promise<void> {
    const header = await readHeader(reader);
    const end = await readEndBlock(reader);
    this.#table.reserve(Math.max(this.#slots, Math.min(header?.slots ?? 0, reader.size)));
    this.#batch = Math.max(this.#batch, header?.batch ?? 0);
    this.#mayRepeat = end === undefined || end.batch > this.#batch;
    if (this.#mayRepeat) this.#damaged('snapshot', 'a part of the catalogue is missing');
    this.#batch = Math.max(this.#batch, end?.batch ?? 0);
    if (header === undefined) return;
    for await (const rows of this.#blocksOf(reader)) {
      if (rows === 'damaged') this.#damaged('snapshot', 'a part of the catalogue is damaged; leaving it out');
      else this.#restore(rows, (slot) => this.#lastBlock.get(slot) === 0);
    }
  }

  async #restoreLog(reader: DataReader, before: number, count: number): Promise<void> {
    let block = before;
    if (count === 0) return;
    for await (const rows of this.#blocksOf(reader)) {
      block += 1;
      if (rows !== 'damaged') this.#restore(rows, (slot) => this.#lastBlock.get(slot) === block);
      if (block === before + count) return;
    }
  }

  #restore(rows: FileRows, isLast: (slot: number) => boolean): void {
    const fates = rows.folders.map((folder) => this.#fateOf(folder));
    this.#table.restoreRows(rows, (row) => {
      const slot = rows.slots[row] as number;
      if (!isLast(slot)) return 'left-out';
      if (this.#mayRepeat && this.#isThere(rows, row)) return 'left-out';
      return fates[rows.folder[row] as number] as Fate;
    });
  }

  #isThere(rows: FileRows, row: number): boolean {
    const name = rows.names.subarray(row === 0 ? 0 : rows.nameEnds[row - 1], rows.nameEnds[row]);
    return (
      this.#table.find(rows.folders[rows.folder[row] as number] as string, fromBytes(name)) !== undefined
    );
  }

  #fateOf(folder: string): Fate {
    const slash = folder.indexOf('/');
    const share = slash < 0 ? folder : folder.slice(0, slash);
    const known = this.#fates.get(share);
    if (known !== undefined) return known;
    const fate = this.#init.how(share);
    this.#fates.set(share, fate);
    if (fate === 'left-out') this.#log.info({ share }, 'forgetting the files of a share that is gone');
    return fate;
  }

  async *#blocksOf(reader: DataReader): AsyncGenerator<FileRows | 'damaged'> {
    for await (const rows of readBlocks(reader)) {
      if (this.#init.signal?.aborted) throw new AbortedError('loading the store was stopped');
      yield rows;
    }
  }

  async #withFile<T>(name: string, use: (reader: DataReader) => Promise<T>): Promise<T | undefined> {
    const reader = await this.#folder.open(name);
    return reader === undefined ? undefined : closing(reader, () => use(reader));
  }

  #damaged(file: string, what: string): void {
    if (this.#isWhole)
      this.#log.warn({ file, folder: this.#folder.location }, `${what}; hashing again what is lost`);
    this.#isWhole = false;
  }
}

async function closing<T>(reader: DataReader, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } finally {
    await reader.close();
  }
}
