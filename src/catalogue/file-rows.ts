/**
 * Rows of the table of files as bytes, a column after another, as they are stored: a snapshot is many such
 * blocks, a batch in the log is one or more. Numbers are as this machine has them; who opens the file checks that.
 *
 *     header    10 numbers of 4 bytes: rows, dropped slots, batch, whether the batch ends here, folders, types,
 *               hashes, bytes of names, of descriptions, of folders and types
 *     8 bytes   size, mtimeMs, ctimeMs, birthtimeMs, ino
 *     4 bytes   slot, folder, type, bornAt, end of the name, end of the description; ends of folders and types;
 *               dropped slots
 *     1 byte    what is there of each row (`RowFlag`), hashes of those that have one, names, descriptions,
 *               folders and types
 */
import { Buffer } from 'node:buffer';
import { FileFlag, SHA256_BYTES, type Slot } from './file-columns.js';
import type { FileTable } from './file-table.js';
import { fromBytes, toBytes } from './share-path.js';

const HEADER_NUMBERS = 10;
export const EMPTY_BLOCK_BYTES = HEADER_NUMBERS * 4;
/** Of a slot's number: more files are not thought of. */
const MAX_SLOT = 1 << 28;
/** A block is ended before it holds more text than this, so that it can be read and written as one. */
const MAX_TEXT_BYTES = 4 << 20;

/** The flags of the columns, and these. */
export const RowFlag = { ...FileFlag, described: 8, remembered: 16 } as const;

export interface FileRows {
  readonly batch: number;
  /** Whether the batch has no further blocks. */
  readonly endsBatch: boolean;
  /** Slots that hold no file any more. */
  readonly dropped: Uint32Array;
  readonly folders: readonly string[];
  readonly types: readonly string[];
  /** From here on a value for each row. */
  readonly slots: Uint32Array;
  readonly size: Float64Array;
  readonly mtimeMs: Float64Array;
  readonly ctimeMs: Float64Array;
  readonly birthtimeMs: Float64Array;
  readonly ino: Float64Array;
  /** Places in `folders` and `types`. */
  readonly folder: Uint32Array;
  readonly type: Uint32Array;
  readonly bornAt: Uint32Array;
  readonly flags: Uint8Array;
  /** {@link SHA256_BYTES} for each row that has one, in their order. */
  readonly hashes: Uint8Array;
  readonly names: Uint8Array;
  readonly nameEnds: Uint32Array;
  readonly descs: Uint8Array;
  readonly descEnds: Uint32Array;
}

export interface BlockInit {
  readonly batch: number;
  readonly dropped?: Uint32Array;
  /** How many slots a block takes at most. */
  readonly maxRows: number;
}

/**
 * Blocks with what is stored of these slots, each made when it is asked for. A slot whose file is not to be
 * stored counts as dropped when there is `dropped`, and is left out otherwise. At least one block.
 */
export function* encodeRows(
  table: FileTable,
  slots: ArrayLike<Slot>,
  { batch, dropped, maxRows }: BlockInit,
): Generator<Buffer> {
  let at = 0;
  do {
    const rows: Slot[] = [];
    const gone: Slot[] = at === 0 && dropped !== undefined ? [...dropped] : [];
    const texts = new BlockTexts(table);
    for (const end = Math.min(slots.length, at + maxRows); at < end && texts.bytes < MAX_TEXT_BYTES; at++) {
      const slot = slots[at] as number;
      const state = table.stateOf(slot);
      if (state === 'offered' || state === 'remembered') {
        rows.push(slot);
        texts.add(slot);
      } else if (dropped !== undefined) gone.push(slot);
    }
    yield encodeBlock(table, rows, gone, texts, { batch, endsBatch: at >= slots.length });
  } while (at < slots.length);
}

/** Names, descriptions, folders and types of a block. */
class BlockTexts {
  readonly #table: FileTable;
  readonly names: Uint8Array[] = [];
  readonly descs: (Uint8Array | undefined)[] = [];
  /** By the table's number: the place here. */
  readonly folders = new Map<number, number>();
  readonly types = new Map<number, number>();
  readonly strings: { readonly folders: Uint8Array[]; readonly types: Uint8Array[] } = {
    folders: [],
    types: [],
  };
  bytes = 0;

