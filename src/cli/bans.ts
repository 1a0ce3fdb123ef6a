/** `shoal bans`: whom the node on this machine keeps away. */
import type { Ban } from '../access/bans.js';
import type { NodeQuestion } from '../node/node-question.js';
import type { Arguments, CommandSpec } from './arguments.js';
import { banLines } from './ban-lines.js';
import { type Command, type Components, ExitCode } from './command.js';
import { localNode, nodeFlags } from './local-node.js';
import type { Io } from './terminal.js';

const spec: CommandSpec = {
  name: 'bans',
  summary: 'Shows whom the node on this machine keeps away.',
  words: '',
  maxWords: 0,
  flags: [...nodeFlags, { name: 'json', help: 'Print them as JSON, one object a line.' }],
  notes: [
    'Each object of --json: who, sinceMs, untilMs where it ends, reason where there is one. Times are since 1970, UTC.',
    'Ends with 0 when the node runs, 1 when it does not.',
  ],
};

async function run(components: Components, args: Arguments, io: Io): Promise<ExitCode> {
  const question: NodeQuestion = { ask: 'bans' };
  const bans = (await (await localNode(components, args)).ask(question)) as readonly Ban[];
  const lines = args.has('json')
    ? bans.map((ban) => JSON.stringify(ban))
    : banLines(bans, components.clock.now());
  for (const line of lines) io.out.write(`${line}\n`);
  return ExitCode.done;
}

export const bansCommand: Command = { spec, run };
