/** `shoal serve`: runs a node until it is told to stop. */
import type { Clock, Timer } from '../clock.js';
import { ConfigFile } from '../config/config-file.js';
import { examples } from '../config/examples.js';
import { ImportedModules } from '../config/extension-module.js';
import { type Loaded, loadNodeConfig } from '../config/load.js';
import type { NodeConfig } from '../config/options.js';
import { messageOf } from '../errors.js';
import { createLog, type Log } from '../log.js';
import { ConfigurationKeeper } from '../node/configuration-keeper.js';
import { answerOf, type NodeQuestion } from '../node/node-question.js';
import type { NodeStatus } from '../node/node-status.js';
import { StatusSocket, statusSocketPath } from '../node/status-socket.js';
import type { Arguments, CommandSpec } from './arguments.js';
import { type Command, type Components, ExitCode, type ServedNode } from './command.js';
import type { Io } from './terminal.js';
import { UsageError } from './usage-error.js';

const spec: CommandSpec = {
  name: 'serve',
  summary: 'Offers folders on an XMPP network, until SIGTERM or SIGINT ends it.',
  words: '',
  maxWords: 0,
  flags: [
    { name: 'config', value: 'FILE', help: 'The configuration.' },
    { name: 'example', help: 'Print a commented configuration with every option, and end.' },
  ],
  notes: [
    [
      'Logs JSON lines on standard output; "ready" says that it is attached, that it has joined its channels and',
      'that the first scan can be searched. Ends with 0 when it was told to stop, 1 when it could not go on, as',
      'when the server refuses it, 2 when the configuration is wrong; all its faults are named.',
    ].join('\n'),
    [
      'SIGHUP reads the configuration anew, as `shoal reload` does; where it writes to a terminal it ends it, as in all',
      'programs.',
    ].join('\n'),
  ],
};

async function run(components: Components, args: Arguments, io: Io): Promise<ExitCode> {
  if (args.has('example')) {
    io.out.write(examples['node.example.yaml']);
    return ExitCode.done;
  }
  const file = args.get('config');
  if (file === undefined)
    throw new UsageError('--config FILE is missing; --example prints one to begin with');
  const loaded = await loadNodeConfig(file, new ImportedModules(components));
  const modules = new ImportedModules(components);
  const load = () => loadNodeConfig(file, modules);
  return serve(components, loaded, {
    io,
    log: createLog(loaded.config.log.level),
    onReady: () => {},
    load,
    file,
  });
}

// Up to here a node takes some 500 MB in all and was measured; above it a node works, and needs more.
const COMFORTABLE_FILES = 1_000_000;

/** What the owner of a node with very many files should know; undefined for others. */
export function tooManyFiles(status: NodeStatus): string | undefined {
  const files = status.shares.reduce((sum, share) => sum + share.files, 0);
  return files <= COMFORTABLE_FILES
    ? undefined
    : `${files} files are more than the search index is made for (${COMFORTABLE_FILES}): it works, but takes much memory`;
}

export interface ServeInit {
  readonly io: Pick<Io, 'signal' | 'onHangup'>;
  readonly log: Log;
  readonly onReady: (status: NodeStatus) => void;
  /** Called now and then until it is ready. */
  readonly onWaiting?: (status: NodeStatus) => void;
  /** Reads the configuration anew, for `shoal reload` and SIGHUP. Throws ConfigError. */
  readonly load?: () => Promise<Loaded<NodeConfig>>;
  /** What that reads, where owners may have it written. */
  readonly file?: string;
}

const WAITING_MS = 3000;

/** Runs the node that `loaded` describes until the signal of `io` aborts or the node fails. */
export async function serve(
  components: Components,
  { config, warnings }: Loaded<NodeConfig>,
  { io, log, onReady, onWaiting, load, file }: ServeInit,
): Promise<ExitCode> {
  for (const warning of warnings) log.warn(warning);
  const node = await components.createNode({ clock: components.clock, log }, config);
  const readiness = { isReady: false };
  const configuration =
    load &&
    new ConfigurationKeeper({
      ...{ node, load, log },
      ...(file !== undefined && { file: new ConfigFile(file) }),
      isReady: () => readiness.isReady,
    });
  const reload = configuration && (() => configuration.reload());
  if (configuration) {
    io.onHangup?.(() => void configuration.reload());
    node.configuration = configuration;
  }
  const socket = new StatusSocket(
    { clock: components.clock, log },
    {
      path: statusSocketPath(config.data),
      read: () => node.status(),
      answer: (question, signal) => answerOf(node, question as NodeQuestion, signal, reload),
    },
  );
  let waiting: Timer | undefined;
  const wait = () => {
    waiting = components.clock.after(WAITING_MS, () => {
      onWaiting?.(node.status());
      wait();
    });
  };
  wait();
  const code = await runUntilTold(components.clock, node, socket, log, io.signal, () => {
    waiting?.cancel();
    readiness.isReady = true;
    onReady(node.status());
  });
  waiting?.cancel();
  await stopAll([socket, node], log);
  log.info('stopped');
  return code;
}

async function runUntilTold(
  clock: Clock,
  node: ServedNode,
  socket: StatusSocket,
  log: Log,
  signal: AbortSignal,
  onReady: () => void,
): Promise<ExitCode> {
  const told = new Promise<'told'>((resolve) => {
    if (signal.aborted) resolve('told');
    signal.addEventListener('abort', () => resolve('told'), { once: true });
  });
  const fromMs = clock.monotonic();
  try {
    await socket.start();
    if ((await Promise.race([told, node.failed, node.start()])) !== 'told') {
      log.info({ ms: Math.round(clock.monotonic() - fromMs) }, 'ready');
      const warning = tooManyFiles(node.status());
      if (warning !== undefined) log.warn(warning);
      onReady();
      await Promise.race([told, node.failed]);
    }
    return ExitCode.done;
  } catch (thrown) {
    log.error({ err: thrown }, messageOf(thrown));
    return ExitCode.failed;
  }
}

async function stopAll(parts: readonly { stop(): Promise<void> }[], log: Log): Promise<void> {
  for (const part of parts) {
    try {
      await part.stop();
    } catch (thrown) {
      log.error({ err: thrown }, `could not stop cleanly: ${messageOf(thrown)}`);
    }
  }
}

export const serveCommand: Command = { spec, run };
