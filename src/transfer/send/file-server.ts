/**
 * Answers requests for files: finds the file, takes a slot, opens it, says what will be sent and
 * reads it. Whatever keeps a file from being sent, absent or not, looks the same to the peer.
 */
import { createHash, type Hash as Hasher } from 'node:crypto';
import type { Readable } from 'node:stream';
import { describeFile } from '../../catalogue/file-description.js';
import { type FileEntry, keyOf } from '../../catalogue/file-entry.js';
import { toDisplay } from '../../catalogue/share-path.js';
import { AbortedError, messageOf } from '../../errors.js';
import {
  FileNotAvailableError,
  type FileRequest,
  type FileRequestHandler,
  type FileSource,
  type TransferOutcome,
} from '../../jingle/file-session.js';
import type { Log } from '../../log.js';
import { bareOf, type Jid } from '../../stanza/jid.js';
import type { FileDescription, Range } from '../../stanza/xep0234-file-transfer.js';
import type { Hash } from '../../stanza/xep0300-hashes.js';
import { type OfferedFiles, selectFile } from './file-selector.js';
import { type OpenFile, RangeReader } from './range-reader.js';
import { resolveRange } from './send-range.js';
import { type UploadSlot, UploadSlots, type UploadSlotsInit } from './upload-slots.js';

/** A file that is being sent now. */
export interface UploadStatus {
  readonly peer: Jid;
  /** `share/folder/name`. */
  readonly path: string;
  readonly sentBytes: number;
  /** Length of the range that was asked for. */
  readonly totalBytes: number;
}

/** Opens what is offered; `ShareFiles` is one. Rejects when the file can't be had. */
export interface FileOpener {
  open(entry: FileEntry): Promise<OpenFile>;
}

export interface FileServerComponents {
  readonly catalogue: OfferedFiles;
  readonly files: FileOpener;
  readonly log: Log;
}

export type FileServerInit = UploadSlotsInit;

export class FileServer {
  readonly #components: FileServerComponents;
  readonly #slots: UploadSlots;
  readonly #uploads = new Map<Upload, Jid>();

  constructor(components: FileServerComponents, init: FileServerInit) {
    this.#components = components;
    this.#slots = new UploadSlots(init);
  }

  /** Files being sent, or about to be. */
  get uploads(): number {
    return this.#slots.taken;
  }

  /** What is being sent, the oldest first. */
  status(): UploadStatus[] {
    return [...this.#uploads].map(([upload, peer]) => ({ peer, ...upload.status() }));
  }

  /** For {@link JingleEngine}. Throws `FileNotAvailableError`, `LimitError`, `ParseError`, `AbortedError`. */
  readonly handle: FileRequestHandler = async (request, signal) => {
    const slot = this.#slots.take(bareOf(request.peer));
    try {
      return await this.#serve(request, slot, signal);
    } catch (error) {
      slot.free();
      throw error;
    }
  };

  async #serve(request: FileRequest, slot: UploadSlot, signal: AbortSignal): Promise<FileSource> {
    const { catalogue, log } = this.#components;
    const entry = await selectFile(catalogue, request.file, signal);
    if (!entry) throw new FileNotAvailableError('no such file');
    const file = await this.#open(entry);
    try {
      if (signal.aborted) throw new AbortedError('the peer went away');
      const range = resolveRange(request.file.range, file.size);
      const upload = new Upload(
        { entry, file, range, chunkBytes: chunkBytes(this.#slots.taken) },
        (outcome) => {
          slot.free();
          this.#uploads.delete(upload);
          log.debug({ sid: request.sid, path: keyOf(entry), outcome: outcome.type }, 'upload ended');
          this.#close(file);
        },
      );
      this.#uploads.set(upload, request.peer);
      return upload;
    } catch (error) {
      this.#close(file);
      throw error;
    }
  }

  /** Opens the version of the file that the catalogue speaks of. */
  async #open(entry: FileEntry): Promise<OpenFile> {
    const { files, log } = this.#components;
    let file: OpenFile;
    try {
      file = await files.open(entry);
    } catch (error) {
      log.debug({ path: keyOf(entry), error: messageOf(error) }, 'a file asked for could not be opened');
      throw new FileNotAvailableError('no such file', { cause: error });
    }
    // The catalogue holds whole milliseconds.
    if (file.size === entry.size && Math.abs(file.mtimeMs - entry.mtimeMs) < 1) return file;
    this.#close(file);
    log.debug({ path: keyOf(entry) }, 'a file asked for has changed and was not scanned again yet');
    throw new FileNotAvailableError('the file has changed');
  }

  #close(file: OpenFile): void {
    file
      .close()
      .catch((error: unknown) =>
        this.#components.log.warn({ error: messageOf(error) }, 'a file did not close'),
      );
  }
}

const SLICES = [
  // measured: 256 KiB is fastest, but each stalled receiver holds two chunks
  { uploads: 64, bytes: 262_144 },
  { uploads: 256, bytes: 131_072 },
] as const;
const SMALLEST_CHUNK_BYTES = 65_536;

/** How much is read at once when so many files are being sent. */
export function chunkBytes(uploads: number): number {
  return SLICES.find((slice) => uploads <= slice.uploads)?.bytes ?? SMALLEST_CHUNK_BYTES;
}

interface UploadInit {
  readonly entry: FileEntry;
  readonly file: OpenFile;
  readonly range: Required<Range>;
  readonly chunkBytes: number;
}

/** One file, or part of one, on its way to a peer. */
class Upload implements FileSource {
  readonly file: FileDescription;
  readonly range: Required<Range>;
  readonly #init: UploadInit;
  readonly #whole: boolean;
  readonly #onEnd: (outcome: TransferOutcome) => void;
  /** Computes what the catalogue doesn't know: the hash of a part, or of a file not hashed yet. */
  readonly #hasher: Hasher | undefined;
  #checksum: Hash | undefined;
  #reader: RangeReader | undefined;

  constructor(init: UploadInit, onEnd: (outcome: TransferOutcome) => void) {
    const { entry, file, range } = init;
    this.#init = init;
    this.#onEnd = onEnd;
    this.range = range;
    this.#whole = range.length === file.size;
    if (this.#whole && entry.sha256 !== undefined) this.#checksum = { algo: 'sha-256', value: entry.sha256 };
    else this.#hasher = createHash('sha256');
    // `hash-used` promises a checksum after the last byte (XEP-0234 §8.2).
    const hashesUsed = this.#checksum === undefined ? (['sha-256'] as const) : [];
    this.file = { ...describeFile(entry), hashesUsed };
  }

  open(): Readable {
    const { file, range, chunkBytes: bytes } = this.#init;
    this.#reader = new RangeReader(file, { range, chunkBytes: bytes, hasher: this.#hasher });
    return this.#reader;
  }

  status(): Omit<UploadStatus, 'peer'> {
    return {
      path: toDisplay(keyOf(this.#init.entry)),
      sentBytes: this.#reader?.readBytes ?? 0,
      totalBytes: this.range.length,
    };
  }

  checksum(): Hash {
    this.#checksum ??= { algo: 'sha-256', value: this.#hasher?.digest('base64') ?? '' };
    return this.#checksum;
  }

  release(outcome: TransferOutcome): void {
    this.#onEnd(outcome);
  }
}
