/**
 * The sources of one download: who is known, who may be asked now, who rests after a failure, who is out. Decides
 * nothing about bytes; handed the time.
 */
import type { BlockTree } from '../../blocks/block-tree.js';
import type { Jid } from '../../stanza/jid.js';
import type { FoundSource, RangeSource } from './range-source.js';
import { RateEstimate } from './rate-estimate.js';
import type { SourceFate } from './source-fate.js';

export type Standing =
  | { readonly type: 'ready' }
  | { readonly type: 'resting'; readonly untilMs: number; readonly error: Error }
  | { readonly type: 'out'; readonly sinceMs: number; readonly error: Error }
  | { readonly type: 'banned'; readonly error: Error };

export interface PooledSource {
  readonly id: number;
  readonly jid: Jid;
  readonly found: FoundSource;
  /** The blocks it vouches for; gone when it could not give their hashes. */
  tree: BlockTree | undefined;
  /** Roots of blocks that are not its own: of two that differ nobody knows yet who is right. */
  readonly differs: Set<string>;
  standing: Standing;
  /** In a row, without a block in between. */
  failures: number;
  /** How often in a row a block had to be taken from it, since it would not come; it gets none until then. */
  robberies: number;
  idleUntilMs: number;
  /** How often it was found again after it was out. */
  returns: number;
  error: Error | undefined;
  readonly rate: RateEstimate;
  /** From a request to its first byte, a mean; undefined before the first. */
  latencyMs: number | undefined;
  keptBytes: number;
  wastedBytes: number;
  /** Made when it is first asked. */
  source: RangeSource | undefined;
}

export interface SourcePoolInit {
  readonly maxSources: number;
  readonly maxFailures: number;
  readonly retryDelayMs: number;
  /** Whether a source that is only unreachable is tried for ever. */
  readonly isPatient: boolean;
}

/** Longer, and a person at the terminal would start it again. */
const MAX_DELAY_MS = 60_000;
/** The same where somebody has said that they can wait. */
const MAX_PATIENT_DELAY_MS = 300_000;
/** Who had to give up a block gets none for so long, twice as long each time: it would be the last again. */
const ROBBED_MS = 3000;
/** One that is out and found again is asked again after so long; twice as long each time. */
const RETURN_MS = 10_000;

export class SourcePool {
  readonly #init: SourcePoolInit;
  readonly #sources = new Map<Jid, PooledSource>();
  #made = 0;
  #leftOut = 0;

  constructor(init: SourcePoolInit) {
    this.#init = init;
  }

