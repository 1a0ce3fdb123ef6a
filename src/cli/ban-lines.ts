/** Bans as lines to read. */
import { type Ban, endOfBan } from '../access/bans.js';
import { formatDay } from '../quantities.js';
import { pad, printable, widthOf } from './printable.js';

export function banLine(ban: Ban, nowMs: number): string {
  return cells(ban, nowMs)
    .filter((cell) => cell !== '')
    .join('  ');
}

/** In aligned columns. */
export function banLines(bans: readonly Ban[], nowMs: number): string[] {
  if (bans.length === 0) return ['nobody is banned'];
  const rows = bans.map((ban) => cells(ban, nowMs));
  const widths = [0, 1, 2].map((at) => Math.max(...rows.map((row) => widthOf(row[at] ?? ''))));
  return rows.map((row) =>
    row
      .map((cell, at) => pad(cell, widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function cells(ban: Ban, nowMs: number): string[] {
  const { who, sinceMs, reason } = ban;
  return [printable(who), `since ${formatDay(sinceMs)}`, endOfBan(ban, nowMs), printable(reason ?? '')];
}
