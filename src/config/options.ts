/** Every option there is: a node's (`shoal serve`) and an asker's (`shoal find`, `shoal get`, `shoal want`). */
import { LogLevel } from '../log.js';
import type { BareJid, FullJid } from '../stanza/jid.js';
import { accessOptions, type WrittenRule } from './access-options.js';
import { bandwidthOptions } from './bandwidth-options.js';
import type { ExtensionConfig } from './extension-module.js';
import {
  bareJid,
  extension,
  gateway,
  host,
  hostPort,
  jid,
  listOf,
  oneOf,
  path,
  port,
  shareName,
  tableOf,
  text,
  whole,
  yesOrNo,
} from './kinds.js';
import { DEFAULT_STRIKES, limitOptions, STRIKES_REASON, strikeLimit } from './limits.js';
import { type LinkConfig, linkOptions } from './link-options.js';
import { optional, required, type SectionOf, type ValuesOf, withDefault } from './option.js';
import { type WishConfig, wishOptions } from './wish-options.js';

const MAX_NAME_BYTES = 1023; // RFC 7622 §3.4 for resources, XEP-0060 §12.10 for NodeIDs kept as them
const MAX_SECRET_BYTES = 4096;
const MAX_SHARES = 1000;
const MAX_CHANNELS = 1000;
const MAX_PATTERNS = 1000;
const MAX_HOSTS = 8; // each is an address that every peer of every transfer may have to try
const MAX_TRUSTED = 1000;
const MAX_EXTENSIONS = 100;
const MAX_RULES = 1000;
const MAX_OWNERS = 100;
const MAX_PLACES = 100;
const MAX_WISHES = 20; // each asks by itself, and fetches one file at a time

/** How an asker protects its connection. */
export const TlsMode = ['required', 'allowed', 'off'] as const;
export type TlsMode = (typeof TlsMode)[number];

export const AttachMode = ['component', 'client'] as const;
export type AttachMode = (typeof AttachMode)[number];

/** Who may see a node's presence. */
export const SubscriptionRule = ['everyone', 'domain', 'none'] as const;
export type SubscriptionRule = (typeof SubscriptionRule)[number];

/** Options of `xmpp` that only one mode has. */
export const OPTIONS_OF_MODE: Readonly<Record<AttachMode, readonly string[]>> = {
  component: ['host', 'port', 'secret', 'secretFile'],
  client: ['password', 'passwordFile', 'server', 'tls', 'subscriptions'],
};

export const shareOptions = {
  name: required(shareName, { reason: 'First part of the path of every file in it.', example: 'books' }),
  path: required(path, { reason: 'The folder.', example: '/srv/books' }),
  exclude: withDefault(listOf(text(1024), MAX_PATTERNS), [], {
    reason: 'Patterns of what is not offered. One without a slash holds at any depth.',
    example: "['*.part', '.git/**']",
  }),
  followSymlinks: withDefault(yesOrNo, false, {
    reason: 'Whether links are followed. Never to the outside of the share.',
  }),
  hidden: withDefault(yesOrNo, false, { reason: 'Whether names that begin with a dot are offered.' }),
};

export const channelOptions = {
  service: required(bareJid, { reason: 'The pubsub service.', example: 'pubsub.example.org' }),
  node: required(text(MAX_NAME_BYTES), { reason: 'The NodeID of the channel.', example: 'books' }),
  create: withDefault(yesOrNo, false, { reason: 'Whether it is created when it is not there.' }),
  unsubscribeOnStop: withDefault(yesOrNo, false, {
    reason: 'Whether a clean stop leaves the channel. Without it the subscription outlives restarts.',
  }),
};

export const announceOptions = {
  service: required(bareJid, { reason: 'The pubsub service.', example: 'pubsub.example.org' }),
  node: required(text(MAX_NAME_BYTES), {
    reason: 'The NodeID of the channel. One by itself is best: not all who ask want to hear of all.',
    example: 'new-books',
  }),
  create: withDefault(yesOrNo, false, { reason: 'Whether it is created when it is not there.' }),
  shares: withDefault(listOf(shareName, MAX_SHARES), [], {
    reason: 'Files of which shares. Without any: of all.',
    example: '[books]',
  }),
  perMinute: withDefault(whole(1, 600), 30, {
    reason: 'How many files are announced; the others wait, a thousand at most.',
  }),
};

