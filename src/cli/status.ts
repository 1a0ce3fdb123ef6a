/** `shoal status`: shows what a node on this machine is doing. */
import type { NodeStatus } from '../node/node-status.js';
import type { Arguments, CommandSpec } from './arguments.js';
import { type Command, type Components, ExitCode } from './command.js';
import { localNode, nodeFlags } from './local-node.js';
import { statusLines } from './status-lines.js';
import type { Io } from './terminal.js';

const spec: CommandSpec = {
  name: 'status',
  summary: 'Shows what a node on this machine offers and does.',
  words: '',
  maxWords: 0,
  flags: [...nodeFlags, { name: 'json', help: 'Print it as JSON.' }],
  notes: ['Ends with 0 when the node runs, 1 when it does not.'],
};

async function run(components: Components, args: Arguments, io: Io): Promise<ExitCode> {
  const status = (await (await localNode(components, args)).ask()) as NodeStatus;
  if (args.has('json')) io.out.write(`${JSON.stringify(status)}\n`);
  else for (const line of statusLines(status)) io.out.write(`${line}\n`);
  return ExitCode.done;
}

export const statusCommand: Command = { spec, run };
