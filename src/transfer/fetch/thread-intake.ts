/**
 * Intakes whose bytes are hashed and written by a thread beside the one that reads the network: what that does is to
 * copy them, once, into memory that both share. One thread a download.
 *
 * Blocks of fast sources are written whole. What comes slowly is written after a moment, so that a kill costs a
 * small part of a block.
 */
import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../../clock.js';
import { type Intake, type IntakeInit, type Intakes, type IntakesOf, isUncheckedEnough } from './intake.js';
import type { DirectPart, PartStore } from './part-store.js';
import { newPieceMemory, type PieceAnswer, PieceRing, SLOT_BYTES } from './piece-ring.js';
import { inlineIntakes } from './range-intake.js';

/** Of smaller files the thread's start costs as much as it saves. */
const MIN_BYTES = 16 << 20;
/** Each takes some 12 MB; more would only wait for the same cores. */
const MAX_THREADS = 2;
/** When the thread has nothing else of the read, or what comes began so long ago, it is given what is worth a call. */
const OLD_MS = 5;
const WORTH_BYTES = 16 * 1024;
/** And in any case after: */
const OLDEST_MS = 100;

let threads = 0;

export const systemIntakes: IntakesOf = (part, clock) =>
  part.layout.file.size < MIN_BYTES || threads >= MAX_THREADS
    ? inlineIntakes(part, clock)
    : threadIntakes(part, clock);

/** A thread, whatever it costs, where the part is a file of this process. */
export const threadIntakes: IntakesOf = (part, clock) =>
  part.direct === undefined ? inlineIntakes(part, clock) : new ThreadIntakes(part, part.direct, clock);

class ThreadIntakes implements Intakes {
  readonly #part: PartStore;
  readonly #direct: DirectPart;
  readonly #clock: Clock;
  readonly #ring: PieceRing;
  readonly #worker: Worker;
  #lanes = 0;

