/** Collects what readers of the columns have to be given with the next batch. */
import type { Piece } from '../columns/column.js';
import type { NumberedPiece } from '../columns/text-pieces.js';
import type { Growth, SharedColumn } from './file-columns.js';

export type TextKind = 'name' | 'desc' | 'folder';

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

export class GrowthNews {
  #growth = empty();

  column(column: SharedColumn, piece: Piece): void {
    this.#growth.columns.push({ ...piece, column });
  }

  text(kind: TextKind, piece: NumberedPiece): void {
    const { pieces, dropped } = this.#of(kind);
    pieces.push(piece);
    // It takes the number of one dropped just now: readers put it in that one's place.
    const at = dropped.indexOf(piece.at);
    if (at >= 0) dropped.splice(at, 1);
  }

  dropped(kind: TextKind, at: number): void {
    const { pieces, dropped } = this.#of(kind);
    dropped.push(at);
    const made = pieces.findIndex((piece) => piece.at === at);
    if (made >= 0) pieces.splice(made, 1);
  }

  type(number: number, text: string): void {
    this.#growth.types.push([number, text]);
  }

  take(): Growth {
    const growth = this.#growth;
    this.#growth = empty();
    return growth;
  }

  #of(kind: TextKind): { readonly pieces: NumberedPiece[]; readonly dropped: number[] } {
    const growth = this.#growth;
    switch (kind) {
      case 'name':
        return { pieces: growth.names, dropped: growth.droppedNames };
      case 'desc':
        return { pieces: growth.descs, dropped: growth.droppedDescs };
      case 'folder':
        return { pieces: growth.folders, dropped: growth.droppedFolders };
    }
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
    droppedFolders: [],
    types: [],
  };
}
