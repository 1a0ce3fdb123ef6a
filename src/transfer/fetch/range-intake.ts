/**
 * An intake on the thread that calls: hashes bytes as they come, 0.15 ms for 256 KiB, and writes them as fast as the disk
 * takes them. Whoever gives bytes waits when too many of them are neither written nor hashed.
 */
import { createHash, type Hash } from 'node:crypto';
import { type Intake, type IntakeInit, type IntakesOf, isUncheckedEnough } from './intake.js';
import type { PartStore } from './part-store.js';

interface Piece {
  readonly bytes: Uint8Array;
  readonly position: number;
  readonly block: number;
}

/** What waits to be written of one read; more does not make a disk faster. */
const MAX_UNWRITTEN_BYTES = 1 << 20;
/** What is written at a time. */
const WRITE_BYTES = 512 * 1024;
/** What of a block that others began is read from the disk at a time. */
const READ_BYTES = 256 * 1024;

export const inlineIntakes: IntakesOf = (part) => ({
  begin: (init) => new RangeIntake(part, init),
  close: async () => undefined,
});

export class RangeIntake implements Intake {
  readonly #part: PartStore;
  readonly #init: IntakeInit;
  readonly #unwritten: Piece[] = [];
  #unwrittenBytes = 0;
  #writing: Promise<void> | undefined;
  #unchecked = 0;
  #block: number;
  #into = 0;
  #hash: Hash | undefined;
  /** Bytes written of each block whose hash waits for that. */
  readonly #whole = new Map<number, () => void>();
  #waiting: (() => void)[] = [];
  #failed = false;

  constructor(part: PartStore, init: IntakeInit) {
    this.#part = part;
    this.#init = init;
    this.#block = init.block;
  }

  get block(): number {
    return this.#block;
  }

  get into(): number {
    return this.#into;
  }

  async goOn(bytes: number): Promise<void> {
    const at = this.#positionOf(this.#block);
    const piece = Buffer.allocUnsafe(Math.min(READ_BYTES, bytes));
    for (let into = 0; into < bytes; ) {
      const part = piece.subarray(0, Math.min(piece.length, bytes - into));
      await this.#part.read(part, at + into);
      this.#begun().update(part);
      into += part.length;
    }
    this.#into = bytes;
  }

  take(lent: Uint8Array): Promise<void> | undefined {
    const bytes = Buffer.from(lent);
    for (let at = 0; at < bytes.length; ) {
      const length = this.#init.lengthOf(this.#block);
      const piece = bytes.subarray(at, at + length - this.#into);
      at += piece.length;
      this.#takePiece(piece, length);
    }
    return this.#hasEnough && !this.#failed ? this.#untilRoom() : undefined;
  }

  async #untilRoom(): Promise<void> {
    while (!this.#failed && this.#hasEnough)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  get #hasEnough(): boolean {
    if (this.#unwrittenBytes > MAX_UNWRITTEN_BYTES) return true;
    return isUncheckedEnough(this.#unchecked, this.#part.layout.blockBytes, this.#init.mayRunAhead);
  }

  async settled(): Promise<void> {
    while (!this.#failed && (this.#writing !== undefined || this.#unchecked > 0)) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    await this.#writing;
  }

  #begun(): Hash {
    this.#hash ??= createHash('sha256');
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
    const sha256 = this.#begun().digest();
    const written = new Promise<void>((resolve) => this.#whole.set(block, resolve));
    this.#hash = undefined;
    this.#block += 1;
    this.#into = 0;
    this.#unchecked += 1;
    void written
      .then(() => {
        if (!this.#failed) this.#init.onBlock(block, sha256);
      })
      .catch((error: unknown) => this.#fail(error))
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
