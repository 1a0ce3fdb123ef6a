/**
 * Takes turns between us and the peers, so that what else the machine does meets all of them, and
 * makes a table of the medians: printed, and kept in `bench/results`.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export type Goal =
  /** Of ours divided by the peer's. */
  | { readonly kind: 'at most' | 'at least'; readonly ratio: number }
  /** Of ours alone. */
  | { readonly kind: 'no more than'; readonly value: number };

/** A figure of ours beside that of one peer. */
export interface Row {
  readonly work: string;
  readonly ours: number;
  readonly peer?: { readonly name: string; readonly value: number };
  readonly goal?: Goal;
  /** What stands in the last column instead of a ratio's verdict. */
  readonly remark?: string;
}

export interface Table {
  readonly title: string;
  /** `ms`, `MB/s`. */
  readonly unit: string;
  readonly rows: readonly Row[];
}

export interface Report {
  readonly name: string;
  /** What was done, in a sentence or two. */
  readonly about: readonly string[];
  readonly machine: readonly string[];
  readonly tables: readonly Table[];
  /** Peers that are not installed. */
  readonly missing: readonly string[];
}

export interface Contender {
  readonly name: string;
  /** Does the work once; resolves with milliseconds. */
  readonly run: () => number | Promise<number>;
}

export const REPEATS = 7;

/** The median of each contender's milliseconds. One turn goes before, to make everything warm. */
export async function takeTurns(
  contenders: readonly Contender[],
  repeats = REPEATS,
): Promise<ReadonlyMap<string, number>> {
  const taken = new Map(contenders.map(({ name }) => [name, [] as number[]]));
  for (let turn = 0; turn <= repeats; turn += 1) {
    for (const { name, run } of contenders) {
      const ms = await run();
      if (turn > 0) taken.get(name)?.push(ms);
    }
  }
  return new Map([...taken].map(([name, all]) => [name, median(all)]));
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** Milliseconds of a call. */
export async function timed(work: () => unknown): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

export interface ShellRun {
  readonly ms: number;
  readonly stdout: string;
}

/**
 * Runs a line of bash, which reads the clock itself: to start a process from a large one of Node's costs
 * milliseconds that are not the peer's. `$1` and so on are the `words`. The locale is C.UTF-8.
 */
export function timedShell(line: string, words: readonly string[] = []): Promise<ShellRun> {
  const script = `began=$EPOCHREALTIME\n${line}\nended=$EPOCHREALTIME\necho "$began $ended" >&2`;
  const env = { ...process.env, LC_ALL: 'C.UTF-8' };
  return new Promise((resolve, reject) => {
    execFile(
      'bash',
      ['-c', script, 'bash', ...words],
      { env, maxBuffer: 1 << 28 },
      (error, stdout, stderr) => {
        const [began, ended] = (stderr.trimEnd().split('\n').at(-1) ?? '').split(' ').map(Number);
        if (error || began === undefined || ended === undefined || Number.isNaN(ended - began)) {
          reject(error ?? new Error(`${line}: ${stderr}`));
        } else resolve({ ms: (ended - began) * 1000, stdout });
      },
    );
  });
}

/**
 * Prints the report and keeps it. Notes that people have added below it stay. What is only shown, such as
 * that of a try at a smaller size, leaves the last result as it is.
 */
export function publish(report: Report, where: 'kept' | 'shown' = 'kept'): void {
  const text = format(report);
  process.stdout.write(`\n${text}`);
  if (where === 'shown') return;
  const file = resultFile(report.name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${text}${notesIn(file)}`);
}

const NOTES = '\n## Notes\n';

function notesIn(file: string): string {
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const at = before.indexOf(NOTES);
  return at < 0 ? '' : before.slice(at);
}

/** Beside the sources, wherever the build went: in the folder of `package.json`. */
function resultFile(name: string): string {
  let root = import.meta.dirname;
  while (!existsSync(join(root, 'package.json')) && root !== dirname(root)) root = dirname(root);
  return join(root, 'bench', 'results', `${name}.md`);
}

function format(report: Report): string {
  const lines = [`# ${report.name}`, '', ...report.about, '', ...report.machine];
  if (report.missing.length > 0) lines.push(`* not installed, and so left out: ${report.missing.join(', ')}`);
  for (const { title, unit, rows } of report.tables) {
    lines.push('', `## ${title}`, '', `| work | ours, ${unit} | peer | peer's, ${unit} | ratio | goal | |`);
    lines.push('|---|---|---|---|---|---|---|', ...rows.map(formatRow));
  }
  return `${lines.join('\n')}\n`;
}

function formatRow({ work, ours, peer, goal, remark }: Row): string {
  const ratio = peer === undefined ? undefined : ours / peer.value;
  const cells = [
    work,
    figure(ours),
    peer?.name ?? '',
    peer === undefined ? '' : figure(peer.value),
    ratio === undefined ? '' : ratio.toFixed(2),
    goal === undefined ? '' : goalText(goal),
    remark ?? (goal === undefined ? '' : verdict(goal, ours, ratio)),
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function goalText(goal: Goal): string {
  if (goal.kind === 'no more than') return `ours ≤ ${goal.value}`;
  return `${goal.kind === 'at most' ? '≤' : '≥'} ${Number(goal.ratio.toFixed(2))}`;
}

function verdict(goal: Goal, ours: number, ratio: number | undefined): string {
  if (goal.kind === 'no more than') return ours <= goal.value ? 'met' : 'missed';
  if (ratio === undefined) return '';
  return (goal.kind === 'at most' ? ratio <= goal.ratio : ratio >= goal.ratio) ? 'met' : 'missed';
}

function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}
