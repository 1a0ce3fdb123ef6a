/** A number for each slot, in pieces: it grows without being copied, and by no more than a piece. */

const PIECE_BITS = 14;
const PIECE = 1 << PIECE_BITS;

type Numbers = Uint8Array | Uint16Array | Uint32Array | Float64Array;

export class Column<A extends Numbers = Uint32Array> {
  readonly #pieces: A[] = [];
  readonly #make: (length: number) => A;

  constructor(make: (length: number) => A) {
    this.#make = make;
  }

  /** Uint32, which most of them are. */
  static uint32(): Column {
    return new Column((length) => new Uint32Array(length));
  }

  /** 0 where nothing was set. */
  get(slot: number): number {
    const piece = this.#pieces[slot >>> PIECE_BITS];
    return piece === undefined ? 0 : (piece[slot & (PIECE - 1)] as number);
  }

  set(slot: number, value: number): void {
    while (this.#pieces.length <= slot >>> PIECE_BITS) this.#pieces.push(this.#make(PIECE));
    (this.#pieces[slot >>> PIECE_BITS] as A)[slot & (PIECE - 1)] = value;
  }
}
