/**
 * Block hashes on disk (`block-list-files.ts`); in memory there is, for each file that has some, where they are. They are
 * kept by the hash of the file: it may be moved, be there twice, or go and come back.
 *
 * Nothing waits for the disk itself: what a power cut takes is computed again. The folder is of the same data folder as the
 * catalogue's, whose claim keeps other processes off.
 */
import { Buffer } from 'node:buffer';
import { type BlockList, type BlockTree, blockListOf } from '../blocks/block-tree.js';
import { HashPlaces } from '../columns/hash-places.js';
import { messageOf } from '../errors.js';
import type { Log } from '../log.js';
import { BlockListFiles, type WrittenRecord } from './block-list-files.js';
import { type BlockListRecord, decodeRecord, sha256In } from './block-list-record.js';
import type { BlockListStore, HashedBlocks } from './block-list-store.js';
import type { DataFolder } from './data-folder.js';

/** As much of no use is not worth the work of leaving it out. */
const MIN_WASTE_BYTES = 16 << 20;
/** Copied at a time. */
const COPIED_BYTES = 1 << 20;

export interface DiskBlockListsComponents {
  /** Its own; made when missing. */
  readonly folder: DataFolder;
  readonly log: Log;
}

export interface DiskBlockListsInit {
  /** Less of no use is kept. Default: some MB. */
  readonly minWasteBytes?: number;
}

interface Found {
  readonly files: BlockListFiles;
  readonly record: BlockListRecord;
}

export class DiskBlockLists implements BlockListStore {
  readonly #folder: DataFolder;
  readonly #log: Log;
  readonly #minWasteBytes: number;
  #files: BlockListFiles | undefined;
  #places = new HashPlaces();
  /** By the file's hash, what is being written. */
  readonly #unwritten = new Map<string, HashedBlocks>();
  readonly #listeners = new Set<(sha256: string) => void>();
  #writing: Promise<void> = Promise.resolve();
  /** What there was when it was last looked at what of it is wanted. */
  #tidyBytes = 0;
  #hasFailed = false;
  #isStopping = false;

  constructor({ folder, log }: DiskBlockListsComponents, init: DiskBlockListsInit = {}) {
    this.#folder = folder;
    this.#log = log;
    this.#minWasteBytes = init.minWasteBytes ?? MIN_WASTE_BYTES;
  }

