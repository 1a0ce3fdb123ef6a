/**
 * Shared memory through which the main thread hands pieces of blocks to one that hashes and writes them: slots that
 * hold the bytes, and a ring of orders. Orders are carried out one after another, and answered in their places.
 *
 * The main thread never waits: it gives orders (`PieceRing`) and is told when some are done. The other (`runPieces`)
 * sleeps while there are none.
 */
import { createHash, type Hash } from 'node:crypto';
import { getSystemErrorName } from 'node:util';

/** One piece: it takes 0.3 ms to hash and write. */
export const SLOT_BYTES = 256 * 1024;
/** 8 MB: as much as a fast network brings in 8 ms. */
const SLOTS = 32;
const ORDERS = 128;
const HASH_BYTES = 32;
/** So many are done before the main thread is told, unless there is nothing else to do. */
const TELL_EVERY = 8;

/** Words of `control`. */
const Word = { given: 0, done: 1, told: 2 } as const;
/** Numbers of an order. */
const Field = { type: 0, file: 1, lane: 2, slot: 3, bytes: 4, position: 5, status: 6 } as const;
const FIELDS = 8;

const Type = { write: 0, writeFirst: 1, writeLast: 2, writeOnly: 3, readFirst: 4, forget: 5 } as const;
type TypeNumber = (typeof Type)[keyof typeof Type];
const NO_SLOT = -1;
const TOO_SHORT = 1;

/** Plain data for messages between threads. */
export interface PieceMemory {
  readonly control: Int32Array;
  readonly orders: Float64Array;
  readonly hashes: Uint8Array;
  readonly slots: Uint8Array;
}

/** What is to be done with a block. `lane`: pieces of one block come in the same, one after another. */
export type PieceOrder =
  | {
      readonly type: 'write';
      /** Descriptor of a file that is open in this process. */
      readonly file: number;
      readonly lane: number;
      readonly slot: number;
      /** In the slot, from its beginning. */
      readonly bytes: number;
      /** In the file. */
      readonly position: number;
      /** Whether it is the block's first piece, and its last. */
      readonly isFirst: boolean;
      readonly isLast: boolean;
    }
  /** The block begins with bytes that are in the file already. */
  | {
      readonly type: 'read';
      readonly file: number;
      readonly lane: number;
      readonly bytes: number;
      readonly position: number;
    }
  /** The last piece will not come. */
  | { readonly type: 'forget'; readonly lane: number };

export type PieceAnswer =
  | { readonly type: 'done' /** Behind the last piece of a block. */; readonly sha256?: Uint8Array }
  /** With a `code` where the operating system refused. */
  | { readonly type: 'failed'; readonly error: Error };

export function newPieceMemory(): PieceMemory {
  const shared = (bytes: number) => new SharedArrayBuffer(bytes);
  return {
    control: new Int32Array(shared(3 * Int32Array.BYTES_PER_ELEMENT)),
    orders: new Float64Array(shared(ORDERS * FIELDS * Float64Array.BYTES_PER_ELEMENT)),
    hashes: new Uint8Array(shared(ORDERS * HASH_BYTES)),
    slots: new Uint8Array(shared(SLOTS * SLOT_BYTES)),
  };
}

/** Counters go round in 32 bits. */
function placeOf(count: number): number {
  return (count >>> 0) % ORDERS;
}

function slotOf({ slots }: PieceMemory, slot: number): Uint8Array {
  return slots.subarray(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES);
}

function hashAt({ hashes }: PieceMemory, place: number): Uint8Array {
  return hashes.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES);
}

interface Given {
  readonly order: PieceOrder;
  readonly onAnswer: (answer: PieceAnswer) => void;
}

/** The side that gives orders. */
export class PieceRing {
  readonly #memory: PieceMemory;
  readonly #slots: Uint8Array[];
  readonly #free: number[];
  readonly #waiting: (() => void)[] = [];
  /** Given and not answered, in their order; those behind `ORDERS` have no place yet. */
  #open: Given[] = [];
  #placed = 0;
  #given = 0;
  #seen = 0;
  #failure: Error | undefined;

  constructor(memory: PieceMemory) {
    this.#memory = memory;
    this.#slots = Array.from({ length: SLOTS }, (_, slot) => slotOf(memory, slot));
    this.#free = this.#slots.map((_, slot) => slot);
  }

  /** A slot that is the caller's until an order with it is answered. Undefined when all are taken. */
  take(): { readonly slot: number; readonly bytes: Uint8Array } | undefined {
    const slot = this.#free.pop();
    const bytes = slot === undefined ? undefined : this.#slots[slot];
    return slot === undefined || bytes === undefined ? undefined : { slot, bytes };
  }

