/** The sending side of a file content: pumps the bytes of a `FileSource` into the stream. */
import type { Duplex, Readable } from 'node:stream';
import type { FileDescription } from '../stanza/xep0234-file-transfer.js';
import type { TransportType } from '../transport/transport.js';
import type { ContentApplication } from './content-application.js';
import type { ContentEvent } from './content-machine.js';
import { FileChangedError, type FileSource } from './file-session.js';

/** What is written at once over IBB: a whole chunk could take longer than the other side may be silent. */
const IBB_PIECE_BYTES = 16_384;

export class FileSending implements ContentApplication {
  readonly sends = true;
  readonly #raise: (event: ContentEvent) => void;
  #source: FileSource | undefined;
  #reading: Readable | undefined;
  #givenBytes = 0;
  #seenBytes = 0;
  #over: { readonly error: Error | undefined } | undefined;

  constructor(raise: (event: ContentEvent) => void) {
    this.#raise = raise;
  }

  /** Takes the source that the handler found; it is released at once where the session is over already. */
  use(source: FileSource): void {
    this.#source = source;
    if (this.#over) this.#release(source, this.#over.error);
  }

  /** The `<file/>` of the session-accept. */
  get description(): FileDescription {
    const { file, range } = this.#sourceInUse();
    // A bare <range/> says that ranges are understood (XEP-0234 §5).
    return { ...file, range: isPart(file, range) ? { ...range, hashes: [] } : { offset: 0, hashes: [] } };
  }

  get allGiven(): boolean {
    return this.#source !== undefined && this.#givenBytes === this.#source.range.length;
  }

  get movedBytes(): number {
    return this.#givenBytes;
  }

  move(stream: Duplex, transport: TransportType): void {
    stream.resume(); // nothing is expected from there but the end
    this.#pump(stream, transport === 'ibb' ? IBB_PIECE_BYTES : Number.POSITIVE_INFINITY).catch((thrown) =>
      this.#raise({
        type: 'source-failed',
        error: thrown instanceof Error ? thrown : new Error(String(thrown)),
      }),
    );
  }

  moved(): boolean {
    const moved = this.#givenBytes !== this.#seenBytes;
    this.#seenBytes = this.#givenBytes;
    return moved;
  }

  peerAccepted(): void {}

  endStream(): void {}

  checksum(): FileDescription {
    const source = this.#sourceInUse();
    const { file, range } = source;
    const hashes = [source.checksum()];
    return isPart(file, range)
      ? { hashes: [], hashesUsed: [], range: { ...range, hashes } } // §8.2, the second example
      : { hashes, hashesUsed: [] };
  }

  takeInfo(): void {}

  over(error: Error | undefined): void {
    this.#over = { error };
    this.#reading?.destroy();
    if (this.#source) this.#release(this.#source, error);
  }

  /** Rejects with what the source fails with; a stream that fails tells so itself. */
  async #pump(stream: Duplex, pieceBytes: number): Promise<void> {
    const source = this.#sourceInUse();
    this.#reading = source.open();
    for await (const chunk of this.#reading as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; at += pieceBytes) {
        const piece = chunk.subarray(at, at + pieceBytes);
        if (!(await written(stream, piece))) return;
        this.#givenBytes += piece.length;
      }
    }
    if (this.#over) return;
    if (!this.allGiven) throw new FileChangedError('the file became shorter while it was sent');
    this.#raise({ type: 'all-given' });
    // Closed at once: what is left in a proxy only comes out when its sender closes.
    stream.end(() => {
      if (!stream.errored) this.#raise({ type: 'flushed' });
    });
  }

  #release(source: FileSource, error: Error | undefined): void {
    const bytes = this.#givenBytes;
    source.release(error ? { type: 'failed', bytes, error } : { type: 'success', bytes });
  }

  #sourceInUse(): FileSource {
    if (!this.#source) throw new TypeError('the file to send is not known yet');
    return this.#source;
  }
}

function isPart(file: FileDescription, range: FileSource['range']): boolean {
  return range.offset !== 0 || range.length !== file.size;
}

/** Writes and waits until the stream wants more. False when it takes nothing any more. */
function written(stream: Duplex, bytes: Buffer): Promise<boolean> {
  if (stream.destroyed || stream.writableEnded) return Promise.resolve(false);
  if (stream.write(bytes)) return Promise.resolve(true);
  return new Promise((resolve) => {
    const settle = (drained: boolean) => {
      stream.off('drain', onDrain);
      stream.off('close', onClose);
      resolve(drained);
    };
    const onDrain = () => settle(true);
    const onClose = () => settle(false);
    stream.on('drain', onDrain);
    stream.on('close', onClose);
  });
}
