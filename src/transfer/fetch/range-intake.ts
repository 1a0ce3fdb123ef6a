/**
 * What comes of one read: cuts it into blocks, writes them to the part as they come, and hashes them
 * beside that. Whoever gives bytes waits when too many of them are neither written nor hashed.
 */
import type { BlockHash, BlockHashing } from './block-hash.js';
import type { PartStore } from './part-store.js';

export interface RangeIntakeInit {
  /** The block in which the read begins. */
  readonly block: number;
  readonly lengthOf: (block: number) => number;
  /** Bytes have come, of one block. */
  readonly onBytes: (block: number, bytes: number) => void;
  /** A block is there, written and hashed. */
  readonly onBlock: (block: number, sha256: Uint8Array) => void;
  /** The part could not be written, or a block not be hashed. */
  readonly onFailure: (error: unknown) => void;
}

interface Piece {
  readonly bytes: Uint8Array;
  readonly position: number;
  readonly block: number;
}

/** What waits to be written of one read; more does not make a disk faster. */
const MAX_UNWRITTEN_BYTES = 1 << 20;
/** What is written at a time. */
const WRITE_BYTES = 512 * 1024;
/** Blocks of one read that are whole and not hashed. */
const MAX_UNCHECKED = 4;

export class RangeIntake {
  readonly #part: PartStore;
  readonly #hashing: BlockHashing;
  readonly #init: RangeIntakeInit;
  readonly #unwritten: Piece[] = [];
  #unwrittenBytes = 0;
  #writing: Promise<void> | undefined;
  #unchecked = 0;
  #block: number;
  #into = 0;
  #hash: BlockHash | undefined;
  /** Bytes written of each block whose hash waits for that. */
  readonly #whole = new Map<number, () => void>();
  #waiting: (() => void)[] = [];
  #failed = false;

  constructor(part: PartStore, hashing: BlockHashing, init: RangeIntakeInit) {
    this.#part = part;
    this.#hashing = hashing;
    this.#init = init;
    this.#block = init.block;
  }

  /** The block that comes now. */
  get block(): number {
    return this.#block;
  }

  /** Bytes of it that are here. */
  get into(): number {
    return this.#into;
  }

  /** Bytes of the first block that are written already: the hash has to begin with them. */
  goOnBehind(bytes: Uint8Array): void {
    this.#begun().update(bytes);
    this.#into += bytes.length;
  }

  /** Takes the next bytes. Resolves when more may come; what fails, `onFailure` hears. */
  async take(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const length = this.#init.lengthOf(this.#block);
      const piece = bytes.subarray(at, at + length - this.#into);
      at += piece.length;
      this.#takePiece(piece, length);
    }
    while (!this.#failed && (this.#unwrittenBytes > MAX_UNWRITTEN_BYTES || this.#unchecked > MAX_UNCHECKED)) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Resolves when all that came is written, and whole blocks are hashed. */
  async settled(): Promise<void> {
    while (!this.#failed && (this.#writing !== undefined || this.#unchecked > 0)) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    await this.#writing;
  }

  #begun(): BlockHash {
    this.#hash ??= this.#hashing(this.#init.lengthOf(this.#block));
    return this.#hash;
  }

  #takePiece(bytes: Uint8Array, length: number): void {
    const block = this.#block;
    const blockAt = this.#positionOf(block);
    this.#unwritten.push({ bytes, position: blockAt + this.#into, block });
    this.#unwrittenBytes += bytes.length;
    this.#begun().update(bytes);
    this.#into += bytes.length;
    this.#init.onBytes(block, bytes.length);
    if (this.#into === length) this.#finishBlock();
    this.#writing ??= this.#write();
  }

  #positionOf(block: number): number {
    return block * this.#part.layout.blockBytes;
  }

  #finishBlock(): void {
    const block = this.#block;
    const digest = this.#begun().digest();
    const written = new Promise<void>((resolve) => this.#whole.set(block, resolve));
    this.#hash = undefined;
    this.#block += 1;
    this.#into = 0;
    this.#unchecked += 1;
    void Promise.all([digest, written])
      .then(
        ([sha256]) => {
          if (!this.#failed) this.#init.onBlock(block, sha256);
        },
        (error: unknown) => this.#fail(error),
      )
      .finally(() => {
        this.#unchecked -= 1;
        this.#wake();
      });
  }

  async #write(): Promise<void> {
    try {
      for (let piece = this.#unwritten[0]; piece !== undefined; piece = this.#unwritten[0]) {
        let bytes = piece.bytes.length;
        let count = 1;
        for (let next = this.#unwritten[count]; next !== undefined; next = this.#unwritten[++count]) {
          if (next.block !== piece.block || bytes + next.bytes.length > WRITE_BYTES) break;
          bytes += next.bytes.length;
        }
        const pieces = this.#unwritten.splice(0, count).map((each) => each.bytes);
        await this.#part.write(count === 1 ? piece.bytes : Buffer.concat(pieces), piece.position);
        this.#unwrittenBytes -= bytes;
        if (piece.position + bytes === this.#positionOf(piece.block) + this.#init.lengthOf(piece.block)) {
          this.#whole.get(piece.block)?.();
          this.#whole.delete(piece.block);
        }
        this.#wake();
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#writing = undefined;
      this.#wake();
    }
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    for (const resolve of this.#whole.values()) resolve();
    this.#init.onFailure(error);
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
