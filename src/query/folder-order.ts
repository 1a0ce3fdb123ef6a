/**
 * How paths are ordered as far as their folders tell: of most folders all files are before those of another,
 * or before a given path, and then no name needs to be read.
 */
import type { FileColumns } from '../catalogue/file-columns.js';
import { Column } from '../columns/column.js';
import { isKeptInPaths } from './position.js';

/** Before, after, or to be told by the names. */
export type Side = -1 | 1 | 0;

export class FolderOrder {
  readonly #columns: FileColumns;
  /** With the slash, so that each is made once. */
  readonly #texts = new Map<number, string | null>();
  #path = '';
  /** By folder, of which path it is known and the side: `4 * round + side + 1`. */
  readonly #sides = Column.uint32();
  #round = 1;

  constructor(columns: FileColumns) {
    this.#columns = columns;
  }

  /** From now on {@link sideOf} is about this path, as `pathFor` of `position.ts` gives it. */
  markPath(path: string): void {
    if (path === this.#path) return;
    this.#path = path;
    this.#round += 1;
  }

  /** Of all files of the folder beside the path. */
  sideOf(folder: number): Side {
    const known = this.#sides.get(folder);
    if (known >>> 2 === this.#round) return ((known & 3) - 1) as Side;
    const side = this.#compareToPath(`${this.#columns.folderText(folder)}/`);
    this.#sides.set(folder, this.#round * 4 + side + 1);
    return side;
  }

  #compareToPath(folder: string): Side {
    if (this.#path.startsWith(folder) || !isKeptInPaths(folder)) return 0;
    return folder < this.#path ? -1 : 1;
  }

  /** For {@link compareFolders}: null where the text is too long to stand in a position as it is. */
  text(folder: number): string | null {
    const known = this.#texts.get(folder);
    if (known !== undefined) return known;
    const text = `${this.#columns.folderText(folder)}/`;
    const kept = isKeptInPaths(text) ? text : null;
    this.#texts.set(folder, kept);
    return kept;
  }
}

/** Of all files of the one folder beside all of the other. */
export function compareFolders(one: string | null, other: string | null): Side {
  if (one === null || other === null) return 0;
  if (one < other) return other.startsWith(one) ? 0 : -1;
  return one.startsWith(other) ? 0 : 1;
}
