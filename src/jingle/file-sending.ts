/**
 * The sending side of a file content: pumps the bytes of a `FileSource` into the stream, and goes
 * on in the next one where the receiver lost the first.
 */
import type { Duplex } from 'node:stream';
import { AbortedError, ParseError } from '../errors.js';
import type { FileDescription, Range } from '../stanza/xep0234-file-transfer.js';
import type { TransportType } from '../transport/transport.js';
import type { ContentApplication, ContentLink } from './content-application.js';
import {
  type ByteReader,
  FileChangedError,
  type FileSource,
  type FileUpload,
  type TransferOutcome,
} from './file-session.js';
import { guarded } from './guarded.js';
import { endingOf, SessionFailedError } from './reason.js';

/** What is written at once over IBB: a whole chunk could take longer than the other side may be silent. */
const IBB_PIECE_BYTES = 16_384;

export class FileSending implements ContentApplication, FileUpload {
  readonly sends = true;
  readonly sid: string;
  readonly accepted: Promise<Required<Range>>;
  readonly done: Promise<TransferOutcome>;
  readonly #link: ContentLink;
  #accept: (range: Required<Range>) => void = () => undefined;
  #refuse: (error: Error) => void = () => undefined;
  #finish: (outcome: TransferOutcome) => void = () => undefined;
  #source: FileSource | undefined;
  /** The bytes that go to the peer. */
  #range: Required<Range> = { offset: 0, length: 0 };
  #transport: TransportType | undefined;
  /** Where the bytes go now; undefined between two of them. */
  #stream: Duplex | undefined;
  #reading: ByteReader | undefined;
  #givenBytes = 0;
  /** With those of the write under way, of which the peer may have some. */
  #begunBytes = 0;
  #seenBytes = 0;
  #peerResumes = false;
  #isConfirmed = true;
  #over: { readonly error: Error | undefined } | undefined;