  constructor(table: FileTable) {
    this.#table = table;
  }

  add(slot: Slot): void {
    const { columns } = this.#table;
    const name = columns.names.bytesAt(columns.nameAt.get(slot));
    const descAt = columns.descAt.get(slot);
    const desc = descAt === 0 ? undefined : columns.descs.bytesAt(descAt);
    this.names.push(name);
    this.descs.push(desc);
    this.bytes += name.length + (desc?.length ?? 0);
    const folder = columns.folder.get(slot);
    if (!this.folders.has(folder)) {
      this.#addString('folders', folder, columns.folders.bytesAt(columns.folderAt.get(folder)));
    }
    const type = columns.type.get(slot);
    if (!this.types.has(type)) this.#addString('types', type, toBytes(columns.typeText(type)));
  }

  #addString(kind: 'folders' | 'types', number: number, bytes: Uint8Array): void {
    this[kind].set(number, this[kind].size);
    this.strings[kind].push(bytes);
    this.bytes += bytes.length;
  }
}

function encodeBlock(
  table: FileTable,
  slots: readonly Slot[],
  dropped: readonly Slot[],
  texts: BlockTexts,
  { batch, endsBatch }: { readonly batch: number; readonly endsBatch: boolean },
): Buffer {
  const { columns } = table;
  const strings = [...texts.strings.folders, ...texts.strings.types];
  const sum = (pieces: Iterable<Uint8Array | undefined>) => {
    let bytes = 0;
    for (const piece of pieces) bytes += piece?.length ?? 0;
    return bytes;
  };
  let hashes = 0;
  for (const slot of slots) if (columns.hasHash(slot)) hashes += 1;
  const counts = {
    rows: slots.length,
    dropped: dropped.length,
    batch,
    endsBatch: endsBatch ? 1 : 0,
    folders: texts.folders.size,
    types: texts.types.size,
    hashes,
    nameBytes: sum(texts.names),
    descBytes: sum(texts.descs),
    stringBytes: sum(strings),
  };
  const buffer = new ArrayBuffer(blockBytes(counts));
  const parts = partsOf(buffer, 0, counts);
  new Uint32Array(buffer, 0, HEADER_NUMBERS).set(Object.values(counts));
  let nameEnd = 0;
  let descEnd = 0;
  let hash = 0;
  for (let row = 0; row < slots.length; row++) {
    const slot = slots[row] as number;
    const stamp = table.stampOf(slot);
    parts.size[row] = stamp.size;
    parts.mtimeMs[row] = stamp.mtimeMs;
    parts.ctimeMs[row] = stamp.ctimeMs;
    parts.birthtimeMs[row] = stamp.birthtimeMs;
    parts.ino[row] = stamp.ino;
    parts.slots[row] = slot;
    parts.folder[row] = texts.folders.get(columns.folder.get(slot)) as number;
    parts.type[row] = texts.types.get(columns.type.get(slot)) as number;
    parts.bornAt[row] = columns.bornAt.get(slot);
    const name = texts.names[row] as Uint8Array;
    parts.names.set(name, nameEnd);
    nameEnd += name.length;
    parts.nameEnds[row] = nameEnd;
    const desc = texts.descs[row];
    if (desc !== undefined) parts.descs.set(desc, descEnd);
    descEnd += desc?.length ?? 0;
    parts.descEnds[row] = descEnd;
    const flags = columns.flags.get(slot);
    parts.flags[row] =
      flags |
      (desc === undefined ? 0 : RowFlag.described) |
      (table.stateOf(slot) === 'remembered' ? RowFlag.remembered : 0);
    if ((flags & RowFlag.hashed) !== 0) {
      parts.hashes.set(columns.sha256Bytes(slot), hash);
      hash += SHA256_BYTES;
    }
  }
  let end = 0;
  for (const [at, text] of strings.entries()) {
    parts.strings.set(text, end);
    end += text.length;
    parts.stringEnds[at] = end;
  }
  parts.dropped.set(dropped);
  return Buffer.from(buffer);
}

