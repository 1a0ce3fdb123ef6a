/** Bans as lines to read. */
import type { Ban } from '../access/bans.js';
import { formatDay, formatDuration } from '../quantities.js';
import { pad, printable, widthOf } from './printable.js';

const DAY_MS = 86_400_000;

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

function cells({ who, sinceMs, untilMs, reason }: Ban, nowMs: number): string[] {
  return [
    printable(who),
    `since ${formatDay(sinceMs)}`,
    untilMs === undefined ? 'for good' : until(untilMs, nowMs),
    printable(reason ?? ''),
  ];
}

function until(untilMs: number, nowMs: number): string {
  const leftMs = untilMs - nowMs;
  return leftMs > 2 * DAY_MS ? `until ${formatDay(untilMs)}` : `for another ${formatDuration(leftMs)}`;
}
