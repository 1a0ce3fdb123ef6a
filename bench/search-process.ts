/** One contender in a process of its own: fills it, then searches whenever it is told to. */
import type { FileEntry } from '../src/catalogue/file-entry.js';
import { generateFiles, listedFiles } from './corpus.js';
import { CONTENDERS } from './search-contenders.js';
import { QUERIES } from './search-queries.js';
import { median } from './table.js';

export interface Filled {
  readonly type: 'filled';
  readonly files: number;
  readonly buildMs: number;
  readonly megabytes: number;
}

export interface Searched {
  readonly type: 'searched';
  readonly ms: number;
  readonly matches: number;
}

const FILES_AT_A_TIME = 4096;
/** A short search is made more often, and counted as the median, so that the clock and the way there matter less. */
const ENOUGH_MS = 50;
const MOST_TIMES = 20;
const MIB = 2 ** 20;

const [name = '', size = '', list] = process.argv.slice(2);
const contender = CONTENDERS[name]?.();
if (!contender || !process.send) throw new TypeError('search.ts starts this');
const tell = (message: Filled | Searched) => process.send?.(message);

const before = residentBytes();
let buildMs = 0;
let files = 0;
let batch: FileEntry[] = [];
/** Making the files up is not a part of anyone's time. */
async function add(): Promise<void> {
  const began = performance.now();
  await contender?.add(batch);
  buildMs += performance.now() - began;
  files += batch.length;
  batch = [];
}
for await (const file of list === undefined ? generateFiles(Number(size)) : listedFiles(list)) {
  batch.push(file);
  if (batch.length === FILES_AT_A_TIME) await add();
}
await add();
const began = performance.now();
await contender.ready();
buildMs += performance.now() - began;
tell({ type: 'filled', files, buildMs, megabytes: (residentBytes() - before) / MIB });

process.on('message', async (at: number) => {
  const query = QUERIES[at];
  if (!query) return;
  const times: number[] = [];
  let matches = 0;
  const beganAll = performance.now();
  while (times.length === 0 || (performance.now() - beganAll < ENOUGH_MS && times.length < MOST_TIMES)) {
    const began = performance.now();
    matches = await contender.search(query);
    times.push(performance.now() - began);
  }
  tell({ type: 'searched', ms: median(times), matches });
});

/** After what is no longer needed is gone. */
function residentBytes(): number {
  for (let times = 0; times < 3; times++) globalThis.gc?.();
  return process.memoryUsage.rss();
}
