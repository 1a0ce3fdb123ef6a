/**
 * Stands before all doors: keeps out who is banned, answers who goes on being refused from memory, and then not at all,
 * for longer and longer. Who keeps quiet meanwhile is heard again.
 */
import type { Clock } from '../clock.js';
import { LimitError } from '../errors.js';
import { type BareJid, bareOf, type Jid } from '../stanza/jid.js';
import { Accounts } from './accounts.js';
import type { Bans } from './bans.js';
import type { QueryGate } from './query-budget.js';
import type { Refusals } from './refusals.js';
import { type MinuteLimit, minuteLimits, payersOf, ScopedBudget } from './scoped-budget.js';

/** The names are those of the configured limits. */
export type DoorkeeperInit = Readonly<
  Record<MinuteLimit<'requests', 'asker' | 'domain' | 'everybody'>, number>
> & {
  readonly refusalsPerAskerPerMinute: number;
};

/** How busy we are; {@link Breaker} tells. */
export type Load = 'calm' | 'busy' | 'overloaded';

export interface DoorkeeperComponents {
  readonly clock: Clock;
  readonly bans: Bans;
  readonly refusals: Refusals;
  /** Whether files go to or come from this peer: what belongs to that is heard in any case. */
  readonly isInSession: (peer: Jid) => boolean;
  readonly load?: () => Load;
}

/** What is told of a peer's stanza; the words of `entity/stanza-screen.ts`. */
type Verdict =
  | { readonly type: 'serve' }
  | { readonly type: 'ignore' }
  | { readonly type: 'refuse'; readonly error: LimitError };

interface Troublemaker {
  /** Not answered until then. */
  ignoredUntilMs: number;
  /** How long it was the last time. */
  ignoredMs: number;
  /** What was refused, until when the answer would be the same. */
  readonly refused: Map<string, RememberedRefusal>;
}

/** Without the error itself: that one holds a stack. */
interface RememberedRefusal extends Pick<LimitError, 'bound' | 'message' | 'retryAfterMs'> {
  readonly untilMs: number;
}

const SERVE = { type: 'serve' } as const;
const IGNORE = { type: 'ignore' } as const;
const MAX_TROUBLEMAKERS = 10_000; // at most some 15 MB; who gave trouble longest ago is forgotten
const MAX_REFUSED_KINDS = 4; // searches by two doors, pages of block hashes, sessions
/** Nobody is refused from memory for longer: budgets may have been filled by others' silence. */
const REMEMBERED_MS = 5000;
/** Twice as long each time. */
const FIRST_IGNORED_MS = 10_000;
const MAX_IGNORED_MS = 300_000;
/** Who was not ignored for so long begins anew. */
const FORGIVEN_MS = 600_000;
/** Of a refusal: an honest program that asks for what is not there gets some of these. */
const OTHER_ERROR_COST = 0.2;

export class Doorkeeper implements QueryGate {
  readonly #components: DoorkeeperComponents;
  readonly #requests: ScopedBudget;
  readonly #patience: Accounts;
  readonly #troublemakers = new Map<BareJid, Troublemaker>();

  constructor(components: DoorkeeperComponents, init: DoorkeeperInit) {
    this.#components = components;
    this.#requests = new ScopedBudget(components, minuteLimits(init, 'requests'));
    this.#patience = new Accounts(components.clock, init.refusalsPerAskerPerMinute);
  }

