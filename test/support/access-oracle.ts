/** Rules of access read as they are written, one after the other, and rules and files to try them with. */
import fc from 'fast-check';
import type { RuledFile } from '../../src/access/access-policy.js';
import type { ShareRelativePath } from '../../src/catalogue/share-path.js';
import type { AccessRule, FileSet, Permission, Who } from '../../src/config/access-options.js';
import type { ChannelAddress } from '../../src/stanza/file-discovery.js';
import { bareOf, domainOf, type Jid, parseBareJid, parseJid } from '../../src/stanza/jid.js';

/** Whom the oracle knows of an asker. */
export interface KnownAsker {
  readonly jid: Jid;
  readonly channels: readonly ChannelAddress[];
  readonly groups: readonly string[];
}

/** The first rule that is about both decides. */
export function permissionOf(rules: readonly AccessRule[], asker: KnownAsker, file: RuledFile): Permission {
  const rule = rules.find(
    ({ who, what }) => who.some((each) => isAsker(each, asker)) && what.some((each) => isFile(each, file)),
  );
  return rule?.may ?? 'nothing';
}

function isAsker(who: Who, { jid, channels, groups }: KnownAsker): boolean {
  switch (who.type) {
    case 'everyone':
      return true;
    case 'jid':
      return bareOf(jid) === who.jid;
    case 'domain':
      return domainOf(jid) === who.domain;
    case 'group':
      return groups.includes(who.name);
    case 'channels':
      return channels.length > 0;
    case 'channel':
      return channels.some(({ service, nodeId }) => service === who.service && nodeId === who.nodeId);
  }
}

function isFile(set: FileSet, { share, path, mediaType }: RuledFile): boolean {
  if (set.type === 'media-type') {
    const [type = ''] = mediaType.toLowerCase().split(';');
    return set.mediaType.endsWith('/*')
      ? type.startsWith(set.mediaType.slice(0, -1))
      : type.trim() === set.mediaType;
  }
  const parts = `${share}/${path}`.normalize('NFC').split('/');
  const wanted = set.glob.normalize('NFC').split('/');
  return parts.some((_, at) => fits(wanted, parts.slice(0, at + 1)));
}

/** Slowly, and plainly. */
export function fits([first, ...wanted]: readonly string[], parts: readonly string[]): boolean {
  if (first === undefined) return parts.length === 0;
  if (first === '**') return parts.some((_, at) => fits(wanted, parts.slice(at))) || fits(wanted, []);
  const [part, ...rest] = parts;
  return part !== undefined && fitsPart([...first], [...part]) && fits(wanted, rest);
}

function fitsPart([first, ...wanted]: readonly string[], text: readonly string[]): boolean {
  if (first === undefined) return text.length === 0;
  const [character, ...rest] = text;
  if (first === '*')
    return fitsPart(wanted, text) || (character !== undefined && fitsPart([first, ...wanted], rest));
  return character !== undefined && (first === '?' || first === character) && fitsPart(wanted, rest);
}

const NAMES = ['a', 'b', 'ab', 'a.mp3', 'b.pdf', 'A', 'é', 'e\u0301', '💿', 'x y', 'broken \udce9'];
const NAME_GLOBS = [...NAMES.slice(0, 9), '*', '**', 'a*', '*b', '?', '*.mp3', '*a*', '??'];
const SHARES = ['books', 'music'];
const TYPES = ['audio/mpeg', 'application/pdf', 'text/plain; charset=utf-8', 'Audio/FLAC'];

export const CHANNELS: readonly ChannelAddress[] = ['plays', 'songs'].map((nodeId) => ({
  service: parseBareJid('pubsub.example.org'),
  nodeId,
}));
export const GROUPS = ['friends', 'family'];

const jids = ['juliet@example.org', 'romeo@example.net', 'nurse@example.org', 'bot.example.com'].map((each) =>
  parseBareJid(each),
);

export const askers: fc.Arbitrary<KnownAsker> = fc.record({
  jid: fc.constantFrom(...jids, ...jids.map((each) => parseJid(`${each}/here`))),
  channels: fc.subarray([...CHANNELS]),
  groups: fc.subarray(GROUPS),
});

const whos: fc.Arbitrary<Who> = fc.oneof(
  fc.constantFrom<Who>({ type: 'everyone' }, { type: 'channels' }),
  fc.constantFrom(...jids).map((jid): Who => ({ type: 'jid', jid })),
  fc
    .constantFrom('example.org', 'example.net')
    .map((each): Who => ({ type: 'domain', domain: parseBareJid(each) })),
  fc.constantFrom(...GROUPS).map((name): Who => ({ type: 'group', name })),
  fc.constantFrom(...CHANNELS).map((channel): Who => ({ type: 'channel', ...channel })),
);

export const globs: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(...SHARES, '*', '**', '?usic'),
    fc.array(fc.constantFrom(...NAME_GLOBS), { maxLength: 3 }),
  )
  .map(([share, names]) => [share, ...names].join('/'));

const fileSets: fc.Arbitrary<FileSet> = fc.oneof(
  { weight: 3, arbitrary: globs.map((glob): FileSet => ({ type: 'path', glob })) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('audio/*', 'audio/mpeg', 'application/pdf', 'text/plain', 'text/*', 'image/*')
      .map((mediaType): FileSet => ({ type: 'media-type', mediaType })),
  },
);

export const ruleLists: fc.Arbitrary<readonly AccessRule[]> = fc.array(
  fc.record({
    who: fc.array(whos, { minLength: 1, maxLength: 2 }),
    what: fc.array(fileSets, { minLength: 1, maxLength: 2 }),
    may: fc.constantFrom<Permission>('see', 'take', 'nothing'),
  }),
  { maxLength: 6 },
);

export const paths: fc.Arbitrary<ShareRelativePath> = fc
  .array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 4 })
  .map((names) => names.join('/') as ShareRelativePath);

export const ruledFiles: fc.Arbitrary<RuledFile> = fc.record({
  share: fc.constantFrom(...SHARES),
  path: paths,
  mediaType: fc.constantFrom(...TYPES),
});
