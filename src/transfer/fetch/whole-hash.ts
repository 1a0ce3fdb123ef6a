/**
 * The hash of the whole file, computed behind its settled beginning while the rest still comes, so that nobody
 * waits for it in the end. Reads what it hashes from the part.
 */
import { ContentHash } from '../../jingle/content-hash.js';
import type { Hash, HashAlgorithm } from '../../stanza/xep0300-hashes.js';
import type { PartStore } from './part-store.js';

export interface WholeHash {
  /** The bytes before `end` will not change any more. */
  extend(end: number): void;
  /** The hash of all bytes before the last `end`. Rejects with what the part could not do. */
  value(): Promise<Hash>;
  /** Stops; resolves when the part is not read any more. Never rejects. */
  close(): Promise<void>;
}

export type WholeHashing = (
  part: Pick<PartStore, 'read' | 'path' | 'layout'>,
  algo: HashAlgorithm,
) => WholeHash;

/** Some 0.2 ms of the thread that calls. */
const READ_BYTES = 256 * 1024;

/** On the thread that calls, a piece at a time. */
export const inlineWholeHash: WholeHashing = (part, algo) => new InlineWholeHash(part, algo);

class InlineWholeHash implements WholeHash {
  readonly #part: Pick<PartStore, 'read'>;
  readonly #hash: ContentHash;
  #buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;
  #work: Promise<void> | undefined;
  #failure: unknown;
  #state: 'open' | 'failed' | 'closed' = 'open';

  constructor(part: Pick<PartStore, 'read'>, algo: HashAlgorithm) {
    this.#part = part;
    this.#hash = new ContentHash(algo);
  }

  extend(end: number): void {
    this.#end = Math.max(this.#end, end);
    if (this.#at < this.#end) this.#work ??= this.#run();
  }

  async value(): Promise<Hash> {
    while (this.#work !== undefined) await this.#work;
    if (this.#state === 'failed') throw this.#failure;
    return this.#hash.value();
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    await this.#work;
  }

  async #run(): Promise<void> {
    try {
      while (this.#state === 'open' && this.#at < this.#end) {
        const bytes = Math.min(READ_BYTES, this.#end - this.#at);
        if (this.#buffer.length < bytes) this.#buffer = Buffer.allocUnsafe(bytes);
        const piece = this.#buffer.subarray(0, bytes);
        await this.#part.read(piece, this.#at);
        this.#hash.update(piece);
        this.#at += bytes;
      }
    } catch (error) {
      this.#failure = error;
      this.#state = 'failed';
    } finally {
      this.#work = undefined;
    }
  }
}
