/** Collects what readers of the columns have to be given with the next batch. */
import type { Piece } from '../columns/column.js';
import type { NumberedPiece } from '../columns/text-pieces.js';
import type { Growth, SharedColumn } from './file-columns.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

export class GrowthNews {
  #growth = empty();

  column(column: SharedColumn, piece: Piece): void {
    this.#growth.columns.push({ ...piece, column });
  }

  text(kind: 'name' | 'desc', piece: NumberedPiece): void {
    const { names, descs, droppedNames, droppedDescs } = this.#growth;
    (kind === 'name' ? names : descs).push(piece);
    // It takes the number of one dropped just now: readers put it in that one's place.
    const dropped = kind === 'name' ? droppedNames : droppedDescs;
    const at = dropped.indexOf(piece.at);
    if (at >= 0) dropped.splice(at, 1);
  }

  dropped(kind: 'name' | 'desc', at: number): void {
    const { names, descs, droppedNames, droppedDescs } = this.#growth;
    (kind === 'name' ? droppedNames : droppedDescs).push(at);
    const pieces = kind === 'name' ? names : descs;
    const made = pieces.findIndex((piece) => piece.at === at);
    if (made >= 0) pieces.splice(made, 1);
  }

  string(kind: 'folder' | 'type', number: number, text: string): void {
    (kind === 'folder' ? this.#growth.folders : this.#growth.types).push([number, text]);
  }

  take(): Growth {
    const growth = this.#growth;
    this.#growth = empty();
    return growth;
  }
}

function empty(): Mutable<Growth> {
  return {
    columns: [],
    names: [],
    descs: [],
    droppedNames: [],
    droppedDescs: [],
    folders: [],
    types: [],
  };
}
