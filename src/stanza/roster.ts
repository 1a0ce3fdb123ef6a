/**
 * The roster of an account: its contacts and the groups that they are in.
 * RFC 6121 §2, https://www.rfc-editor.org/rfc/rfc6121#section-2 (2011-03). Names, approvals and versions (§2.6) are left
 * out.
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { type BareJid, parseBareJid } from './jid.js';
import { NS } from './namespaces.js';
import { attribute, children, is, requiredAttribute, xml } from './xml.js';

export const RosterElement = { name: 'query', ns: NS.roster } as const;

/** §2.1.2.5; `remove` stands in pushes alone. */
export const RosterSubscription = ['none', 'to', 'from', 'both', 'remove'] as const;
export type RosterSubscription = (typeof RosterSubscription)[number];

export interface RosterItem {
  readonly jid: BareJid;
  readonly subscription: RosterSubscription;
  readonly groups: readonly string[];
}

/** Without items: the question for all of them. */
export const rosterCodec: Codec<readonly RosterItem[]> = {
  fromXml(element) {
    if (!is(element, 'query', NS.roster)) throw new ParseError('not a roster', { field: 'query' });
    return children(element, 'item', NS.roster).map((item): RosterItem => {
      const said = attribute(item, 'subscription');
      return {
        jid: parseBareJid(requiredAttribute(item, 'jid')),
        // §2.1.2.5: what we don't know is as if it was not there.
        subscription: RosterSubscription.find((each) => each === said) ?? 'none',
        groups: children(item, 'group', NS.roster).map((group) => group.getText()),
      };
    });
  },
  toXml: (items) =>
    xml(
      'query',
      { xmlns: NS.roster },
      ...items.map(({ jid, subscription, groups }) =>
        xml('item', { jid, subscription }, ...groups.map((group) => xml('group', {}, group))),
      ),
    ),
};
