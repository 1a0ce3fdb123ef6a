/** A download as lines: the total, a map of what is there, and a line for each source. */
import { messageOf } from '../errors.js';
import { formatBytes, formatDuration } from '../quantities.js';
import type { DownloadProgress, SourceProgress } from '../transfer/fetch/download-events.js';
import type { Span } from '../transfer/fetch/range-set.js';
import { cut, pad, printable, widthOf } from './printable.js';

export interface DownloadLinesInit {
  readonly name: string;
  /** Of the terminal. */
  readonly columns: number;
  readonly rows: number;
}

const MAX_NAME_SHARE = 1 / 3;
const MAX_JID_WIDTH = 40;

export function downloadLines(
  progress: DownloadProgress,
  { name, columns, rows }: DownloadLinesInit,
): string[] {
  const shown = cut(printable(name), Math.max(8, Math.floor(columns * MAX_NAME_SHARE)));
  const head = `${shown}  ${totalFacts(progress)}`;
  const room = Math.max(1, rows - 4); // the total, the map, a line for those left out, and the cursor's own
  return [head, map(progress, columns - 2), ...sourceLines(progress, room)].map((line) => cut(line, columns));
}

/** `41 %  410 MB of 1.0 GB  40 MB/s  0:15 left`. */
export function totalFacts(progress: DownloadProgress): string {
  const { receivedBytes, totalBytes, bytesPerSecond, leftMs } = progress;
  const facts = [
    `${percent(receivedBytes, totalBytes)} %`,
    `${formatBytes(receivedBytes)} of ${formatBytes(totalBytes)}`,
    `${formatBytes(bytesPerSecond)}/s`,
  ];
  if (leftMs !== undefined && receivedBytes < totalBytes) facts.push(`${formatDuration(leftMs)} left`);
  return facts.join('  ');
}

/** 100 only when all is there. */
function percent(part: number, whole: number): string {
  return String(whole === 0 ? 100 : Math.min(100, Math.floor((part / whole) * 100))).padStart(3);
}

/** `#` is there, `>` on its way, `:` there in part, `-` missing. Linear in the spans and the width. */
export function map({ totalBytes, there, underWay }: DownloadProgress, width: number): string {
  const cells = Math.max(1, width);
  const full = coverage(there, totalBytes, cells);
  const coming = coverage(underWay, totalBytes, cells);
  const marks = full.map((share, at) => {
    if (share >= 1 - 1e-9) return '#';
    if ((coming[at] ?? 0) > 0) return '>';
    return share > 0 ? ':' : '-';
  });
  return `[${marks.join('')}]`;
}

/** How much of each cell the spans cover, from 0 to 1. */
function coverage(spans: readonly Span[], totalBytes: number, cells: number): number[] {
  const covered = new Array<number>(cells).fill(totalBytes === 0 ? 1 : 0);
  if (totalBytes === 0) return covered;
  const cellBytes = totalBytes / cells;
  for (const { start, end } of spans) {
    const last = Math.min(cells, Math.ceil(end / cellBytes)) - 1;
    for (let at = Math.max(0, Math.floor(start / cellBytes)); at <= last; at += 1) {
      const part = Math.min(end, (at + 1) * cellBytes) - Math.max(start, at * cellBytes);
      covered[at] = (covered[at] ?? 0) + Math.max(0, part) / cellBytes;
    }
  }
  return covered;
}

/** Those at work stand first; what does not fit is counted. */
function sourceLines({ sources, totalBytes }: DownloadProgress, room: number): string[] {
  const order = [...sources].sort((a, b) => rank(a) - rank(b));
  const shown = order.slice(0, order.length <= room ? room : room - 1);
  const rows = shown.map((source) => [
    cut(printable(source.jid), MAX_JID_WIDTH),
    source.state === 'receiving' ? `${formatBytes(source.bytesPerSecond)}/s` : sourceState(source),
    `${percent(source.keptBytes, totalBytes)} %`,
    [strikesOf(source), reasonOf(source)].filter((text) => text !== '').join('; '),
  ]);
  const widths = [0, 1, 2].map((at) => Math.max(0, ...rows.map((row) => widthOf(row[at] ?? ''))));
  const lines = rows.map((row) =>
    `  ${row.map((cell, at) => pad(cell, widths[at] ?? 0)).join('  ')}`.trimEnd(),
  );
  return shown.length < order.length ? [...lines, `  and ${order.length - shown.length} more`] : lines;
}

const RANKS: Readonly<Record<SourceProgress['state'], number>> = {
  receiving: 0,
  connecting: 1,
  queued: 2,
  resting: 3,
  spare: 4,
  banned: 5,
  'other-blocks': 6,
  out: 7,
};

function rank(source: SourceProgress): number {
  return RANKS[source.state];
}

/** The state in a word or two. */
export function sourceState({ state, position, transport }: SourceProgress): string {
  switch (state) {
    case 'receiving':
      return transport === undefined ? 'receiving' : `receiving (${transportNames[transport]})`;
    case 'queued':
      return position === undefined ? 'waiting for a slot' : `waiting, place ${position}`;
    case 'resting':
      return 'failed, asked again later';
    case 'out':
      return 'failed';
    case 'banned':
      return 'sent wrong bytes';
    case 'other-blocks':
      return 'says it has other blocks';
    default:
      return state;
  }
}

export const transportNames = { s5b: 'SOCKS5', ibb: 'in-band' };

function strikesOf({ strikes }: SourceProgress): string {
  return strikes === 0 ? '' : `${strikes} ${strikes === 1 ? 'strike' : 'strikes'}`;
}

function reasonOf({ error, state }: SourceProgress): string {
  return error === undefined || state === 'banned' ? '' : printable(messageOf(error));
}
