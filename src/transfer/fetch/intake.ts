/**
 * Where the bytes of one read go: cut into blocks, hashed, and written to the part. `range-intake.ts` does that on the
 * thread that calls, `thread-intake.ts` leaves it to another.
 */
import type { Clock } from '../../clock.js';
import type { PartStore } from './part-store.js';

export interface IntakeInit {
  /** The block in which the read begins. */
  readonly block: number;
  readonly lengthOf: (block: number) => number;
  /** Whether more may come while a whole block waits for its hash. */
  readonly mayRunAhead: () => boolean;
  /** Bytes have come, of one block. */
  readonly onBytes: (block: number, bytes: number) => void;
  /** A block is there, written and hashed. */
  readonly onBlock: (block: number, sha256: Uint8Array) => void;
  /** The part could not be written, or a block not be hashed. */
  readonly onFailure: (error: unknown) => void;
}

export interface Intake {
  /** The block that comes now. */
  readonly block: number;
  /** Bytes of it that are here. */
  readonly into: number;
  /** So many bytes of the first block are written already: its hash begins with them. Throws `DiskError`. */
  goOn(bytes: number): Promise<void>;
  /**
   * Takes the next bytes, which are only lent until it returns. Undefined when more may come at once, else
   * resolves when they may; what fails, `onFailure` hears.
   */
  take(bytes: Uint8Array): Promise<void> | undefined;
  /** Nothing more comes. Resolves when all that came is written, and whole blocks are hashed. */
  settled(): Promise<void>;
}

export interface Intakes {
  begin(init: IntakeInit): Intake;
  /** All of them are settled. */
  close(): Promise<void>;
}

export type IntakesOf = (part: PartStore, clock: Clock) => Intakes;

/** Of one read, in blocks that are whole and wait for their hash, beside one. */
const MAX_UNCHECKED_BYTES = 2 << 20;

/** Whether so many blocks wait for their hash that no more may come. */
export function isUncheckedEnough(blocks: number, blockBytes: number, mayRunAhead: () => boolean): boolean {
  if (blocks > 0 && !mayRunAhead()) return true;
  return blocks > 1 && blocks * blockBytes > MAX_UNCHECKED_BYTES;
}
