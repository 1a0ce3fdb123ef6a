/**
 * The catalogue's store in LevelDB. A write returns when the operating system has it: it outlives
 * a killed process; what a power cut takes is only hashed again.
 *
 *     f <full path, as bytes>   [size, mtimeMs, ctimeMs, birthtimeMs, ino, media type, sha-256]
 *     r <share>                 identity of its folder
 *     v                         version of this layout
 */
import { ClassicLevel } from 'classic-level';
import { AbortedError, messageOf } from '../errors.js';
import type { Log } from '../log.js';
import { type FullPath, fromBytes, toBytes } from './share-path.js';
import {
  type CatalogueStore,
  type StoreChange,
  type StoredFile,
  StoreLockedError,
  StoreUnusableError,
} from './store.js';

const VERSION = '1';
const VERSION_KEY = Buffer.from('v');
const FILE_PREFIX = Buffer.from('f');
const AFTER_FILES = Buffer.from('g');
/** Rows handed over at a time: some milliseconds of work. */
const LOAD_BATCH = 1000;

export interface LevelStoreInit {
  /** Folder of its own for the database; made when missing. */
  readonly location: string;
}

export class LevelStore implements CatalogueStore {
  readonly #log: Log;
  readonly #location: string;
  readonly #level: ClassicLevel<Buffer, string>;

  constructor(components: { readonly log: Log }, init: LevelStoreInit) {
    this.#log = components.log;
    this.#location = init.location;
    this.#level = new ClassicLevel(init.location, { keyEncoding: 'buffer', valueEncoding: 'utf8' });
  }

  /** Throws {@link StoreLockedError} or {@link StoreUnusableError}. */
  async start(): Promise<void> {
    try {
      await this.#level.open();
      await this.#checkVersion();
    } catch (error) {
      await this.#level.close();
      if (error instanceof StoreUnusableError) throw error;
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      if (codeOf(cause) === 'LEVEL_LOCKED') throw new StoreLockedError(this.#location, { cause });
      throw new StoreUnusableError(this.#location, messageOf(cause), { cause });
    }
  }

  stop(): Promise<void> {
    return this.#level.close();
  }

  async *load(signal?: AbortSignal): AsyncIterable<readonly StoredFile[]> {
    const iterator = this.#level.iterator({ gt: FILE_PREFIX, lt: AFTER_FILES });
    let unreadable = 0;
    try {
      for (;;) {
        if (signal?.aborted) throw new AbortedError('loading the store was stopped');
        const rows = await iterator.nextv(LOAD_BATCH);
        if (rows.length === 0) break;
        const files = rows.flatMap(([key, value]) => decodeFile(key, value) ?? []);
        unreadable += rows.length - files.length;
        yield files;
      }
    } finally {
      await iterator.close();
    }
    if (unreadable > 0)
      this.#log.warn({ rows: unreadable }, 'rows of the store could not be read; hashing again');
  }

  write(changes: readonly StoreChange[]): Promise<void> {
    return this.#level.batch(
      changes.map((change) =>
        change.type === 'put'
          ? { type: 'put', key: fileKey(change.file.key), value: encodeFile(change.file) }
          : { type: 'del', key: fileKey(change.key) },
      ),
    );
  }

  readRoot(share: string): Promise<string | undefined> {
    return this.#level.get(rootKey(share));
  }

  writeRoot(share: string, identity: string): Promise<void> {
    return this.#level.put(rootKey(share), identity);
  }

  async #checkVersion(): Promise<void> {
    const version = await this.#level.get(VERSION_KEY);
    if (version === VERSION) return;
    if (version !== undefined) {
      throw new StoreUnusableError(
        this.#location,
        `it has layout ${version}, this program reads layout ${VERSION}`,
      );
    }
    const [anything] = await this.#level.keys({ limit: 1 }).all();
    if (anything !== undefined)
      throw new StoreUnusableError(this.#location, 'it does not say which layout it has');
    await this.#level.put(VERSION_KEY, VERSION);
  }
}

function fileKey(key: FullPath): Buffer {
  return Buffer.concat([FILE_PREFIX, toBytes(key)]);
}

function rootKey(share: string): Buffer {
  return Buffer.concat([Buffer.from('r'), toBytes(share)]);
}

function encodeFile({ stamp, mediaType, sha256 }: StoredFile): string {
  return JSON.stringify([
    stamp.size,
    stamp.mtimeMs,
    stamp.ctimeMs,
    stamp.birthtimeMs,
    stamp.ino,
    mediaType,
    sha256,
  ]);
}

function decodeFile(key: Buffer, value: string): StoredFile | undefined {
  const row = parseRow(value);
  if (row === undefined || row.length !== 7) return undefined;
  const [size, mtimeMs, ctimeMs, birthtimeMs, ino, mediaType, sha256] = row;
  if (
    typeof size !== 'number' ||
    typeof mtimeMs !== 'number' ||
    typeof ctimeMs !== 'number' ||
    typeof birthtimeMs !== 'number' ||
    typeof ino !== 'number' ||
    typeof mediaType !== 'string' ||
    typeof sha256 !== 'string' ||
    !/^[A-Za-z0-9+/]{43}=$/.test(sha256)
  ) {
    return undefined;
  }
  const path = fromBytes(key.subarray(FILE_PREFIX.length)) as FullPath;
  return { key: path, stamp: { size, mtimeMs, ctimeMs, birthtimeMs, ino }, mediaType, sha256 };
}

function parseRow(value: string): readonly unknown[] | undefined {
  try {
    const row: unknown = JSON.parse(value);
    return Array.isArray(row) ? row : undefined;
  } catch {
    return undefined;
  }
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
