/**
 * On which side of a path the files of each folder are. Of most folders all are on one side, and then
 * no name needs to be read.
 */
import type { FileColumns } from '../catalogue/file-columns.js';
import { Column } from '../columns/column.js';
import { isKeptInPaths } from './position.js';

/** Before the path, after it, or to be compared one by one. */
export type Side = -1 | 1 | 0;

export class FolderSides {
  readonly #columns: FileColumns;
  #path = '';
  /** By folder, of which path it is known and the side: `4 * round + side + 1`. */
  readonly #known = Column.uint32();
  #round = 1;

  constructor(columns: FileColumns) {
    this.#columns = columns;
  }

  /** From now on it is asked about this path, as `pathFor` of `position.ts` gives it. */
  reset(path: string): void {
    if (path === this.#path) return;
    this.#path = path;
    this.#round += 1;
  }

  of(folder: number): Side {
    const known = this.#known.get(folder);
    if (known >>> 2 === this.#round) return ((known & 3) - 1) as Side;
    const side = this.#compare(`${this.#columns.folderText(folder)}/`);
    this.#known.set(folder, this.#round * 4 + side + 1);
    return side;
  }

  #compare(folder: string): Side {
    if (this.#path.startsWith(folder) || !isKeptInPaths(folder)) return 0;
    return folder < this.#path ? -1 : 1;
  }
}
