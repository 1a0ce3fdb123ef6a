/**
 * One read that is under way: the request to the source, where its bytes go, and when something was heard last.
 * It can be made shorter while it runs.
 */
import type { Clock } from '../../clock.js';
import type { Intake, Intakes } from './intake.js';
import type { PartStore } from './part-store.js';
import type { Span } from './range-set.js';
import { type RangeSource, SourceError } from './range-source.js';
import type { PooledSource } from './source-pool.js';

export interface ActiveReadComponents {
  readonly part: PartStore;
  readonly intakes: Intakes;
  readonly clock: Clock;
}

export interface ActiveReadInit {
  readonly id: number;
  readonly source: PooledSource;
  readonly blocks: Span;
  /** Whether the first block begins where others left off. */
  readonly goesOn: boolean;
  readonly onBytes: (read: ActiveRead, block: number, bytes: number) => void;
  readonly onBlock: (read: ActiveRead, block: number, sha256: Uint8Array) => void;
  /** The disk failed. */
  readonly onFailure: (error: unknown) => void;
}

/** 20 MB/s: a block takes 13 ms then, and to hash it a small part of that. */
const FAST_BYTES_A_MS = 20_000;

export class ActiveRead {
  readonly id: number;
  readonly source: PooledSource;
  readonly #components: ActiveReadComponents;
  readonly #init: ActiveReadInit;
  readonly #intake: Intake;
  readonly #abort = new AbortController();
  readonly #asked: Span;
  #end: number;
  #state: 'open' | 'closed' = 'open';
  /** When it was asked for, and when bytes came last; undefined before they did. */
  readonly askedAtMs: number;
  startedAtMs: number | undefined;
  heardAtMs: number;
  /** Bytes that came and were not taken. */
  surplusBytes = 0;

  constructor(components: ActiveReadComponents, init: ActiveReadInit) {
    const { part, intakes, clock } = components;
    this.id = init.id;
    this.source = init.source;
    this.#components = components;
    this.#init = init;
    this.#asked = init.blocks;
    this.#end = init.blocks.end;
    this.askedAtMs = clock.monotonic();
    this.heardAtMs = this.askedAtMs;
    this.#intake = intakes.begin({
      block: init.blocks.start,
      lengthOf: (block) => this.#endOf(block) - block * part.layout.blockBytes,
      mayRunAhead: () => this.#mayRunAhead(),
      onBytes: (block, bytes) => init.onBytes(this, block, bytes),
      onBlock: (block, sha256) => init.onBlock(this, block, sha256),
      onFailure: init.onFailure,
    });
  }

  /** What is still to come: from the block that is coming now. */
  get blocks(): Span {
    return { start: this.#intake.block, end: Math.max(this.#end, this.#intake.block) };
  }

  /** Bytes of the first of them that are here. */
  get into(): number {
    return this.#intake.into;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /**
   * Reads. Resolves when everything that is wanted came, or it was closed; whole blocks are checked then, and what
   * came of others is written. Rejects with what the source failed with, likewise.
   */
  async run(source: RangeSource, before: Promise<void> | undefined): Promise<void> {
    try {
      await before;
      if (this.#init.goesOn) await this.#goOn();
      if (this.#state !== 'open') return;
      const { blockBytes } = this.#components.part.layout;
      const offset = this.#asked.start * blockBytes + this.#intake.into;
      const length = this.#endOf(this.#asked.end - 1) - offset;
      await source.read({ offset, length }, (bytes) => this.#take(bytes), this.#abort.signal);
      if (this.#state === 'open' && this.#intake.block < this.#end) {
        throw new SourceError('too-few', 'the source ended before all was there that it was to give');
      }
    } catch (error) {
      if (this.#state === 'open') throw error;
    } finally {
      this.#state = 'closed';
      await this.#intake.settled();
    }
  }

  /** Gives up the blocks from `end` on. */
  shorten(end: number): void {
    this.#end = Math.min(this.#end, end);
    if (this.#end <= this.#intake.block) this.close();
  }

  /** Takes nothing more. What came of a block is kept for whoever goes on. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#abort.abort();
  }

  async #goOn(): Promise<void> {
    const { part } = this.#components;
    const { start } = this.#asked;
    const written = part.writtenOf(start);
    if (written === 0) return;
    if (written >= this.#endOf(start) - start * part.layout.blockBytes) return; // whole, and was not right: begin anew
    await this.#intake.goOn(written);
  }

  /** A liar is to cost one block: only who has proved right, and is so fast that it would wait, goes on meanwhile. */
  #mayRunAhead(): boolean {
    const { keptBytes, rate } = this.source;
    return keptBytes > 0 && (rate.at(this.#components.clock.monotonic()) ?? 0) > FAST_BYTES_A_MS;
  }

  #take(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#state === 'closed') {
      this.surplusBytes += bytes.length;
      return undefined;
    }
    const nowMs = this.#components.clock.monotonic();
    this.startedAtMs ??= nowMs;
    this.heardAtMs = nowMs;
    const { blockBytes } = this.#components.part.layout;
    const position = this.#intake.block * blockBytes + this.#intake.into;
    const wanted = bytes.subarray(0, Math.max(0, this.#endOf(this.#end - 1) - position));
    this.surplusBytes += bytes.length - wanted.length;
    const room = this.#intake.take(wanted);
    if (this.#intake.block >= this.#end && this.#end < this.#asked.end) this.close();
    return room?.then(() => {
      this.heardAtMs = this.#components.clock.monotonic(); // the wait was for our disk
    });
  }

  #endOf(block: number): number {
    const { blockBytes, file } = this.#components.part.layout;
    return Math.min((block + 1) * blockBytes, file.size);
  }
}
