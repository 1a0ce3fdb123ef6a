/**
 * How paths are ordered as far as their folders tell: of most folders all files are before those of another,
 * or before a given path, and then no name needs to be read.
 */
import type { FileColumns } from '../catalogue/file-columns.js';
import { Column } from '../columns/column.js';
import { MadeOfTexts } from '../columns/made-of-texts.js';
import { isKeptInPaths } from './position.js';

/** Before, after, or to be told by the names. */
export type Side = -1 | 1 | 0;

/** With the slash. Kept from one search to the next: to read them anew takes longer than all the rest of it. */
const textsOf = new WeakMap<FileColumns, MadeOfTexts<string | null>>();

export class FolderOrder {
  readonly #columns: FileColumns;
  readonly #texts: MadeOfTexts<string | null>;
  #path = '';
  /** By folder, of which path it is known and the side: `4 * round + side + 1`. */
  readonly #sides = Column.uint32();
  #round = 1;

  constructor(columns: FileColumns) {
    this.#columns = columns;
    this.#texts = textsOf.get(columns) ?? new MadeOfTexts({ texts: columns.folders });
    textsOf.set(columns, this.#texts);
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
    const side = this.#compareToPath(this.text(folder));
    this.#sides.set(folder, this.#round * 4 + side + 1);
    return side;
  }

  #compareToPath(folder: string | null): Side {
    if (folder === null || this.#path.startsWith(folder)) return 0;
    return folder < this.#path ? -1 : 1;
  }

  /** For {@link compareFolders}: null where the text is too long to stand in a position as it is. */
  text(folder: number): string | null {
    return this.#texts.of(this.#columns.folderAt.get(folder), () => {
      const text = `${this.#columns.folderText(folder)}/`;
      return isKeptInPaths(text) ? text : null;
    });
  }
}

/** Of all files of the one folder beside all of the other. */
export function compareFolders(one: string | null, other: string | null): Side {
  if (one === null || other === null) return 0;
  if (one < other) return other.startsWith(one) ? 0 : -1;
  return one.startsWith(other) ? 0 : 1;
}
