/**
 * Shared memory through which a thread that reads a file hands its bytes to one that hashes the blocks: a ring of
 * buffers, two counters, and a place for the hashes. Both sides block while they wait.
 *
 * One side writes (`RingWriter`), the other reads (`runRing`). The reader goes when it has had nothing to do for a
 * while; that it goes and that it is given work exclude each other by the word `state`.
 */
import { MAX_BLOCKS } from '../blocks/block-size.js';
import { BLOCK_HASH_BYTES } from '../blocks/block-tree.js';
import { BlockHasher } from './block-hasher.js';
import { READ_BYTES } from './block-lane.js';

const BUFFERS = 8;

/** Words of `control`; the lengths of what is in each buffer stand behind them. */
const Word = { state: 0, written: 1, read: 2, lengths: 3 } as const;
const State = { absent: 0, idle: 1, busy: 2 } as const;

/** Plain data for messages between threads. */
export interface BlockRing {
  readonly control: Int32Array;
  /** By buffer: the size of the file that begins there, or -1. */
  readonly begins: Float64Array;
  readonly bytes: Uint8Array;
  readonly hashes: Uint8Array;
}

export function newRing(): BlockRing {
  const shared = (bytes: number) => new SharedArrayBuffer(bytes);
  return {
    control: new Int32Array(shared((Word.lengths + BUFFERS) * Int32Array.BYTES_PER_ELEMENT)),
    begins: new Float64Array(shared(BUFFERS * Float64Array.BYTES_PER_ELEMENT)),
    bytes: new Uint8Array(shared(BUFFERS * READ_BYTES)),
    hashes: new Uint8Array(shared(MAX_BLOCKS * BLOCK_HASH_BYTES)),
  };
}

function bufferOf({ bytes }: BlockRing, count: number): Uint8Array {
  const at = indexOf(count) * READ_BYTES;
  return bytes.subarray(at, at + READ_BYTES);
}

/** Counters go round in 32 bits. */
function indexOf(count: number): number {
  return (count >>> 0) % BUFFERS;
}

export class RingWriter {
  readonly #ring: BlockRing;
  readonly #patienceMs: number;
  #written = 0;
  #begins = -1;

  /** After `patienceMs` the reader is taken for dead. */
  constructor(ring: BlockRing, init: { readonly patienceMs: number }) {
    this.#ring = ring;
    this.#patienceMs = init.patienceMs;
  }

  /** False when nobody reads, nor does within `waitMs`. */
  begin(fileBytes: number, waitMs: number): boolean {
    const { control } = this.#ring;
    if (waitMs > 0) Atomics.wait(control, Word.state, State.absent, waitMs);
    if (Atomics.compareExchange(control, Word.state, State.idle, State.busy) !== State.idle) return false;
    this.#written = Atomics.load(control, Word.written);
    this.#begins = fileBytes;
    return true;
  }

  /** A buffer that has been read; undefined when the reader is dead. */
  buffer(): Uint8Array | undefined {
    return this.#wait(BUFFERS - 1) ? bufferOf(this.#ring, this.#written) : undefined;
  }

  put(bytes: number): void {
    const { control, begins } = this.#ring;
    const at = indexOf(this.#written);
    begins[at] = this.#begins;
    control[Word.lengths + at] = bytes;
    this.#begins = -1;
    this.#written = (this.#written + 1) | 0;
    Atomics.store(control, Word.written, this.#written);
    Atomics.notify(control, Word.written);
  }

  /** The hashes of so many blocks, when all bytes have been put; undefined when the reader is dead. */
  end(count: number): Uint8Array | undefined {
    if (!this.#wait(0)) return undefined;
    const hashes = this.#ring.hashes.slice(0, count * BLOCK_HASH_BYTES);
    this.release();
    return hashes;
  }

  /** The reader may go. */
  release(): void {
    Atomics.compareExchange(this.#ring.control, Word.state, State.busy, State.idle);
  }

  /** Until no more than `left` buffers are to be read; false when that does not happen. */
  #wait(left: number): boolean {
    const { control } = this.#ring;
    for (;;) {
      const read = Atomics.load(control, Word.read);
      if (((this.#written - read) | 0) <= left) return true;
      if (Atomics.wait(control, Word.read, read, this.#patienceMs) === 'timed-out') return false;
    }
  }
}

/** Reads until there has been nothing for `idleMs`. */
export function runRing(ring: BlockRing, init: { readonly idleMs: number }): void {
  const { control, begins } = ring;
  let read = Atomics.load(control, Word.read);
  let hasher: BlockHasher | undefined;
  Atomics.compareExchange(control, Word.state, State.absent, State.idle);
  Atomics.notify(control, Word.state);
  for (;;) {
    const written = Atomics.load(control, Word.written);
    if (written === read) {
      const isOver = Atomics.wait(control, Word.written, written, init.idleMs) === 'timed-out';
      const mayGo =
        isOver && Atomics.compareExchange(control, Word.state, State.idle, State.absent) === State.idle;
      if (mayGo) return;
      continue;
    }
    const at = indexOf(read);
    const fileBytes = begins[at] ?? -1;
    if (fileBytes >= 0) hasher = new BlockHasher(fileBytes);
    hasher?.update(bufferOf(ring, read).subarray(0, control[Word.lengths + at]));
    if (hasher?.isWhole === true) ring.hashes.set(hasher.end().hashes);
    read = (read + 1) | 0;
    Atomics.store(control, Word.read, read);
    Atomics.notify(control, Word.read);
  }
}
