/**
 * What is known of files, in columns of memory that threads share: a file is a slot, and costs little more
 * than its name and its hash. The main thread writes them (`file-table.ts`); search workers read them.
 */
import { Buffer } from 'node:buffer';
import { Column, type Numbers, PIECE, PIECE_BITS, type Piece } from '../columns/column.js';
import { shared8, shared32, sharedFloat64 } from '../columns/shared-arrays.js';
import { type NumberedPiece, TextPieces } from '../columns/text-pieces.js';
import type { FileEntry } from './file-entry.js';
import { type FullPath, fromBytes, type ShareRelativePath } from './share-path.js';

/** Number of a file in the columns; another file's some time after it is gone. */
export type Slot = number;

export const SHA256_BYTES = 32;

/** Bits of the column `flags`. */
export const FileFlag = {
  hashed: 1,
  /** The name is not all ASCII. */
  wide: 2,
  /** The name is not in NFC, or is no valid UTF-8: its bytes are not what is searched. */
  odd: 4,
} as const;

/** The columns that are shared. Folders and types are numbers; `nameAt` and `descAt` are places. */
export const SHARED_COLUMNS = [
  'folder',
  'folderAt',
  'type',
  'nameAt',
  'descAt',
  'size',
  'mtimeMs',
  'flags',
  'sha256',
  'bornAt',
] as const;
export type SharedColumn = (typeof SHARED_COLUMNS)[number];

/** Memory and strings that readers have not heard of. Plain data for messages between threads. */
export interface Growth {
  readonly columns: readonly (Piece & { readonly column: SharedColumn })[];
  readonly names: readonly NumberedPiece[];
  readonly descs: readonly NumberedPiece[];
  readonly droppedNames: readonly number[];
  readonly droppedDescs: readonly number[];
  readonly folders: readonly NumberedPiece[];
  readonly droppedFolders: readonly number[];
  readonly types: readonly (readonly [number: number, text: string])[];
}

export interface FileColumnsInit {
  /** Hears of pieces made here; a reader makes none. */
  readonly onPiece?: (column: SharedColumn, piece: Piece) => void;
}

export class FileColumns<T extends TextPieces = TextPieces> {
  readonly folder: Column;
  /** By the number of a folder: the place of its text, share and folders. */
  readonly folderAt: Column;
  readonly type: Column;
  readonly nameAt: Column;
  readonly descAt: Column;
  readonly size: Column<Float64Array>;
  /** With its fraction. */
  readonly mtimeMs: Column<Float64Array>;
  readonly flags: Column<Uint8Array>;
  /** The number of the batch with which the file was last shown; see `file-table.ts`. */
  readonly bornAt: Column;
  /** {@link SHA256_BYTES} a slot; what stands there says nothing unless the flag does. */
  readonly #sha256: Column<Uint8Array>;
  readonly #types: string[] = [];

  constructor(
    readonly names: T,
    readonly descs: T,
    readonly folders: T,
    { onPiece }: FileColumnsInit = {},
  ) {
    const told = (column: SharedColumn) => onPiece && ((piece: Piece) => onPiece(column, piece));
    this.folder = new Column(shared32, told('folder'));
    this.folderAt = new Column(shared32, told('folderAt'));
    this.type = new Column(shared32, told('type'));
    this.nameAt = new Column(shared32, told('nameAt'));
    this.descAt = new Column(shared32, told('descAt'));
    this.size = new Column(sharedFloat64, told('size'));
    this.mtimeMs = new Column(sharedFloat64, told('mtimeMs'));
    this.flags = new Column(shared8, told('flags'));
    this.bornAt = new Column(shared32, told('bornAt'));
    this.#sha256 = new Column((length) => shared8(length * SHA256_BYTES), told('sha256'));
  }

  /** A reader of columns that another thread writes. */
  static reader(): FileColumns {
    return new FileColumns(new TextPieces(), new TextPieces(), new TextPieces());
  }

  /** What a reader does with news; `drop` is called apart, when nobody looks at older states any more. */
  attach({ columns, names, descs, folders, types }: Growth): void {
    for (const { column, ...piece } of columns) this.#column(column).attach(piece);
    for (const each of names) this.names.attach(each);
    for (const each of descs) this.descs.attach(each);
    for (const each of folders) this.folders.attach(each);
    for (const [number, text] of types) this.#types[number] = text;
  }

