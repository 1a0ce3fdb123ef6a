/** `shoal reload`: has a node on this machine read its configuration anew. */
import type { NodeQuestion, ReloadOutcome } from '../node/node-question.js';
import type { Arguments, CommandSpec } from './arguments.js';
import { type Command, type Components, ExitCode } from './command.js';
import { localNode, nodeFlags } from './local-node.js';
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
      'Shares, channels, rules of access, owners, budgets and bandwidth are taken over, all together or, where',
      'anything is wrong, nothing: then the node goes on as before, and what is wrong is told, with lines. For',
      'whatever else has changed in the file a node has to be started anew; it is named. Transfers that are under way',
      'go on. New shares are scanned from then on.',
    ].join('\n'),
    [
      'Ends with 0 when all is as the file says; 1 when the node refused it, or no node runs; 2 when this command,',
      'which reads the file to know where the node is, finds a fault in it. With --data it does not read it, and the',
      'node tells of faults: that is for a file that names another `data` now, too.',
    ].join('\n'),
  ],
};

async function run(components: Components, args: Arguments, io: Io): Promise<ExitCode> {
  const question: NodeQuestion = { ask: 'reload' };
  const outcome = (await (await localNode(components, args)).ask(question)) as ReloadOutcome;
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
