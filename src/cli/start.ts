/**
 * `shoal start`, which `npm start` runs: a private XMPP server on loopback and a node attached to
 * it, with all their data in one folder, until Ctrl-C.
 */
import { join, relative, resolve } from 'node:path';
import { pino } from 'pino';
import { sleep } from '../clock.js';
import { ConfigError } from '../config/config-error.js';
import { ImportedModules } from '../config/extension-module.js';
import { shareName, text } from '../config/kinds.js';
import { absolutePath, loadNodeConfig } from '../config/load.js';
import { AbortedError, messageOf } from '../errors.js';
import { createLog, type Log, type LogLevel } from '../log.js';
import type { NodeStatus } from '../node/node-status.js';
import { AlreadyRunningError, StatusSocket, statusSocketPath } from '../node/status-socket.js';
import { PrivateServerError } from '../private-server/server-process.js';
import { formatBytes } from '../quantities.js';
import type { Arguments, CommandSpec } from './arguments.js';
import { type Command, type Components, ExitCode } from './command.js';
import { isFolder } from './local-files.js';
import { printable } from './printable.js';
import { serve, tooManyFiles } from './serve.js';
import {
  ASKER_USER,
  type Chosen,
  DOMAIN,
  type NamedFolder,
  NODE_JID,
  PUBSUB_JID,
  StartFolder,
  type Wishes,
} from './start-folder.js';
import type { Io } from './terminal.js';
import { UsageError } from './usage-error.js';

const DEFAULT_DATA = 'shoal-data';

const spec: CommandSpec = {
  name: 'start',
  summary: 'Runs a private XMPP server and a node on this machine, to try everything out. Ctrl-C stops both.',
  words: '',
  maxWords: 0,
  flags: [
    {
      name: 'share',
      value: 'NAME=DIR',
      repeatable: true,
      help: 'Offer this folder. Default: a small sample library.',
    },
    { name: 'channel', value: 'NAME', repeatable: true, help: 'Join this channel. Default: library.' },
    { name: 'data', value: 'DIR', help: `Where everything is kept. Default: ./${DEFAULT_DATA}.` },
  ],
  notes: [
    [
      'Needs Prosody, which `npm start` installs where it may. The server listens on loopback only. What is chosen',
      'at the first start, shares and channels too, is kept for the next ones; naming shares or channels again',
      'replaces them.',
    ].join('\n'),
  ],
};

async function run(components: Components, args: Arguments, io: Io): Promise<ExitCode> {
  const wishes = { shares: await sharesOf(args.all('share')), channels: args.all('channel').map(channelOf) };
  const folder = new StartFolder(resolve(args.get('data') ?? DEFAULT_DATA));
  // Held until the end: a second start in the same folder finds it.
  const sign = new StatusSocket(
    { clock: components.clock, log: createLog('silent') },
    { path: statusSocketPath(folder.path, 'start.sock'), read: () => ({ pid: process.pid }) },
  );
  try {
    await sign.start();
  } catch (thrown) {
    if (!(thrown instanceof AlreadyRunningError)) throw thrown;
    io.err.write(
      `It runs already, with its data in ${printable(folder.path)}.\n\n${nextSteps(folder, wishes.shares.length === 0)}`,
    );
    return ExitCode.failed;
  }
  try {
    return await startAll(components, folder, wishes, io);
  } finally {
    await sign.stop();
  }
}

async function startAll(
  components: Components,
  folder: StartFolder,
  wishes: Wishes,
  io: Io,
): Promise<ExitCode> {
  io.out.write('Starting a private Prosody and a node…\n');
  try {
    return await runServerAndNode(components, folder, await folder.prepare(wishes, { ports: true }), io);
  } catch (thrown) {
    if (thrown instanceof AbortedError && io.signal.aborted) return ExitCode.done;
    if (!isPortTaken(thrown)) throw thrown;
    io.err.write(`${messageOf(thrown)}; taking other ports.\n`);
    return runServerAndNode(components, folder, await folder.prepare(wishes, { ports: false }), io);
  }
}

