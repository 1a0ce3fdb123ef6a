/**
 * Texts of slots as bytes, packed one after another into pieces of shared memory, so that a search can
 * run over a whole piece. One thread writes. A text stays where it is until it is freed; pieces that are
 * mostly free are emptied by moving what is left, in two steps, because readers may look at the old place
 * until they know of the new one.
 */
import { shared8, shared32 } from './shared-arrays.js';

const PIECE_BYTES = 1 << 18;
const VALUE_BITS = 13;
/** Texts in a piece: one of ordinary names is full of both at about the same time. */
export const PIECE_VALUES = 1 << VALUE_BITS;

/** Shared with readers. */
export interface TextPiece {
  readonly bytes: Uint8Array;
  /** Value i is `bytes[starts[i], starts[i + 1])`. */
  readonly starts: Uint32Array;
  /** The slot of each value, one higher; 0 for those freed. */
  readonly slots: Uint32Array;
  /** How many values there are: one number, written last. */
  readonly count: Uint32Array;
}

export interface NumberedPiece {
  readonly at: number;
  readonly piece: TextPiece;
}

/** Where a text is. 0 is nowhere. */
export type Place = number;
export const NOWHERE: Place = 0;

export function placeOf(pieceAt: number, value: number): Place {
  return ((pieceAt << VALUE_BITS) | value) + 1;
}

/** What threads read. */
export class TextPieces {
  protected readonly byNumber: (TextPiece | undefined)[] = [];

  attach({ at, piece }: NumberedPiece): void {
    this.byNumber[at] = piece;
  }

  drop(at: number): void {
    this.byNumber[at] = undefined;
  }

  /** All that there are, by number; the array is not to be changed. */
  get all(): readonly (TextPiece | undefined)[] {
    return this.byNumber;
  }

  pieces(): NumberedPiece[] {
    return this.byNumber.flatMap((piece, at) => (piece === undefined ? [] : [{ at, piece }]));
  }

  /** A view of the text; good until the next change. Throws `TypeError` for a place without a text. */
  bytesAt(place: Place): Uint8Array {
    const { piece, value } = this.find(place);
    return piece.bytes.subarray(piece.starts[value], piece.starts[value + 1]);
  }

  /** Whether the text is exactly these bytes. */
  holds(place: Place, bytes: Uint8Array): boolean {
    const { piece, value } = this.find(place);
    const from = piece.starts[value] as number;
    if ((piece.starts[value + 1] as number) - from !== bytes.length) return false;
    for (let at = 0; at < bytes.length; at++) if (piece.bytes[from + at] !== bytes[at]) return false;
    return true;
  }

  /** Where exactly it is: the text of a value never changes. Throws `TypeError` for a place without a text. */
  find(place: Place): { readonly piece: TextPiece; readonly value: number } {
    const piece = place === NOWHERE ? undefined : this.byNumber[(place - 1) >>> VALUE_BITS];
    if (piece === undefined) throw new TypeError(`there is no text at ${place}`);
    return { piece, value: (place - 1) & (PIECE_VALUES - 1) };
  }
}

/** A text that was copied: readers are to be told of `to` before `from` is freed. */
export interface Move {
  readonly slot: number;
  readonly from: Place;
  readonly to: Place;
}

export interface TextWriterInit {
  readonly onPiece: (piece: NumberedPiece) => void;
  /** The piece is empty, and its number may be used again. */
  readonly onDrop: (at: number) => void;
}

export class TextWriter extends TextPieces {
  readonly #init: TextWriterInit;
  /** By number: bytes and values that are freed. */
  readonly #waste: { bytes: number; values: number }[] = [];
  readonly #numbers: number[] = [];
  readonly #wasteful = new Set<number>();
  /** What is left of these has been copied already. */
  readonly #moving = new Set<number>();
  #filling = -1;

  constructor(init: TextWriterInit) {
    super();
    this.#init = init;
  }

  add(slot: number, bytes: Uint8Array): Place {
    const at = this.#room(bytes.length);
    const piece = this.byNumber[at] as TextPiece;
    const value = piece.count[0] as number;
    const start = piece.starts[value] as number;
    piece.bytes.set(bytes, start);
    piece.starts[value + 1] = start + bytes.length;
    piece.slots[value] = slot + 1;
    piece.count[0] = value + 1;
    return placeOf(at, value);
  }

  /** No reader looks at it any more. */
  free(place: Place): void {
    const { piece, value } = this.find(place);
    const at = (place - 1) >>> VALUE_BITS;
    piece.slots[value] = 0;
    const waste = this.#waste[at] as { bytes: number; values: number };
    waste.bytes += (piece.starts[value + 1] as number) - (piece.starts[value] as number);
    waste.values += 1;
    this.#judge(at);
  }

  /**
   * Copies the texts of slots that stay out of one piece that is mostly waste; nothing when there is none.
   * Each `from` is to be freed later, which drops the piece with the last of them.
   */
  moveSome(stays: (slot: number) => boolean): readonly Move[] {
    const [at] = this.#wasteful;
    if (at === undefined) return [];
    this.#wasteful.delete(at);
    this.#moving.add(at);
    const piece = this.byNumber[at];
    const moves: Move[] = [];
    for (let value = 0; piece !== undefined && value < (piece.count[0] as number); value++) {
      const slot = (piece.slots[value] as number) - 1;
      if (slot < 0 || !stays(slot)) continue;
      const bytes = piece.bytes.subarray(piece.starts[value], piece.starts[value + 1]);
      moves.push({ slot, from: placeOf(at, value), to: this.add(slot, bytes) });
    }
    return moves;
  }

  #judge(at: number): void {
    if (at === this.#filling) return;
    const piece = this.byNumber[at] as TextPiece;
    const waste = this.#waste[at] as { bytes: number; values: number };
    const values = piece.count[0] as number;
    if (waste.values === values) {
      this.#wasteful.delete(at);
      this.#moving.delete(at);
      this.byNumber[at] = undefined;
      this.#numbers.push(at);
      this.#init.onDrop(at);
    } else if (this.#moving.has(at)) {
      return; // dropped with the last of them
    } else if (waste.values * 2 > values || waste.bytes * 2 > (piece.starts[values] as number)) {
      this.#wasteful.add(at);
    }
  }

  #room(length: number): number {
    const piece = this.byNumber[this.#filling];
    if (piece !== undefined) {
      const values = piece.count[0] as number;
      if (values < PIECE_VALUES && (piece.starts[values] as number) + length <= piece.bytes.length)
        return this.#filling;
    }
    const full = this.#filling;
    const at = this.#numbers.pop() ?? this.byNumber.length;
    const made: TextPiece = {
      bytes: shared8(Math.max(PIECE_BYTES, length)),
      starts: shared32(PIECE_VALUES + 1),
      slots: shared32(PIECE_VALUES),
      count: shared32(1),
    };
    this.byNumber[at] = made;
    this.#waste[at] = { bytes: 0, values: 0 };
    this.#filling = at;
    this.#init.onPiece({ at, piece: made });
    if (full >= 0) this.#judge(full); // what it wasted while it was filled counts from now on
    return at;
  }
}
