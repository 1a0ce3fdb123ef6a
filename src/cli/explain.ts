/** `shoal explain`: how the node on this machine would answer, and what takes it the time. */
import type { Explained } from '../node/explained.js';
import type { NodeQuestion } from '../node/node-question.js';
import type { Arguments, CommandSpec } from './arguments.js';
import { type Command, type Components, ExitCode } from './command.js';
import { criteriaFlags, criteriaOf } from './criteria-arguments.js';
import { explanationLines } from './explanation-lines.js';
import { localNode, nodeFlags } from './local-node.js';
import type { Io } from './terminal.js';

const spec: CommandSpec = {
  name: 'explain',
  summary: 'Asks the node on this machine how it would answer a search, and shows what takes how long.',
  words: '[TEXT]',
  maxWords: 100,
  flags: [...criteriaFlags, ...nodeFlags, { name: 'json', help: 'Print it as JSON.' }],
  notes: [
    [
      'TEXT and the options up to --hash are those of `shoal find`. The first line says what named the files to look',
      'at: hash, words, column (sizes, dates, types) or scan (every name). Then comes each step with the files',
      'before it and after it, in the order in which they were made; at last a page of the answer was taken.',
    ].join('\n'),
    'Ends with 0 when the search was made, 1 when it was refused or no node runs.',
  ],
};

async function run(components: Components, args: Arguments, io: Io): Promise<ExitCode> {
  const criteria = criteriaOf(args);
  const question: NodeQuestion = { ask: 'explain', criteria };
  const explained = (await (await localNode(components, args)).ask(question)) as Explained;
  if (args.has('json')) io.out.write(`${JSON.stringify(explained)}\n`);
  else for (const line of explanationLines(explained)) io.out.write(`${line}\n`);
  return explained.type === 'explained' ? ExitCode.done : ExitCode.failed;
}

export const explainCommand: Command = { spec, run };
