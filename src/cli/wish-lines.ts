/** What a node wishes for itself, as cells to read. */

import { formatBytes } from '../quantities.js';
import type { MirrorState, MirrorStatus } from '../wishes/mirror.js';
import { printable } from './printable.js';

const STATES: Readonly<Record<MirrorState, string>> = {
  starting: 'begins when all files are hashed',
  waiting: 'has what is offered',
  fetching: 'fetching',
  'share-full': 'the share is full',
  'disk-short': 'waiting: the disk is nearly full',
  'share-gone': "waiting: the folder is not there, or can't be written",
};

export function wishCells(wish: MirrorStatus): string[] {
  const { name, share, fetchedFiles, fetchedBytes, waitingFiles, unreached } = wish;
  return [
    printable(name),
    `to ${printable(share)}`,
    doing(wish),
    `${fetchedFiles} files, ${formatBytes(fetchedBytes)} fetched`,
    unreached !== undefined
      ? `not asked: ${printable(unreached)}`
      : waitingFiles > 0
        ? `${waitingFiles} to come`
        : '',
  ];
}

function doing({ state, current }: MirrorStatus): string {
  if (!current) return STATES[state];
  const { name, receivedBytes, totalBytes } = current;
  return `fetching ${printable(name)}, ${formatBytes(receivedBytes)} of ${formatBytes(totalBytes)}`;
}