  drop({ droppedNames, droppedDescs, droppedFolders }: Growth): void {
    for (const at of droppedNames) this.names.drop(at);
    for (const at of droppedDescs) this.descs.drop(at);
    for (const at of droppedFolders) this.folders.drop(at);
  }

  /** All there is, for a reader that begins. */
  everything(): Growth {
    const numbered = (texts: readonly string[]) =>
      texts.flatMap((text, number): (readonly [number, string])[] => [[number, text]]);
    return {
      columns: SHARED_COLUMNS.flatMap((column) =>
        this.#column(column)
          .pieces()
          .map((piece) => ({ ...piece, column })),
      ),
      names: this.names.pieces(),
      descs: this.descs.pieces(),
      droppedNames: [],
      droppedDescs: [],
      folders: this.folders.pieces(),
      droppedFolders: [],
      types: numbered(this.#types),
    };
  }

  setTypeText(number: number, text: string): void {
    this.#types[number] = text;
  }

  folderText(number: number): string {
    return decodePath(this.folders.bytesAt(this.folderAt.get(number)));
  }

  typeText(number: number): string {
    return this.#types[number] ?? '';
  }

  /** The last part of the path. */
  nameOf(slot: Slot): string {
    const bytes = this.names.bytesAt(this.nameAt.get(slot));
    return decode(bytes, this.flags.get(slot));
  }

  /** Share and folders. */
  folderOf(slot: Slot): string {
    return this.folderText(this.folder.get(slot));
  }

  keyOf(slot: Slot): FullPath {
    return `${this.folderOf(slot)}/${this.nameOf(slot)}` as FullPath;
  }

  typeOf(slot: Slot): string {
    return this.typeText(this.type.get(slot));
  }

  descOf(slot: Slot): string | undefined {
    const place = this.descAt.get(slot);
    return place === 0 ? undefined : decode(this.descs.bytesAt(place), FileFlag.wide | FileFlag.odd);
  }

  /** The hash as bytes, or what was there before: a view, to be read while {@link hasHash}. */
  sha256Bytes(slot: Slot): Uint8Array {
    return this.#sha256.grown(slot >>> PIECE_BITS).subarray(...hashRange(slot));
  }

  /** Readers may see the flag before they are given the memory with the hash: to them there is none yet. */
  hasHash(slot: Slot): boolean {
    if ((this.flags.get(slot) & FileFlag.hashed) === 0) return false;
    return this.#sha256.piece(slot >>> PIECE_BITS) !== undefined;
  }

  /** Base64; undefined until it has been computed. */
  sha256Of(slot: Slot): string | undefined {
    return this.hasHash(slot) ? bufferOf(this.sha256Bytes(slot)).toString('base64') : undefined;
  }

  /** The hash is there before the flag says so: other threads may read meanwhile. */
  setSha256(slot: Slot, sha256: Uint8Array): void {
    this.#sha256.grown(slot >>> PIECE_BITS).set(sha256, hashRange(slot)[0]);
    this.flags.set(slot, this.flags.get(slot) | FileFlag.hashed);
  }

  entryOf(slot: Slot): FileEntry {
    const key = this.keyOf(slot);
    const slash = key.indexOf('/');
    const desc = this.descOf(slot);
    const sha256 = this.sha256Of(slot);
    return {
      share: key.slice(0, slash),
      path: key.slice(slash + 1) as ShareRelativePath,
      size: this.size.get(slot),
      mtimeMs: Math.floor(this.mtimeMs.get(slot)),
      mediaType: this.typeOf(slot),
      ...(desc !== undefined && { desc }),
      ...(sha256 !== undefined && { sha256 }),
    };
  }

  #column(name: SharedColumn): Column<Numbers> {
    return (name === 'sha256' ? this.#sha256 : this[name]) as Column<Numbers>;
  }
}

function hashRange(slot: Slot): [number, number] {
  const from = (slot & (PIECE - 1)) * SHA256_BYTES;
  return [from, from + SHA256_BYTES];
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

function decodePath(bytes: Uint8Array): string {
  const text = bufferOf(bytes).toString('utf8');
  return text.includes('\uFFFD') ? fromBytes(bytes.slice()) : text; // that is what it makes of invalid bytes
}

function decode(bytes: Uint8Array, flags: number): string {
  if ((flags & FileFlag.wide) === 0) return bufferOf(bytes).toString('latin1');
  // TextDecoder takes no shared memory; only odd names may be no valid UTF-8, and those are few.
  return (flags & FileFlag.odd) === 0 ? bufferOf(bytes).toString('utf8') : fromBytes(bytes.slice());
}
