/** `shoal reload`: has a node on this machine read its configuration anew. */
import type { NodeQuestion, ReloadOutcome } from '../node/node-question.js';
import { askStatusSocket } from '../node/status-socket.js';
import type { Arguments, CommandSpec } from './arguments.js';
import { type Command, type Components, ExitCode } from './command.js';
import { nodeFlags, socketOf } from './local-node.js';
import { printable } from './printable.js';
import type { Io } from './terminal.js';

const spec: CommandSpec = {
  name: 'reload',
  summary: 'Has a node on this machine read its configuration anew, without a restart.',
  words: '',
  maxWords: 0,
  flags: [...nodeFlags, { name: 'json', help: 'Print what became of it as JSON.' }],
  notes: [
    [
      'Shares, channels, rules of access, owners, budgets and bandwidth are taken over, all together or, where anything is wrong,',
      'nothing: then the node goes on as before, and what is wrong is told, with lines. For whatever else has changed in',
      'the file a node has to be started anew; it is named. Transfers that are under way go on. New shares are scanned from',
      'then on.',
    ].join('\n'),
    'Ends with 0 when all is as the file says, 1 when the node refused it, 2 when the file has a fault.',
  ],
};

async function run(components: Components, args: Arguments, io: Io): Promise<ExitCode> {
  const question: NodeQuestion = { ask: 'reload' };
  // Whoever listens in the data folder is the node itself, of this version: what it says has this shape.
  const outcome = (await askStatusSocket(components, await socketOf(args), question)) as ReloadOutcome;
  if (args.has('json')) io.out.write(`${JSON.stringify(outcome)}\n`);
  else for (const line of linesOf(outcome)) io.out.write(`${printable(line)}\n`);
  return outcome.type === 'reloaded' ? ExitCode.done : ExitCode.failed;
}

function linesOf(outcome: ReloadOutcome): string[] {
  if (outcome.type === 'refused') return ['Nothing was changed:', ...outcome.why];
  const { changed, warnings } = outcome;
  return [
    ...warnings,
    changed.length === 0 ? 'Nothing has changed in the configuration.' : `Changed: ${changed.join(', ')}.`,
  ];
}

export const reloadCommand: Command = { spec, run };