  get all(): readonly PooledSource[] {
    return [...this.#sources.values()];
  }

  /** How many were found and had no room. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /**
   * Forgets one that brought nothing when there is no room for another, and gives it back: who is out before who was
   * banned, which the strikes know, before who rests, before who was asked and is not read from.
   */
  makeRoom(jid: Jid): PooledSource | undefined {
    if (this.#sources.size < this.#init.maxSources || this.#sources.has(jid)) return undefined;
    const worthless = [...this.#sources.values()].filter((source) => worthOf(source) !== undefined);
    const [least] = worthless.sort(
      (a, b) => (worthOf(a) ?? 0) - (worthOf(b) ?? 0) || b.failures - a.failures,
    );
    if (least !== undefined) this.#sources.delete(least.jid);
    return least;
  }

  /**
   * Someone says that they have the file. A source that is not known yet is given back; one that failed before may be
   * asked again.
   */
  found(found: FoundSource, tree: BlockTree | undefined, nowMs: number): PooledSource | undefined {
    const known = this.#sources.get(found.jid);
    if (known !== undefined) {
      known.tree ??= tree; // it may have hashed the file meanwhile
      this.#again(known, nowMs);
      return undefined;
    }
    if (this.#sources.size >= this.#init.maxSources) {
      this.#leftOut += 1;
      return undefined;
    }
    const source: PooledSource = {
      id: this.#made++,
      jid: found.jid,
      found,
      tree,
      differs: new Set(),
      standing: { type: 'ready' },
      failures: 0,
      robberies: 0,
      idleUntilMs: 0,
      returns: 0,
      error: undefined,
      rate: new RateEstimate(),
      latencyMs: undefined,
      keptBytes: 0,
      wastedBytes: 0,
      source: undefined,
    };
    this.#sources.set(found.jid, source);
    return source;
  }

  /** Answers after how long it is asked again; undefined when it is not. */
  failed(source: PooledSource, error: Error, fate: SourceFate, nowMs: number): number | undefined {
    source.error = error;
    if (source.standing.type === 'banned') return undefined;
    // A connection that breaks ends several reads, and is one failure.
    if (source.standing.type === 'ready') source.failures += fate.weighs;
    const { maxFailures, isPatient } = this.#init;
    const most = isPatient ? MAX_PATIENT_DELAY_MS : MAX_DELAY_MS;
    const isLasting = fate.next === 'out';
    if (isPatient ? fate.strike !== undefined : isLasting || source.failures >= maxFailures) {
      source.standing = { type: 'out', sinceMs: nowMs, error };
      return undefined;
    }
    const doubled = this.#init.retryDelayMs * 2 ** Math.max(0, Math.ceil(source.failures) - 1);
    const retryMs = isLasting ? most : Math.min(most, Math.max(doubled, fate.retryAfterMs ?? 0));
    source.standing = { type: 'resting', untilMs: nowMs + retryMs, error };
    return retryMs;
  }

  ban(source: PooledSource, error: Error): void {
    source.error = error;
    source.standing = { type: 'banned', error };
  }

  /** It gave a block that is right. */
  brought(source: PooledSource): void {
    source.failures = 0;
    source.robberies = 0;
    source.returns = 0;
  }

  /** A block that it was reading was given to another, since it came too slowly or not at all. */
  robbed(source: PooledSource, nowMs: number): void {
    source.robberies += 1;
    source.idleUntilMs = nowMs + Math.min(MAX_DELAY_MS, ROBBED_MS * 2 ** (source.robberies - 1));
  }

  /** Those that may be asked now. */
  ready(nowMs: number): PooledSource[] {
    const ready: PooledSource[] = [];
    for (const source of this.#sources.values()) {
      if (source.standing.type === 'resting' && source.standing.untilMs <= nowMs) {
        source.standing = { type: 'ready' };
      }
      if (source.standing.type === 'ready') ready.push(source);
    }
    return ready;
  }

  /** When the next of those that rest may be asked; Infinity when nobody rests. */
  nextReadyMs(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { standing } of this.#sources.values()) {
      if (standing.type === 'resting') nextMs = Math.min(nextMs, Math.max(nowMs, standing.untilMs));
    }
    return nextMs;
  }

  /** Whether anybody may be asked now or after a rest. */
  get hasHope(): boolean {
    for (const { standing } of this.#sources.values()) {
      if (standing.type === 'ready' || standing.type === 'resting') return true;
    }
    return false;
  }

  #again(source: PooledSource, nowMs: number): void {
    const { standing } = source;
    if (standing.type === 'resting') {
      const untilMs = Math.min(standing.untilMs, nowMs + this.#init.retryDelayMs);
      source.standing = { ...standing, untilMs };
    }
    if (standing.type !== 'out') return;
    if (nowMs - standing.sinceMs < RETURN_MS * 2 ** source.returns) return;
    source.returns += 1;
    source.failures = 0;
    source.standing = { type: 'ready' };
  }
}

/** The less, the sooner it is forgotten; undefined for one that is not. */
function worthOf({ standing, keptBytes, source }: PooledSource): number | undefined {
  if (keptBytes > 0) return undefined;
  if (standing.type !== 'ready') return ['out', 'banned', 'resting'].indexOf(standing.type);
  return source?.state.type === 'idle' ? 3 : undefined;
}
