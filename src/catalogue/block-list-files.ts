/**
 * The two files in which block hashes are kept (`block-list-record.ts`): `index-N` with a record for each file,
 * `lists-N` with the hashes. Both only grow. Hashes are written before their record, so that the process may be
 * killed at any moment; what a power cut does to them, the checksums tell.
 */
import { Buffer } from 'node:buffer';
import { BLOCK_HASH_BYTES } from '../blocks/block-tree.js';
import {
  type BlockListRecord,
  crcOfList,
  decodeRecord,
  encodeBlockListHeader,
  encodeRecord,
  isBlockListHeader,
  isSound,
  RECORD_BYTES,
} from './block-list-record.js';
import type { HashedBlocks } from './block-list-store.js';
import type { DataFolder, DataReader, DataWriter } from './data-folder.js';
import { DRAFT } from './store-files.js';

/** Looking at this many takes less than a ms. */
const RECORDS_A_READ = 512;

const indexName = (number: number) => `index-${number}`;
const listsName = (number: number) => `lists-${number}`;

export interface WrittenRecord {
  readonly number: number;
  readonly bytes: Buffer;
}

interface BothFiles<T> {
  readonly index: T;
  readonly lists: T;
}

export class BlockListFiles {
  readonly #folder: DataFolder;
  readonly #number: number;
  readonly #readers: BothFiles<DataReader>;
  #indexName: string;
  #indexBytes: number;
  #listBytes: number;
  /** Made with the first that is appended, and again after one that failed. */
  #writers: BothFiles<DataWriter> | undefined;
  #users = 0;
  #isClosing = false;

  private constructor(folder: DataFolder, number: number, index: string, readers: BothFiles<DataReader>) {
    this.#folder = folder;
    this.#number = number;
    this.#indexName = index;
    this.#readers = readers;
    this.#indexBytes = readers.index.size - (readers.index.size % RECORD_BYTES);
    this.#listBytes = readers.lists.size;
  }

  /** Those that are there, or new ones. Removes what is of no use. */
  static async open(folder: DataFolder): Promise<BlockListFiles> {
    const names = await folder.list();
    const numbers = names.flatMap((name) => Number(/^(?:index|lists)-(\d{1,15})$/.exec(name)?.[1] ?? []));
    const descending = [...new Set(numbers)].sort((one, other) => other - one);
    let found: number | undefined;
    for (const number of descending) {
      if (names.includes(indexName(number)) && (await isIndex(folder, indexName(number)))) found = number;
      if (found !== undefined) break;
    }
    const number = found ?? (descending[0] ?? 0) + 1;
    for (const name of names)
      if (name !== indexName(number) && name !== listsName(number)) await folder.remove(name);
    if (found === undefined) await create(folder, indexName(number), encodeBlockListHeader());
    if (!names.includes(listsName(number))) await create(folder, listsName(number));
    return BlockListFiles.#opened(folder, number, indexName(number));
  }

