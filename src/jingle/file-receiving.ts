/**
 * The receiving side of a file content: a {@link FileDownload}. Gives out the bytes as they come,
 * never more than the sender announced, and lets them end when the sender's checksum is here,
 * where one is to be waited for.
 */
import { type Duplex, Readable } from 'node:stream';
import { AbortedError } from '../errors.js';
import type { FileDescription, FileInfo, Range } from '../stanza/xep0234-file-transfer.js';
import type { Hash } from '../stanza/xep0300-hashes.js';
import { TransportFailedError, type TransportType } from '../transport/transport.js';
import type { ContentApplication } from './content-application.js';
import type { ContentEvent } from './content-machine.js';
import type { FileDownload } from './file-session.js';
import { ending, endingOf, type SessionEnding, SessionFailedError } from './reason.js';

const BUFFER_BYTES = 262_144; // one chunk of a sender that is of our kind
const MAX_CHECKSUMS = 64; // a sender has one hash a function to tell

export interface FileReceivingInit {
  readonly sid: string;
  /** What was asked for. */
  readonly range: Range | undefined;
  readonly raise: (event: ContentEvent) => void;
  /** Ends the session; resolves when the peer knows or can't be told. */
  readonly finish: (ending: SessionEnding) => Promise<void>;
}

export class FileReceiving implements ContentApplication, FileDownload {
  readonly sends = false;
  readonly allGiven = false;
  readonly sid: string;
  readonly accepted: Promise<FileDescription>;
  readonly stream: Readable;
  readonly checksums: { readonly hash: Hash; readonly range?: Range }[] = [];
  readonly #init: FileReceivingInit;
  #accept: (file: FileDescription) => void = () => undefined;
  #refuse: (error: Error) => void = () => undefined;
  #checksumPromised = false;
  #bytes: 'coming' | 'complete' | 'ended' | 'failed' = 'coming';
  #transport: TransportType | undefined;
  #duplex: Duplex | undefined;
  #expectedBytes: number | undefined;
  #receivedBytes = 0;
  #seenBytes = 0;

  constructor(init: FileReceivingInit) {
    this.#init = init;
    this.sid = init.sid;
    this.accepted = new Promise((resolve, reject) => {
      this.#accept = resolve;
      this.#refuse = reject;
    });
    this.accepted.catch(() => undefined); // a reader of the stream alone hears of it there
    this.stream = new Readable({
      highWaterMark: BUFFER_BYTES,
      read: () => this.#duplex?.resume(),
      destroy: (error, callback) => {
        this.#abandoned();
        callback(error);
      },
    });
    this.stream.on('error', () => undefined); // and one who waits for `accepted` alone, there
  }

  get transport(): TransportType | undefined {
    return this.#transport;
  }

  get movedBytes(): number {
    return this.#receivedBytes;
  }

  finish(outcome: 'success' | 'cancel' | 'media-error' | 'failed-application'): Promise<void> {
    return this.#init.finish(verdict(outcome));
  }

  peerAccepted(file: FileDescription): void {
    const asked = this.#init.range ?? { offset: 0 };
    // A bare <range/> says no more than that ranges are understood (XEP-0234 §5).
    const told =
      file.range && (file.range.offset > 0 || file.range.length !== undefined) ? file.range : undefined;
    const within = asked.length === undefined || (told?.length ?? 0) <= asked.length;
    if (told && (told.offset !== asked.offset || !within)) {
      throw new SessionFailedError('failed-application', 'another range than the one asked for');
    }
    const rest = file.size === undefined ? undefined : Math.max(0, file.size - asked.offset);
    const length = told?.length ?? asked.length;
    this.#expectedBytes =
      length === undefined || rest === undefined ? (length ?? rest) : Math.min(length, rest);
    this.#checksumPromised = file.hashesUsed.length > 0 || file.hashes.length === 0; // §8.2
    this.#accept(file);
  }

  move(stream: Duplex, transport: TransportType): void {
    this.#transport = transport;
    this.#duplex = stream;
    stream.on('end', () => this.#onEnd());
    stream.on('data', (chunk: Buffer) => this.#onChunk(stream, chunk));
    if (this.#expectedBytes === 0) this.#complete();
  }

  moved(): boolean {
    const moved = this.#receivedBytes !== this.#seenBytes || this.#duplex?.isPaused() === true;
    this.#seenBytes = this.#receivedBytes;
    return moved;
  }

  endStream(): void {
    if (this.#bytes !== 'complete') return;
    this.#bytes = 'ended';
    this.stream.push(null);
  }

  checksum(): FileDescription {
    return { hashes: [], hashesUsed: [] };
  }

  takeInfo(info: FileInfo): void {
    if (info.type !== 'checksum') return;
    const { hashes, range } = info.file;
    for (const hash of hashes) this.#addChecksum({ hash });
    for (const hash of range?.hashes ?? []) {
      const { offset, length } = range ?? { offset: 0 };
      this.#addChecksum({ hash, range: { offset, ...(length !== undefined && { length }) } });
    }
  }

  over(error: Error | undefined): void {
    if (!error) {
      this.endStream();
      return;
    }
    this.#refuse(error);
    if (this.#bytes === 'ended') return; // they are the reader's already
    this.#bytes = 'failed';
    this.stream.destroy(error);
  }

  #onChunk(stream: Duplex, chunk: Buffer): void {
    const left = (this.#expectedBytes ?? Number.POSITIVE_INFINITY) - this.#receivedBytes;
    if (chunk.length > left) {
      this.#init.raise({ type: 'too-much' });
      return;
    }
    if (this.#bytes !== 'coming') return;
    this.#receivedBytes += chunk.length;
    if (!this.stream.push(chunk)) stream.pause();
    if (chunk.length === left) this.#complete();
  }

  #onEnd(): void {
    if (this.#bytes !== 'coming') return;
    if (this.#expectedBytes === undefined) {
      this.#complete(); // a sender that names no size says by the end where the end is
      return;
    }
    const error = new TransportFailedError(
      `the stream ended after ${this.#receivedBytes} of ${this.#expectedBytes} bytes`,
    );
    this.#init.raise({ type: 'stream-failed', error });
  }

  #complete(): void {
    this.#bytes = 'complete';
    this.#init.raise({
      type: 'all-received',
      checksumDue: this.#checksumPromised && this.checksums.length === 0,
    });
  }

  #addChecksum(checksum: { readonly hash: Hash; readonly range?: Range }): void {
    if (this.checksums.length < MAX_CHECKSUMS) this.checksums.push(checksum);
  }

  /** The reader has destroyed the stream: it wants no more. */
  #abandoned(): void {
    if (this.#bytes === 'coming' || this.#bytes === 'complete') {
      this.#bytes = 'failed';
      void this.#init.finish(endingOf(new AbortedError('the reader wants no more')));
    }
  }
}

function verdict(outcome: 'success' | 'cancel' | 'media-error' | 'failed-application'): SessionEnding {
  switch (outcome) {
    case 'success':
      return ending({ condition: 'success' });
    case 'cancel':
      return endingOf(new AbortedError('cancelled'));
    case 'media-error':
      return endingOf(new SessionFailedError('media-error', 'the bytes are not those of the hash'));
    case 'failed-application':
      return endingOf(new SessionFailedError('failed-application', 'the file could not be received'));
  }
}
