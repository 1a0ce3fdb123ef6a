/** `shoal ban` and `shoal unban`: whom the node on this machine has nothing to do with. */
import { type Ban, MAX_BAN_MS } from '../access/bans.js';
import { ParseError } from '../errors.js';
import type { NodeQuestion, Refused } from '../node/node-question.js';
import { type BareJid, bareOf, parseJid } from '../stanza/jid.js';
import type { Arguments, CommandSpec } from './arguments.js';
import { banLine } from './ban-lines.js';
import { type Command, type Components, ExitCode } from './command.js';
import { localNode, nodeFlags } from './local-node.js';
import { printable } from './printable.js';
import { parseDuration } from './quantities.js';
import type { Io } from './terminal.js';
import { UsageError } from './usage-error.js';

const banSpec: CommandSpec = {
  name: 'ban',
  summary: 'Keeps an account or a domain away from the node on this machine.',
  words: '(JID|DOMAIN)',
  maxWords: 1,
  flags: [
    { name: 'for', value: 'TIME', help: 'Until when: 30m, 2h, 7d. Without it: until `shoal unban`.' },
    { name: 'reason', value: 'TEXT', help: 'Why, for yourself: nobody else is told.' },
    ...nodeFlags,
  ],
  notes: [
    [
      'Who is banned gets no answer, whatever they ask, and what they are being sent ends. A domain is all accounts at it and',
      'the address itself, not those of domains below it. A second ban of the same takes the place of the first. Bans are',
      'kept in the data folder and outlive a restart.',
    ].join('\n'),
    'Ends with 0 when it is done, 1 when no node runs.',
  ],
};

const unbanSpec: CommandSpec = {
  name: 'unban',
  summary: 'Lifts a ban of the node on this machine.',
  words: '(JID|DOMAIN)',
  maxWords: 1,
  flags: nodeFlags,
  notes: ['Ends with 0 when it is lifted, 1 when there is no such ban or no node runs.'],
};

async function ban(components: Components, args: Arguments, io: Io): Promise<ExitCode> {
  const who = whoOf(args);
  const [time, reason] = [args.get('for'), args.get('reason')];
  const question: NodeQuestion = {
    ask: 'ban',
    who,
    ...(time !== undefined && { forMs: parseDuration(time, 'for', MAX_BAN_MS) }),
    ...(reason !== undefined && { reason }),
  };
  const said = (await (await localNode(components, args)).ask(question)) as Ban | Refused;
  if ('refused' in said) {
    io.err.write(`shoal ban: ${printable(said.refused)}\n`);
    return ExitCode.failed;
  }
  io.out.write(`${banLine(said, components.clock.now())}\n`);
  return ExitCode.done;
}

async function unban(components: Components, args: Arguments, io: Io): Promise<ExitCode> {
  const who = whoOf(args);
  const question: NodeQuestion = { ask: 'unban', who };
  const wasThere = (await (await localNode(components, args)).ask(question)) as boolean;
  if (wasThere) return ExitCode.done;
  io.err.write(`shoal unban: ${printable(who)} is not banned\n`);
  return ExitCode.failed;
}

function whoOf(args: Arguments): BareJid {
  const [written] = args.words;
  if (written === undefined)
    throw new UsageError('say who: an account such as romeo@example.net, or a domain');
  try {
    return bareOf(parseJid(written));
  } catch (thrown) {
    if (!(thrown instanceof ParseError)) throw thrown;
    throw new UsageError(`'${written}' is neither an account such as romeo@example.net nor a domain`);
  }
}

export const banCommand: Command = { spec: banSpec, run: ban };
export const unbanCommand: Command = { spec: unbanSpec, run: unban };
