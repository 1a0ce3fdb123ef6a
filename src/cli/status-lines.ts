/** The status of a node as lines to read. */
import type { NodeStatus } from '../node/node-status.js';
import { formatBytes, formatDuration } from '../quantities.js';
import { pad, printable, widthOf } from './printable.js';
import { transferLines } from './transfers-lines.js';
import { wishCells } from './wish-lines.js';

export function statusLines(status: NodeStatus): string[] {
  const state = status.online ? 'online' : 'offline, trying to come back';
  const { received, answered, refused, dropped } = status.queries;
  const { p50, p99, max } = status.eventLoopDelayMs;
  return [
    `${printable(status.jid)}  ${state}, up ${formatDuration(status.uptimeMs)}`,
    ...block(
      'shares',
      status.shares.map((share) => [
        printable(share.name),
        `${share.files} files`,
        formatBytes(share.bytes),
        share.available ? '' : 'not there',
      ]),
    ),
    ...block(
      'channels',
      status.channels.map((channel) => [
        `${printable(channel.node)} at ${printable(channel.service)}`,
        channel.state,
        printable(channel.text ?? ''),
      ]),
    ),
    ...block(
      'transfers',
      status.transfers.length === 0 ? [] : transferLines(status.transfers).map((line) => [line]),
    ),
    ...(status.wishes.length > 0 ? block('wishes', status.wishes.map(wishCells)) : []),
    ...(status.refusals.length > 0 ? block('refused', refusalRows(status)) : []),
    '',
    `hashing   ${status.scan === 'first' ? 'begins after the first scan, which is under way' : hashingText(status.hashing)}`,
    `queries   ${received} received, ${answered} answered, ${refused} refused, ${dropped} dropped, ${status.keptQuestions} kept`,
    ...(status.bans + status.ignored > 0
      ? [`kept out  ${status.bans} banned, ${status.ignored} not answered for a while`]
      : []),
    ...(status.load === 'calm' ? [] : [`load      ${loadTexts[status.load]}`]),
    `lateness  ${p50} ms half of the time, ${p99} ms at 99 %, ${max} ms at most`,
  ];
}

const loadTexts = {
  busy: 'busy: questions of channels are left out',
  overloaded: 'overloaded: all questions are refused',
} as const;
const MAX_REFUSAL_ROWS = 12;

function refusalRows({ refusals }: NodeStatus): string[][] {
  const rest = refusals.slice(MAX_REFUSAL_ROWS);
  const rows = refusals.slice(0, MAX_REFUSAL_ROWS).map(({ rule, count }) => [printable(rule), `${count}`]);
  if (rest.length === 0) return rows;
  return [...rows, [`${rest.length} other rules`, `${rest.reduce((sum, { count }) => sum + count, 0)}`]];
}

function hashingText({ filesLeft, bytesLeft, bytesPerSecond }: NodeStatus['hashing']): string {
  if (filesLeft === 0) return 'done';
  const left = `${filesLeft} files, ${formatBytes(bytesLeft)} left`;
  if (bytesPerSecond <= 0) return left;
  return `${left}, ${formatBytes(bytesPerSecond)}/s, ${formatDuration((bytesLeft / bytesPerSecond) * 1000)}`;
}

/** Rows in aligned columns below a heading. */
function block(heading: string, rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return ['', `${heading}  none`];
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => widthOf(row[at] ?? ''))));
  const lines = rows.map((row) =>
    `  ${row.map((cell, at) => pad(cell, widths[at] ?? 0)).join('  ')}`.trimEnd(),
  );
  return ['', heading, ...lines];
}
