/** Files that a wish has found, by their hash, with everybody who is known to have them; bounded. */
import { type BareJid, bareOf, type Jid } from '../stanza/jid.js';
import type { FileDescription } from '../stanza/xep0234-file-transfer.js';
import type { OfferingNode } from './fetcher.js';

export interface Candidate {
  /** Base64. */
  readonly sha256: string;
  readonly size: number;
  /** As the first who told of it calls it: not safe. */
  readonly name: string;
  readonly dateMs?: number;
  readonly sources: Map<Jid, OfferingNode>;
}

const MAX_CANDIDATES = 10_000;
const MAX_OF_ONE = 1000; // one who makes up files leaves room for those of others
const MAX_SOURCES = 20; // each is asked in its turn
const RANKS = 15; // the last is of those that failed as often as there may be candidates

export class Candidates {
  /** By hash and size, as one of two sizes of a hash is a lie; and where in {@link #queues} it is. */
  readonly #candidates = new Map<string, { readonly candidate: Candidate; readonly rank: number }>();
  /** By rank, those that were found first first. A rank may be lower than it should be by now. */
  readonly #queues: Map<string, Candidate>[] = Array.from({ length: RANKS }, () => new Map());
  /** By address: how many wait that it told of first, and how many of its files could not be had. */
  readonly #told = new Map<BareJid, number>();
  readonly #failed = new Map<BareJid, number>();

  get size(): number {
    return this.#candidates.size;
  }

  /** A file without hash, size or name can't be fetched for sure, and is left out. */
  add(from: Jid, { hashes, size, name, path, dateMs, blocks: tree }: FileDescription): void {
    const sha256 = hashes.find(({ algo }) => algo === 'sha-256')?.value;
    if (sha256 === undefined || size === undefined || name === undefined) return;
    const source = { jid: from, ...(path !== undefined && { path }), ...(tree && { tree }) };
    const key = candidateKey({ sha256, size });
    const known = this.#candidates.get(key)?.candidate;
    if (known) {
      if (known.sources.size >= MAX_SOURCES) return;
      known.sources.set(from, source);
      this.#enqueue(known);
      return;
    }
    if (this.#candidates.size >= MAX_CANDIDATES || this.#toldBy(from) >= MAX_OF_ONE) return;
    this.#told.set(bareOf(from), this.#toldBy(from) + 1);
    const sources = new Map([[from, source]]);
    this.#enqueue({ sha256, size, name, ...(dateMs !== undefined && { dateMs }), sources });
  }

  /** It can't be fetched now: the others have their turn before. */
  defer(candidate: Candidate): void {
    this.#enqueue(candidate);
    for (const first of firstOf(candidate)) this.#told.set(first, this.#toldBy(first) + 1);
  }

  /** It could not be had: what those offer who had nothing else comes after what others do. */
  failed({ sources }: Candidate): void {
    for (const jid of new Set([...sources.keys()].map(bareOf))) {
      if (this.#failed.size >= MAX_CANDIDATES) this.#failed.clear();
      this.#failed.set(jid, (this.#failed.get(jid) ?? 0) + 1);
    }
  }

  /** The one that was found first, of those that are offered by who has failed us least. */
  take(): Candidate | undefined {
    const best = this.#first();
    if (best === undefined) return undefined;
    const key = candidateKey(best);
    this.#queues[this.#candidates.get(key)?.rank ?? 0]?.delete(key);
    this.#candidates.delete(key);
    for (const first of firstOf(best)) {
      const left = this.#toldBy(first) - 1;
      if (left > 0) this.#told.set(first, left);
      else this.#told.delete(first);
    }
    return best;
  }

  /** Each goes a rank up when it is come to, some ten times in all: so it takes linear time to take all of them. */
  #first(): Candidate | undefined {
    for (const [rank, queue] of this.#queues.entries()) {
      for (const candidate of queue.values()) {
        if (this.#rankOf(candidate) <= rank) return candidate;
        this.#enqueue(candidate);
      }
    }
    return undefined;
  }

  #enqueue(candidate: Candidate): void {
    const key = candidateKey(candidate);
    const rank = this.#rankOf(candidate);
    const before = this.#candidates.get(key)?.rank;
    if (before === rank) return;
    if (before !== undefined) this.#queues[before]?.delete(key);
    this.#queues[rank]?.set(key, candidate);
    this.#candidates.set(key, { candidate, rank });
  }

  /** By how often those have failed us who offer it: never, once, up to three times, up to seven … */
  #rankOf(candidate: Candidate): number {
    return Math.min(RANKS - 1, Math.ceil(Math.log2(this.#failuresOf(candidate) + 1)));
  }

  #failuresOf({ sources }: Candidate): number {
    let least = Number.POSITIVE_INFINITY;
    for (const jid of sources.keys()) least = Math.min(least, this.#failed.get(bareOf(jid)) ?? 0);
    return least;
  }

  #toldBy(jid: Jid): number {
    return this.#told.get(bareOf(jid)) ?? 0;
  }
}

/** Who told of it first. */
function firstOf({ sources }: Candidate): BareJid[] {
  const [first] = sources.keys();
  return first === undefined ? [] : [bareOf(first)];
}

/** What tells a file from others, and from what somebody says of it. */
export function candidateKey({ sha256, size }: Pick<Candidate, 'sha256' | 'size'>): string {
  return `${sha256} ${size}`;
}