  constructor(link: ContentLink) {
    this.#link = link;
    this.sid = link.sid;
    this.accepted = new Promise((resolve, reject) => {
      this.#accept = resolve;
      this.#refuse = reject;
    });
    this.accepted.catch(() => undefined); // `done` tells it too
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  get peerResumes(): boolean {
    return this.#peerResumes;
  }

  /** Takes the peer's request. */
  asked(file: FileDescription): void {
    this.#peerResumes = file.resumes === true;
  }

  /** Takes the source; it is released at once where the content is over already. */
  use(source: FileSource): void {
    this.#source = source;
    this.#range = source.range;
    if (this.#over) this.#release(source, this.#over.error);
  }

  /** The `<file/>` of our answer to a request. */
  get description(): FileDescription {
    const { file } = this.#sourceInUse();
    const range = this.#range;
    // A bare <range/> says that ranges are understood (XEP-0234 §5).
    return { ...file, range: isPart(file, range) ? { ...range, hashes: [] } : { offset: 0, hashes: [] } };
  }

  /**
   * The `<file/>` of our offer: its hashes are promised, and told behind the last byte as they always are (§8.2).
   * COMPAT: Libervia 0.9 ends a session whose offer tells a hash, which it takes for base64 of text, or has no `<desc/>`.
   */
  get offer(): FileDescription {
    const { hashes, hashesUsed, ...file } = this.description;
    const promised = [...hashesUsed, ...hashes.map(({ algo }) => algo)];
    return { ...file, desc: file.desc ?? '', hashes: [], hashesUsed: [...new Set(promised)] };
  }

  get allGiven(): boolean {
    return this.#source !== undefined && this.#begunBytes === this.#range.length;
  }

  get movedBytes(): number {
    return this.#givenBytes;
  }

  get sentBytes(): number {
    return this.#givenBytes;
  }

  get transport(): TransportType | undefined {
    return this.#transport;
  }

  cancel(): Promise<void> {
    return this.#link.finish(endingOf(new AbortedError('withdrawn')));
  }

  /** XEP-0234 §6.1: the receiver may want less than was offered. */
  peerAccepted(file: FileDescription): void {
    this.asked(file);
    const { offset, length } = this.#range;
    const wanted = file.range;
    if (wanted && (wanted.offset > 0 || wanted.length !== undefined)) {
      const from = Math.max(wanted.offset, offset);
      const end = Math.min(offset + length, wanted.offset + (wanted.length ?? Number.POSITIVE_INFINITY));
      if (
        from !== wanted.offset ||
        end < from ||
        (wanted.length !== undefined && end - from < wanted.length)
      ) {
        throw new SessionFailedError('failed-application', 'another range than the one offered');
      }
      this.#range = { offset: from, length: end - from };
    }
    this.#accept(this.#range);
  }

  move(stream: Duplex, transport: TransportType): void {
    this.#transport = transport;
    this.#stream = stream;
    stream.resume(); // nothing is expected from there but the end
    this.#pump(stream, transport === 'ibb' ? IBB_PIECE_BYTES : Number.POSITIVE_INFINITY).catch(
      (thrown: unknown) => {
        if (this.#stream !== stream) return; // it was interrupted
        const error = thrown instanceof Error ? thrown : new Error(String(thrown));
        this.#link.raise({ type: 'source-failed', error });
      },
    );
  }

  interrupt(): void {
    this.#stream = undefined;
    guarded(this.#link.log, 'destroy of a source', () => this.#reading?.destroy());
  }

  moved(): boolean {
    const moved = this.#givenBytes !== this.#seenBytes;
    this.#seenBytes = this.#givenBytes;
    return moved;
  }

  missing(): Range {
    return this.#range;
  }

  checkMissing(missing: Range): void {
    const from = missing.offset - this.#range.offset;
    if (from < 0 || from > this.#begunBytes) {
      throw new ParseError("'offset' is not where the bytes stopped", { field: 'offset' });
    }
    if (missing.length !== undefined && from + missing.length !== this.#range.length) {
      throw new ParseError("'length' doesn't end where the bytes do", { field: 'length' });
    }
  }

  goOn(missing: Range): void {
    this.#givenBytes = missing.offset - this.#range.offset;
    this.#begunBytes = this.#givenBytes;
    this.#seenBytes = this.#givenBytes;
  }

  endStream(): void {}

  checksum(): FileDescription {
    const source = this.#sourceInUse();
    const computed = source.checksum();
    if (computed && isPart(source.file, this.#range)) {
      return { hashes: [], hashesUsed: [], range: { ...this.#range, hashes: [computed] } }; // §8.2, the second example
    }
    const known = source.file.hashes;
    const isNews = computed && !known.some(({ algo }) => algo === computed.algo);
    const hashes = isNews ? [...known, computed] : known;
    return { hashes, hashesUsed: [] };
  }

  unconfirmed(): void {
    this.#isConfirmed = false;
  }

  takeInfo(): void {}

  takeQueue(): void {}

  over(error: Error | undefined): void {
    this.#over = { error };
    // The receiver may have had the last write before its end was heard of here.
    if (!error) this.#givenBytes = this.#begunBytes;
    if (error) this.#refuse(error);
    this.interrupt();
    this.#finish(this.#outcome(error));
    if (this.#source) this.#release(this.#source, error);
  }

  /** Rejects with what the source fails with; a stream that fails tells so itself. */
  async #pump(stream: Duplex, pieceBytes: number): Promise<void> {
    const { offset, length } = this.#range;
    const left = { offset: offset + this.#givenBytes, length: length - this.#givenBytes };
    const reading = this.#sourceInUse().open(left);
    this.#reading = reading;
    for await (const chunk of reading) {
      for (let at = 0; at < chunk.length; at += pieceBytes) {
        const piece = chunk.subarray(at, at + pieceBytes);
        this.#begunBytes = this.#givenBytes + piece.length;
        if (!(await written(stream, piece)) || this.#stream !== stream) return;
        this.#givenBytes += piece.length;
      }
    }
    if (this.#stream !== stream) return;
    if (this.#givenBytes < this.#range.length)
      throw new FileChangedError('the file became shorter while it was sent');
    this.#link.raise({ type: 'all-given' });
    // Closed at once: what is left in a proxy only comes out when its sender closes.
    stream.end(() => {
      if (!stream.errored && this.#stream === stream) this.#link.raise({ type: 'flushed' });
    });
  }

  #release(source: FileSource, error: Error | undefined): void {
    guarded(this.#link.log, 'release of a source', () => source.release(this.#outcome(error)));
  }

  #outcome(error: Error | undefined): TransferOutcome {
    const bytes = this.#givenBytes;
    if (error) return { type: 'failed', bytes, error };
    return { type: 'success', bytes, ...(!this.#isConfirmed && { unconfirmed: true }) };
  }

  #sourceInUse(): FileSource {
    if (!this.#source) throw new TypeError('the file to send is not known yet');
    return this.#source;
  }
}

function isPart(file: FileDescription, range: FileSource['range']): boolean {
  return range.offset !== 0 || range.length !== file.size;
}

/** Writes and waits until the stream is done with the bytes, which are only lent. False when it takes nothing any more. */
function written(stream: Duplex, bytes: Buffer): Promise<boolean> {
  if (stream.destroyed || stream.writableEnded) return Promise.resolve(false);
  return new Promise((resolve) => {
    const settle = (taken: boolean) => {
      stream.off('close', onClose);
      resolve(taken);
    };
    const onClose = () => settle(false);
    stream.on('close', onClose);
    stream.write(bytes, (error) => settle(!error));
  });
}
