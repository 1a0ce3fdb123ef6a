/** What happens to a running node when files come, move and go: how long until it says so, and how late it is meanwhile. */
import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { LoopDelayStatus } from '../src/node/node-status.js';
import type { Found } from '../src/stanza/file-discovery.js';
import type { BareJid } from '../src/stanza/jid.js';
import { type Asking, words } from './asking.js';
import type { Cleanups } from './cleanups.js';
import { plantFiles } from './corpus-on-disk.js';
import type { NodeProcess } from './node-process.js';
import { QUIET_MS } from './private-network.js';
import { median } from './table.js';

export interface ChangedNode {
  readonly asking: Asking;
  readonly address: BareJid;
  readonly process: NodeProcess;
  readonly cleanups: Cleanups;
  /** The share in which it happens. */
  readonly folder: string;
}

/** One change, made several times. */
export interface Repeated {
  readonly work: string;
  /** What of the times is a wait that is wanted. */
  readonly quietMs: number;
  /** From the change to the right answer. */
  readonly medianMs: number;
  readonly slowestMs: number;
  /** Of the worst repeat. */
  readonly delay: LoopDelayStatus;
}

/** A change of very many files. */
export interface Bulk {
  readonly work: string;
  /** Until the files are as they should be on disk. */
  readonly onDiskMs: number;
  /** From the beginning until all answers are right. */
  readonly searchableMs: number;
  /** The same until nothing is left to hash; means little where nothing was hashed. */
  readonly hashedMs: number;
  readonly filesHashed: number;
  readonly delay: LoopDelayStatus;
}

const REPEATS = 7;
/** Between two changes: longer than a file must have been quiet, so that each begins in peace. */
const REST_MS = 1500;
/** The delay of a change is that of so long at least: of a few looks no percentile can be told. */
const DELAY_WINDOW_MS = 2000;
const HASH_POLL_MS = 500;
/** Another than that of the corpus: other names and other contents. */
const SEED = 1_000_003;
const OLD = new Date('2020-06-01T12:00:00Z');

const all = (count: number) => (found: Found) => found.total === count && found.pending === 0;

export async function singleChanges(node: ChangedNode): Promise<Repeated[]> {
  const folder = join(node.folder, 'one by one');
  mkdirSync(folder);
  const added = new Repeats('a file is added', QUIET_MS);
  const renamed = new Repeats('it is renamed', QUIET_MS);
  const removed = new Repeats('it is removed', 0);
  const measure = async (repeats: Repeats, change: () => void, word: string, count: number) => {
    await pause(REST_MS);
    await node.process.status(); // the delay is told from here on
    const began = performance.now();
    change();
    const ended = await node.asking.until(node.address, words(word), all(count));
    await pause(DELAY_WINDOW_MS - (performance.now() - began));
    const { eventLoopDelayMs } = await node.process.status();
    repeats.add(ended - began, eventLoopDelayMs);
  };
  for (let turn = 0; turn < REPEATS; turn += 1) {
    const [first, second] = [join(folder, `arrival${turn}.flac`), join(folder, `departure${turn}.flac`)];
    const add = () => {
      writeFileSync(first, `content of ${turn}\n`);
      utimesSync(first, OLD, OLD);
    };
    await measure(added, add, `arrival${turn}`, 1);
    await measure(renamed, () => renameSync(first, second), `departure${turn}`, 1);
    await measure(removed, () => rmSync(second), `departure${turn}`, 0);
  }
  return [added, renamed, removed].map((each) => each.told());
}

class Repeats {
  readonly #work: string;
  readonly #quietMs: number;
  readonly #times: number[] = [];
  readonly #delays: LoopDelayStatus[] = [];

  constructor(work: string, quietMs: number) {
    this.#work = work;
    this.#quietMs = quietMs;
  }

  add(ms: number, delay: LoopDelayStatus): void {
    this.#times.push(ms);
    this.#delays.push(delay);
  }

  told(): Repeated {
    return {
      work: this.#work,
      quietMs: this.#quietMs,
      medianMs: median(this.#times),
      slowestMs: Math.max(...this.#times),
      delay: worst(this.#delays),
    };
  }
}

/** An archive of `files` is unpacked, what was in it is moved as a whole, and removed. */
export async function bulkChanges(node: ChangedNode, files: number): Promise<Bulk[]> {
  const unpacked = join(node.folder, 'unpackedtree');
  const moved = join(node.folder, 'movedtree');
  const bulk = (work: string, change: () => unknown, word: string, count: number) =>
    bulkChange(node, { work, change, word, count });
  const thousands = files.toLocaleString('en');
  return [
    await bulk(
      `${thousands} files are unpacked`,
      () => plantFiles(node.cleanups, unpacked, files, SEED),
      'unpackedtree',
      files,
    ),
    await bulk(`a tree of ${thousands} is moved`, () => renameSync(unpacked, moved), 'movedtree', files),
    await bulk(`${thousands} files are removed`, () => rm(moved, { recursive: true }), 'movedtree', 0),
  ];
}

interface BulkChange {
  readonly work: string;
  readonly change: () => unknown;
  readonly word: string;
  readonly count: number;
}

async function bulkChange(
  { asking, address, process }: ChangedNode,
  { work, change, word, count }: BulkChange,
): Promise<Bulk> {
  await pause(REST_MS);
  const before = await process.status(); // the delay is told from here on
  const began = performance.now();
  await change();
  const onDisk = performance.now();
  // Files without a hash are found too, so that the page, which waits for hashes, would say less than the total.
  const searchable = await asking.until(address, words(word), ({ total }) => total === count);
  await pause(DELAY_WINDOW_MS - (performance.now() - began));
  let status = await process.status();
  const delays = [status.eventLoopDelayMs];
  while (status.hashing.filesLeft > 0) {
    await pause(HASH_POLL_MS);
    status = await process.status();
    delays.push(status.eventLoopDelayMs);
  }
  return {
    work,
    onDiskMs: onDisk - began,
    searchableMs: searchable - began,
    hashedMs: performance.now() - began,
    filesHashed: status.hashing.filesDone - before.hashing.filesDone,
    delay: worst(delays),
  };
}

function worst(delays: readonly LoopDelayStatus[]): LoopDelayStatus {
  const most = (field: keyof LoopDelayStatus) => Math.max(...delays.map((each) => each[field]));
  return { p50: most('p50'), p99: most('p99'), max: most('max') };
}