  /** Others, empty, that nobody will find before they are {@link publish}ed. */
  async next(): Promise<BlockListFiles> {
    const number = this.#number + 1;
    const index = `${indexName(number)}${DRAFT}`;
    await create(this.#folder, listsName(number));
    await create(this.#folder, index, encodeBlockListHeader());
    return BlockListFiles.#opened(this.#folder, number, index);
  }

  static async #opened(folder: DataFolder, number: number, index: string): Promise<BlockListFiles> {
    const readers = { index: await opened(folder, index), lists: await opened(folder, listsName(number)) };
    return new BlockListFiles(folder, number, index, readers);
  }

  /** So many records have been written, sound or not. */
  get count(): number {
    return this.#indexBytes / RECORD_BYTES - 1;
  }

  /** Of both files. */
  get bytes(): number {
    return this.#indexBytes + this.#listBytes;
  }

  /**
   * All records that are sound, as they are written, some at a time; their bytes are others when the next ones are
   * asked for.
   */
  async *records(): AsyncGenerator<readonly WrittenRecord[]> {
    const end = this.#indexBytes;
    const buffer = Buffer.alloc(RECORDS_A_READ * RECORD_BYTES);
    for (let at = RECORD_BYTES; at < end; at += buffer.length) {
      const got = await this.#readers.index.read(buffer.subarray(0, Math.min(buffer.length, end - at)), at);
      const rows: WrittenRecord[] = [];
      for (let row = 0; row + RECORD_BYTES <= got; row += RECORD_BYTES) {
        const bytes = buffer.subarray(row, row + RECORD_BYTES);
        if (isSound(bytes)) rows.push({ number: (at + row) / RECORD_BYTES, bytes });
      }
      yield rows;
    }
  }

  /** Undefined when it is damaged, or not there. Rejects with Node's errors of reading. */
  recordAt(number: number): Promise<BlockListRecord | undefined> {
    return this.#using(async () => {
      const bytes = Buffer.alloc(RECORD_BYTES);
      const got = await this.#readers.index.read(bytes, number * RECORD_BYTES);
      return got === RECORD_BYTES && isSound(bytes) ? decodeRecord(bytes) : undefined;
    });
  }

  /** The hashes; the same. */
  hashesOf({ sha256, tree, place, listCrc }: BlockListRecord): Promise<Uint8Array | undefined> {
    return this.#using(async () => {
      const hashes = new Uint8Array(tree.count * BLOCK_HASH_BYTES);
      const got = await this.#readers.lists.read(hashes, place);
      return got === hashes.length && crcOfList(sha256, hashes) === listCrc ? hashes : undefined;
    });
  }

  /** The number of the first record; the others follow. Rejects with Node's errors of writing: then there are none. */
  async append(lists: readonly HashedBlocks[]): Promise<number> {
    const first = this.#indexBytes / RECORD_BYTES;
    let place = this.#listBytes;
    const records: Buffer[] = [];
    for (const { sha256, fileBytes, blocks } of lists) {
      const key = Buffer.from(sha256, 'base64');
      const listCrc = crcOfList(key, blocks.hashes);
      records.push(encodeRecord({ sha256: key, tree: blocks.tree, fileBytes, place, listCrc }));
      place += blocks.hashes.length;
    }
    try {
      this.#writers ??= await this.#continued();
      await this.#writers.lists.append([Buffer.concat(lists.map(({ blocks }) => blocks.hashes))]);
      await this.#writers.index.append([Buffer.concat(records)]);
    } catch (error) {
      await this.#endWriting();
      throw error;
    }
    this.#listBytes = place;
    this.#indexBytes += records.length * RECORD_BYTES;
    return first;
  }

  /** These take the place of all others, also when the power is cut. */
  async publish(): Promise<void> {
    await this.#writers?.lists.sync();
    await this.#writers?.index.sync();
    await this.#endWriting();
    await this.#folder.rename(this.#indexName, indexName(this.#number));
    this.#indexName = indexName(this.#number);
  }

  /** Whoever is reading still may. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#endWriting();
    await this.#closeUnused();
  }

  async remove(): Promise<void> {
    await this.close();
    await this.#folder.remove(this.#indexName);
    await this.#folder.remove(listsName(this.#number));
  }

  /** What a write left behind that failed, or that the process did not live to finish, is cut off. */
  async #continued(): Promise<BothFiles<DataWriter>> {
    const lists = await this.#folder.continue(listsName(this.#number), this.#listBytes);
    try {
      return { lists, index: await this.#folder.continue(this.#indexName, this.#indexBytes) };
    } catch (error) {
      await lists.close();
      throw error;
    }
  }

  async #endWriting(): Promise<void> {
    const writers = this.#writers;
    this.#writers = undefined;
    await writers?.lists.close().catch(() => undefined); // what had to be on the disk has been synced
    await writers?.index.close().catch(() => undefined);
  }

  async #using<T>(read: () => Promise<T>): Promise<T> {
    this.#users += 1;
    try {
      return await read();
    } finally {
      this.#users -= 1;
      if (this.#isClosing) await this.#closeUnused();
    }
  }

  async #closeUnused(): Promise<void> {
    if (this.#users > 0) return;
    await this.#readers.index.close();
    await this.#readers.lists.close();
  }
}

async function isIndex(folder: DataFolder, name: string): Promise<boolean> {
  const reader = await folder.open(name);
  if (reader === undefined) return false;
  try {
    const header = Buffer.alloc(RECORD_BYTES);
    return (await reader.read(header, 0)) === RECORD_BYTES && isBlockListHeader(header);
  } finally {
    await reader.close();
  }
}

async function create(folder: DataFolder, name: string, content?: Buffer): Promise<void> {
  const writer = await folder.create(name);
  try {
    if (content !== undefined) await writer.append([content]);
  } finally {
    await writer.close();
  }
}

async function opened(folder: DataFolder, name: string): Promise<DataReader> {
  const reader = await folder.open(name);
  if (reader === undefined) throw new Error(`${name} is gone`);
  return reader;
}
