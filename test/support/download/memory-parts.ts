/**
 * Parts in memory, with what a kill or a power cut would leave of them. Stricter than a disk: what the engine may
 * not do throws.
 */

import { perhapsWritten } from '../../../src/transfer/fetch/block-parts.js';
import { DiskError } from '../../../src/transfer/fetch/disk-error.js';
import type { PartInit, PartLayout, PartStore, PartStores } from '../../../src/transfer/fetch/part-store.js';
import { RangeSet } from '../../../src/transfer/fetch/range-set.js';
import type { WantedFile } from '../../../src/transfer/fetch/range-source.js';
import { layoutKey } from '../../../src/transfer/fetch/source-sets.js';

/** What is on the disk of one target. */
interface Kept {
  readonly layout: PartLayout;
  readonly bytes: Uint8Array;
  readonly settled: RangeSet;
  readonly written: Map<number, number>;
}

export class MemoryParts implements PartStores {
  readonly files = new Map<string, Uint8Array>();
  readonly modifiedMs = new Map<string, number>();
  readonly #kept = new Map<string, Kept>();
  /** Of the same hash and another size. */
  readonly #aside = new Map<string, Kept>();
  readonly #open = new Map<string, MemoryPart>();
  /** Called before each write and commit; may throw what a disk would. */
  fault: (target: string, bytes: number) => void = () => undefined;

  async kept(target: string, file: WantedFile): Promise<PartLayout | undefined> {
    const layout = this.#kept.get(target)?.layout;
    return layout && isSameFile(layout.file, file)
      ? layout
      : this.#aside.get(`${target} ${file.size}`)?.layout;
  }

  async open(init: PartInit): Promise<PartStore> {
    const { target } = init;
    if (this.#open.has(target)) throw new DiskError('in-use', `${target} is being fetched`);
    if (init.overwrite === 'refuse' && this.files.has(target))
      throw new DiskError('exists', `${target} exists`);
    const before = this.#kept.get(target);
    if (before !== undefined && before.layout.file.size !== init.file.size) {
      this.#aside.set(`${target} ${before.layout.file.size}`, before);
      this.#kept.delete(target);
    }
    const kept = this.#kept.get(target) ?? this.#aside.get(`${target} ${init.file.size}`);
    const isContinued =
      kept !== undefined &&
      isSameFile(kept.layout.file, init.file) &&
      layoutKey(kept.layout) === layoutKey(init);
    const isPerhaps =
      kept !== undefined && init.perhaps !== undefined && isSameFile(kept.layout.file, init.file);
    const files: Kept = isContinued
      ? kept
      : {
          layout: init,
          bytes: isPerhaps ? kept.bytes : new Uint8Array(init.file.size),
          settled: new RangeSet(),
          written: isPerhaps ? perhapsWritten(init) : new Map(),
        };
    this.#kept.set(target, files);
    const part = new MemoryPart(init, files, {
      fault: (bytes) => this.fault(target, bytes),
      close: (outcome) => this.#close(target, outcome),
      commit: (options) => {
        if (init.overwrite === 'refuse' && this.files.has(target))
          throw new DiskError('exists', `${target} exists`);
        this.files.set(target, files.bytes);
        if (options.modifiedMs !== undefined) this.modifiedMs.set(target, options.modifiedMs);
      },
    });
    this.#open.set(target, part);
    return part;
  }

  /** Whether a part is open, or left beside a target. */
  has(target: string): { readonly open: boolean; readonly kept: boolean } {
    return { open: this.#open.has(target), kept: this.#kept.has(target) };
  }

  /** The process is killed: what it does from now on reaches nobody, and the disk is as it is now. */
  kill(target: string): MemoryParts {
    const after = new MemoryParts();
    const kept = this.#kept.get(target);
    for (const [name, bytes] of this.files) after.files.set(name, bytes);
    if (kept === undefined) return after;
    after.#kept.set(target, {
      layout: kept.layout,
      bytes: kept.bytes.slice(),
      settled: kept.settled.copy(),
      written: new Map(kept.written),
    });
    return after;
  }

  /** Changes a byte behind the engine's back. */
  damage(target: string, position: number): void {
    const bytes = this.#kept.get(target)?.bytes;
    if (bytes) bytes[position] = ((bytes[position] ?? 0) + 1) % 256;
  }

  #close(target: string, outcome: 'keep' | 'remove'): void {
    this.#open.delete(target);
    if (outcome === 'remove') this.#kept.delete(target);
  }
}

interface Disk {
  fault(bytes: number): void;
  close(outcome: 'keep' | 'remove'): void;
  commit(options: { readonly modifiedMs?: number }): void;
}

class MemoryPart implements PartStore {
  readonly layout: PartLayout;
  readonly path: string;
  readonly #files: Kept;
  readonly #disk: Disk;
  #state: 'open' | 'closed' = 'open';

  constructor(init: PartInit, files: Kept, disk: Disk) {
    this.layout = init;
    this.path = `${init.target}.part`;
    this.#files = files;
    this.#disk = disk;
  }

  get settled(): RangeSet {
    return this.#files.settled;
  }

  writtenOf(block: number): number {
    return this.#files.written.get(block) ?? 0;
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    this.#assertOpen();
    const { blockBytes, file } = this.layout;
    const block = Math.floor(position / blockBytes);
    const into = position - block * blockBytes;
    if (bytes.length === 0 || into + bytes.length > blockBytes || position + bytes.length > file.size)
      throw new TypeError('a write that leaves its block');
    if (this.settled.has(block)) throw new TypeError('a write to a settled block');
    if (into > this.writtenOf(block)) throw new TypeError('a write that leaves a hole');
    this.#disk.fault(bytes.length);
    await undefined;
    this.#files.bytes.set(bytes, position);
    this.#files.written.set(block, into + bytes.length);
  }

  async read(buffer: Uint8Array, position: number): Promise<void> {
    this.#assertOpen();
    await undefined;
    buffer.set(this.#files.bytes.subarray(position, position + buffer.length));
  }

  settle(block: number): void {
    this.#assertOpen();
    const { blockBytes, file } = this.layout;
    const length = Math.min(blockBytes, file.size - block * blockBytes);
    if (this.writtenOf(block) !== length) throw new TypeError('a block that is not there is settled');
    this.settled.add(block, block + 1);
    this.#files.written.delete(block);
  }

  drop(block: number): void {
    this.#assertOpen();
    this.settled.remove(block, block + 1);
    this.#files.written.delete(block);
  }

  async commit(options: { readonly modifiedMs?: number }): Promise<void> {
    this.#assertOpen();
    if (
      this.settled.missing(0, Math.max(1, Math.ceil(this.layout.file.size / this.layout.blockBytes))).length >
      0
    )
      throw new TypeError('a file with holes is given its name');
    this.#disk.fault(0);
    this.#disk.commit(options);
    this.#state = 'closed';
    this.#disk.close('remove');
  }

  async close(): Promise<void> {
    this.#assertOpen();
    this.#state = 'closed';
    this.#disk.close(this.settled.size === 0 && this.#files.written.size === 0 ? 'remove' : 'keep');
  }

  async discard(): Promise<void> {
    this.#assertOpen();
    this.#state = 'closed';
    this.#disk.close('remove');
  }

  #assertOpen(): void {
    if (this.#state !== 'open') throw new TypeError('a part is used after its end');
  }
}

function isSameFile(one: WantedFile, other: WantedFile): boolean {
  return one.size === other.size && one.hash.algo === other.hash.algo && one.hash.value === other.hash.value;
}
