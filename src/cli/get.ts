/** `shoal get`: finds who has a file, a folder or many files, and fetches them. */
import { basename, join } from 'node:path';
import type { AskerConfig } from '../config/options.js';
import { messageOf } from '../errors.js';
import { createLog } from '../log.js';
import { safeFileName } from '../transfer/fetch/safe-file-name.js';
import type { Arguments, CommandSpec } from './arguments.js';
import { askerConfigOf, askerFlags, askerNote, channelsOf, jidsOf } from './asker-arguments.js';
import type { Command, Components, ExitCode } from './command.js';
import { getMany } from './get-many.js';
import { type GetComponents, getOne } from './get-one.js';
import { isFolder, readTextFile, stateHome } from './local-files.js';
import { type Audience, ONE_QUESTION_MS } from './look-for.js';
import { parseDuration } from './quantities.js';
import type { Io } from './terminal.js';
import { UsageError } from './usage-error.js';
import { rangeOf, wantedOf } from './wanted-file.js';
import { parseWishes, type WishLine, wishAt } from './wish-list.js';

const MAX_WAIT_MS = 366 * 86_400_000;
const MAX_LIST_BYTES = 16_777_216; // some 200,000 lines

const spec: CommandSpec = {
  name: 'get',
  summary: 'Fetches a file, a folder or a list of them from everybody who has them.',
  words: '(HASH|NAME|FOLDER/)',
  maxWords: 1,
  flags: [
    {
      name: 'to',
      value: 'JID',
      repeatable: true,
      help: 'Ask and fetch from this node, and no channel but those of --channel.',
    },
    { name: 'from', value: 'JID', repeatable: true, help: 'The same as --to.' },
    { name: 'list', value: 'FILE', help: 'Fetch what this file lists, one a line: HASH, or JID PATH.' },
    {
      name: 'output',
      short: 'o',
      value: 'PATH',
      help: 'Where to: a file, or a folder. Default: its name, here.',
    },
    {
      name: 'range',
      value: 'OFFSET-END',
      help: 'These bytes only, counted from 0, END included; no END: to the end.',
    },
    { name: 'force', help: 'Replace files that have these names.' },
    {
      name: 'wait',
      value: 'TIME',
      help: 'How long to wait for somebody who has it: 30 (seconds), 10m, 3h, 3d. Default: 5.',
    },
    { name: 'json', help: 'Print what happens as JSON, one object a line (docs/fetch.md).' },
    ...askerFlags,
  ],
  notes: [
    [
      'HASH is sha-256:BASE64 or another function, as `shoal find --long` shows it; base64 or hexadecimal alone is',
      'taken as sha-256. NAME is the whole name of the file, or its path as `shoal find` shows it. When several',
      'files have the name they are listed, and nothing is fetched. FOLDER/ is the path of a folder, with a slash at',
      'its end, of the one node that --to names: all that is below it is fetched, into a folder of that name.',
    ].join('\n'),
    [
      'A file whose hash is known comes from all who have it at once, and each block is checked as it comes: who sends',
      'wrong bytes is named, and not asked again. While it comes the channels are asked again, and who else has it',
      'joins in. On a terminal there is a map of the file (# is there, > on its way, : there in part, - missing) and',
      'a line for each source: state or rate, its share of the file, strikes for wrong bytes.',
    ].join('\n'),
    [
      'Lines of a list that are empty or begin with # are left out; a PATH with a slash at its end is a folder.',
      'What can not be had is told in a line each. Files that are here already, with the right content, are not',
      'fetched again. Names are made safe for this disk, and get a number where two would be one; times of last',
      'change are kept.',
    ].join('\n'),
    [
      'Bytes go to PATH.part, which the next call continues, also after Ctrl-C, a crash or a power cut; the file gets',
      'its name once its hash is right. With --wait, when nobody can give anything any more, the same command goes on',
      'as soon as somebody can.',
    ].join('\n'),
    [
      'Ends with 0 when everything is there; with 1 when something was not found or could not be fetched; with 2 when',
      'the command line or the configuration is wrong; with 130 after Ctrl-C.',
    ].join('\n'),
    askerNote,
  ],
};

