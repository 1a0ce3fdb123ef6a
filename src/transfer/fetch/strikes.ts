/**
 * Who sent wrong bytes, over all downloads. One strike bars an address from the file; as many as are configured, from
 * everything. Counted by bare address: a peer chooses its resource as it likes. No I/O: `strikes-file.ts` keeps it.
 */
import type { BareJid, Jid } from '../../stanza/jid.js';
import { bareOf } from '../../stanza/jid.js';
import { formatHash, type Hash } from '../../stanza/xep0300-hashes.js';
import type { StrikeReason } from './download-events.js';

export interface Strike {
  readonly jid: BareJid;
  /** `algo:base64` of the file. */
  readonly file: string;
  readonly why: StrikeReason;
  /** ms since 1970. */
  readonly atMs: number;
}

export interface StrikesInit {
  /** With so many an address is barred from everything; 0: never. */
  readonly forGood: number;
  /** What is more is forgotten, the oldest first. */
  readonly maxStrikes: number;
}

/** An hour of work at most for an attacker with as many addresses, and some 300 kB in a file. */
export const STRIKES_DEFAULTS: StrikesInit = { forGood: 3, maxStrikes: 2000 };

export class Strikes {
  readonly #init: StrikesInit;
  /** In the order of their coming. */
  #strikes: Strike[];
  readonly #counts = new Map<BareJid, number>();
  /** Called after each change. */
  onChange: (() => void) | undefined;

  constructor(init: Partial<StrikesInit> = {}, strikes: readonly Strike[] = []) {
    this.#init = { ...STRIKES_DEFAULTS, ...init };
    this.#strikes = [];
    for (const strike of strikes) this.#add(strike);
  }

  get all(): readonly Strike[] {
    return this.#strikes;
  }

  countOf(jid: Jid): number {
    return this.#counts.get(bareOf(jid)) ?? 0;
  }

  /** Whether it may be asked for the file. */
  isBarred(jid: Jid, file: Hash): boolean {
    return this.isBarredForGood(jid) || this.#has(bareOf(jid), formatHash(file));
  }

  isBarredForGood(jid: Jid): boolean {
    return this.#init.forGood > 0 && this.countOf(jid) >= this.#init.forGood;
  }

  /** Notes a strike; an address gets one for a file, however much of it was wrong. */
  strike(jid: Jid, file: Hash, why: StrikeReason, atMs: number): void {
    const strike = { jid: bareOf(jid), file: formatHash(file), why, atMs };
    if (this.#has(strike.jid, strike.file)) return;
    this.#add(strike);
    this.onChange?.();
  }

  /** Forgives everything that an address did. */
  forgive(jid: Jid): void {
    const bare = bareOf(jid);
    if (!this.#counts.delete(bare)) return;
    this.#strikes = this.#strikes.filter((each) => each.jid !== bare);
    this.onChange?.();
  }

  #has(jid: BareJid, file: string): boolean {
    if (!this.#counts.has(jid)) return false;
    return this.#strikes.some((each) => each.jid === jid && each.file === file);
  }

  #add(strike: Strike): void {
    this.#strikes.push(strike);
    this.#counts.set(strike.jid, (this.#counts.get(strike.jid) ?? 0) + 1);
    if (this.#strikes.length <= this.#init.maxStrikes) return;
    const oldest = this.#strikes.shift();
    if (oldest === undefined) return;
    const left = (this.#counts.get(oldest.jid) ?? 1) - 1;
    if (left > 0) this.#counts.set(oldest.jid, left);
    else this.#counts.delete(oldest.jid);
  }
}