export const nodeOptions = {
  'xmpp.mode': withDefault(oneOf(AttachMode), 'component', {
    reason:
      'How the node attaches: as a component of the server (XEP-0114), or as a client with an account of it.',
  }),
  'xmpp.jid': required(jid, {
    reason:
      "The node's address. A component's is the domain that the server gives it; a client's is its account, such as " +
      'files@example.org, with a resource if it is not to be shoal.',
    example: 'files.example.org',
  }),
  'xmpp.host': withDefault(host, '127.0.0.1', {
    reason: 'Component: where the server listens for components. The connection is not encrypted.',
  }),
  'xmpp.port': withDefault(port, 5347, { reason: 'Component: its port.' }),
  'xmpp.secret': optional(text(MAX_SECRET_BYTES), {
    reason: 'Component: the secret shared with the server. Either this or secretFile.',
    secret: true,
    example: 's3cret',
  }),
  'xmpp.secretFile': optional(path, {
    reason: 'A file that holds the secret in its first line. Nobody else should be able to read it.',
    example: './secret',
  }),
  'xmpp.password': optional(text(MAX_SECRET_BYTES), {
    reason: "Client: the account's password. Either this or passwordFile.",
    secret: true,
    aside: true,
    example: 's3cret',
  }),
  'xmpp.passwordFile': optional(path, {
    reason: 'A file that holds the password in its first line. Nobody else should be able to read it.',
    example: './password',
  }),
  'xmpp.server': optional(hostPort, {
    reason: "Client: where the account's server listens. Without it: port 5222 of the account's domain.",
    example: '127.0.0.1:5222',
  }),
  'xmpp.tls': optional(oneOf(TlsMode), {
    reason:
      'Client: whether the connection must be encrypted. Without it: required, but allowed for a server on this machine.',
    example: 'required',
  }),
  'xmpp.subscriptions': withDefault(oneOf(SubscriptionRule), 'domain', {
    reason:
      "Client: who may see that the node is there and what it can do: everyone who asks, those of the account's domain, " +
      'nobody. Many clients offer files only to whom they see. It bounds nobody in asking and fetching.',
  }),
  shares: withDefault(listOf(tableOf(shareOptions), MAX_SHARES), [], {
    reason: 'The folders that are offered.',
  }),
  channels: withDefault(listOf(tableOf(channelOptions), MAX_CHANNELS), [], {
    reason: 'The channels whose queries are answered.',
  }),
  access: optional(listOf(tableOf(accessOptions), MAX_RULES), {
    reason:
      'Who sees and who takes which files (docs/access.md). The first rule that is about both the asker and the file ' +
      'decides; what no rule is about is not there. Without `access`, those of the own domain and who asks on a ' +
      'channel of ours may take everything, and others nothing.',
    aside: true,
  }),
  owners: withDefault(listOf(bareJid, MAX_OWNERS), [], {
    reason:
      'Accounts that may ask for the state of the node, and steer it, with the commands of their clients.',
    example: '[romeo@example.net]',
  }),
  ownersMayShare: withDefault(listOf(path, MAX_PLACES), [], {
    reason:
      'Folders in which owners may choose further shares from their clients, written into this file then. Without any, ' +
      'they can only take shares away.',
    example: '[/srv/files]',
  }),
  'about.name': withDefault(text(200), 'shoal', {
    reason: 'The name under which clients show the node.',
  }),
  'about.description': optional(text(2000), {
    reason: 'What clients show beside it: what there is, whom to ask.',
    example: "The club's library. Write help to it.",
  }),
  announce: withDefault(listOf(tableOf(announceOptions), MAX_CHANNELS), [], {
    reason: 'Channels that are told of files which have come, and of those that went again.',
    aside: true,
  }),
  wishes: withDefault(listOf(tableOf(wishOptions), MAX_WISHES), [], {
    reason:
      'What the node fetches for itself when others offer it, and then offers too: what is asked for on channels, again ' +
      'and again, and put into a share.',
    aside: true,
  }),
  data: withDefault(path, './data', {
    reason: "A folder of the node's own, for what it remembers of the files. Not inside a share.",
  }),
  extensions: withDefault(listOf(extension, MAX_EXTENSIONS), [], {
    reason:
      'Modules of your own that see what the node does, and change or veto it (docs/extensions.md). They run in the ' +
      'node and may do whatever it may.',
    example: '[./my-extension.js]',
  }),
  'log.level': withDefault(oneOf(LogLevel), 'info', {
    reason: 'How much is logged, as JSON lines on standard output.',
  }),
  'transfers.listenHost': optional(host, {
    reason: 'The local address on which peers fetch files (SOCKS5). Without it: all of them.',
    example: '0.0.0.0',
  }),
  'transfers.listenPort': withDefault(whole(0, 65_535), 0, {
    reason: 'Its port; 0 takes any free one. Behind a firewall, choose one and open it.',
  }),
  'transfers.lastListenPort': optional(port, {
    reason: 'Where others may hold that port: the first free one from it to this one is taken.',
    example: '7010',
  }),
  'transfers.externalHosts': withDefault(listOf(host, MAX_HOSTS), [], {
    reason: 'The addresses that peers are told to connect to. Without any: those of the network interfaces.',
    example: '[203.0.113.7]',
  }),
  'transfers.externalPort': optional(port, {
    reason: 'The port that externalHosts forward to us, where it is not that of listenPort.',
    example: '7000',
  }),
  'transfers.mapPort': withDefault(yesOrNo, false, {
    reason:
      'Whether the router is asked, by NAT-PMP or UPnP, to forward a port to us, so that peers reach us from outside of our ' +
      'network.',
  }),
  'transfers.gateway': optional(gateway, {
    reason:
      'The router that is asked: its address, or the URL of its UPnP description. Without it: that of the default route, or ' +
      'one that answers a UPnP search.',
    example: '192.168.1.1',
  }),
  'transfers.findProxies': withDefault(yesOrNo, true, {
    reason:
      'Whether the server is asked for SOCKS5 proxies, over which those can meet who reach each other by no other way.',
  }),
  'transfers.proxies': withDefault(listOf(bareJid, MAX_HOSTS), [], {
    reason: 'The XMPP addresses of such proxies. With any, the server is not asked.',
    example: '[proxy.example.org]',
  }),
  'transfers.connectToPrivate': withDefault(yesOrNo, true, {
    reason:
      'Whether we connect to addresses of private networks (RFC 1918, RFC 4193) when a peer of our own server names one.',
  }),
  'transfers.trustedPeers': withDefault(listOf(bareJid, MAX_TRUSTED), [], {
    reason:
      'Accounts and domains at whose word we connect anywhere: to private networks, to this machine, to ports below 1024.',
    example: '[romeo@example.net, example.com]',
  }),
  'transfers.friends': withDefault(listOf(bareJid, MAX_TRUSTED), [], {
    reason: 'Accounts and domains whose turn comes before that of others where all upload slots are taken.',
    example: '[romeo@example.net, example.com]',
  }),
  ...bandwidthOptions,
  ...linkOptions,
  'scan.quietMs': withDefault(whole(100, 3_600_000), 1000, {
    unit: 'ms',
    reason: 'How long a file must have been left alone before it is offered.',
  }),
  'scan.intervalS': withDefault(whole(10, 86_400), 600, {
    unit: 's',
    reason: 'How often everything is walked again, for changes that the watcher missed.',
  }),
  ...limitOptions,
};

