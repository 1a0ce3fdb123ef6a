/** Whom the owner wants nothing to do with: addresses and whole domains, for a while or for good. */
import type { Clock } from '../clock.js';
import { LimitError, ParseError } from '../errors.js';
import { formatDay, formatDuration } from '../quantities.js';
import { type BareJid, bareOf, domainOf, type Jid, parseBareJid } from '../stanza/jid.js';

export interface Ban {
  /** An account, or a domain with all that is at it. */
  readonly who: BareJid;
  readonly sinceMs: number;
  /** When it ends; without one it doesn't. */
  readonly untilMs?: number;
  readonly reason?: string;
}

/** Keeps accounts and domains away. */
export interface BanKeeper {
  /** Those in force, the oldest first. */
  bans(): readonly Ban[];
  /** Resolves when it is on disk. Throws LimitError when there are too many. */
  ban(who: BareJid, init: { readonly forMs?: number; readonly reason?: string }): Promise<Ban>;
  /** False when there was none. Resolves when it is on disk. */
  unban(who: BareJid): Promise<boolean>;
}

/** Longer is for good. */
export const MAX_BAN_MS = 3650 * 86_400_000;
const SHOWN_AS_DAY_MS = 2 * 86_400_000;
const MAX_BANS = 10_000; // some 2 MB, read at each start
const MAX_REASON_CHARS = 500;

export class Bans {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #bans = new Map<BareJid, Ban>();

  constructor({ clock }: { readonly clock: Pick<Clock, 'now'> }) {
    this.#clock = clock;
  }

  /** In the place of one that there is for the same address. Throws LimitError when there are too many. */
  add(who: BareJid, init: { readonly untilMs?: number; readonly reason?: string } = {}): Ban {
    const { untilMs, reason } = init;
    if (!this.#bans.has(who) && this.list().length >= MAX_BANS) {
      throw new LimitError('bans', `there are ${MAX_BANS} bans already`);
    }
    return this.#put({
      who,
      sinceMs: this.#clock.now(),
      ...(untilMs !== undefined && { untilMs }),
      ...(reason !== undefined && { reason: reason.slice(0, MAX_REASON_CHARS) }),
    });
  }

  /** False when there is none. */
  lift(who: BareJid): boolean {
    const isThere = this.#inForce(who) !== undefined;
    this.#bans.delete(who);
    return isThere;
  }

  /** What keeps this address out. */
  covering(jid: Jid): Ban | undefined {
    if (this.#bans.size === 0) return undefined;
    return this.#inForce(bareOf(jid)) ?? this.#inForce(domainOf(jid));
  }

  /** Those in force, the oldest first. */
  list(): Ban[] {
    return [...this.#bans.keys()].flatMap((who) => this.#inForce(who) ?? []);
  }

  /** Takes what {@link formatBans} wrote, as far as it is right. */
  restore(text: string): void {
    for (const ban of parseBans(text)) if (this.#bans.size < MAX_BANS) this.#put(ban);
  }

  #put(ban: Ban): Ban {
    this.#bans.set(ban.who, ban);
    return ban;
  }

  #inForce(who: BareJid): Ban | undefined {
    const ban = this.#bans.get(who);
    if (ban?.untilMs === undefined || ban.untilMs > this.#clock.now()) return ban;
    this.#bans.delete(who);
    return undefined;
  }
}

/** When it ends, in words. */
export function endOfBan({ untilMs }: Ban, nowMs: number): string {
  if (untilMs === undefined) return 'for good';
  const leftMs = untilMs - nowMs;
  return leftMs > SHOWN_AS_DAY_MS ? `until ${formatDay(untilMs)}` : `for another ${formatDuration(leftMs)}`;
}

/** A line of JSON for each. */
export function formatBans(bans: readonly Ban[]): string {
  return bans.map((ban) => `${JSON.stringify(ban)}\n`).join('');
}

function parseBans(text: string): Ban[] {
  return text.split('\n').flatMap((line) => parseBan(line) ?? []);
}

function parseBan(line: string): Ban | undefined {
  try {
    const read: unknown = JSON.parse(line);
    if (typeof read !== 'object' || read === null) return undefined;
    const { who, sinceMs, untilMs, reason } = read as Readonly<Record<string, unknown>>;
    if (typeof who !== 'string' || !isTime(sinceMs) || (untilMs !== undefined && !isTime(untilMs))) {
      return undefined;
    }
    return {
      who: parseBareJid(who),
      sinceMs,
      ...(untilMs !== undefined && { untilMs }),
      ...(typeof reason === 'string' && { reason }),
    };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof ParseError) return undefined;
    throw error;
  }
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value);
}
