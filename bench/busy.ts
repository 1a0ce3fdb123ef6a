/**
 * `npm run bench -- busy [--files N]`: what questions take while the node that answers them sends eight large
 * files, beside what they take when it does nothing else.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { FileCriteria } from '../src/stanza/file-criteria.js';
import { EVERYTHING, words } from './asking.js';
import type { DownloadsOrder, DownloadsReport, DownloadsTask } from './busy-downloads.js';
import { type Cleanups, withCleanups } from './cleanups.js';
import { corpusOnDisk } from './corpus-on-disk.js';
import { describeMachine, programOf } from './machine.js';
import { PrivateNetwork } from './private-network.js';
import { median, publish, type Row, type Table } from './table.js';

const FILES = 100_000;
const TRANSFERS = 8;
/** One takes a good while, also as fast as loopback goes. */
const LARGE_BYTES = 256 * 1024 * 1024;
const PIECE_BYTES = 1 << 20;
const MB = 1e6;
const MS_A_SECOND = 1000;
const ANSWER_FILES = 100;
/** Idle and busy take turns, with so many questions of a kind in each. */
const ROUNDS = 4;
const QUESTIONS = 15;
const GOAL = { kind: 'at most', ratio: 2 } as const;

/** How fast the receivers take it in. */
const LOADS = [
  { name: '1 Gbit/s in all', bytesPerSecond: 125 * MB },
  { name: 'as fast as loopback goes', bytesPerSecond: undefined },
] as const;

const regex = (pattern: string): FileCriteria => ({
  name: [{ type: 'regex', pattern }],
  caseSensitive: true,
});
const QUERIES: readonly { readonly work: string; readonly criteria: FileCriteria }[] = [
  { work: 'words, rare: `delmirgan`', criteria: words('delmirgan') },
  { work: 'words, common: `music flac`', criteria: words('music flac') },
  { work: 'regex with a literal: `Nocturne.*\\.flac$`', criteria: regex('Nocturne.*\\.flac$') },
  {
    work: 'regex without one: `^(IMG|DSC)_2019[0-9]{4}_[0-9]+\\.jpg$`',
    criteria: regex('^(IMG|DSC)_2019[0-9]{4}_[0-9]+\\.jpg$'),
  },
];
const PROCESS = fileURLToPath(new URL('busy-downloads.js', import.meta.url));

const { values } = parseArgs({ options: { files: { type: 'string' } } });
if (programOf('prosody') === undefined) {
  process.stdout.write('Prosody is not installed, and nothing can be measured without it\n');
} else {
  await withCleanups(measure);
}

async function measure(cleanups: Cleanups): Promise<void> {
  const machine = describeMachine();
  const files = Number(values.files ?? FILES);
  const { shares } = await corpusOnDisk(cleanups, files);
  const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'));
  cleanups.add(() => rm(folder, { recursive: true }));
  const large = join(folder, 'large');
  const names = writeLarge(large);
  const network = new PrivateNetwork(folder, cleanups);
  await network.start(1);
  const address = network.address(0);
  const node = network.node(0, { shares: [...shares, { name: 'large', path: large }] });
  node.spawn();
  await Promise.all([node.logged('ready'), node.logged('all files are hashed')]);
  const asking = await network.asker();
  await asking.until(address, EVERYTHING, ({ total }) => total === files + TRANSFERS);
  const config = network.askerConfig('fetcher');
  const downloads = await startDownloads(cleanups, { config, node: address, files: names });

  const matches = new Map<string, number>();
  const ask = async (times: Map<string, number[]>) => {
    for (let turn = 0; turn < QUESTIONS; turn += 1) {
      for (const { work, criteria } of QUERIES) {
        const began = performance.now();
        const found = await asking.ask(address, criteria, ANSWER_FILES);
        const ms = performance.now() - began;
        if (!found) throw new Error(`${work} was refused`);
        matches.set(work, found.total);
        times.set(work, [...(times.get(work) ?? []), ms]);
      }
    }
  };
  await ask(new Map()); // makes everything warm
  const tables: Table[] = [];
  for (const load of LOADS) {
    const idle = new Map<string, number[]>();
    const busy = new Map<string, number[]>();
    let bytes = 0;
    let ms = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      await ask(idle);
      await order(downloads, { type: 'begin', ...pace(load.bytesPerSecond) }, 'flowing');
      await ask(busy);
      const ended = await order(downloads, { type: 'end' }, 'ended');
      if (ended.type !== 'ended') throw new TypeError('not what was waited for');
      bytes += ended.bytes;
      ms += ended.ms;
    }
    const rate = Math.round((bytes / MB / ms) * MS_A_SECOND);
    const row = ({ work }: { readonly work: string }): Row => ({
      work: `${work} (${matches.get(work)})`,
      ours: median(busy.get(work) ?? []),
      peer: { name: 'idle', value: median(idle.get(work) ?? []) },
      goal: GOAL,
    });
    tables.push({
      title: `${TRANSFERS} transfers, ${load.name}: ${rate} MB/s were sent`,
      unit: 'ms',
      rows: QUERIES.map(row),
    });
  }
  publish(
    {
      name: 'busy',
      about: [
        `\`shoal serve\` with ${files.toLocaleString('en')} files, beside a private Prosody. Another process downloads ${TRANSFERS} files of ${LARGE_BYTES >> 20} MiB over SOCKS5, again and`,
        'again; a third one asks by iq, one question after the other, for 100 files. In brackets: matches. From asking to the',
        `parsed answer, medians of ${ROUNDS * QUESTIONS} questions; idle and busy take turns. All of it shares the cores told below.`,
      ],
      machine,
      tables,
      missing: [],
    },
    files === FILES ? 'kept' : 'shown',
  );
}

function pace(bytesPerSecond: number | undefined): { readonly bytesPerSecond?: number } {
  return bytesPerSecond === undefined ? {} : { bytesPerSecond: bytesPerSecond / TRANSFERS };
}

function writeLarge(folder: string): string[] {
  mkdirSync(folder);
  const piece = randomBytes(PIECE_BYTES);
  return Array.from({ length: TRANSFERS }, (_, number) => {
    const name = `large${number}.bin`;
    for (let at = 0; at < LARGE_BYTES; at += PIECE_BYTES) {
      piece.writeUInt32LE(at / PIECE_BYTES); // no piece and no file is like another
      piece.writeUInt32LE(number, 4);
      writeFileSync(join(folder, name), piece, { flag: 'a' });
    }
    return name;
  });
}

async function startDownloads(cleanups: Cleanups, task: DownloadsTask): Promise<ChildProcess> {
  const child = fork(PROCESS, [JSON.stringify(task)]);
  cleanups.add(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL'); // it has nothing to put in order
    await ended;
  });
  await report(child, 'ready');
  return child;
}

function order(
  child: ChildProcess,
  sent: DownloadsOrder,
  answer: DownloadsReport['type'],
): Promise<DownloadsReport> {
  const answered = report(child, answer);
  child.send(sent);
  return answered;
}

function report(child: ChildProcess, type: DownloadsReport['type']): Promise<DownloadsReport> {
  return new Promise((resolve, reject) => {
    const done = () => {
      child.off('message', onMessage);
      child.off('exit', onExit);
    };
    const onMessage = (message: DownloadsReport) => {
      if (message.type !== type) return;
      done();
      resolve(message);
    };
    const onExit = () => {
      done();
      reject(new Error('the downloading process ended'));
    };
    child.on('message', onMessage);
    child.on('exit', onExit);
  });
}