export const askerOptions = {
  jid: required(jid, { reason: 'Your account.', example: 'juliet@example.org' }),
  password: optional(text(MAX_SECRET_BYTES), {
    reason: 'Its password. Either this or passwordFile.',
    secret: true,
    example: 's3cret',
  }),
  passwordFile: optional(path, {
    reason: 'A file that holds the password in its first line. Nobody else should be able to read it.',
    example: './password',
  }),
  server: optional(hostPort, {
    reason: "Where the account's server listens. Without it: port 5222 of the account's domain.",
    example: '127.0.0.1:5222',
  }),
  tls: optional(oneOf(TlsMode), {
    reason:
      'Whether the connection must be encrypted. Without it: required, but allowed for a server on this machine.',
    example: 'required',
  }),
  service: optional(bareJid, {
    reason: 'The pubsub service that has the channels.',
    example: 'pubsub.example.org',
  }),
  channels: withDefault(listOf(text(MAX_NAME_BYTES), MAX_CHANNELS), [], {
    reason: 'The channels that are asked where none is named.',
    example: '[books]',
  }),
  strikes: withDefault(strikeLimit, DEFAULT_STRIKES, { reason: STRIKES_REASON }),
};

export type NodeValues = ValuesOf<typeof nodeOptions>;
export type AskerValues = ValuesOf<typeof askerOptions>;
export type ShareConfig = ValuesOf<typeof shareOptions>;
export type ChannelConfig = ValuesOf<typeof channelOptions>;
export type AnnounceConfig = ValuesOf<typeof announceOptions>;
export type Limits = SectionOf<NodeValues, 'limits'>;

/** How a node attaches to the network. */
export type XmppConfig =
  | {
      readonly mode: 'component';
      readonly host: string;
      readonly port: number;
      readonly jid: BareJid;
      readonly secret: string;
    }
  | {
      readonly mode: 'client';
      readonly jid: FullJid;
      readonly password: string;
      readonly server: { readonly host: string; readonly port: number };
      readonly tls: TlsMode;
      readonly subscriptions: SubscriptionRule;
    };

/** The configuration of a node, complete and checked. */
export interface NodeConfig {
  readonly xmpp: XmppConfig;
  readonly shares: readonly ShareConfig[];
  readonly channels: readonly ChannelConfig[];
  /** Undefined where none are written. */
  readonly access: readonly WrittenRule[] | undefined;
  readonly owners: readonly BareJid[];
  /** Absolute paths. */
  readonly ownersMayShare: readonly string[];
  readonly about: SectionOf<NodeValues, 'about'>;
  readonly announce: readonly AnnounceConfig[];
  readonly wishes: readonly WishConfig[];
  /** Absolute path. */
  readonly data: string;
  readonly extensions: readonly ExtensionConfig[];
  readonly log: SectionOf<NodeValues, 'log'>;
  readonly transfers: SectionOf<NodeValues, 'transfers'>;
  /** Without them none are made. */
  readonly links?: LinkConfig;
  readonly bandwidth: SectionOf<NodeValues, 'bandwidth'>;
  readonly scan: SectionOf<NodeValues, 'scan'>;
  readonly limits: Limits;
}

/** The configuration of an asker, complete and checked. */
export interface AskerConfig {
  readonly jid: AskerValues['jid'];
  readonly password: string;
  readonly server: { readonly host: string; readonly port: number };
  readonly tls: TlsMode;
  readonly service: AskerValues['service'];
  readonly channels: readonly string[];
  /** With so many an address is never asked again; 0: only not for those files. Default: that of the table. */
  readonly strikes?: number;
}
