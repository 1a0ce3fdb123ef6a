/**
 * The receiving side of a file content: a {@link FileDownload}. Gives out the bytes as they come,
 * never more than the sender announced, and lets them end when the sender's checksum is here,
 * where one is to be waited for.
 */
import { type Duplex, Readable } from 'node:stream';
import { AbortedError } from '../errors.js';
import type { FileDescription, FileInfo, Range } from '../stanza/xep0234-file-transfer.js';
import type { Hash } from '../stanza/xep0300-hashes.js';
import { type LendingStream, TransportFailedError, type TransportType } from '../transport/transport.js';
import type { ContentApplication, ContentLink } from './content-application.js';
import { type DownloadVerdict, type FileDownload, FileTooLargeError } from './file-session.js';
import { guarded } from './guarded.js';
import { ending, endingOf, type SessionEnding, SessionFailedError } from './reason.js';

const BUFFER_BYTES = 262_144; // one chunk of a sender that is of our kind
const MAX_CHECKSUMS = 64; // a sender has one hash a function to tell

export class FileReceiving implements ContentApplication, FileDownload {
  readonly sends = false;
  readonly allGiven = false;
  readonly peerResumes = false;
  readonly sid: string;
  readonly accepted: Promise<FileDescription>;
  readonly stream: Readable;
  readonly checksums: { readonly hash: Hash; readonly range?: Range }[] = [];
  readonly #link: ContentLink;
  readonly #asked: Range | undefined;
  #accept: (file: FileDescription) => void = () => undefined;
  #refuse: (error: Error) => void = () => undefined;
  #checksumPromised = false;
  #queuePlace: number | undefined;
  readonly #onQueued: ((place: number) => void)[] = [];
  #bytes: 'coming' | 'complete' | 'ended' | 'failed' = 'coming';
  #transport: TransportType | undefined;
  #duplex: Duplex | undefined;
  /** Who gets the bytes in place of the readers of the stream, and whether they have enough for now. */
  #take: ((bytes: Buffer) => Promise<void> | undefined) | undefined;
  #isTaking = false;
  #range: Range | undefined;
  #expectedBytes: number | undefined;
  #receivedBytes = 0;
  #seenBytes = 0;

