/**
 * The log of a catalogue on disk, as it is written: batches wait in memory for the write before them, and those
 * that came meanwhile are written together. A file is made with the first batch that goes into it.
 */
import { Buffer } from 'node:buffer';
import { encodeHeader, framed, LAYOUT } from './block-file.js';
import type { DataFolder, DataWriter } from './data-folder.js';
import { logName } from './store-files.js';

/** A disk that is behind by more costs more memory than the hashes are worth. */
const MAX_WAITING_BYTES = 64 << 20;

export interface ChangeLogInit {
  /** A batch could not be written: nothing is until the next {@link ChangeLog.begin}. */
  readonly onFailure: (error: unknown) => void;
}

/** What is to go into one file, in one write. */
interface Group {
  readonly number: number;
  /** The batch before it. */
  readonly after: number;
  readonly pieces: Uint8Array[];
}

export class ChangeLog {
  readonly #folder: DataFolder;
  readonly #init: ChangeLogInit;
  #number = 0;
  #lastBatch = 0;
  /** Files up to this one take nothing more. */
  #brokenNumber = 0;
  #isClosed = false;
  #bytes = 0;
  /** Takes what comes until its write begins. */
  #next: Group | undefined;
  #waitingBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #file: { readonly number: number; readonly writer: DataWriter } | undefined;

  constructor(components: { readonly folder: DataFolder }, init: ChangeLogInit) {
    this.#folder = components.folder;
    this.#init = init;
  }

  /** Whether batches are not written; so it is before the first {@link begin} and after {@link close}. */
  get isBroken(): boolean {
    return this.#isClosed || this.#number <= this.#brokenNumber;
  }

  /** What has been handed over since the last {@link begin}. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What comes from now on goes into this file, whose number is higher; `after` is the number of the last batch. */
  begin(number: number, after: number): void {
    this.#number = number;
    this.#lastBatch = after;
    this.#bytes = 0;
  }

  /** All blocks of a batch. */
  append(batch: number, blocks: Iterable<Uint8Array>): void {
    if (this.isBroken) return;
    const group = this.#group();
    this.#lastBatch = batch;
    for (const block of blocks) {
      for (const piece of framed(block)) {
        group.pieces.push(piece);
        this.#bytes += piece.byteLength;
        this.#waitingBytes += piece.byteLength;
      }
    }
    if (this.#waitingBytes > MAX_WAITING_BYTES)
      this.#fail(this.#number, new Error(`the disk is behind by more than ${MAX_WAITING_BYTES} bytes`));
  }

  /** Resolves when all that was handed over is written, or given up. Never rejects. */
  written(): Promise<void> {
    return this.#writing;
  }

  /** Resolves when all that was handed over would survive a power cut. */
  async sync(): Promise<void> {
    await this.#writing;
    await this.#file?.writer.sync();
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#writing;
    await this.#closeFile();
  }

  #group(): Group {
    if (this.#next?.number === this.#number) return this.#next;
    const group: Group = { number: this.#number, after: this.#lastBatch, pieces: [] };
    this.#next = group;
    this.#writing = this.#writing.then(() => {
      if (this.#next === group) this.#next = undefined;
      return this.#write(group);
    });
    return group;
  }

  async #write(group: Group): Promise<void> {
    const bytes = Buffer.concat(group.pieces);
    this.#waitingBytes -= bytes.byteLength;
    if (group.number <= this.#brokenNumber) return;
    try {
      await (await this.#open(group)).append([bytes]);
    } catch (error) {
      this.#fail(group.number, error);
    }
  }

  async #open({ number, after }: Group): Promise<DataWriter> {
    if (this.#file?.number === number) return this.#file.writer;
    await this.#closeFile();
    const writer = await this.#folder.create(logName(number));
    this.#file = { number, writer };
    await writer.append([encodeHeader({ layout: LAYOUT, kind: 'log', batch: after, slots: 0 })]);
    return writer;
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.writer.close().catch(() => undefined); // what had to be on the disk has been synced
  }

  /** What comes after a batch that is lost could not be read: its file takes nothing more. */
  #fail(number: number, error: unknown): void {
    this.#brokenNumber = number;
    this.#init.onFailure(error);
  }
}
