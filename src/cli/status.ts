/** `shoal status`: shows what a node on this machine is doing. */
import { join, resolve } from 'node:path';
import { loadNodeConfig } from '../config/load.js';
import type { NodeStatus } from '../node/node-status.js';
import { readStatusSocket, statusSocketPath } from '../node/status-socket.js';
import type { Arguments, CommandSpec } from './arguments.js';
import { type Command, type Components, ExitCode } from './command.js';
import { exists } from './local-files.js';
import { statusLines } from './status-lines.js';
import type { Io } from './terminal.js';

const spec: CommandSpec = {
  name: 'status',
  summary: 'Shows what a node on this machine offers and does.',
  words: '',
  maxWords: 0,
  flags: [
    { name: 'config', value: 'FILE', help: "The node's configuration. Default: ./shoal-data/node.yaml." },
    { name: 'data', value: 'DIR', help: "The node's data folder, instead of its configuration." },
    { name: 'json', help: 'Print it as JSON.' },
  ],
  notes: ['Ends with 0 when the node runs, 1 when it does not.'],
};

const DEFAULT_CONFIG = join('shoal-data', 'node.yaml');

async function run(components: Components, args: Arguments, io: Io): Promise<ExitCode> {
  // Whoever listens in the data folder is the node itself, of this version: what it says has this shape.
  const status = (await readStatusSocket(components, statusSocketPath(await dataFolder(args)))) as NodeStatus;
  if (args.has('json')) io.out.write(`${JSON.stringify(status)}\n`);
  else for (const line of statusLines(status)) io.out.write(`${line}\n`);
  return ExitCode.done;
}

async function dataFolder(args: Arguments): Promise<string> {
  const data = args.get('data');
  if (data !== undefined) return resolve(data);
  const file = args.get('config');
  if (file === undefined && !(await exists(DEFAULT_CONFIG))) return resolve('data');
  const { config } = await loadNodeConfig(file ?? DEFAULT_CONFIG);
  return config.data;
}

export const statusCommand: Command = { spec, run };
