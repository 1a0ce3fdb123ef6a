/** How a fetch goes on, in a line: how much, how fast, how long still. */

import { formatBytes, formatDuration } from '../quantities.js';
import { cut, printable, widthOf } from './printable.js';

interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

const WINDOW_MS = 5000; // long enough to be calm, short enough to follow a change of source

/** The rate over the last seconds. */
export class RateMeter {
  #samples: Sample[] = [];

  /** `bytes` have come so far, at a time that never goes back. */
  add(atMs: number, bytes: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && bytes < last.bytes) this.#samples = []; // begun anew
    // Ten a second are enough, and bound the list.
    const before = this.#samples.at(-2);
    if (before !== undefined && last !== undefined && last.atMs - before.atMs < 100) this.#samples.pop();
    this.#samples.push({ atMs, bytes });
    while (this.#samples.length > 2 && (this.#samples[1]?.atMs ?? atMs) <= atMs - WINDOW_MS)
      this.#samples.shift();
  }

  /** Undefined until there is something to say. */
  get bytesPerSecond(): number | undefined {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return undefined;
    return ((last.bytes - first.bytes) * 1000) / (last.atMs - first.atMs);
  }
}

export interface Progress {
  readonly name: string;
  readonly receivedBytes: number;
  readonly totalBytes?: number;
  readonly bytesPerSecond: number | undefined;
}

const MIN_BAR = 10;
const MAX_BAR = 40;

/** `romeo.txt  [######----]  61 %  1.2 MB of 2 MB  840 kB/s  0:07 left`, at most `columns` wide. */
export function progressLine(progress: Progress, columns: number): string {
  const facts = progressFacts(progress);
  const { receivedBytes, totalBytes } = progress;
  const known = totalBytes !== undefined && totalBytes > 0;
  const name = cut(printable(progress.name), Math.max(8, Math.floor(columns / 3)));
  const room = columns - widthOf(name) - facts.length - 2 * 2 - 2;
  const width = Math.min(MAX_BAR, room);
  const share = known ? Math.min(1, receivedBytes / totalBytes) : 0;
  const bar =
    known && width >= MIN_BAR ? [`[${'#'.repeat(Math.floor(share * width)).padEnd(width, '-')}]`] : [];
  return cut([name, ...bar, facts].join('  '), columns);
}

/** The same without name and bar, for logs and pipes. */
export function progressFacts({ receivedBytes, totalBytes, bytesPerSecond }: Progress): string {
  const facts: string[] = [];
  if (totalBytes === undefined) facts.push(formatBytes(receivedBytes));
  else {
    // 100 % only when all is here.
    const percent = totalBytes === 0 ? 100 : Math.floor((receivedBytes / totalBytes) * 100);
    facts.push(
      `${String(percent).padStart(3)} %`,
      `${formatBytes(receivedBytes)} of ${formatBytes(totalBytes)}`,
    );
  }
  if (bytesPerSecond !== undefined) facts.push(`${formatBytes(bytesPerSecond)}/s`);
  if (bytesPerSecond !== undefined && bytesPerSecond > 0 && totalBytes !== undefined) {
    facts.push(`${formatDuration(((totalBytes - receivedBytes) / bytesPerSecond) * 1000)} left`);
  }
  return facts.join('  ');
}