/** Only before the server runs: the node has no fixed port. */
function isPortTaken(thrown: unknown): boolean {
  return (
    thrown instanceof PrivateServerError &&
    (thrown.cause as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE'
  );
}

async function runServerAndNode(
  components: Components,
  folder: StartFolder,
  chosen: Chosen,
  io: Io,
): Promise<ExitCode> {
  const loaded = await loadNodeConfig(folder.at('node.yaml'), new ImportedModules(components));
  const log = logTo(folder.at('node.log'), loaded.config.log.level);
  const server = await components.createServer(
    { clock: components.clock, log },
    {
      dataDir: folder.at('prosody'),
      ports: chosen.ports,
      domain: DOMAIN,
      components: [{ jid: NODE_JID, secret: chosen.secret }],
      accounts: [{ user: ASKER_USER, password: chosen.password }],
      pubsub: { jid: PUBSUB_JID },
    },
  );
  try {
    await server.start();
    // What is announced shall be found: the node must not meet the new library as files in the making.
    if (folder.madeLibrary) await sleep(components.clock, loaded.config.scan.quietMs, io.signal);
    const onReady = (status: NodeStatus) => announce(folder, chosen, status, io);
    const died = new AbortController();
    void server.died().then(() => died.abort());
    const signal = AbortSignal.any([io.signal, died.signal]);
    const onWaiting = (status: NodeStatus) => io.out.write(`${stillAt(status)}\n`);
    const load = () => loadNodeConfig(folder.at('node.yaml'), new ImportedModules(components));
    const code = await serve(components, loaded, { io: { signal }, log, onReady, onWaiting, load });
    if (died.signal.aborted) {
      io.err.write(
        `Prosody has ended; ${printable(join(folder.at('prosody'), 'prosody.log'))} may say why.\n`,
      );
      return ExitCode.failed;
    }
    if (code === ExitCode.done) io.out.write('Stopped.\n');
    else io.err.write(`The node could not go on; ${printable(folder.at('node.log'))} says why.\n`);
    return code;
  } finally {
    await server.stop();
  }
}

/** What is waited for. */
function stillAt({ online, scan, shares, channels }: NodeStatus): string {
  const files = shares.reduce((sum, share) => sum + share.files, 0);
  if (!online) return 'Still connecting…';
  if (scan === 'first') return `Still looking through the folders: ${files} files so far…`;
  const missing = channels
    .filter(({ state }) => state !== 'joined')
    .map(({ node }) => `'${printable(node)}'`);
  return missing.length > 0 ? `Still joining ${missing.join(', ')}…` : `Still indexing ${files} files…`;
}

/** The log of the run before is not kept. */
function logTo(file: string, level: LogLevel): Log {
  return createLog(level, pino.destination({ dest: file, append: false, sync: true }));
}

function announce(folder: StartFolder, chosen: Chosen, status: NodeStatus, io: Io): void {
  const shares = status.shares.map(
    (share) => `  ${printable(share.name)}: ${share.files} files, ${formatBytes(share.bytes)}`,
  );
  const channels = chosen.channels.map((channel) => `'${printable(channel)}'`).join(', ');
  io.out.write(
    `${['Sharing', ...shares, `on the channel${chosen.channels.length > 1 ? 's' : ''} ${channels}.`, ''].join('\n')}\n`,
  );
  const warning = tooManyFiles(status);
  if (warning !== undefined) io.out.write(`${warning}.\n\n`);
  const isSample = chosen.shares.some(({ path }) => path === folder.at('library'));
  io.out.write(`${nextSteps(folder, isSample)}\nCtrl-C stops everything.\n`);
}

function nextSteps(folder: StartFolder, isSample: boolean): string {
  const usual = folder.path === resolve(DEFAULT_DATA);
  const where = relative('', folder.path) || '.';
  const config = (name: string) => (usual ? '' : ` --config '${join(where, name)}'`);
  return [
    'In a second terminal, in this folder:',
    `  npx shoal find ${isSample ? 'romeo' : 'WORD'}${config('asker.yaml')}`,
    `  npx shoal get ${isSample ? "'Romeo and Juliet - Prologue.txt'" : 'NAME'}${config('asker.yaml')}`,
    `  npx shoal status${config('node.yaml')}`,
    '',
  ].join('\n');
}

async function sharesOf(written: readonly string[]): Promise<NamedFolder[]> {
  const shares: NamedFolder[] = [];
  const faults: string[] = [];
  for (const each of written) {
    const equals = each.indexOf('=');
    const name = each.slice(0, Math.max(0, equals));
    const path = absolutePath(each.slice(equals + 1), '.'); // most shells leave name=~/… as it is
    if (equals < 1) faults.push(`--share: '${each}' must look like NAME=DIR`);
    else if (shareName.read(name, nowhere) === undefined)
      faults.push(`--share: '${name}' must be ${shareName.allowed}`);
    else if (shares.some((share) => share.name === name))
      faults.push(`--share: '${name}' stands here a second time`);
    else if (!(await isFolder(path))) faults.push(`--share: '${path}' must be a folder that is there`);
    shares.push({ name, path });
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return shares;
}

/** For kinds that need no place to read a value. */
const nowhere = { path: [], faults: [], resolve };
const channelName = text(1023);

function channelOf(name: string): string {
  if (channelName.read(name, nowhere) === undefined)
    throw new UsageError(`--channel must be ${channelName.allowed}`);
  return name;
}

export const startCommand: Command = { spec, run };
