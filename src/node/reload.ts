/**
 * What of a configuration a node takes over while it runs, and in which order: what goes is gone before the rules change,
 * and what comes is there after, so that no file is ever seen by rules that were not made for it.
 */
import { isDeepStrictEqual } from 'node:util';
import { defaultRules } from '../access/default-rules.js';
import { addressesOf, type RuleBook } from '../access/rule-book.js';
import type { AccessRule } from '../config/access-options.js';
import { budgetOptions } from '../config/budget-options.js';
import type { Limits, NodeConfig } from '../config/options.js';
import { ShoalError } from '../errors.js';
import type { Library } from '../scan/library.js';
import type { NodeChannels } from './node-channels.js';
import { withoutIncoming } from './node-wishes.js';

/** Thrown when something has changed that a running node can't take over. Nothing has been done. */
export class RestartNeededError extends ShoalError {
  readonly code = 'restart-needed';

  constructor(readonly options: readonly string[]) {
    super(`the node has to be started anew for: ${options.join(', ')}`);
  }
}

export interface ReloadedParts {
  readonly library: Pick<Library, 'setShares'>;
  readonly channels: Pick<NodeChannels, 'set'>;
  readonly access: Pick<RuleBook, 'replace'>;
  /** Before rules hold that are about groups. */
  readonly knowGroups: (rules: readonly AccessRule[]) => Promise<void>;
  /** Resolves when searches see all that the library has told. */
  readonly settled: () => Promise<void>;
  /** What bounds others, by what of {@link TAKEN_OVER} are numbers. */
  readonly bounded: readonly { setLimits(config: NodeConfig): void }[];
}

/** Limits that hold as soon as they are other: what bounds what others use up. */
const LIMITS = [
  'blockListsPerAskerPerMinute',
  'blockListsPerMinute',
  'chatAnswersPerPeerPerMinute',
  'chatAnswersPerDomainPerMinute',
  'chatAnswersPerMinute',
  'folderSubscriptions',
  'folderSubscriptionsPerAsker',
  'folderSubscriptionsPerDomain',
  'keptQuestions',
  'keptQuestionsPerAsker',
  'keptQuestionsPerDomain',
  'sessions',
  'sessionsPerPeer',
  'sessionsPerDomain',
  'uploads',
  'uploadsPerPeer',
  'leastUploadBytesPerSecond',
  'busyDelayMs',
  'overloadDelayMs',
] satisfies (keyof Limits)[];

/** What can be taken over; with a dot: of a section. */
const TAKEN_OVER: ReadonlySet<string> = new Set([
  ...([
    'shares',
    'channels',
    'access',
    'owners',
    'ownersMayShare',
    'bandwidth',
  ] satisfies (keyof NodeConfig)[]),
  'transfers.friends',
  ...Object.keys(budgetOptions),
  ...LIMITS.map((name) => `limits.${name}`),
]);

/** What a node runs with, and its change: one after the other. */
export class RunningConfig {
  readonly #parts: ReloadedParts;
  #current: NodeConfig;
  #changing: Promise<unknown> = Promise.resolve();

  constructor(parts: ReloadedParts, config: NodeConfig) {
    this.#parts = parts;
    this.#current = config;
  }

  get current(): NodeConfig {
    return this.#current;
  }

  /** See {@link reload}. */
  async change(config: NodeConfig): Promise<readonly string[]> {
    const changing = this.#changing.then(async () => {
      const changed = await reload(this.#parts, this.#current, config);
      this.#current = config;
      return changed;
    });
    this.#changing = changing.catch(() => undefined); // who asked for it hears
    return await changing;
  }
}

/**
 * Takes over all of `after`, or throws RestartNeededError first and nothing of it. Resolves with the parts that have
 * changed; the scan of new shares is under way then.
 */
async function reload(
  parts: ReloadedParts,
  before: NodeConfig,
  after: NodeConfig,
): Promise<readonly string[]> {
  const fixed = restartOptions(before, after);
  if (fixed.length > 0) throw new RestartNeededError(fixed);
  const [old, wanted] = [before, after].map(({ shares, wishes }) => withoutIncoming(shares, wishes));
  const rules = rulesOf(after);
  const hasOtherChannels = !isDeepStrictEqual(before.channels, after.channels);
  const takeRules = async () => {
    await parts.knowGroups(rules);
    parts.access.replace({ rules, channels: addressesOf(after.channels) });
  };
  const hasOtherShares = !isDeepStrictEqual(old, wanted);
  const hasOtherRules = !isDeepStrictEqual(rulesOf(before), rules);
  // Who asked on a channel that the node leaves is nobody who asks on one of its channels.
  const isRuledAnew = hasOtherRules || hasOtherChannels;
  if (hasOtherShares) {
    await parts.library.setShares(wanted ?? [], async () => {
      await parts.settled();
      if (isRuledAnew) await takeRules();
    });
  } else if (isRuledAnew) await takeRules();
  if (hasOtherChannels) await parts.channels.set(after.channels);
  // Nothing of this can fail, so it comes last.
  const otherBounds = (['limits', 'bandwidth', 'transfers'] as const).filter(
    (name) => !isDeepStrictEqual(before[name], after[name]),
  );
  if (otherBounds.length > 0) for (const part of parts.bounded) part.setLimits(after);
  return [
    ...(hasOtherShares ? ['shares'] : []),
    ...(hasOtherRules ? ['access'] : []),
    ...(hasOtherChannels ? ['channels'] : []),
    ...(['owners', 'ownersMayShare'] as const).filter(
      (name) => !isDeepStrictEqual(before[name], after[name]),
    ),
    ...otherBounds,
  ];
}

/** Wherever in the file they stand: a line above them changes nothing. */
export function rulesOf({
  access,
  xmpp,
  announce,
}: Pick<NodeConfig, 'access' | 'xmpp' | 'announce'>): readonly AccessRule[] {
  const rules = access ?? defaultRules(xmpp, addressesOf(announce));
  return rules.map(({ who, what, may }) => ({ who, what, may }));
}

/** Whether somebody falls under them by a group of the roster. */
export function areAboutGroups(rules: readonly AccessRule[]): boolean {
  return rules.some(({ who }) => who.some(({ type }) => type === 'group'));
}

function restartOptions(before: NodeConfig, after: NodeConfig): string[] {
  const found: string[] = [];
  for (const name of Object.keys({ ...before, ...after }) as (keyof NodeConfig)[]) {
    if (TAKEN_OVER.has(name)) continue;
    const [old, now]: readonly unknown[] = [before[name], after[name]];
    if (isDeepStrictEqual(old, now)) continue;
    if (!isSection(old) || !isSection(now)) found.push(name);
    else
      for (const key of new Set([...Object.keys(old), ...Object.keys(now)]))
        if (!TAKEN_OVER.has(`${name}.${key}`) && !isDeepStrictEqual(old[key], now[key]))
          found.push(`${name}.${key}`);
  }
  // With 0 there is no such door.
  for (const name of ['folderSubscriptions', 'keptQuestions'] as const)
    if ((before.limits[name] === 0) !== (after.limits[name] === 0)) found.push(`limits.${name}`);
  // Where wishes go is known to what fetches them.
  const goals = new Set(before.wishes.map(({ share }) => share));
  for (const share of before.shares)
    if (goals.has(share.name) && !after.shares.some((each) => isDeepStrictEqual(each, share)))
      found.push(`shares: ${share.name}, which wishes go to`);
  return found;
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
