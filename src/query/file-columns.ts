/** What is known of files, in columns: a file is a slot, and costs little more than its name and its hash. */
import { Buffer } from 'node:buffer';
import type { FileEntry } from '../catalogue/file-entry.js';
import { baseName, type FullPath, parentOf, type ShareRelativePath } from '../catalogue/share-path.js';
import { Column } from '../columns/column.js';
import { StringTable } from '../columns/string-table.js';
import { type SearchedFile, searchedDesc } from './file-row.js';
import { TextStore } from './text-store.js';

const SHA256_BYTES = 32;
/** Hashes in one piece of memory. */
const HASHES_A_PIECE = 4096;

const HAS_DESC = 1;
const HAS_SHA256 = 2;
/** The hash is no 32 bytes in base64, and is kept as it is. */
const ODD_SHA256 = 4;

export class FileColumns {
  readonly #texts = new TextStore();
  readonly #folders = new StringTable();
  readonly #types = new StringTable();
  readonly #oddHashes = new Map<number, string>();
  readonly #folder = Column.uint32();
  readonly #type = Column.uint32();
  readonly #size = new Column((length) => new Float64Array(length));
  readonly #mtimeMs = new Column((length) => new Float64Array(length));
  readonly #flags = new Column((length) => new Uint8Array(length));
  readonly #sha256: Buffer[] = [];

  /** Writes an entry into a slot that is free. */
  put(slot: number, entry: FileEntry): void {
    const folder = parentOf(entry.path);
    this.#folder.set(slot, this.#folders.take(folder === '' ? entry.share : `${entry.share}/${folder}`));
    this.#type.set(slot, this.#types.take(entry.mediaType));
    this.#texts.set(slot, { name: baseName(entry.path), desc: entry.desc ?? '' });
    this.#flags.set(slot, entry.desc === undefined ? 0 : HAS_DESC);
    this.update(slot, entry);
  }

  /** Writes the parts of an entry that are no words. */
  update(slot: number, { size, mtimeMs, sha256 }: FileEntry): void {
    this.#size.set(slot, size);
    this.#mtimeMs.set(slot, mtimeMs);
    let flags = this.#flags.get(slot) & HAS_DESC;
    this.#oddHashes.delete(slot);
    if (sha256 !== undefined) {
      const bytes = Buffer.from(sha256, 'base64');
      const odd = bytes.length !== SHA256_BYTES || bytes.toString('base64') !== sha256;
      flags |= odd ? ODD_SHA256 : HAS_SHA256;
      if (odd) this.#oddHashes.set(slot, sha256);
      else bytes.copy(this.#hashPiece(slot), (slot % HASHES_A_PIECE) * SHA256_BYTES);
    }
    this.#flags.set(slot, flags);
  }

  /** Forgets what is in a slot. */
  clear(slot: number): void {
    this.#folders.release(this.#folder.get(slot));
    this.#types.release(this.#type.get(slot));
    this.#texts.remove(slot);
    this.#oddHashes.delete(slot);
  }

  /** Does one piece of upkeep; false when there was nothing to do. */
  tidy(): boolean {
    return this.#texts.tidy();
  }

  isAt(slot: number, folder: string, name: string): boolean {
    return this.#folders.get(this.#folder.get(slot)) === folder && this.#texts.name(slot) === name;
  }

  folder(slot: number): string {
    return this.#folders.get(this.#folder.get(slot));
  }

  name(slot: number): string {
    return this.#texts.name(slot);
  }

  desc(slot: number): string | undefined {
    return (this.#flags.get(slot) & HAS_DESC) === 0 ? undefined : this.#texts.desc(slot);
  }

  type(slot: number): string {
    return this.#types.get(this.#type.get(slot));
  }

  size(slot: number): number {
    return this.#size.get(slot);
  }

  mtimeMs(slot: number): number {
    return this.#mtimeMs.get(slot);
  }

  sha256(slot: number): string | undefined {
    const flags = this.#flags.get(slot);
    if ((flags & ODD_SHA256) !== 0) return this.#oddHashes.get(slot);
    const from = (slot % HASHES_A_PIECE) * SHA256_BYTES;
    return (flags & HAS_SHA256) === 0
      ? undefined
      : this.#hashPiece(slot).toString('base64', from, from + SHA256_BYTES);
  }

  #hashPiece(slot: number): Buffer {
    const piece = Math.floor(slot / HASHES_A_PIECE);
    while (this.#sha256.length <= piece) this.#sha256.push(Buffer.alloc(HASHES_A_PIECE * SHA256_BYTES));
    return this.#sha256[piece] as Buffer;
  }
}

/** A file in the columns: reads what it is asked for. Good as long as the slot is that file's. */
export class StoredFile implements SearchedFile {
  constructor(
    readonly columns: FileColumns,
    readonly slot: number,
  ) {}

  get key(): FullPath {
    return `${this.path}/${this.name}` as FullPath;
  }

  get name(): string {
    return this.columns.name(this.slot);
  }

  get path(): string {
    return this.columns.folder(this.slot);
  }

  get desc(): string {
    return searchedDesc(this.columns.desc(this.slot));
  }

  get type(): string {
    return this.columns.type(this.slot);
  }

  get size(): number {
    return this.columns.size(this.slot);
  }

  get mtimeMs(): number {
    return this.columns.mtimeMs(this.slot);
  }

  get sha256(): string | undefined {
    return this.columns.sha256(this.slot);
  }

  get entry(): FileEntry {
    const { key, sha256 } = this;
    const desc = this.columns.desc(this.slot);
    const slash = key.indexOf('/');
    return {
      share: key.slice(0, slash),
      path: key.slice(slash + 1) as ShareRelativePath,
      size: this.size,
      mtimeMs: this.mtimeMs,
      mediaType: this.type,
      ...(desc !== undefined && { desc }),
      ...(sha256 !== undefined && { sha256 }),
    };
  }
}
