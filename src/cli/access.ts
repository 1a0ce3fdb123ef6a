/** `shoal access check`: what somebody may do with a file by the rules of a configuration, and which rule says so. */
import { defaultRules } from '../access/default-rules.js';
import { addressesOf, RuleBook } from '../access/rule-book.js';
import { mediaTypeOf } from '../catalogue/media-type.js';
import { parseShareRelativePath } from '../catalogue/share-path.js';
import {
  type AccessRule,
  channelOf,
  type FileSet,
  type Permission,
  type Who,
  type WrittenRule,
} from '../config/access-options.js';
import { loadNodeConfig } from '../config/load.js';
import type { NodeConfig } from '../config/options.js';
import { messageOf } from '../errors.js';
import { bareOf, parseJid } from '../stanza/jid.js';
import type { Arguments, CommandSpec } from './arguments.js';
import { type Command, type Components, ExitCode } from './command.js';
import { exists } from './local-files.js';
import { DEFAULT_CONFIG } from './local-node.js';
import { printable } from './printable.js';
import type { Io } from './terminal.js';
import { UsageError } from './usage-error.js';

const spec: CommandSpec = {
  name: 'access',
  summary: 'Shows what somebody may do with a file of a node, and which rule decides.',
  words: 'check JID SHARE/PATH',
  maxWords: 3,
  flags: [
    { name: 'config', value: 'FILE', help: `The node's configuration. Default: ./${DEFAULT_CONFIG}.` },
    {
      name: 'channel',
      value: 'SERVICE/NODE',
      repeatable: true,
      help: 'As if JID had asked on this channel.',
    },
    {
      name: 'group',
      value: 'NAME',
      repeatable: true,
      help: 'As if JID were in this group of the roster.',
    },
    { name: 'type', value: 'TYPE', help: 'The media type. Default: that of the extension.' },
    { name: 'json', help: 'Print it as JSON.' },
  ],
  notes: [
    [
      'Looks at the configuration alone: no node has to run, and the file need not be there. A node that runs goes by',
      'the rules that it has read last (shoal reload).',
    ].join('\n'),
    'Ends with 0 when JID may see or take the file, 1 when it may not, 2 when the configuration is wrong.',
  ],
};

interface Checked {
  readonly may: Permission;
  /** The line of the rule that decides; absent where none is about it. */
  readonly line?: number;
  readonly rule?: string;
}

async function run(components: Components, args: Arguments, io: Io): Promise<ExitCode> {
  const [verb, jid, path] = args.words;
  if (verb !== 'check' || jid === undefined || path === undefined) {
    throw new UsageError('say what to check: shoal access check JID SHARE/PATH');
  }
  const file = args.get('config') ?? DEFAULT_CONFIG;
  if (args.get('config') === undefined && !(await exists(file))) {
    throw new UsageError(`there is no ${DEFAULT_CONFIG} here: name the configuration with --config FILE`);
  }
  const { config } = await loadNodeConfig(file);
  const checked = check(config, jid, path, args, components);
  if (args.has('json')) io.out.write(`${JSON.stringify({ jid, path, ...checked })}\n`);
  else for (const line of linesOf(checked, jid, path, file)) io.out.write(`${printable(line)}\n`);
  return checked.may === 'nothing' ? ExitCode.failed : ExitCode.done;
}

function check(
  config: NodeConfig,
  jid: string,
  path: string,
  args: Arguments,
  { clock }: Pick<Components, 'clock'>,
): Checked {
  const asker = parsed('JID', () => parseJid(jid));
  const [share = ''] = path.split('/', 1);
  const inShare = parsed('SHARE/PATH', () => parseShareRelativePath(path.slice(share.length + 1)));
  if (!config.shares.some(({ name }) => name === share)) {
    throw new UsageError(
      `'${share}' is none of the shares: ${config.shares.map(({ name }) => name).join(', ')}`,
    );
  }
  const rules: readonly (AccessRule & Partial<WrittenRule>)[] =
    config.access ?? defaultRules(config.xmpp, addressesOf(config.announce));
  const groups = args.all('group');
  const book = new RuleBook(
    { clock, groups: { isIn: (_contact, group) => groups.includes(group) } },
    { rules, channels: addressesOf(config.channels) },
  );
  for (const channel of args.all('channel')) {
    const through = channelOf(channel);
    if (through === undefined) throw new UsageError(`--channel needs SERVICE/NODE, not '${channel}'`);
    book.asked(bareOf(asker), through);
  }
  const mediaType = args.get('type') ?? mediaTypeOf(inShare);
  const { may, rule } = book.decide({ jid: asker }, { share, path: inShare, mediaType });
  const decided = rule === undefined ? undefined : rules[rule];
  if (decided === undefined) return { may };
  return { may, ...(decided.line !== undefined && { line: decided.line }), rule: ruleText(decided) };
}

function parsed<T>(word: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new UsageError(`${word}: ${messageOf(cause)}`, { cause });
  }
}

const SAID: Readonly<Record<Permission, string>> = {
  see: 'may see, and not take,',
  take: 'may take',
  nothing: 'may not see',
};

function linesOf({ may, line, rule }: Checked, jid: string, path: string, file: string): string[] {
  const verdict = `${jid} ${SAID[may]} ${path}`;
  if (rule === undefined) return [verdict, `no rule of ${file} is about both`];
  return [verdict, line === undefined ? `without 'access' in ${file}: ${rule}` : `${file}:${line}: ${rule}`];
}

function ruleText({ who, what, may }: AccessRule): string {
  return `{ who: [${who.map(whoText).join(', ')}], what: [${what.map(whatText).join(', ')}], may: ${may} }`;
}

function whoText(who: Who): string {
  switch (who.type) {
    case 'jid':
      return who.jid;
    case 'domain':
      return `@${who.domain}`;
    case 'group':
      return `group:${who.name}`;
    case 'channel':
      return `channel:${who.service}/${who.nodeId}`;
    default:
      return who.type;
  }
}

function whatText(set: FileSet): string {
  return set.type === 'path' ? set.glob : `type:${set.mediaType}`;
}

export const accessCommand: Command = { spec, run };
