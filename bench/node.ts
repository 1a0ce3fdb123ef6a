/**
 * `npm run bench -- node [--files N] [--burst N] [--clean]`: a whole node with very many files, from its first start over
 * a restart to files that come, move and go. `shoal serve` beside a private Prosody, asked as `shoal find` asks.
 */
import { mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { LoopDelayStatus } from '../src/node/node-status.js';
import type { BareJid } from '../src/stanza/jid.js';
import { type Asking, EVERYTHING, words } from './asking.js';
import { type Cleanups, withCleanups } from './cleanups.js';
import { CORPORA, type Corpus, corpusOnDisk, removeCorpora } from './corpus-on-disk.js';
import { describeMachine, programOf } from './machine.js';
import { type Bulk, bulkChanges, type ChangedNode, type Repeated, singleChanges } from './node-changes.js';
import type { Memory, NodeProcess } from './node-process.js';
import { PrivateNetwork, QUIET_MS } from './private-network.js';
import { type Goal, publish, type Row, type Table } from './table.js';

const FILES = 1_000_000;
/** In the archive that is unpacked. */
const BURST = 100_000;
const IDLE_MS = 10_000;
const COMMON = words('music');
const MOST_RSS_MB: Goal = { kind: 'no more than', value: 450 };
const MOST_DELAY_MS: Goal = { kind: 'no more than', value: 20 };
const MOST_LATE_MS: Goal = { kind: 'no more than', value: 1000 };
const RESTART: Goal = { kind: 'at most', ratio: 0.1 };

interface FirstBuild {
  readonly scannedMs: number;
  readonly readyMs: number;
  readonly hashedMs: number;
  readonly allMs: number;
  /** Matches of {@link COMMON}. */
  readonly common: number;
}

interface Restart {
  readonly stoppedMs: number;
  readonly answerMs: number;
  readonly readyMs: number;
  readonly filesHashed: number;
}

const { values } = parseArgs({
  options: {
    files: { type: 'string' },
    burst: { type: 'string' },
    clean: { type: 'boolean', default: false },
  },
});
if (values.clean) {
  removeCorpora();
  process.stdout.write(`removed: ${CORPORA}\n`);
} else if (programOf('prosody') === undefined) {
  process.stdout.write('Prosody is not installed, and nothing can be measured without it\n');
} else {
  await withCleanups(measure);
}

async function measure(cleanups: Cleanups): Promise<void> {
  const machine = describeMachine();
  const files = Number(values.files ?? FILES);
  const burst = Number(values.burst ?? BURST);
  const corpus = await corpusOnDisk(cleanups, files);
  const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'));
  cleanups.add(() => rm(folder, { recursive: true }));
  const changing = join(folder, 'changing');
  mkdirSync(changing);
  const network = new PrivateNetwork(folder, cleanups);
  await network.start(1);
  const asking = await network.asker();
  const node = network.node(0, { shares: [...corpus.shares, { name: 'changing', path: changing }] });
  const address = network.address(0);

  const first = await firstBuild(node, asking, address, files);
  tell('first build', first);
  await pause(IDLE_MS);
  const memory: [string, Memory][] = [['10 s after the first build', node.memory()]];
  tell('memory', memory);
  const restarted = await restart(node, asking, address, first.common);
  tell('restart', restarted);
  await pause(IDLE_MS);
  memory.push(['10 s after a restart', node.memory()]);
  const changed: ChangedNode = { asking, address, process: node, cleanups, folder: changing };
  const singles = await singleChanges(changed);
  tell('changes', singles);
  const bulks = await bulkChanges(changed, burst);
  tell('many changes', bulks);
  await pause(IDLE_MS);
  memory.push(['10 s after all changes', node.memory()]);
  for (const line of node.complaints) process.stderr.write(`logged: ${JSON.stringify(line)}\n`);

  publish(
    {
      name: 'node',
      about: about(corpus),
      machine,
      tables: [
        buildTable(first),
        memoryTable(memory),
        restartTable(first, restarted),
        ...singleTables(singles),
        ...bulkTables(bulks),
      ],
      missing: programOf('ncdc') === undefined ? ['ncdc'] : [],
    },
    files === FILES && burst === BURST ? 'kept' : 'shown',
  );
}

function tell(what: string, value: unknown): void {
  process.stderr.write(`${what}: ${JSON.stringify(value)}\n`);
}

/** From nothing until every file is found and hashed. */
async function firstBuild(
  node: NodeProcess,
  asking: Asking,
  address: BareJid,
  files: number,
): Promise<FirstBuild> {
  const began = performance.now();
  node.spawn();
  const [scannedMs, readyMs, hashedMs] = await Promise.all([
    node.logged('the first scan is done'),
    node.logged('ready'),
    node.logged('all files are hashed'),
  ]);
  const ended = await asking.until(address, EVERYTHING, ({ total }) => total === files);
  const { hashing } = await node.status();
  if (hashing.filesDone !== files) throw new Error(`hashed: ${JSON.stringify(hashing)}`);
  const common = await asking.ask(address, COMMON, 1);
  return { scannedMs, readyMs, hashedMs, allMs: ended - began, common: common?.total ?? 0 };
}

async function restart(
  node: NodeProcess,
  asking: Asking,
  address: BareJid,
  common: number,
): Promise<Restart> {
  const told = performance.now();
  await node.stop();
  const began = performance.now();
  node.spawn();
  const answered = await asking.until(
    address,
    COMMON,
    ({ total, pending }) => total === common && pending === 0,
  );
  const readyMs = await node.logged('ready');
  const { hashing } = await node.status();
  return {
    stoppedMs: began - told,
    answerMs: answered - began,
    readyMs,
    filesHashed: hashing.filesDone + hashing.filesLeft,
  };
}

function about({ files, folders }: Corpus): string[] {
  const [many, some] = [files, folders].map((each) => each.toLocaleString('en'));
  return [
    `\`shoal serve\` with ${many} generated files of some 80 bytes in ${some} folders, beside a private Prosody, asked by iq`,
    'from another process all the time that something is waited for. Times count from the start of the process, or from',
    'the change on disk. Delays are those of the main thread, looked at every 10 ms for two seconds at least from the change',
    'on; of repeats the worst. 1 % of the looks is not 1 % of the time: the longest is told too.',
    'ncdc, the peer that the goals were set by, is not run here.',
  ];
}

function buildTable({ scannedMs, readyMs, hashedMs, allMs }: FirstBuild): Table {
  const seconds = (work: string, ms: number): Row => ({ work, ours: ms / 1000 });
  return {
    title: 'First start',
    unit: 's',
    rows: [
      seconds('all folders scanned', scannedMs),
      seconds('all files can be searched, "ready"', readyMs),
      seconds('all files hashed', hashedMs),
      seconds('first build: a question for all of them finds all, and all are hashed', allMs),
    ],
  };
}

function memoryTable(memory: readonly (readonly [string, Memory])[]): Table {
  return {
    title: 'Memory of the process (VmRSS)',
    unit: 'MB',
    rows: memory.flatMap(([work, { megabytes, peakMegabytes }]) => [
      { work, ours: megabytes, goal: MOST_RSS_MB },
      { work: `${work}: the most until then`, ours: peakMegabytes },
    ]),
  };
}

function restartTable(first: FirstBuild, { stoppedMs, answerMs, readyMs, filesHashed }: Restart): Table {
  const peer = { name: 'first build', value: first.allMs };
  return {
    title: `Restart; ${filesHashed} files were hashed again (goal: 0)`,
    unit: 'ms',
    rows: [
      { work: `to the first right answer (${first.common} matches)`, ours: answerMs, peer, goal: RESTART },
      { work: 'to "ready"', ours: readyMs, peer },
      { work: 'the stop before it', ours: stoppedMs },
    ],
  };
}

function singleTables(singles: readonly Repeated[]): Table[] {
  return [
    {
      title: `One file among them: from the change to the right answer, without the quiet period of ${QUIET_MS} ms`,
      unit: 'ms',
      rows: singles.flatMap(({ work, quietMs, medianMs, slowestMs }) => [
        { work: `${work}, median`, ours: medianMs - quietMs, goal: MOST_LATE_MS },
        { work: `${work}, slowest`, ours: slowestMs - quietMs, goal: MOST_LATE_MS },
      ]),
    },
    {
      title: 'Meanwhile: event loop delay',
      unit: 'ms',
      rows: singles.flatMap(({ work, delay }) => delayRows(work, delay, MOST_DELAY_MS)),
    },
  ];
}

function delayRows(work: string, { p99, max }: LoopDelayStatus, goal?: Goal): Row[] {
  return [
    { work: `${work}, p99`, ours: p99, ...(goal && { goal }) },
    { work: `${work}, longest`, ours: max },
  ];
}

function bulkTables(bulks: readonly Bulk[]): Table[] {
  return [
    {
      title: 'Many files at once',
      unit: 's',
      rows: bulks.flatMap(({ work, onDiskMs, searchableMs, hashedMs, filesHashed }) => [
        { work: `${work}: done on disk`, ours: onDiskMs / 1000 },
        { work: `${work}: all answers right`, ours: searchableMs / 1000 },
        filesHashed === 0
          ? { work: `${work}: files hashed`, ours: 0, remark: 'none' }
          : { work: `${work}: all ${filesHashed} hashed`, ours: hashedMs / 1000 },
      ]),
    },
    {
      title: 'Meanwhile: event loop delay',
      unit: 'ms',
      rows: bulks.flatMap(({ work, delay }) => delayRows(work, delay)),
    },
  ];
}
