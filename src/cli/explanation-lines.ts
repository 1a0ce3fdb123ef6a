/** What `shoal explain` prints. */
import type { Explained } from '../node/explained.js';
import type { Explanation, Step } from '../query/explanation.js';
import { printable } from './printable.js';

const DRIVERS: Readonly<Record<Explanation['driver'], string>> = {
  hash: 'the table of hashes',
  words: 'the index of words',
  column: 'a column of numbers',
  scan: 'a look at every file',
};

/** What can be done where a bound was reached, for the bounds that whoever asks can do something about. */
const ADVICE: Readonly<Record<string, string>> = {
  queryDeadlineMs:
    'The node gives up after limits.queryDeadlineMs. Words beside a pattern leave it fewer files.',
  terms: 'More letters before or after the * stand for fewer words.',
  queuedQueries: 'Too many others ask; limits.concurrentQueries and limits.queuedQueries say how many may.',
};

export function explanationLines(explained: Explained): string[] {
  if (explained.type === 'refused') {
    const { bound, message, ms } = explained;
    const advice = bound === undefined ? undefined : ADVICE[bound];
    return [
      `refused after ${milliseconds(ms)}: ${printable(message)}${bound === undefined ? '' : ` (${printable(bound)})`}`,
      ...(advice === undefined ? [] : [advice]),
    ];
  }
  const { explanation, ms } = explained;
  const { driver, candidates, files, matches, steps } = explanation;
  const width = Math.max(...steps.flatMap((each) => [count(each.before).length, count(each.after).length]));
  return [
    `driven by ${DRIVERS[driver]}: ${count(candidates)} of ${count(files)} files`,
    ...steps.map((each) => stepLine(each, width)),
    `${count(matches)} found, ${milliseconds(ms)} in all`,
  ];
}

function stepLine({ step, before, after, ms }: Step, width: number): string {
  const took = ms === undefined ? '' : `  ${milliseconds(ms).padStart(10)}`;
  return `  ${step.padEnd(5)}  ${count(before).padStart(width)} → ${count(after).padStart(width)}${took}`;
}

function count(files: number): string {
  return files.toLocaleString('en');
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 2 : 0)} ms`;
}
