/** The options of one rule of `access`: whom it is about, which files, and what these may do with those. */
import { isPathGlob, MAX_GLOB_PARTS } from '../catalogue/path-glob.js';
import type { ChannelAddress } from '../stanza/file-discovery.js';
import { type BareJid, parseBareJid } from '../stanza/jid.js';
import { listOf, oneOf } from './kinds.js';
import { type Kind, optional, required, type ValuesOf } from './option.js';

const MAX_WHO = 1000;
const MAX_WHAT = 100; // each is looked at in every folder
const MAX_TEXT_BYTES = 4096; // as the longest path has

/** What an asker may do with a file. */
export const Permission = ['see', 'take', 'nothing'] as const;
export type Permission = (typeof Permission)[number];

/** Whom a rule is about. */
export type Who =
  | { readonly type: 'everyone' }
  | { readonly type: 'jid'; readonly jid: BareJid }
  | { readonly type: 'domain'; readonly domain: BareJid }
  /** Contacts of the node's account that are in this group of its roster. */
  | { readonly type: 'group'; readonly name: string }
  /** Who asks on this channel, or has done so of late. */
  | ({ readonly type: 'channel' } & ChannelAddress)
  /** The same of any channel that the node answers. */
  | { readonly type: 'channels' };

export type FileSet =
  /** Files of which the path, or that of a folder that they are in, fits `share/folder/*`; see `path-glob.ts`. */
  | { readonly type: 'path'; readonly glob: string }
  /** In lower case; a subtype of `*` is any. */
  | { readonly type: 'media-type'; readonly mediaType: string };

const who: Kind<Who> = {
  allowed:
    'everyone, channels, channel:SERVICE/NODE, group:NAME, @DOMAIN, or an XMPP address without a resource',
  read: (value) => (typeof value === 'string' ? whoOf(value) : undefined),
};

const what: Kind<FileSet> = {
  allowed: `a path such as books or books/**/*.pdf, of ${MAX_GLOB_PARTS} parts at most, or type:audio/*`,
  read: (value) => (typeof value === 'string' ? fileSetOf(value) : undefined),
};

export const accessOptions = {
  who: required(listOf(who, MAX_WHO), {
    reason:
      'Whom the rule is about: everyone; an address; @DOMAIN, all of a domain; group:NAME, contacts in that group of ' +
      "the account's roster; channel:SERVICE/NODE, who asks on that channel; channels, who asks on any of them.",
    example: "[juliet@example.org, '@example.net']",
  }),
  what: optional(listOf(what, MAX_WHAT), {
    reason:
      'Which files: a share, a folder or a file, with * and ? for parts of a name and ** for any folders; or a media ' +
      'type as type:audio/*. Without it: all.',
    example: "[books/plays, 'books/**/*.pdf', 'type:image/*']",
  }),
  may: required(oneOf(Permission), {
    reason: 'What they may do: see (find and list), take (that, and fetch), nothing (it is not there).',
    example: 'take',
  }),
};

type RuleValues = ValuesOf<typeof accessOptions>;

export interface AccessRule extends RuleValues {
  readonly what: readonly FileSet[];
}

export const EVERY_FILE: readonly FileSet[] = [{ type: 'path', glob: '**' }];

/** A rule as it stands in a file. */
export interface WrittenRule extends AccessRule {
  /** Of the file, from 1. */
  readonly line: number;
}

function whoOf(text: string): Who | undefined {
  if (text === 'everyone' || text === 'channels') return { type: text };
  const [, kind, rest = ''] = /^(channel|group):(.+)$/s.exec(text) ?? [];
  if (kind === 'group') return isPlain(rest) ? { type: 'group', name: rest } : undefined;
  if (kind === 'channel') {
    const channel = channelOf(rest);
    return channel && { type: 'channel', ...channel };
  }
  if (text.startsWith('@')) {
    const domain = bareJid(text.slice(1));
    return domain?.includes('@') === false ? { type: 'domain', domain } : undefined;
  }
  // A word alone is rather a slip of the keyboard than an address.
  const jid = /[@.]/.test(text) ? bareJid(text) : undefined;
  return jid && { type: 'jid', jid };
}

/** `SERVICE/NODE`; undefined where it is none. */
export function channelOf(text: string): ChannelAddress | undefined {
  const slash = text.indexOf('/');
  const service = slash < 0 ? undefined : bareJid(text.slice(0, slash));
  const nodeId = text.slice(slash + 1);
  return service && isPlain(nodeId) ? { service, nodeId } : undefined;
}

/** The share that a pattern of paths names; undefined where it may be several. */
export function shareOf(set: FileSet): string | undefined {
  const [share = ''] = set.type === 'path' ? set.glob.split('/') : [];
  return share === '' || /[*?]/.test(share) ? undefined : share;
}

function fileSetOf(text: string): FileSet | undefined {
  if (text.startsWith('type:')) {
    const [mediaType] =
      /^[a-z0-9!#$&^_.+-]+\/(?:[a-z0-9!#$&^_.+-]+|\*)$/.exec(text.slice(5).toLowerCase()) ?? [];
    return mediaType === undefined ? undefined : { type: 'media-type', mediaType };
  }
  return isPlain(text) && isPathGlob(text) ? { type: 'path', glob: text } : undefined;
}

function bareJid(text: string): BareJid | undefined {
  try {
    return parseBareJid(text);
  } catch {
    return undefined;
  }
}

function isPlain(text: string): boolean {
  return text !== '' && Buffer.byteLength(text) <= MAX_TEXT_BYTES && !text.includes('\0');
}