/** What the command line asks for. */
type Order =
  | { readonly type: 'one'; readonly word: string }
  | {
      readonly type: 'many';
      readonly wishes: readonly WishLine[];
      readonly flat: boolean;
      readonly folder: string;
    };

async function run(components: Components, args: Arguments, io: Io): Promise<ExitCode> {
  const range = rangeOf(args.get('range'));
  const nodes = [...new Set([...jidsOf(args, 'to'), ...jidsOf(args, 'from')])];
  const waitMs = parseDuration(args.get('wait') ?? String(ONE_QUESTION_MS / 1000), 'wait', MAX_WAIT_MS);
  const order = await orderOf(args, nodes);
  if (order.type === 'many' && range !== undefined) throw new UsageError('--range is for one file');
  const { config, warnings } = await askerConfigOf(args, io);
  const audience: Audience = { nodes, channels: channelsFor(args, config, order, nodes.length) };
  for (const warning of warnings) io.err.write(`shoal: ${warning}\n`);
  const asker = await components.createAsker({ clock: components.clock, log: createLog('silent') }, config, {
    stateFolder: join(stateHome(io.env), 'shoal'),
  });
  const parts: GetComponents = { asker, clock: components.clock, io };
  const overwrite = args.has('force') ? 'replace' : 'refuse';
  const form = args.has('json') ? 'json' : 'lines';
  try {
    await asker.start();
    const how = { audience, waitMs, overwrite, form } as const;
    if (order.type === 'many') return await getMany(parts, { ...how, ...order });
    return await getOne(parts, { ...how, wanted: wantedOf(order.word), range, output: args.get('output') });
  } finally {
    await asker.stop();
  }
}

/** Throws {@link UsageError}. */
async function orderOf(args: Arguments, nodes: readonly string[]): Promise<Order> {
  const [word, list] = [args.words[0], args.get('list')];
  const output = args.get('output');
  if (output === '') throw new UsageError('--output needs a path');
  if (list !== undefined) {
    if (word !== undefined) throw new UsageError(`'${word}' is one word too many beside --list`);
    return { type: 'many', wishes: await wishesIn(list), flat: false, folder: output ?? '.' };
  }
  if (word === undefined || word === '') throw new UsageError('say which file: its hash or its name');
  if (!word.endsWith('/')) return { type: 'one', word };
  const from = jidsOf(args, 'to')[0] ?? jidsOf(args, 'from')[0];
  if (from === undefined || nodes.length !== 1) {
    throw new UsageError('a folder is fetched from one node: name it with --to JID');
  }
  const wish = wishAt(from, word);
  if (wish.type === 'fault') throw new UsageError(wish.message);
  // As `cp -r` does: into a folder that is there, else under that name.
  const flat = output === undefined || !(await isFolder(output));
  const folder = output ?? safeFileName(basename(word));
  return { type: 'many', wishes: [{ text: word, wish }], flat, folder };
}

async function wishesIn(file: string): Promise<WishLine[]> {
  let text: string | undefined;
  try {
    text = await readTextFile(file, MAX_LIST_BYTES);
  } catch (cause) {
    throw new UsageError(`--list: ${file} can't be read: ${messageOf(cause)}`, { cause });
  }
  if (text === undefined) throw new UsageError(`--list: ${file} is longer than ${MAX_LIST_BYTES} bytes`);
  const wishes = parseWishes(text);
  if (wishes.length === 0) throw new UsageError(`--list: ${file} holds no wishes`);
  return wishes;
}

/** Who names nodes means those, unless he names channels too; a list may do without any. */
function channelsFor(args: Arguments, config: AskerConfig, order: Order, nodes: number) {
  if (nodes > 0 && !args.has('channel')) return [];
  if (order.type === 'many' && config.channels.length === 0) return [];
  return channelsOf(config);
}

export const getCommand: Command = { spec, run };
