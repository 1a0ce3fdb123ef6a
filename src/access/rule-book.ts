/** The rules of a configuration: finds those that an asker falls under, and makes a view of them. */
import type { Clock } from '../clock.js';
import type { AccessRule, Permission, Who } from '../config/access-options.js';
import type { ChannelAddress } from '../stanza/file-discovery.js';
import { type BareJid, bareOf, domainOf, type Jid } from '../stanza/jid.js';
import type { AccessPolicy, Asker, FileRule, RuledFile, View } from './access-policy.js';
import { ChannelAskers } from './channel-askers.js';
import { RuleView } from './rule-view.js';

/** The groups of the node's roster. */
export interface RosterGroups {
  isIn(contact: BareJid, group: string): boolean;
}

export interface RuleBookComponents {
  readonly clock: Clock;
  /** Without it nobody is in a group. */
  readonly groups?: RosterGroups;
  /** Whoever is sees nothing. Without it nobody is. */
  readonly isBanned?: (asker: Jid) => boolean;
}

export interface RuleBookInit {
  readonly rules: readonly AccessRule[];
  /** Those that the node is on: nobody is one who asks on others. Without it: on all that there are. */
  readonly channels?: readonly ChannelAddress[];
}

/** Of channels as a configuration names them. */
export function addressesOf(
  channels: readonly { readonly service: BareJid; readonly node: string }[],
): readonly ChannelAddress[] {
  return channels.map(({ service, node }) => ({ service, nodeId: node }));
}

/** How it was decided what an asker may do with a file. */
export interface Decision {
  readonly may: Permission;
  /** The number of the rule, from 0; undefined where none is about this asker and this file. */
  readonly rule: number | undefined;
}

/** Of rules there are few, of their combinations as many as there are kinds of askers. */
const MAX_VIEWS = 256;

export class RuleBook implements AccessPolicy {
  readonly #groups: RosterGroups | undefined;
  readonly #isBanned: (asker: Jid) => boolean;
  readonly #askers: ChannelAskers;
  readonly #views = new Map<string, RuleView>();
  #rules: readonly AskersRule[];
  #channels: readonly ChannelAddress[] | undefined;
  /** Counts the rules' replacements: views of other rules have other keys. */
  #edition = 0;
  readonly #listeners = new Set<() => void>();

  constructor(components: RuleBookComponents, init: RuleBookInit) {
    this.#groups = components.groups;
    this.#isBanned = components.isBanned ?? (() => false);
    this.#askers = new ChannelAskers(components);
    this.#rules = init.rules.map((rule) => new AskersRule(rule));
    this.#channels = init.channels;
  }

  /** From now on these hold, for everybody. */
  replace(init: RuleBookInit): void {
    this.#rules = init.rules.map((rule) => new AskersRule(rule));
    this.#channels = init.channels;
    this.#askers.retain((channel) => this.#isOn(channel));
    this.#edition += 1;
    this.#views.clear();
    for (const listener of this.#listeners) listener();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What it may have there it may have at all doors, for a day. */
  asked(asker: BareJid, channel: ChannelAddress): void {
    if (this.#isOn(channel)) this.#askers.asked(asker, channel);
  }

  viewOf(asker: Asker): View {
    const isOut = this.#isBanned(asker.jid);
    const mine = this.#rules.flatMap((rule, at) => (!isOut && this.#isAbout(rule, asker) ? [at] : []));
    const key = `${this.#edition}:${mine.join(',')}`;
    const known = this.#views.get(key);
    if (known !== undefined) return known;
    const text = JSON.stringify(mine.map((at) => this.#rules[at]?.files));
    const view = new RuleView({ key, text });
    if (this.#views.size >= MAX_VIEWS) this.#views.clear();
    this.#views.set(key, view);
    return view;
  }

  /** As a view of one who is not banned has it, with the rule that decides. */
  decide(asker: Asker, file: RuledFile): Decision {
    for (const [at, rule] of this.#rules.entries()) {
      if (!this.#isAbout(rule, asker)) continue;
      const { what, may } = rule.files;
      const text = JSON.stringify([{ what, may: 'take' }]);
      if (new RuleView({ key: '', text }).mayTake(file)) return { may, rule: at };
    }
    return { may: 'nothing', rule: undefined };
  }

  #isOn(channel: ChannelAddress): boolean {
    return this.#channels?.some((each) => isSame(each, channel)) ?? true;
  }

  #isAbout({ jids, domains, others }: AskersRule, { jid, through }: Asker): boolean {
    const bare = bareOf(jid);
    return jids.has(bare) || domains.has(domainOf(jid)) || others.some((who) => this.#is(who, bare, through));
  }

  #is(who: Who, bare: BareJid, through: ChannelAddress | undefined): boolean {
    switch (who.type) {
      case 'everyone':
        return true;
      case 'group':
        return this.#groups?.isIn(bare, who.name) ?? false;
      case 'channel':
        return isSame(who, through) || this.#askers.hasAsked(bare, who);
      case 'channels':
        return (through !== undefined && this.#isOn(through)) || this.#askers.hasAsked(bare);
      default:
        return false; // those that are looked up
    }
  }
}

function isSame(channel: ChannelAddress, other: ChannelAddress | undefined): boolean {
  return channel.service === other?.service && channel.nodeId === other.nodeId;
}

/** A rule whose addresses are looked up, however many there are. */
class AskersRule {
  readonly jids: ReadonlySet<BareJid>;
  readonly domains: ReadonlySet<BareJid>;
  readonly others: readonly Who[];
  readonly files: FileRule;

  constructor({ who, what, may }: AccessRule) {
    this.jids = new Set(who.flatMap((each) => (each.type === 'jid' ? each.jid : [])));
    this.domains = new Set(who.flatMap((each) => (each.type === 'domain' ? each.domain : [])));
    this.others = who.filter(({ type }) => type !== 'jid' && type !== 'domain');
    this.files = { what, may };
  }
}