  /**
   * Holds at once. What has been used up so far stays used up, and who is not answered now is not; what was
   * refused is looked at anew.
   */
  setLimits(init: DoorkeeperInit): void {
    this.#requests.setLimits(minuteLimits(init, 'requests'));
    this.#patience.setPerMinute(init.refusalsPerAskerPerMinute);
    for (const { refused } of this.#troublemakers.values()) refused.clear();
  }

  /** For the entity: whether a stanza is handled. */
  admit(from: Jid, kind: 'request' | 'session' | 'message' | 'presence', what: string): Verdict {
    const { bans, refusals } = this.#components;
    const peer = bareOf(from);
    if (bans.covering(peer)) {
      refusals.count('banned', from);
      return IGNORE;
    }
    if (kind === 'presence') return SERVE;
    const trouble = this.#troublemakers.get(peer);
    if (trouble) {
      const remembered = this.#remembered(trouble, from, kind, what);
      if (remembered) return remembered;
    }
    return kind === 'request' ? this.#counted(peer, from, what) : SERVE;
  }

  /** For the entity: whether a message goes out to it. */
  mayHear(to: Jid): boolean {
    return !this.#components.bans.covering(to);
  }

  /** A request was answered with an error: some patience less. */
  failed(from: Jid, what: string, error: unknown): void {
    const isRefusal = error instanceof LimitError;
    const rule = isRefusal ? error.bound : ruleOf(error);
    this.#components.refusals.count(rule, from);
    const peer = bareOf(from);
    // What may be given in a moment, such as a place among those at work, is not refused from memory.
    if (isRefusal && error.bound.endsWith('PerMinute')) this.#remember(peer, what, error);
    this.#lose(peer, isRefusal ? 1 : OTHER_ERROR_COST);
  }

  /** As {@link failed}, of what is refused within a session that goes on: `rule` decided. */
  count(rule: string, from: string): void {
    this.#components.refusals.count(rule, from);
    if (rule.endsWith('PerMinute')) this.#lose(bareOf(from as Jid), 1);
    else if (rule === 'file-not-available') this.#lose(bareOf(from as Jid), OTHER_ERROR_COST);
  }

  /** Throws LimitError where a query of this asker is not even counted, wherever it came from. */
  check(asker: string): void {
    if (this.#components.bans.covering(asker as BareJid)) throw new LimitError('banned', 'banned');
    if (this.#components.load?.() === 'overloaded') throw new LimitError('overload', 'overloaded', 5000);
  }

  /** Throws LimitError where queries of channels are not answered now: they are the first to wait. */
  checkChannel(_channel: string): void {
    const load = this.#components.load?.() ?? 'calm';
    if (load !== 'calm') throw new LimitError('overload-channels', 'overloaded');
  }

  /** Whether it is not answered now; counted where it came for something. */
  ignores(from: Jid): boolean {
    const trouble = this.#troublemakers.get(bareOf(from));
    const isIgnored = trouble !== undefined && trouble.ignoredUntilMs > this.#components.clock.monotonic();
    if (isIgnored) this.#components.refusals.count('ignored', from);
    return isIgnored;
  }

  /** Those who are not answered now. */
  get ignored(): number {
    const nowMs = this.#components.clock.monotonic();
    let count = 0;
    for (const each of this.#troublemakers.values()) if (each.ignoredUntilMs > nowMs) count += 1;
    return count;
  }

  #remembered(trouble: Troublemaker, from: Jid, kind: string, what: string): Verdict | undefined {
    const { clock, refusals, isInSession } = this.#components;
    const nowMs = clock.monotonic();
    if (trouble.ignoredUntilMs > nowMs) {
      if (kind === 'session' && isInSession(from)) return undefined;
      refusals.count('ignored', from);
      return IGNORE;
    }
    const refused = kind === 'request' ? trouble.refused.get(what) : undefined;
    if (!refused || refused.untilMs <= nowMs) return undefined;
    const { bound, message, retryAfterMs } = refused;
    refusals.count(bound, from);
    this.#lose(bareOf(from), 1);
    return { type: 'refuse', error: new LimitError(bound, message, retryAfterMs) };
  }

  #counted(peer: BareJid, from: Jid, what: string): Verdict {
    const payers = payersOf(peer);
    try {
      this.#requests.check(payers);
    } catch (error) {
      if (!(error instanceof LimitError)) throw error;
      this.failed(from, what, error);
      return { type: 'refuse', error };
    }
    this.#requests.spend(payers, 1);
    return SERVE;
  }

  #remember(peer: BareJid, what: string, { bound, message, retryAfterMs }: LimitError): void {
    const { refused } = this.#troublemaker(peer);
    const forMs = Math.min(retryAfterMs ?? 0, REMEMBERED_MS);
    refused.delete(what);
    for (const [oldest] of refused) if (refused.size >= MAX_REFUSED_KINDS) refused.delete(oldest);
    const untilMs = this.#components.clock.monotonic() + forMs;
    refused.set(what, { bound, message, retryAfterMs, untilMs });
  }

  #lose(peer: BareJid, patience: number): void {
    this.#patience.draw(peer, patience);
    if (this.#patience.get(peer).tokens > 0) return;
    const trouble = this.#troublemaker(peer);
    const nowMs = this.#components.clock.monotonic();
    if (trouble.ignoredUntilMs > nowMs) return; // this was under way before
    const isForgiven = nowMs - trouble.ignoredUntilMs > FORGIVEN_MS;
    trouble.ignoredMs = isForgiven ? FIRST_IGNORED_MS : Math.min(trouble.ignoredMs * 2, MAX_IGNORED_MS);
    trouble.ignoredUntilMs = nowMs + trouble.ignoredMs;
    this.#components.refusals.count('ignoring', peer);
  }

  /** Moves to the young end. */
  #troublemaker(peer: BareJid): Troublemaker {
    const known = this.#troublemakers.get(peer);
    const trouble = known ?? { ignoredUntilMs: Number.NEGATIVE_INFINITY, ignoredMs: 0, refused: new Map() };
    this.#troublemakers.delete(peer);
    this.#troublemakers.set(peer, trouble);
    for (const oldest of this.#troublemakers.keys()) {
      if (this.#troublemakers.size <= MAX_TROUBLEMAKERS) break;
      this.#troublemakers.delete(oldest);
    }
    return trouble;
  }
}

/** A stanza error by its condition; others are ours, or say what could not be read. */
function ruleOf(error: unknown): string {
  const { condition, code } = error as { readonly condition?: unknown; readonly code?: unknown };
  if (typeof condition === 'string') return condition;
  return code === 'parse' ? 'bad-request' : 'internal-server-error';
}
