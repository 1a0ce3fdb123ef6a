/** What goes in and out of a node, as lines of a table. */
import type { TransferStatus } from '../node/node-status.js';
import { formatBytes, formatDuration } from '../quantities.js';
import { cut, pad, printable, widthOf } from './printable.js';

const MAX_PATH_WIDTH = 50; // one long name shall not push the figures of all others out of sight
const ARROWS = { out: 'to', in: 'from' } as const;
const STATES = { waiting: 'waiting', active: '', ended: 'ended' } as const;

/** One line a transfer, after one that adds them up. `columns`: cells in a line, where it is to be cut. */
export function transferLines(transfers: readonly TransferStatus[], columns?: number): string[] {
  if (transfers.length === 0) return ['no transfers'];
  const rows = transfers.map((each) => [
    each.direction,
    cut(printable(each.path), MAX_PATH_WIDTH),
    amount(each),
    STATES[each.state] || `${formatBytes(each.bytesPerSecond)}/s`,
    left(each),
    `${ARROWS[each.direction]} ${printable(each.peer)}${strikes(each)}`,
  ]);
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => widthOf(row[at] ?? ''))));
  const lines = [
    ...summary(transfers),
    ...rows.map((row) =>
      row
        .map((cell, at) => pad(cell, widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    ),
  ];
  return columns === undefined ? lines : lines.map((line) => cut(line, columns));
}

function summary(transfers: readonly TransferStatus[]): string[] {
  return (['out', 'in'] as const).flatMap((direction) => {
    const those = transfers.filter((each) => each.direction === direction);
    if (those.length === 0) return [];
    const active = those.filter((each) => each.state === 'active');
    const rate = active.reduce((sum, each) => sum + each.bytesPerSecond, 0);
    const waiting = those.filter((each) => each.state === 'waiting').length;
    const facts = [`${active.length} going ${direction}, ${formatBytes(rate)}/s`];
    if (waiting > 0) facts.push(`${waiting} waiting`);
    return [facts.join(', ')];
  });
}

function amount({ bytes, fileBytes }: TransferStatus): string {
  if (fileBytes === undefined) return formatBytes(bytes);
  // What broke on the way is sent again: more than the file can go out.
  const percent = fileBytes === 0 ? 100 : Math.min(100, Math.floor((bytes / fileBytes) * 100));
  return `${String(percent).padStart(3)} % of ${formatBytes(fileBytes)}`;
}

function left({ state, bytes, fileBytes, bytesPerSecond }: TransferStatus): string {
  if (state !== 'active' || fileBytes === undefined || bytesPerSecond <= 0 || bytes >= fileBytes) return '';
  return formatDuration(((fileBytes - bytes) / bytesPerSecond) * 1000);
}

function strikes({ strikes: count = 0 }: TransferStatus): string {
  return count === 0 ? '' : `, ${count} ${count === 1 ? 'strike' : 'strikes'}`;
}