  async start(): Promise<void> {
    try {
      await this.#folder.make();
      const files = await BlockListFiles.open(this.#folder);
      this.#places = new HashPlaces();
      for await (const records of files.records())
        for (const { number, bytes } of records) this.#places.set(sha256In(bytes), number);
      this.#files = files;
    } catch (error) {
      this.#fail(error);
    }
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#writing;
    const files = this.#files;
    this.#files = undefined;
    await files?.close();
  }

  lacks(sha256: Uint8Array): boolean {
    if (this.#files === undefined || this.#places.get(sha256) !== undefined) return false;
    return this.#unwritten.size === 0 || !this.#unwritten.has(Buffer.from(sha256).toString('base64'));
  }

  async treeOf(sha256: string): Promise<BlockTree | undefined> {
    const unwritten = this.#unwritten.get(sha256);
    if (unwritten !== undefined) return unwritten.blocks.tree;
    return (await this.#find(sha256))?.record.tree;
  }

  async listOf(sha256: string): Promise<BlockList | undefined> {
    const unwritten = this.#unwritten.get(sha256);
    if (unwritten !== undefined)
      return blockListOf(unwritten.blocks.tree, unwritten.fileBytes, unwritten.blocks.hashes);
    const found = await this.#find(sha256);
    if (found === undefined) return undefined;
    const { tree, fileBytes } = found.record;
    const hashes = await this.#readable(() => found.files.hashesOf(found.record));
    if (hashes === 'unreadable') return undefined;
    const list = hashes && blockListOf(tree, fileBytes, hashes);
    if (list === undefined) this.#lose(sha256);
    return list;
  }

  add(lists: readonly HashedBlocks[]): Promise<void> {
    const fresh: HashedBlocks[] = [];
    for (const each of lists) {
      if (!this.lacks(Buffer.from(each.sha256, 'base64'))) continue;
      this.#unwritten.set(each.sha256, each);
      fresh.push(each);
    }
    if (fresh.length === 0) return this.#writing;
    this.#writing = this.#writing.then(() => this.#write(fresh));
    return this.#writing;
  }

  tidy(isWanted: (sha256: Uint8Array) => boolean): Promise<void> {
    const bytes = this.#files?.bytes ?? 0;
    if (bytes <= 2 * this.#tidyBytes + this.#minWasteBytes) return Promise.resolve();
    this.#tidyBytes = bytes; // not looked at again meanwhile
    this.#writing = this.#writing
      .then(() => this.#tidy(isWanted))
      .catch((error: unknown) => this.#fail(error));
    return this.#writing;
  }

  onLost(listener: (sha256: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #find(sha256: string): Promise<Found | undefined> {
    const key = Buffer.from(sha256, 'base64');
    const files = this.#files;
    const number = this.#places.get(key);
    if (files === undefined || number === undefined) return undefined;
    const record = await this.#readable(() => files.recordAt(number));
    if (record === 'unreadable') return undefined;
    if (record === undefined) this.#lose(sha256);
    // Of another file whose hash begins like this one: that one's place is remembered.
    return record !== undefined && key.equals(record.sha256) ? { files, record } : undefined;
  }

  async #readable<T>(read: () => Promise<T>): Promise<T | 'unreadable'> {
    try {
      return await read();
    } catch (error) {
      this.#fail(error);
      return 'unreadable';
    }
  }

  #lose(sha256: string): void {
    this.#places.delete(Buffer.from(sha256, 'base64'));
    this.#log.warn({ sha256 }, 'the block hashes of a file are damaged; computing them again');
    for (const listener of this.#listeners) listener(sha256);
  }

  async #write(lists: readonly HashedBlocks[]): Promise<void> {
    try {
      const first = await this.#files?.append(lists);
      if (first === undefined) return;
      lists.forEach(({ sha256 }, at) => {
        this.#places.set(Buffer.from(sha256, 'base64'), first + at);
      });
      this.#recovered();
    } catch (error) {
      this.#fail(error);
    } finally {
      for (const { sha256 } of lists) this.#unwritten.delete(sha256);
    }
  }

  async #tidy(isWanted: (sha256: Uint8Array) => boolean): Promise<void> {
    const before = this.#files;
    if (before === undefined) return;
    const isLive = ({ number, bytes }: WrittenRecord) => {
      const sha256 = sha256In(bytes);
      return this.#places.get(sha256) === number && isWanted(sha256);
    };
    let wanted = 0;
    for await (const records of before.records()) {
      if (this.#isStopping) return;
      wanted += records.filter(isLive).length;
    }
    if (wanted * 2 > before.count) return;
    const next = await before.next();
    const places = new HashPlaces();
    try {
      const isWhole = await this.#copy(before, next, places, isLive);
      if (!isWhole) return await next.remove();
      await next.publish();
    } catch (error) {
      await next.remove();
      throw error;
    }
    this.#files = next;
    this.#places = places;
    this.#tidyBytes = next.bytes;
    await before.remove();
  }

  /** False when there was no time for all of it. */
  async #copy(
    from: BlockListFiles,
    to: BlockListFiles,
    places: HashPlaces,
    isLive: (record: WrittenRecord) => boolean,
  ): Promise<boolean> {
    let waiting: HashedBlocks[] = [];
    let bytes = 0;
    const flush = async () => {
      const first = waiting.length === 0 ? 0 : await to.append(waiting);
      waiting.forEach(({ sha256 }, at) => {
        places.set(Buffer.from(sha256, 'base64'), first + at);
      });
      waiting = [];
      bytes = 0;
    };
    for await (const records of from.records()) {
      if (this.#isStopping) return false;
      for (const each of records) {
        if (!isLive(each)) continue;
        const record = decodeRecord(each.bytes);
        const hashes = await from.hashesOf(record);
        if (hashes === undefined) continue; // damaged: missed where somebody asks for it, or at the next start
        const { sha256, tree, fileBytes } = record;
        waiting.push({ sha256: Buffer.from(sha256).toString('base64'), fileBytes, blocks: { tree, hashes } });
        bytes += hashes.length;
        if (bytes >= COPIED_BYTES) await flush();
      }
    }
    await flush();
    return true;
  }

  #fail(error: unknown): void {
    if (!this.#hasFailed)
      this.#log.error(
        { why: messageOf(error), folder: this.#folder.location },
        'block hashes cannot be kept; files are offered without them, or they are computed again',
      );
    this.#hasFailed = true;
  }

  #recovered(): void {
    if (this.#hasFailed) this.#log.info({ folder: this.#folder.location }, 'block hashes are kept again');
    this.#hasFailed = false;
  }
}
