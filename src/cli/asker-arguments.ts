/** The flags that say who asks and whom: shared by `find`, `get` and `want`. */
import { join } from 'node:path';
import { ConfigError } from '../config/config-error.js';
import { type AskerOverrides, type Loaded, loadAskerConfig } from '../config/load.js';
import { type AskerConfig, TlsMode } from '../config/options.js';
import type { AskedChannel, FindRequest } from '../node/asker.js';
import type { BareJid, Jid } from '../stanza/jid.js';
import { parseJid } from '../stanza/jid.js';
import type { Arguments, Flag } from './arguments.js';
import { configHome, exists } from './local-files.js';
import type { Io } from './terminal.js';
import { UsageError } from './usage-error.js';

export const askerFlags: readonly Flag[] = [
  {
    name: 'channel',
    value: 'NODE',
    repeatable: true,
    help: 'Ask this channel, not those of the configuration.',
  },
  { name: 'service', value: 'JID', help: 'The pubsub service that has the channels.' },
  { name: 'config', value: 'FILE', help: 'The configuration to use (see below).' },
  { name: 'jid', value: 'JID', help: 'Your account.' },
  { name: 'password-file', value: 'FILE', help: 'Holds its password in the first line.' },
  { name: 'server', value: 'HOST:PORT', help: "The account's server." },
  {
    name: 'tls',
    value: 'MODE',
    help: `Encryption: ${TlsMode.join(', ')}. Default: required, on this machine allowed.`,
  },
];

export const askerNote = [
  'Without --config, the first of these that is there is used: the file that $SHOAL_CONFIG names,',
  './shoal-data/asker.yaml (which `npm start` writes), ~/.config/shoal/asker.yaml. Options given here win.',
].join('\n');

const MAX_WAIT_S = 300; // no node answers a query that is older
const DEFAULT_WAIT_S = 5;
/** Nodes answer within the spread of a question and the time of a search, a second at most; the rest is for slow lines. */
export const QUIET_S = 2;

/** Throws {@link UsageError} and ConfigError. */
export async function askerConfigOf(args: Arguments, io: Io): Promise<Loaded<AskerConfig>> {
  const overrides = overridesOf(args);
  const file = args.get('config') ?? (await defaultFile(io));
  if (file === undefined && overrides.jid === undefined) {
    throw new ConfigError([
      'there is no configuration: name one with --config FILE, or say --jid, --password-file and --server',
    ]);
  }
  return loadAskerConfig(file, overrides);
}

function overridesOf(args: Arguments): AskerOverrides {
  const [jid, passwordFile, server] = [args.get('jid'), args.get('password-file'), args.get('server')];
  const [tls, service, channels] = [args.get('tls'), args.get('service'), args.all('channel')];
  return {
    ...(jid !== undefined && { jid }),
    ...(passwordFile !== undefined && { passwordFile }),
    ...(server !== undefined && { server }),
    ...(tls !== undefined && { tls }),
    ...(service !== undefined && { service }),
    ...(channels.length > 0 && { channels }),
  };
}

async function defaultFile(io: Io): Promise<string | undefined> {
  const named = io.env.SHOAL_CONFIG;
  if (named !== undefined && named !== '') return named;
  for (const file of [join('shoal-data', 'asker.yaml'), join(configHome(io.env), 'shoal', 'asker.yaml')]) {
    if (await exists(file)) return file;
  }
  return undefined;
}

/** Who is asked: one node, or the channels. Throws {@link UsageError}. */
export function audienceOf(config: AskerConfig, to: Jid | undefined): Pick<FindRequest, 'to' | 'channels'> {
  return to === undefined ? { channels: channelsOf(config) } : { to, channels: [] };
}

/** The channels that are asked. Throws {@link UsageError} where there are none. */
export function channelsOf({ service, channels }: AskerConfig): readonly AskedChannel[] {
  if (channels.length === 0) throw new UsageError('say whom to ask: --channel NODE, or one node by its JID');
  if (service === undefined) throw new UsageError('say which pubsub service has the channel: --service JID');
  return channels.map((node) => ({ service: service satisfies BareJid, node }));
}

/** Throws {@link UsageError}. */
export function jidOf(args: Arguments, flag: string): Jid | undefined {
  return jidsOf(args, flag).at(-1);
}

/** Each once. Throws {@link UsageError}. */
export function jidsOf(args: Arguments, flag: string): Jid[] {
  const jids = args.all(flag).map((value) => {
    try {
      return parseJid(value);
    } catch (cause) {
      throw new UsageError(`--${flag} must be an XMPP address such as files.example.org, not '${value}'`, {
        cause,
      });
    }
  });
  return [...new Set(jids)];
}

export const waitFlag: Flag = {
  name: 'wait',
  value: 'SECONDS',
  help: `How long to wait for answers, at most ${MAX_WAIT_S}. Default: ${DEFAULT_WAIT_S}, or ${QUIET_S} after the last one.`,
};

/** Milliseconds. Throws {@link UsageError}. */
export function waitOf(args: Arguments): number {
  const value = args.get('wait') ?? String(DEFAULT_WAIT_S);
  const seconds = /^[0-9]{1,3}(\.[0-9]{1,3})?$/.test(value) ? Number(value) : Number.NaN;
  if (seconds > 0 && seconds <= MAX_WAIT_S) return Math.ceil(seconds * 1000);
  throw new UsageError(
    `--wait must be a number of seconds, more than 0 and at most ${MAX_WAIT_S}, not '${value}'`,
  );
}
