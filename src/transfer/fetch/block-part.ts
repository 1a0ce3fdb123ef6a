/**
 * A file on its way that comes in blocks, in any order: `TARGET.part`, as long as the file from the beginning, and its
 * journal `TARGET.part.blocks`. The journal is there before the `.part` and outlives it; a `.part` without one
 * is somebody else's.
 *
 * The room is reserved as far as it can be: the disk is asked, what other downloads of this process still have to
 * write is set aside, and the file has its length. It has holes all the same (Node has no fallocate), so that a disk
 * which others fill can still be full in the middle.
 */
import { blockCountOf, blockRange } from '../../blocks/block-size.js';
import type { Clock, Timer } from '../../clock.js';
import { messageOf } from '../../errors.js';
import type { PartFileSystem, PartHandle } from '../../fs/part-file.js';
import type { Claim } from '../../fs/process-claim.js';
import type { Log } from '../../log.js';
import { MAX_JOURNAL_RECORDS } from './block-journal.js';
import { DiskError, diskErrorOf, guarded, replacedError } from './disk-error.js';
import type { JournalWriter } from './journal-writer.js';
import type { DirectPart, PartInit, PartLayout, PartStore } from './part-store.js';
import type { RangeSet } from './range-set.js';

export interface BlockPartComponents {
  readonly fs: PartFileSystem;
  readonly clock: Clock;
  readonly log: Log;
}

/** A part that is open. */
export interface OpenPart {
  readonly init: PartInit;
  readonly path: string;
  readonly journalPath: string;
  readonly claim: Claim;
  readonly handle: PartHandle;
  readonly journal: JournalWriter;
  readonly settled: RangeSet;
  readonly written: Map<number, number>;
  /** How long blocks may be here before they are made safe from a power cut. */
  readonly syncMs: number;
  /** Called when it has its name: what else was kept for the target goes. */
  readonly onNamed: () => Promise<void>;
  /** Called once, when it is over. */
  readonly onClosed: () => void;
}

/** A block's beginning is noted so often: what a kill costs is a sixteenth of a block a read. */
const NOTES_A_BLOCK = 16;

export class BlockPart implements PartStore {
  readonly layout: PartLayout;
  readonly path: string;
  readonly settled: RangeSet;
  readonly direct?: DirectPart;
  readonly #components: BlockPartComponents;
  readonly #open: OpenPart;
  readonly #written: Map<number, number>;
  /** By block, what the journal says was written. */
  readonly #noted: Map<number, number>;
  #timer: Timer | undefined;
  #syncing: Promise<void> | undefined;
  #isDirty = false;
  /** Settled since the last sync began. */
  #unsafe: number[] = [];
  #failure: { readonly error: unknown } | undefined;
  /** Settled blocks have been dropped: nothing is written over them before the journal says so for certain. */
  #dropping: Promise<void> = Promise.resolve();
  #drops = 0;
  #settledBytes = 0;
  #phase: 'open' | 'named' | 'over' = 'open';

  constructor(components: BlockPartComponents, open: OpenPart) {
    const { file, blockBytes, tree } = open.init;
    this.#components = components;
    this.#open = open;
    this.layout = { file, blockBytes, ...(tree && { tree }) };
    this.path = open.path;
    this.settled = open.settled;
    this.#written = open.written;
    this.#noted = new Map(open.written);
    for (const { start, end } of open.settled) {
      for (let block = start; block < end; block += 1) this.#settledBytes += this.#rangeOf(block).length;
    }
    const { descriptor } = open.handle;
    if (descriptor !== undefined) this.direct = this.#direct(descriptor);
    if (open.settled.size > 0) this.#soonSync(); // an earlier run may not have come to it
  }

  /** Bytes that have yet to be written. */
  get missingBytes(): number {
    return this.layout.file.size - this.#settledBytes;
  }

  writtenOf(block: number): number {
    return this.#written.get(block) ?? 0;
  }

