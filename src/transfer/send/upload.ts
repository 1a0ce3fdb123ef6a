/**
 * One file, or part of one, on its way to a peer: reads it, also twice where a transport broke in
 * between, and computes the hash that nobody knows yet of the bytes that go out.
 */
import { createHash, type Hash as Hasher } from 'node:crypto';
import { describeFile } from '../../catalogue/file-description.js';
import { type FileEntry, keyOf } from '../../catalogue/file-entry.js';
import { toDisplay } from '../../catalogue/share-path.js';
import type { ByteReader, FileSource, TransferOutcome } from '../../jingle/file-session.js';
import type { FileDescription, Range } from '../../stanza/xep0234-file-transfer.js';
import type { Hash } from '../../stanza/xep0300-hashes.js';
import type { Pace } from './bandwidth-governor.js';
import { type OpenFile, RangeReader } from './range-reader.js';

export interface UploadInit {
  readonly entry: FileEntry;
  readonly file: OpenFile;
  readonly range: Required<Range>;
  readonly chunkBytes: number;
  /** Of the file, as far as anybody has compared them; sha-256 is not among them. */
  readonly hashes?: readonly Hash[];
  /** Whether the peer wants to know the hash of a part, where that of the file is known already. */
  readonly partChecksum: boolean;
  readonly pace?: Pace;
}

/** How far an upload is. */
export interface UploadProgress {
  /** `share/folder/name`. */
  readonly path: string;
  readonly sentBytes: number;
  /** Length of the range that goes out. */
  readonly totalBytes: number;
}

export class Upload implements FileSource {
  readonly file: FileDescription;
  readonly range: Required<Range>;
  readonly #init: UploadInit;
  readonly #onEnd: (outcome: TransferOutcome) => void;
  /** What the first `open` was for. */
  #wanted: Required<Range> | undefined;
  /** Of a file that was not hashed yet, or of a part where that is wanted. */
  #hasher: Hasher | undefined;
  /** The position behind the last byte that was hashed. */
  #hashedTo = 0;
  #checksum: Hash | undefined;
  #reader: RangeReader | undefined;
  /** What was read before `#reader`. */
  #earlierBytes = 0;

  constructor(init: UploadInit, onEnd: (outcome: TransferOutcome) => void) {
    const { entry, file, range, hashes = [], partChecksum } = init;
    this.#init = init;
    this.#onEnd = onEnd;
    this.range = range;
    const isKnown = entry.sha256 !== undefined && (range.length === file.size || !partChecksum);
    // `hash-used` promises a checksum after the last byte (XEP-0234 §8.2).
    const described = describeFile(entry);
    this.file = {
      ...described,
      hashes: [...described.hashes, ...new Map(hashes.map((hash) => [hash.algo, hash])).values()],
      hashesUsed: isKnown ? [] : ['sha-256'],
    };
  }

  open(range: Required<Range>): ByteReader {
    const { file, chunkBytes, pace } = this.#init;
    this.#wanted ??= this.#first(range);
    this.#earlierBytes = range.offset - this.#wanted.offset;
    this.#reader = new RangeReader(file, {
      range,
      chunkBytes,
      onChunk: (chunk, position) => this.#hash(chunk, position),
      ...(pace && { pace }),
    });
    return this.#reader;
  }

  progress(): UploadProgress {
    return {
      path: toDisplay(keyOf(this.#init.entry)),
      sentBytes: this.#earlierBytes + (this.#reader?.readBytes ?? 0),
      totalBytes: (this.#wanted ?? this.range).length,
    };
  }

  /** Has it end with this error, at the latest with the next chunk. */
  fail(error: Error): void {
    this.#reader?.fail(error);
  }

  checksum(): Hash | undefined {
    if (this.#hasher) this.#checksum ??= { algo: 'sha-256', value: this.#hasher.digest('base64') };
    return this.#checksum;
  }

  release(outcome: TransferOutcome): void {
    this.#onEnd(outcome);
  }

  #first(range: Required<Range>): Required<Range> {
    const { entry, file, partChecksum } = this.#init;
    if (range.length === file.size && entry.sha256 !== undefined) {
      this.#checksum = { algo: 'sha-256', value: entry.sha256 };
    } else if (entry.sha256 === undefined || partChecksum) {
      this.#hasher = createHash('sha256');
      this.#hashedTo = range.offset;
    }
    return range;
  }

  /** Each byte once, though what was lost with a transport is read again. */
  #hash(chunk: Buffer, position: number): void {
    const seen = this.#hashedTo - position;
    if (seen < 0 || seen >= chunk.length) return;
    this.#hasher?.update(chunk.subarray(seen));
    this.#hashedTo = position + chunk.length;
  }
}
