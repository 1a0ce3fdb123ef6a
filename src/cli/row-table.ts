/** Found files as lines of a table: size, date, path, sources and, where wanted, a line with the hash below. */

import { formatBytes, formatDay } from '../quantities.js';
import { formatHash } from '../stanza/xep0300-hashes.js';
import type { FoundRow } from './found-rows.js';
import { cut, pad, printable, widthOf } from './printable.js';

export interface RowTableOptions {
  /** Cells in a line; longer ones are cut. Undefined: as long as they are. */
  readonly columns?: number;
  /** Adds the hash, from which `shoal get` knows the file: where lines are cut, on a line of its own. */
  readonly withHash: boolean;
}

const SIZE_WIDTH = 7;
const DAY_WIDTH = 10;
const GAP = 2;
// A few names of hundreds of characters shall not push the sources of all others out of sight.
const MAX_PATH_WIDTH = 60;

export function rowLines(rows: readonly FoundRow[], options: RowTableOptions): string[] {
  const paths = rows.map((row) => printable(row.path ?? row.name));
  const pathWidth = Math.min(MAX_PATH_WIDTH, roomForPath(options), Math.max(0, ...paths.map(widthOf)));
  const { columns } = options;
  return rows.flatMap((row, at) => {
    const path = paths[at] ?? '';
    const shown = options.columns === undefined ? path : cut(path, Math.max(1, roomForPath(options)));
    const fields = [
      (row.size === undefined ? '' : formatBytes(row.size)).padStart(SIZE_WIDTH),
      (row.dateMs === undefined ? '' : formatDay(row.dateMs)).padEnd(DAY_WIDTH),
      pad(shown, pathWidth),
      ...(options.withHash && columns === undefined ? [hashOf(row)] : []),
      [...new Set(row.sources.map((source) => printable(source.jid)))].join(', '),
    ];
    const line = fields.join(' '.repeat(GAP)).trimEnd();
    if (columns === undefined) return [line];
    return [cut(line, columns), ...(options.withHash ? [hashLine(row, columns)] : [])];
  });
}

/** Half of a terminal's line at most is for the path where there is something behind it. */
function roomForPath({ columns }: RowTableOptions): number {
  return columns === undefined
    ? Number.POSITIVE_INFINITY
    : Math.max(10, Math.floor((columns - SIZE_WIDTH - DAY_WIDTH - 3 * GAP) * 0.7));
}

/** Below the path where there is room: half a hash is none. */
function hashLine(row: FoundRow, columns: number): string {
  const hash = hashOf(row);
  const indent = Math.max(0, Math.min(SIZE_WIDTH + GAP, columns - hash.length));
  return cut(`${' '.repeat(indent)}${hash}`, columns);
}

function hashOf(row: FoundRow): string {
  const hash = row.hashes.find((each) => each.algo === 'sha-256') ?? row.hashes[0];
  return hash === undefined ? '-' : formatHash(hash);
}