  /** Resolves when there may be a slot again. */
  freed(): Promise<void> {
    if (this.#free.length > 0 || this.#failure !== undefined) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** `onAnswer` is called once, later. */
  give(order: PieceOrder, onAnswer: (answer: PieceAnswer) => void): void {
    this.#open.push({ order, onAnswer });
    if (this.#failure === undefined) this.#place();
    else queueMicrotask(() => this.#failAll());
  }

  /** Some have been carried out. */
  onTold(): void {
    const { control, orders } = this.#memory;
    Atomics.store(control, Word.told, 0);
    const done = Atomics.load(control, Word.done);
    const count = (done - this.#seen) | 0;
    const answered = this.#open.splice(0, count);
    this.#placed -= count;
    const answers: (() => void)[] = [];
    for (const { order, onAnswer } of answered) {
      const place = placeOf(this.#seen);
      this.#seen = (this.#seen + 1) | 0;
      if (order.type === 'write') this.#free.push(order.slot);
      const status = orders[place * FIELDS + Field.status] ?? 0;
      const isLast = order.type === 'write' && order.isLast;
      const sha256 = isLast && status === 0 ? hashAt(this.#memory, place).slice() : undefined;
      const answer: PieceAnswer =
        status === 0
          ? { type: 'done', ...(sha256 && { sha256 }) }
          : { type: 'failed', error: errorOf(status) };
      answers.push(() => onAnswer(answer));
    }
    this.#place();
    for (const answer of answers) answer();
    if (this.#free.length > 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Nobody carries them out any more: all that are open, and all to come, are answered with that. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#failAll();
  }

  #failAll(): void {
    const error = this.#failure;
    if (error === undefined) return;
    for (const { order, onAnswer } of this.#open.splice(0)) {
      if (order.type === 'write') this.#free.push(order.slot);
      onAnswer({ type: 'failed', error });
    }
    this.#placed = 0;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #place(): void {
    const { control, orders } = this.#memory;
    let isNew = false;
    for (let next = this.#open[this.#placed]; next !== undefined && this.#placed < ORDERS; ) {
      const { order } = next;
      const at = placeOf(this.#given) * FIELDS;
      orders[at + Field.type] = typeOf(order);
      orders[at + Field.lane] = order.lane;
      orders[at + Field.slot] = order.type === 'write' ? order.slot : NO_SLOT;
      if (order.type !== 'forget') {
        orders[at + Field.file] = order.file;
        orders[at + Field.bytes] = order.bytes;
        orders[at + Field.position] = order.position;
      }
      this.#given = (this.#given + 1) | 0;
      this.#placed += 1;
      isNew = true;
      next = this.#open[this.#placed];
    }
    if (!isNew) return;
    Atomics.store(control, Word.given, this.#given);
    Atomics.notify(control, Word.given);
  }
}

function typeOf(order: PieceOrder): TypeNumber {
  if (order.type === 'forget') return Type.forget;
  if (order.type === 'read') return Type.readFirst;
  if (order.isFirst) return order.isLast ? Type.writeOnly : Type.writeFirst;
  return order.isLast ? Type.writeLast : Type.write;
}

function errorOf(status: number): Error {
  if (status === TOO_SHORT) return new Error('the file is shorter than it was');
  const code = getSystemErrorName(status);
  return Object.assign(new Error(code), { code, errno: status });
}

/** What carrying them out needs of the file system: as `node:fs` has it. */
export interface PieceFiles {
  writeSync(file: number, bytes: Uint8Array, offset: number, length: number, position: number): number;
  readSync(file: number, bytes: Uint8Array, offset: number, length: number, position: number): number;
}

/** The other side: never returns. `tell` is to have `onTold` called. */
export function runPieces(memory: PieceMemory, files: PieceFiles, tell: () => void): never {
  const { control, orders } = memory;
  const blocks = new PieceBlocks(memory, files);
  let done = Atomics.load(control, Word.done);
  let untold = 0;
  for (;;) {
    const given = Atomics.load(control, Word.given);
    if (given === done || untold >= TELL_EVERY) {
      // One call is enough until it has been answered.
      if (untold > 0 && Atomics.exchange(control, Word.told, 1) === 0) tell();
      untold = 0;
    }
    if (given === done) {
      Atomics.wait(control, Word.given, given);
      continue;
    }
    const place = placeOf(done);
    orders[place * FIELDS + Field.status] = blocks.carryOut(place);
    done = (done + 1) | 0;
    Atomics.store(control, Word.done, done);
    untold += 1;
  }
}

/** Blocks of which some pieces are there. */
class PieceBlocks {
  readonly #memory: PieceMemory;
  readonly #files: PieceFiles;
  readonly #hashes = new Map<number, Hash>();
  readonly #buffer = new Uint8Array(SLOT_BYTES);

  constructor(memory: PieceMemory, files: PieceFiles) {
    this.#memory = memory;
    this.#files = files;
  }

  /** 0, an error number of the operating system, or `TOO_SHORT`. */
  carryOut(place: number): number {
    const { orders } = this.#memory;
    const field = (which: number) => orders[place * FIELDS + which] ?? 0;
    const type = field(Field.type);
    const lane = field(Field.lane);
    if (type === Type.forget) {
      this.#hashes.delete(lane);
      return 0;
    }
    const isFirst = type === Type.writeFirst || type === Type.writeOnly || type === Type.readFirst;
    const hash = (isFirst ? undefined : this.#hashes.get(lane)) ?? createHash('sha256');
    this.#hashes.set(lane, hash);
    try {
      const [file, bytes, position] = [field(Field.file), field(Field.bytes), field(Field.position)];
      if (type === Type.readFirst) return this.#read(hash, file, bytes, position);
      const piece = slotOf(this.#memory, field(Field.slot)).subarray(0, bytes);
      hash.update(piece);
      for (let at = 0; at < bytes; ) at += this.#files.writeSync(file, piece, at, bytes - at, position + at);
      if (type === Type.writeLast || type === Type.writeOnly) {
        this.#hashes.delete(lane);
        hashAt(this.#memory, place).set(hash.digest());
      }
      return 0;
    } catch (error) {
      this.#hashes.delete(lane);
      const number = error instanceof Error && 'errno' in error ? error.errno : undefined;
      if (typeof number !== 'number') throw error;
      return number;
    }
  }

  #read(hash: Hash, file: number, bytes: number, position: number): number {
    for (let at = 0; at < bytes; ) {
      const count = this.#files.readSync(
        file,
        this.#buffer,
        0,
        Math.min(SLOT_BYTES, bytes - at),
        position + at,
      );
      if (count === 0) return TOO_SHORT;
      hash.update(this.#buffer.subarray(0, count));
      at += count;
    }
    return 0;
  }
}