  write(bytes: Uint8Array, position: number): Promise<void> {
    return this.#guarded(async () => {
      const block = Math.floor(position / this.layout.blockBytes);
      const { offset, length } = this.#rangeOf(block);
      const end = position - offset + bytes.byteLength;
      if (end > length || this.settled.has(block)) throw new RangeError('written beyond an unsettled block');
      await this.#ready();
      await this.#open.handle.write(bytes, position);
      this.#note(block, position - offset, end);
    });
  }

  read(buffer: Uint8Array, position: number): Promise<void> {
    return this.#guarded(async () => {
      for (let done = 0; done < buffer.byteLength; ) {
        const count = await this.#open.handle.read(buffer.subarray(done), position + done);
        if (count === 0) throw new DiskError('changed', `${this.path} was changed by another program`);
        done += count;
      }
    });
  }

  settle(block: number): void {
    if (this.settled.has(block)) return;
    this.settled.add(block, block + 1);
    this.#settledBytes += this.#rangeOf(block).length;
    this.#written.delete(block);
    this.#noted.delete(block);
    this.#open.journal.add({ type: 'settled', block });
    this.#unsafe.push(block);
    this.#soonSync();
  }

  drop(block: number): void {
    const wasSettled = this.settled.has(block);
    this.settled.remove(block, block + 1);
    if (wasSettled) this.#settledBytes -= this.#rangeOf(block).length;
    this.#written.delete(block);
    this.#noted.delete(block);
    this.#open.journal.add({ type: 'dropped', block });
    if (!wasSettled) return;
    const { journal } = this.#open;
    this.#drops += 1;
    this.#dropping = this.#dropping
      .then(() => journal.sync())
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#drops -= 1;
      });
  }

  commit({ modifiedMs }: { readonly modifiedMs?: number }): Promise<void> {
    return this.#guarded(async () => {
      const { fs } = this.#components;
      const { handle, init, journalPath } = this.#open;
      this.#throwFailure();
      if (this.settled.size !== blockCountOf(this.layout.file.size, this.layout.blockBytes)) {
        throw new TypeError('committed before all blocks were settled');
      }
      if (this.#phase === 'open') {
        // One that can't be set costs nobody the file.
        if (modifiedMs !== undefined)
          await handle.setModified(modifiedMs).catch((e: unknown) => this.#warn(e));
        await handle.sync();
        if (!(await handle.isAt(this.path))) await this.#giveUp(replacedError(this.path));
        await fs.rename(this.path, init.target, init.overwrite);
        this.#phase = 'named';
      }
      // The file has its name: what is left beside it is no reason to say that it hasn't.
      const clear = () => fs.remove(journalPath).then(this.#open.onNamed);
      await this.#end(() => clear().catch((error: unknown) => this.#warn(error)));
    });
  }

  async close(): Promise<void> {
    const isEmpty = this.settled.size === 0 && this.#written.size === 0;
    await this.#finish(async () => {
      if (isEmpty) await this.#remove();
      else await this.#sync();
    });
  }

  async discard(): Promise<void> {
    await this.#finish(() => this.#remove());
  }

  #direct(descriptor: number): DirectPart {
    const part = this;
    return {
      descriptor,
      get isReady() {
        return part.#drops === 0 && part.#failure === undefined && part.#open.journal.failure === undefined;
      },
      ready: () => this.#guarded(() => this.#ready()),
      wrote: (position, bytes) => {
        const block = Math.floor(position / this.layout.blockBytes);
        if (this.settled.has(block)) throw new RangeError('written over a settled block');
        const from = position - this.#rangeOf(block).offset;
        this.#note(block, from, from + bytes);
      },
      errorOf: (error) => diskErrorOf(this.#open.init.target, error),
    };
  }

  async #ready(): Promise<void> {
    await this.#dropping;
    this.#throwFailure();
  }

  async #finish(last: () => Promise<void>): Promise<void> {
    if (this.#phase === 'over') return;
    try {
      await this.#end(last);
    } catch (error) {
      this.#warn(error);
    }
  }

  /** Lets go of everything, whatever becomes of `last`. */
  async #end(last: () => Promise<void>): Promise<void> {
    if (this.#phase === 'over') return;
    const { claim, handle, journal, onClosed } = this.#open;
    this.#phase = 'over';
    this.#timer?.cancel();
    try {
      await this.#syncing;
      await last();
    } finally {
      onClosed();
      await journal.close();
      await handle.close().catch(() => undefined); // what it holds was synced, or is not wanted
      await claim.release();
    }
  }

  /** What has our name is somebody else's: it is left alone, and no journal vouches for it. */
  async #giveUp(error: DiskError): Promise<never> {
    this.#failure ??= { error };
    await this.#end(() => this.#components.fs.remove(this.#open.journalPath));
    throw error;
  }

  async #remove(): Promise<void> {
    const { fs } = this.#components;
    await fs.remove(this.path);
    await fs.remove(this.#open.journalPath);
  }

  #note(block: number, from: number, end: number): void {
    const before = this.writtenOf(block);
    if (from > before || end <= before) return; // not the beginning, or nothing new
    this.#written.set(block, end);
    const step = this.layout.blockBytes / NOTES_A_BLOCK;
    if (end - (this.#noted.get(block) ?? 0) < step) return;
    if (this.#open.journal.count >= MAX_JOURNAL_RECORDS / 2) return; // the rest is for what matters more
    this.#noted.set(block, end);
    this.#open.journal.add({ type: 'written', block, bytes: end });
  }

  #soonSync(): void {
    this.#isDirty = true;
    if (this.#timer || this.#syncing || this.#phase !== 'open') return;
    this.#timer = this.#components.clock.after(this.#open.syncMs, () => {
      this.#timer = undefined;
      this.#syncing = this.#sync()
        .catch((error: unknown) => {
          this.#failure ??= { error };
        })
        .finally(() => {
          this.#syncing = undefined;
          if (this.#isDirty && !this.#failure) this.#soonSync();
        });
    });
  }

  /** Makes safe what is settled: first the bytes, then what the journal says of them. */
  async #sync(): Promise<void> {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    const { handle, journal } = this.#open;
    const records = journal.count;
    const unsafe = this.#unsafe.splice(0);
    try {
      await handle.sync();
    } catch (error) {
      // What the system could not write it may have thrown away: fsync(2). It must not be believed another time.
      for (const block of unsafe) journal.add({ type: 'dropped', block });
      throw error;
    }
    journal.add({ type: 'synced', records });
    await journal.sync();
  }

  #rangeOf(block: number) {
    return blockRange(this.layout.file.size, this.layout.blockBytes, block);
  }

  #throwFailure(): void {
    const failure = this.#failure ?? this.#open.journal.failure;
    if (failure) throw failure.error;
  }

  #warn(error: unknown): void {
    this.#components.log.warn({ part: this.path, error: messageOf(error) }, 'part not ended cleanly');
  }

  #guarded<T>(work: () => Promise<T>): Promise<T> {
    return guarded(this.#open.init.target, work);
  }
}