/** Views into the bytes, which begin at a multiple of 8. Undefined when they are no such block. */
export function decodeRows(bytes: Uint8Array): FileRows | undefined {
  const { buffer, byteOffset, byteLength } = bytes;
  if (byteLength < HEADER_NUMBERS * 4) return undefined;
  const header = [...new Uint32Array(buffer, byteOffset, HEADER_NUMBERS)] as HeaderNumbers;
  const [rows, dropped, batch, endsBatch, folders, types, hashes, nameBytes, descBytes, stringBytes] = header;
  const counts = { rows, dropped, folders, types, hashes, nameBytes, descBytes, stringBytes };
  if (blockBytes(counts) !== byteLength) return undefined;
  const { strings, stringEnds, ...parts } = partsOf(buffer, byteOffset, counts);
  const isSound =
    endsAt(parts.nameEnds, nameBytes) &&
    endsAt(parts.descEnds, descBytes) &&
    endsAt(stringEnds, stringBytes) &&
    parts.slots.every((slot) => slot <= MAX_SLOT) &&
    parts.dropped.every((slot) => slot <= MAX_SLOT) &&
    parts.folder.every((folder) => folder < folders) &&
    parts.type.every((type) => type < types) &&
    parts.flags.reduce((count, flags) => count + (flags & RowFlag.hashed), 0) === hashes;
  if (!isSound) return undefined;
  const texts: string[] = [];
  let from = 0;
  for (const end of stringEnds) {
    texts.push(fromBytes(strings.subarray(from, end)));
    from = end;
  }
  return {
    ...parts,
    batch,
    endsBatch: endsBatch !== 0,
    folders: texts.slice(0, folders),
    types: texts.slice(folders),
  };
}

type HeaderNumbers = [
  rows: number,
  dropped: number,
  batch: number,
  endsBatch: number,
  folders: number,
  types: number,
  hashes: number,
  nameBytes: number,
  descBytes: number,
  stringBytes: number,
];

interface Counts {
  readonly rows: number;
  readonly dropped: number;
  readonly folders: number;
  readonly types: number;
  readonly hashes: number;
  readonly nameBytes: number;
  readonly descBytes: number;
  readonly stringBytes: number;
}

function blockBytes(counts: Counts): number {
  const { rows, dropped, folders, types, hashes, nameBytes, descBytes, stringBytes } = counts;
  const numbers = HEADER_NUMBERS + 6 * rows + folders + types + dropped;
  return 4 * numbers + rows * (5 * 8 + 1) + hashes * SHA256_BYTES + nameBytes + descBytes + stringBytes;
}

function partsOf(buffer: ArrayBufferLike, from: number, counts: Counts) {
  const { rows, folders, types } = counts;
  let at = from + HEADER_NUMBERS * 4;
  const float64 = () => {
    const column = new Float64Array(buffer, at, rows);
    at += column.byteLength;
    return column;
  };
  const uint32 = (length = rows) => {
    const column = new Uint32Array(buffer, at, length);
    at += column.byteLength;
    return column;
  };
  const bytes = (length: number) => {
    const column = new Uint8Array(buffer, at, length);
    at += length;
    return column;
  };
  return {
    size: float64(),
    mtimeMs: float64(),
    ctimeMs: float64(),
    birthtimeMs: float64(),
    ino: float64(),
    slots: uint32(),
    folder: uint32(),
    type: uint32(),
    bornAt: uint32(),
    nameEnds: uint32(),
    descEnds: uint32(),
    stringEnds: uint32(folders + types),
    dropped: uint32(counts.dropped),
    flags: bytes(rows),
    hashes: bytes(counts.hashes * SHA256_BYTES),
    names: bytes(counts.nameBytes),
    descs: bytes(counts.descBytes),
    strings: bytes(counts.stringBytes),
  };
}

/** Whether each end is no less than that before it, and the last one is `last`. */
function endsAt(ends: Uint32Array, last: number): boolean {
  let before = 0;
  for (const end of ends) {
    if (end < before) return false;
    before = end;
  }
  return before === last;
}
