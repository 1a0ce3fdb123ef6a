/**
 * A number for each slot, in pieces: it grows without being copied, and by no more than a piece. Over
 * shared memory one thread writes, and others read once they have been given the pieces.
 */

export const PIECE_BITS = 14;
/** Slots in a piece. */
export const PIECE = 1 << PIECE_BITS;

export type Numbers = Uint8Array | Uint16Array | Uint32Array | Float64Array;

export interface Piece<A extends Numbers = Numbers> {
  readonly at: number;
  readonly values: A;
}

export class Column<A extends Numbers = Uint32Array> {
  /** Where nothing was ever set there is no piece. */
  readonly #pieces: (A | undefined)[] = [];
  readonly #make: (length: number) => A;
  readonly #onPiece: ((piece: Piece<A>) => void) | undefined;

  /** `onPiece` hears of every piece that is made here, not of those attached. */
  constructor(make: (length: number) => A, onPiece?: (piece: Piece<A>) => void) {
    this.#make = make;
    this.#onPiece = onPiece;
  }

  /** Uint32, which most of them are. */
  static uint32(): Column {
    return new Column<Uint32Array>((length) => new Uint32Array(length));
  }

  /** 0 where nothing was set. */
  get(slot: number): number {
    const piece = this.#pieces[slot >>> PIECE_BITS];
    return piece === undefined ? 0 : (piece[slot & (PIECE - 1)] as number);
  }

  set(slot: number, value: number): void {
    const at = slot >>> PIECE_BITS;
    const piece = this.#pieces[at];
    if (piece !== undefined) piece[slot & (PIECE - 1)] = value;
    else if (value !== 0) this.grown(at)[slot & (PIECE - 1)] = value;
  }

  /** Takes over a piece that another thread writes. */
  attach({ at, values }: Piece): void {
    this.#pieces[at] = values as A;
  }

  /** All that there are. */
  pieces(): Piece<A>[] {
    return this.#pieces.flatMap((values, at) => (values === undefined ? [] : [{ at, values }]));
  }

  /** The piece with these slots, for loops over many; undefined where all are 0. */
  piece(at: number): A | undefined {
    return this.#pieces[at];
  }

  /** The same, made where there is none. */
  grown(at: number): A {
    const piece = this.#pieces[at];
    if (piece !== undefined) return piece;
    const values = this.#make(PIECE);
    this.#pieces[at] = values;
    this.#onPiece?.({ at, values });
    return values;
  }
}