  /** `asked`: the bytes that we asked for. */
  constructor(link: ContentLink, asked?: Range) {
    this.#link = link;
    this.#asked = asked;
    this.sid = link.sid;
    this.accepted = new Promise((resolve, reject) => {
      this.#accept = resolve;
      this.#refuse = reject;
    });
    this.accepted.catch(() => undefined); // a reader of the stream alone hears of it there
    this.stream = new Readable({
      highWaterMark: BUFFER_BYTES,
      read: () => {
        if (!this.#isTaking) this.#duplex?.resume();
      },
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

  get range(): Range | undefined {
    return this.#range;
  }

  get queuePlace(): number | undefined {
    return this.#queuePlace;
  }

  onQueued(listener: (place: number) => void): void {
    this.#onQueued.push(listener);
  }

  receive(take: (bytes: Buffer) => Promise<void> | undefined): void {
    const early: Buffer | null = this.stream.read();
    this.#take = take;
    if (early !== null) this.#hand(early);
    this.stream.resume(); // so that its end is told
  }

  get movedBytes(): number {
    return this.#receivedBytes;
  }

  finish(outcome: DownloadVerdict): Promise<void> {
    return this.#link.finish(verdict(outcome));
  }

  peerAccepted(file: FileDescription): void {
    const asked = this.#asked ?? { offset: 0 };
    // A bare <range/> says no more than that ranges are understood (XEP-0234 §5).
    const told =
      file.range && (file.range.offset > 0 || file.range.length !== undefined) ? file.range : undefined;
    const within = asked.length === undefined || (told?.length ?? 0) <= asked.length;
    if (told && (told.offset !== asked.offset || !within)) {
      throw new SessionFailedError('failed-application', 'another range than the one asked for');
    }
    this.expect(file, { offset: asked.offset, ...bounded(told?.length ?? asked.length) });
  }

  /** The bytes of `file` that will come: those of `range`, as far as the file has them. */
  expect(file: FileDescription, { offset, length }: Range): void {
    const rest = file.size === undefined ? undefined : Math.max(0, file.size - offset);
    this.#range = { offset, ...bounded(length) };
    this.#expectedBytes =
      length === undefined || rest === undefined ? (length ?? rest) : Math.min(length, rest);
    // §8.2. COMPAT: Dino 0.4.2 neither tells nor promises a hash, and never sends one.
    this.#checksumPromised = file.hashesUsed.length > 0;
    this.#queuePlace = undefined;
    this.#accept(file);
  }

  move(stream: LendingStream, transport: TransportType): void {
    this.#transport = transport;
    this.#duplex = stream;
    if (this.#isTaking) stream.pause();
    stream.on('end', () => {
      if (this.#duplex === stream) this.#onEnd();
    });
    stream.on('data', (chunk: Buffer) => {
      if (this.#duplex === stream) this.#onChunk(stream, chunk);
    });
    stream.onLent = (bytes) => {
      if (this.#duplex === stream) this.#onChunk(stream, this.#take ? bytes : Buffer.from(bytes));
    };
    if (this.#receivedBytes === this.#expectedBytes) this.#complete();
  }

  /** What the lost stream still holds is not taken: the sender is told of what came out of it. */
  interrupt(): void {
    this.#duplex = undefined;
  }

  moved(): boolean {
    const moved = this.#receivedBytes !== this.#seenBytes || this.#duplex?.isPaused() === true;
    this.#seenBytes = this.#receivedBytes;
    return moved;
  }

  missing(): Range {
    const left = this.#expectedBytes === undefined ? undefined : this.#expectedBytes - this.#receivedBytes;
    return { offset: (this.#range?.offset ?? 0) + this.#receivedBytes, ...bounded(left) };
  }

  checkMissing(): void {}

  goOn(): void {}

  endStream(): void {
    if (this.#bytes !== 'complete') return;
    this.#bytes = 'ended';
    this.stream.push(null);
  }

  unconfirmed(): void {}

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

  takeQueue(place: number): void {
    this.#queuePlace = place;
    for (const listener of this.#onQueued) {
      guarded(this.#link.log, 'a listener of onQueued', () => listener(place));
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
      this.#link.raise({ type: 'too-much' });
      return;
    }
    if (this.#bytes !== 'coming') return;
    this.#receivedBytes += chunk.length;
    if (this.#take) this.#hand(chunk);
    else if (!this.stream.push(chunk)) stream.pause();
    if (chunk.length === left) this.#complete();
  }

  /** Nothing comes before they have been taken. */
  #hand(chunk: Buffer): void {
    const taking = this.#take?.(chunk);
    if (taking === undefined) return;
    this.#isTaking = true;
    this.#duplex?.pause();
    void taking.finally(() => {
      this.#isTaking = false;
      this.#duplex?.resume();
    });
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
    this.#link.raise({ type: 'stream-failed', error, peerResumes: false });
  }

  #complete(): void {
    this.#bytes = 'complete';
    this.#link.raise({
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
      void this.#link.finish(endingOf(new AbortedError('the reader wants no more')));
    }
  }
}

function bounded(length: number | undefined): { length?: number } {
  return length === undefined ? {} : { length };
}

function verdict(outcome: DownloadVerdict): SessionEnding {
  switch (outcome) {
    case 'success':
      return ending({ condition: 'success' });
    case 'cancel':
      return endingOf(new AbortedError('cancelled'));
    case 'media-error':
      return endingOf(new SessionFailedError('media-error', 'the bytes are not those of the hash'));
    case 'file-too-large':
      return endingOf(new FileTooLargeError('there is no room for so much'));
    case 'failed-application':
      return endingOf(new SessionFailedError('failed-application', 'the file could not be received'));
  }
}