  constructor(part: PartStore, direct: DirectPart, clock: Clock) {
    threads += 1;
    this.#part = part;
    this.#direct = direct;
    this.#clock = clock;
    const memory = newPieceMemory();
    const ring = new PieceRing(memory);
    this.#ring = ring;
    const entry = new URL('../../../workers/part-pieces.js', import.meta.url);
    this.#worker = new Worker(entry, { workerData: memory, name: 'part-pieces' });
    this.#worker.on('message', () => ring.onTold());
    this.#worker.on('error', (error) => ring.fail(error));
    this.#worker.once('exit', () => {
      threads -= 1;
      ring.fail(new Error('the thread that writes has ended'));
    });
  }

  begin(init: IntakeInit): Intake {
    const components = { ring: this.#ring, direct: this.#direct, clock: this.#clock };
    return new ThreadIntake(components, init, this.#part.layout.blockBytes, this.#lanes++);
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

interface ThreadIntakeComponents {
  readonly ring: PieceRing;
  readonly direct: DirectPart;
  readonly clock: Clock;
}

/** Bytes in a slot that the thread has not been given yet. */
interface OpenPiece {
  readonly slot: number;
  readonly bytes: Uint8Array;
  readonly position: number;
  readonly beganMs: number;
  filled: number;
}

class ThreadIntake implements Intake {
  readonly #components: ThreadIntakeComponents;
  readonly #init: IntakeInit;
  readonly #blockBytes: number;
  readonly #lane: number;
  #block: number;
  #into = 0;
  #piece: OpenPiece | undefined;
  /** Whether the thread has something of the block that comes. */
  #isBegun = false;
  #timer: Timer | undefined;
  /** Orders that are not answered. */
  #open = 0;
  #unchecked = 0;
  #waiting: (() => void)[] = [];
  #failed = false;
  /** Nothing more comes: whoever reads the block next may be writing it. */
  #isOver = false;
  /** What `take` had no room for, until it has. */
  #taking: Promise<void> | undefined;

  constructor(components: ThreadIntakeComponents, init: IntakeInit, blockBytes: number, lane: number) {
    this.#components = components;
    this.#init = init;
    this.#blockBytes = blockBytes;
    this.#lane = lane;
    this.#block = init.block;
  }

  get block(): number {
    return this.#block;
  }

  get into(): number {
    return this.#into;
  }

  async goOn(bytes: number): Promise<void> {
    const { ring, direct } = this.#components;
    const position = this.#block * this.#blockBytes;
    this.#open += 1;
    ring.give({ type: 'read', file: direct.descriptor, lane: this.#lane, bytes, position }, (answer) =>
      this.#answered(answer),
    );
    this.#isBegun = true;
    this.#into = bytes;
  }

  take(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#failed || this.#isOver) return undefined;
    const taken = this.#components.direct.isReady ? this.#fill(bytes) : 0;
    if (taken === bytes.length && !this.#hasEnough) return undefined;
    this.#taking = this.#takeRest(Buffer.from(bytes.subarray(taken)));
    return this.#taking;
  }

  async settled(): Promise<void> {
    this.#isOver = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#hand();
    const { ring } = this.#components;
    if (this.#isBegun) {
      this.#open += 1;
      ring.give({ type: 'forget', lane: this.#lane }, (answer) => this.#answered(answer));
      this.#isBegun = false;
    }
    while (this.#open > 0) await this.#change();
    await this.#taking;
  }

  async #takeRest(bytes: Uint8Array): Promise<void> {
    const { ring, direct } = this.#components;
    try {
      await direct.ready();
      for (let at = 0; !this.#failed && !this.#isOver; ) {
        at += this.#fill(bytes.subarray(at));
        if (at === bytes.length) break;
        await ring.freed();
      }
    } catch (error) {
      this.#fail(error);
    }
    while (!this.#failed && !this.#isOver && this.#hasEnough) await this.#change();
  }

  get #hasEnough(): boolean {
    return isUncheckedEnough(this.#unchecked, this.#blockBytes, this.#init.mayRunAhead);
  }

  /** Returns how many of the bytes there was room for. */
  #fill(bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.length) {
      const piece = this.#piece ?? this.#begin();
      if (piece === undefined) return at;
      const length = this.#init.lengthOf(this.#block);
      const end = at + Math.min(SLOT_BYTES - piece.filled, length - this.#into, bytes.length - at);
      piece.bytes.set(bytes.subarray(at, end), piece.filled);
      const count = end - at;
      piece.filled += count;
      this.#into += count;
      at = end;
      this.#init.onBytes(this.#block, count);
      if (this.#into === length) this.#endBlock();
      else if (piece.filled === SLOT_BYTES) this.#hand();
    }
    const { filled = 0, beganMs = 0 } = this.#piece ?? {};
    if (filled >= WORTH_BYTES && (this.#open === 0 || this.#components.clock.monotonic() - beganMs >= OLD_MS))
      this.#hand();
    return at;
  }

  #begin(): OpenPiece | undefined {
    const { ring, clock } = this.#components;
    const taken = ring.take();
    if (taken === undefined) return undefined;
    const position = this.#block * this.#blockBytes + this.#into;
    this.#piece = { ...taken, position, beganMs: clock.monotonic(), filled: 0 };
    this.#timer ??= this.#watch();
    return this.#piece;
  }

  /** One timer for many pieces: it is looked whether the one that comes is old. */
  #watch(): Timer {
    const { clock } = this.#components;
    return clock.after(OLDEST_MS, () => {
      this.#timer = undefined;
      if (this.#piece === undefined) return;
      if (clock.monotonic() - this.#piece.beganMs >= OLDEST_MS / 2) this.#hand();
      else this.#timer = this.#watch();
    });
  }

  #endBlock(): void {
    const block = this.#block;
    this.#unchecked += 1;
    this.#block += 1;
    this.#into = 0;
    this.#hand(block);
  }

  /** Gives the thread what came; `ends`: the block that it is the end of. */
  #hand(ends?: number): void {
    const piece = this.#piece;
    if (piece === undefined) return;
    const { ring, direct } = this.#components;
    this.#piece = undefined;
    this.#open += 1;
    const { slot, filled: bytes, position } = piece;
    const isLast = ends !== undefined;
    const file = direct.descriptor;
    const isFirst = !this.#isBegun;
    this.#isBegun = !isLast;
    ring.give({ type: 'write', file, lane: this.#lane, slot, bytes, position, isFirst, isLast }, (answer) => {
      if (isLast) this.#unchecked -= 1;
      try {
        if (answer.type === 'done') direct.wrote(position, bytes);
        if (isLast && answer.type === 'done' && answer.sha256 && !this.#failed)
          this.#init.onBlock(ends, answer.sha256);
      } catch (error) {
        this.#fail(error); // who calls is the thread's listener, which nobody listens to
      }
      this.#answered(answer);
    });
  }

  #answered(answer: PieceAnswer): void {
    this.#open -= 1;
    if (answer.type === 'failed') this.#fail(this.#components.direct.errorOf(answer.error));
    this.#wake();
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#init.onFailure(error);
    this.#wake();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
