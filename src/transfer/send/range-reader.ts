/**
 * Reads a range of an open file as a stream. The last chunk only comes out when the file still is
 * what it was at the beginning: a receiver that has all the bytes has them of one version.
 */
import { Readable } from 'node:stream';
import { FileChangedError } from '../../jingle/file-session.js';
import type { Range } from '../../stanza/xep0234-file-transfer.js';

/** A file open for sending. */
export interface OpenFile {
  /** Bytes, when it was opened. */
  readonly size: number;
  readonly mtimeMs: number;
  /** Reads from `position` into `buffer`; how many bytes it gave, 0 at the end. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** Whether the file still is what it was when it was opened. */
  unchanged(): Promise<boolean>;
  close(): Promise<void>;
}

export interface RangeReaderInit {
  readonly range: Required<Range>;
  /** How much is read at once. */
  readonly chunkBytes: number;
  /** Sees every chunk before it comes out, with the position in the file where it begins. */
  readonly onChunk?: (chunk: Buffer, position: number) => void;
}

export class RangeReader extends Readable {
  readonly #file: OpenFile;
  readonly #init: RangeReaderInit;
  readonly #end: number;
  #at: number;

  constructor(file: OpenFile, init: RangeReaderInit) {
    super({ highWaterMark: init.chunkBytes });
    this.#file = file;
    this.#init = init;
    this.#at = init.range.offset;
    this.#end = init.range.offset + init.range.length;
  }

  /** Bytes read so far; up to two chunks of them wait for the peer. */
  get readBytes(): number {
    return this.#at - this.#init.range.offset;
  }

  override _read(): void {
    this.#next().then(
      (chunk) => this.push(chunk),
      (error: Error) => this.destroy(error),
    );
  }

  async #next(): Promise<Buffer | null> {
    if (this.#at === this.#end) {
      if (this.#init.range.length === 0) await this.#check();
      return null;
    }
    const buffer = Buffer.allocUnsafeSlow(Math.min(this.#init.chunkBytes, this.#end - this.#at));
    const count = await this.#read(buffer);
    if (count === 0) throw new FileChangedError('the file became shorter while it was sent');
    const position = this.#at;
    this.#at += count;
    if (this.#at === this.#end) await this.#check();
    const chunk = buffer.subarray(0, count);
    this.#init.onChunk?.(chunk, position);
    return chunk;
  }

  async #read(buffer: Buffer): Promise<number> {
    try {
      return await this.#file.read(buffer, this.#at);
    } catch (cause) {
      throw new FileChangedError('the file can no longer be read', { cause });
    }
  }

  async #check(): Promise<void> {
    let unchanged = false;
    try {
      unchanged = await this.#file.unchanged();
    } catch (cause) {
      throw new FileChangedError('the file is gone', { cause });
    }
    if (!unchanged) throw new FileChangedError('the file changed while it was sent');
  }
}
