/**
 * The rules of a node whose owner gave none: who asks on its channels may have what it finds there, and so may
 * those of its own server. What its owner has announced somewhere, those who listen there may have. Others who come to it directly find nothing.
 */
import { type AccessRule, EVERY_FILE, type Who } from '../config/access-options.js';
import type { ChannelAddress } from '../stanza/file-discovery.js';
import { type BareJid, domainOf, type Jid } from '../stanza/jid.js';

export interface OwnAddress {
  readonly mode: 'client' | 'component';
  readonly jid: Jid;
}

export function defaultRules(
  own: OwnAddress,
  announced: readonly ChannelAddress[] = [],
): readonly AccessRule[] {
  const listeners = announced.map((channel): Who => ({ type: 'channel', ...channel }));
  const neighbours = ownDomains(own).map((domain): Who => ({ type: 'domain', domain }));
  return [{ who: [{ type: 'channels' }, ...listeners, ...neighbours], what: EVERY_FILE, may: 'take' }];
}

/** A component is at home where its server is too: `files.example.org` at `example.org`. */
function ownDomains({ mode, jid }: OwnAddress): readonly BareJid[] {
  const domain = domainOf(jid);
  const above = domain.slice(domain.indexOf('.') + 1) as BareJid;
  return mode === 'component' && above !== domain ? [domain, above] : [domain];
}
