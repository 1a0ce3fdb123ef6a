/**
 * The words on disk, in a folder of their own.
 *
 *     seg-N       a segment (`index/segment-codec.ts`); never changed once it is there
 *     manifest    which segments make the index, which of their documents are gone, and of which batch that is:
 *                 a check sum in hexadecimal, a line break, JSON
 *     *.new       being written
 *
 * A save writes the segments that are new, then a manifest in the place of the one before, then removes what
 * that one alone had. So there is the old index or the new one, whenever the process ends or the power goes.
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import type { DataFolder, DataReader } from '../catalogue/data-folder.js';
import { ParseError } from '../errors.js';
import { type LiveSegment, type PackedSegment, Tombstones } from '../index/packed-segment.js';
import { decodeSegment, encodeSegment } from '../index/segment-codec.js';
import type { IndexFiles, SavedIndex } from './index-files.js';

const MANIFEST = 'manifest';
const DRAFT = '.new';
const SEGMENT = /^seg-(\d{1,15})$/;
const LAYOUT = 1;
/** Where a segment's own check sum stands: what is named in the manifest is this very segment. */
const HEAD_BYTES = 36;
/** Bits for some hundred million files. */
const MAX_MANIFEST_BYTES = 64 << 20;

interface SegmentRow {
  readonly file: string;
  readonly bytes: number;
  /** Check sum of its beginning. */
  readonly head: number;
  /** A bit for each document that is gone, base64. */
  readonly dead: string;
}

interface Manifest {
  readonly number: number;
  readonly segments: readonly SegmentRow[];
}

export class IndexFolder implements IndexFiles {
  readonly #folder: DataFolder;
  /** Segments that are in files. */
  readonly #rows = new WeakMap<PackedSegment, Omit<SegmentRow, 'dead'>>();
  #lastFile: number | undefined;

  constructor(components: { readonly folder: DataFolder }) {
    this.#folder = components.folder;
  }

  /**
   * Removes an index of a batch after this one. To be called before the table goes on, because other batches
   * will have these numbers then.
   */
  async forgetAfter(number: number): Promise<void> {
    let manifest: Manifest | undefined;
    try {
      manifest = await this.#readManifest();
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
      return; // nobody can use it, and `load` says so
    }
    if (manifest !== undefined && manifest.number > number) await this.#forget();
  }

  async load(number: number): Promise<SavedIndex | undefined> {
    const manifest = await this.#readManifest();
    if (manifest === undefined) return undefined;
    if (manifest.number > number) {
      await this.#forget();
      return undefined;
    }
    const segments: LiveSegment[] = [];
    for (const row of manifest.segments) segments.push(await this.#readSegment(row));
    return { number: manifest.number, segments };
  }

  async save({ number, segments }: SavedIndex): Promise<void> {
    await this.#folder.make();
    const rows: SegmentRow[] = [];
    for (const { segment, tombstones } of segments) {
      const row = this.#rows.get(segment) ?? (await this.#writeSegment(segment));
      rows.push({ ...row, dead: bytesOf(tombstones.bits).toString('base64') });
    }
    await this.#write(`${MANIFEST}${DRAFT}`, [encodeManifest({ number, segments: rows })]);
    await this.#folder.rename(`${MANIFEST}${DRAFT}`, MANIFEST);
    const used = new Set([MANIFEST, ...rows.map(({ file }) => file)]);
    for (const name of await this.#folder.list())
      if (!used.has(name) && (SEGMENT.test(name) || name.endsWith(DRAFT))) await this.#folder.remove(name);
  }

  /** An empty one takes its place: that a file was removed might not survive a power cut. */
  #forget(): Promise<void> {
    return this.save({ number: 0, segments: [] });
  }

  async #readManifest(): Promise<Manifest | undefined> {
    const reader = await this.#folder.open(MANIFEST);
    if (reader === undefined) return undefined;
    return closing(reader, async () => {
      if (reader.size > MAX_MANIFEST_BYTES) throw damaged(MANIFEST);
      const bytes = Buffer.alloc(reader.size);
      await reader.read(bytes, 0);
      return decodeManifest(bytes);
    });
  }

  async #readSegment({ file, bytes, head, dead }: SegmentRow): Promise<LiveSegment> {
    const reader = await this.#folder.open(file);
    if (reader === undefined) throw damaged(file);
    return closing(reader, async () => {
      if (reader.size !== bytes) throw damaged(file);
      const content = new Uint8Array(new SharedArrayBuffer(bytes));
      if ((await reader.read(content, 0)) !== bytes || headOf([content]) !== head) throw damaged(file);
      const segment = decodeSegment(content);
      const bits = new Uint32Array((segment.documents + 31) >>> 5);
      const known = Buffer.from(dead, 'base64');
      if (known.length !== bits.byteLength) throw damaged(MANIFEST);
      bytesOf(bits).set(known);
      this.#rows.set(segment, { file, bytes, head });
      return { segment, tombstones: new Tombstones(bits, countOf(bits)) };
    });
  }

  async #writeSegment(segment: PackedSegment): Promise<Omit<SegmentRow, 'dead'>> {
    this.#lastFile ??= Math.max(
      0,
      ...(await this.#folder.list()).map((name) => Number(SEGMENT.exec(name)?.[1] ?? 0)),
    );
    this.#lastFile += 1;
    const pieces = encodeSegment(segment);
    const row = {
      file: `seg-${this.#lastFile}`,
      bytes: pieces.reduce((sum, { byteLength }) => sum + byteLength, 0),
      head: headOf(pieces),
    };
    await this.#write(row.file, pieces);
    this.#rows.set(segment, row);
    return row;
  }

  async #write(name: string, pieces: readonly Uint8Array[]): Promise<void> {
    const writer = await this.#folder.create(name);
    try {
      await writer.append(pieces);
      await writer.sync();
    } finally {
      await writer.close();
    }
  }
}

function encodeManifest({ number, segments }: Manifest): Buffer {
  const text = Buffer.from(JSON.stringify({ layout: LAYOUT, number, segments }));
  return Buffer.concat([Buffer.from(`${crc32(text).toString(16)}\n`), text]);
}

function decodeManifest(bytes: Buffer): Manifest {
  const end = bytes.indexOf('\n');
  const text = bytes.subarray(end + 1);
  if (end < 0 || bytes.toString('latin1', 0, end) !== crc32(text).toString(16)) throw damaged(MANIFEST);
  const manifest: unknown = JSON.parse(text.toString());
  if (!isManifest(manifest)) throw damaged(MANIFEST);
  return manifest;
}

/** What has the right check sum was written by this program, if not by this version of it. */
function isManifest(value: unknown): value is Manifest {
  return typeof value === 'object' && value !== null && 'layout' in value && value.layout === LAYOUT;
}

/** The check sum of the first bytes, which hold that of the others. */
function headOf([first = new Uint8Array()]: readonly Uint8Array[]): number {
  return crc32(first.slice(0, HEAD_BYTES));
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint32Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

function countOf(bits: Uint32Array): number {
  let count = 0;
  for (let word of bits) for (; word !== 0; word &= word - 1) count += 1;
  return count;
}

async function closing<T>(reader: DataReader, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } finally {
    await reader.close();
  }
}

function damaged(file: string): ParseError {
  return new ParseError(`the saved index of words is damaged: ${file}`);
}
