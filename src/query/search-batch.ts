/** Changes of the table on their way to a search, made one while they wait. */
import type { Growth } from '../catalogue/file-columns.js';
import type { TableBatch } from '../catalogue/table-feed.js';
import { SlotSet } from '../columns/slot-set.js';
import type { NumberedPiece } from '../columns/text-pieces.js';

/** What a search needs to know of one batch, or of several; plain data for messages between threads. */
export interface SearchBatch {
  /** Of the last batch in it. */
  readonly number: number;
  readonly added: Uint32Array;
  readonly removed: Uint32Array;
  readonly growth: Growth;
}

/**
 * Several batches in a row as one. A file that comes and goes in it is in neither list, nor is one that goes
 * and comes back: its texts are the same. Holds two bits a slot and the memory that the table has, however
 * many batches there are.
 */
export class WaitingBatches {
  #number = 0;
  #added = new SlotSet();
  #removed = new SlotSet();
  readonly #names = new Map<number, NumberedPiece>();
  readonly #descs = new Map<number, NumberedPiece>();
  readonly #droppedNames = new Set<number>();
  readonly #droppedDescs = new Set<number>();
  readonly #columns: Growth['columns'][number][] = [];
  readonly #folders = new Map<number, NumberedPiece>();
  readonly #droppedFolders = new Set<number>();
  readonly #types = new Map<number, string>();

  add({ number, added, removed, growth }: TableBatch): void {
    this.#number = number;
    for (const slot of removed) {
      if (this.#added.has(slot)) this.#added.delete(slot);
      else this.#removed.add(slot);
    }
    for (const slot of added) {
      if (this.#removed.has(slot)) this.#removed.delete(slot);
      else this.#added.add(slot);
    }
    for (const piece of growth.columns) this.#columns.push(piece); // each is made once
    grow(this.#names, this.#droppedNames, growth.names, growth.droppedNames);
    grow(this.#descs, this.#droppedDescs, growth.descs, growth.droppedDescs);
    grow(this.#folders, this.#droppedFolders, growth.folders, growth.droppedFolders);
    for (const [at, text] of growth.types) this.#types.set(at, text);
  }

  take(): SearchBatch {
    return {
      number: this.#number,
      added: listOf(this.#added),
      removed: listOf(this.#removed),
      growth: {
        columns: this.#columns,
        names: [...this.#names.values()],
        descs: [...this.#descs.values()],
        droppedNames: [...this.#droppedNames],
        droppedDescs: [...this.#droppedDescs],
        folders: [...this.#folders.values()],
        droppedFolders: [...this.#droppedFolders],
        types: [...this.#types],
      },
    };
  }
}

/** The number of a piece that was dropped may be that of a new one. */
function grow(
  pieces: Map<number, NumberedPiece>,
  dropped: Set<number>,
  made: readonly NumberedPiece[],
  gone: readonly number[],
): void {
  for (const at of gone) {
    pieces.delete(at);
    dropped.add(at);
  }
  for (const piece of made) {
    pieces.set(piece.at, piece);
    dropped.delete(piece.at);
  }
}

/** Of any number of slots in a few milliseconds, unlike the set's own iterator. */
function listOf(slots: SlotSet): Uint32Array {
  const { words } = slots;
  let count = 0;
  for (let at = 0; at < words.length; at++) {
    for (let left = words[at] as number; left !== 0; left &= left - 1) count += 1;
  }
  const list = new Uint32Array(count);
  for (let at = 0, next = 0; next < count; at++) {
    for (let left = words[at] as number; left !== 0; left &= left - 1) {
      list[next++] = at * 32 + 31 - Math.clz32(left & -left);
    }
  }
  return list;
}
