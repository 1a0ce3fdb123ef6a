/**
 * Reads a range of an open file, into the same memory again and again: fresh memory for each chunk costs as much as
 * sending it. A chunk only comes out when nobody has written to the file until then, the last one when it also has its
 * name still: a receiver that checks each block as it comes never sees bytes of another version, which it would take
 * for a lie.
 */
import { type ByteReader, FileChangedError } from '../../jingle/file-session.js';
import type { Range } from '../../stanza/xep0234-file-transfer.js';
import type { Pace } from './bandwidth-governor.js';

/** A file open for sending. */
export interface OpenFile {
  /** Bytes, when it was opened. */
  readonly size: number;
  readonly mtimeMs: number;
  /** Reads from `position` into `buffer`; how many bytes it gave, 0 at the end. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** Whether nobody has written to it since it was opened. Asked for every chunk: at once, where that is cheap. */
  isUnwritten(): boolean | Promise<boolean>;
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
  /** Says when to read on. Without it: as fast as the chunks are taken. */
  readonly pace?: Pace;
}

export class RangeReader implements ByteReader {
  readonly #file: OpenFile;
  readonly #init: RangeReaderInit;
  readonly #end: number;
  /** Where it may have to wait. */
  readonly #ended: AbortController | undefined;
  #at: number;
  #destroyed = false;
  #failure: Error | undefined;

  constructor(file: OpenFile, init: RangeReaderInit) {
    this.#file = file;
    this.#init = init;
    this.#ended = init.pace && new AbortController();
    this.#at = init.range.offset;
    this.#end = init.range.offset + init.range.length;
  }

  /** Bytes read so far; the last chunk of them may wait for the peer. */
  get readBytes(): number {
    return this.#at - this.#init.range.offset;
  }

  destroy(): void {
    this.#destroyed = true;
    this.#ended?.abort();
  }

  /** Has it fail with this when the next chunk is asked for. */
  fail(failure: Error): void {
    this.#failure = failure;
    this.#ended?.abort();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    if (this.#at === this.#end) await this.#check();
    const buffer = Buffer.allocUnsafeSlow(Math.min(this.#init.chunkBytes, this.#end - this.#at));
    const { pace } = this.#init;
    while (this.#at < this.#end && !this.#destroyed) {
      const most = Math.min(buffer.length, this.#end - this.#at);
      const bytes = pace?.pieceBytes(most) ?? most;
      const held = this.#ended && pace?.take(bytes, this.#ended.signal);
      if (held) await held;
      if (this.#failure) throw this.#failure;
      if (this.#destroyed) return;
      const chunk = buffer.subarray(0, await this.#read(buffer.subarray(0, bytes)));
      if (chunk.length === 0) throw new FileChangedError('the file became shorter while it was sent');
      const position = this.#at;
      this.#at += chunk.length;
      if (this.#at === this.#end) await this.#check();
      else {
        const isUnwritten = this.#isUnwritten();
        if (isUnwritten !== true && !(await isUnwritten)) throw changedError();
      }
      if (this.#destroyed) return; // meanwhile: another reader goes on from where the receiver says
      this.#init.onChunk?.(chunk, position);
      yield chunk;
    }
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
    if (!unchanged) throw changedError();
  }

  #isUnwritten(): boolean | Promise<boolean> {
    const gone = (cause: unknown): never => {
      throw new FileChangedError('the file is gone', { cause });
    };
    try {
      const isUnwritten = this.#file.isUnwritten();
      return typeof isUnwritten === 'boolean' ? isUnwritten : isUnwritten.catch(gone);
    } catch (cause) {
      return gone(cause);
    }
  }
}

function changedError(): FileChangedError {
  return new FileChangedError('the file changed while it was sent');
}
