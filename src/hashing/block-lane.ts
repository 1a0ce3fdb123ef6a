/**
 * How a file's bytes come to be hashed block by block while they are hashed as a whole: on the same thread here, or
 * on another one beside it (`block-thread.ts`). Whoever reads the file reads into buffers that the lane gives.
 */
import type { BlockHashes } from '../blocks/block-tree.js';
import { BlockHasher } from './block-hasher.js';

/** Reads of this size are as fast as any (docs/architecture.md). */
export const READ_BYTES = 256 * 1024;

/** For one file, from its first byte to its last. */
export interface BlockLane {
  /** Where to read to, {@link READ_BYTES} long. What is in it stays there until the next is asked for. */
  buffer(): Uint8Array;
  /** So many bytes were read into the last buffer. */
  read(bytes: number): void;
  /** After the last byte. Undefined when nothing came of it: then the file is read again. */
  end(): BlockHashes | undefined;
  /** Instead of `end`, when the file turned out to be another. */
  giveUp(): void;
}

export interface BlockLanes {
  /** There is one at a time. */
  begin(fileBytes: number): BlockLane;
}

/** All on this thread. */
export class OwnLanes implements BlockLanes {
  readonly #buffer = new Uint8Array(READ_BYTES);

  begin(fileBytes: number): BlockLane {
    const buffer = this.#buffer;
    const hasher = new BlockHasher(fileBytes);
    return {
      buffer: () => buffer,
      read: (bytes) => hasher.update(bytes === buffer.length ? buffer : buffer.subarray(0, bytes)),
      end: () => hasher.end(),
      giveUp: () => undefined,
    };
  }
}
