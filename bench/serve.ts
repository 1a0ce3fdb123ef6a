/**
 * `npm run bench -- serve`: a node in a process of its own, beside a private Prosody, and what people use for the
 * same: nginx for ranges of a file, Libervia and `cp` for a whole one, a ping for what the way to an answer takes.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Cleanups, withCleanups } from './cleanups.js';
import { describeMachine, programOf } from './machine.js';
import { PrivateNetwork } from './private-network.js';
import { measureQuestions, measureSetUp } from './serve-answers.js';
import { LARGE_FILE_BYTES, RangesBench } from './serve-ranges.js';
import { measureWhole } from './serve-whole.js';
import { publish, type Row, type Table } from './table.js';

const LARGE_NAME = 'large.bin';
const WHOLE_NAME = 'whole.bin';
const WHOLE_BYTES = 2 ** 30;
const PIECE_BYTES = 1 << 20;
const MANY = 1000;
/** Receivers stall until all of them are there. */
const STALL_MS = 10 * 60_000;
/** Of the large file, where no range of it is measured. */
const SMALL_BYTES = 1 << 20;
const PARTS = ['ranges', 'set-up', 'questions', 'whole'] as const;
const TRANSFERS = {
  sessions: MANY,
  sessionsPerPeer: MANY,
  sessionsPerDomain: MANY,
  uploads: MANY,
  uploadsPerPeer: MANY,
  sessionIdleMs: STALL_MS,
};

const { positionals } = parseArgs({ allowPositionals: true });
const parts = PARTS.filter((part) => positionals.length === 0 || positionals.includes(part));

if (positionals.some((each) => !parts.some((part) => part === each))) {
  process.stdout.write(`npm run bench -- serve, and after it nothing or some of: ${PARTS.join(', ')}\n`);
} else if (programOf('prosody') === undefined) {
  process.stdout.write('Prosody is not installed, and nothing can be measured without it\n');
} else {
  await withCleanups(measure);
}

async function measure(cleanups: Cleanups): Promise<void> {
  const machine = describeMachine();
  const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'));
  cleanups.add(() => rm(folder, { recursive: true }));
  chmodSync(folder, 0o755); // nginx may read it as another user
  const share = join(folder, 'share');
  mkdirSync(share);
  writeRandom(join(share, LARGE_NAME), parts.includes('ranges') ? LARGE_FILE_BYTES : SMALL_BYTES);
  const network = new PrivateNetwork(folder, cleanups);
  await network.start(3);
  const node = network.node(0, { shares: [{ name: 's', path: share }], limits: TRANSFERS });
  node.spawn();
  await Promise.all([node.logged('ready'), node.logged('all files are hashed')]);
  const served = { network, node, address: network.address(0), share, name: LARGE_NAME };
  const rows: Row[] = [];
  if (parts.includes('set-up')) rows.push(await measureSetUp(cleanups, served));
  if (parts.includes('questions')) rows.push(...(await measureQuestions(cleanups, served)));
  const tables: Table[] = [];
  if (parts.includes('ranges'))
    tables.push(...(await (await RangesBench.start(cleanups, folder, served)).run()));
  if (rows.length > 0) tables.push({ title: 'Round trips', unit: 'ms', rows });
  if (parts.includes('whole')) tables.push(await wholeFile(cleanups, folder));
  const report = {
    name: 'serve',
    about: [
      '`shoal serve` beside a private Prosody. Ranges of a file of 2 GiB in the page cache, 2 GiB in a turn (4 GiB at 512), over SOCKS5 on',
      'loopback, and the same ranges from nginx (sendfile on). Sessions and connections are set up first, by an asker of ours or with an HTTP',
      'request, and wait with their first byte; then one other process, the same for both, reads all of them into one buffer. A quarter of',
      'the bytes goes before the clock runs. Round trips are medians of 60, told by the one who asks. A whole file: from the start of the',
      'command to the copy on disk, checked; on a Prosody with STARTTLS, from a node to `shoal get` and from one Libervia to another.',
    ],
    machine,
    tables,
    missing: ['nginx', 'libervia-backend'].filter((name) => programOf(name) === undefined),
  };
  publish(report, parts.length === PARTS.length ? 'kept' : 'shown');
}

async function wholeFile(cleanups: Cleanups, folder: string): Promise<Table> {
  const share = join(folder, 'whole-share');
  mkdirSync(share);
  writeRandom(join(share, WHOLE_NAME), WHOLE_BYTES);
  return await measureWhole(cleanups, { folder, share, name: WHOLE_NAME });
}

function writeRandom(path: string, bytes: number): void {
  const piece = randomBytes(PIECE_BYTES);
  const file = openSync(path, 'w');
  for (let at = 0; at < bytes; at += PIECE_BYTES) {
    piece.writeUInt32LE(at / PIECE_BYTES); // no piece is like the one before
    writeSync(file, piece);
  }
  closeSync(file);
}
