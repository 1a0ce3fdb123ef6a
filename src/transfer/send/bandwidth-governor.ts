/**
 * Bounds how fast we send, in all and to each peer, by the time of day. Whoever reads a file to send it asks before each
 * piece; so it holds for all transports. Peers that wait have a piece each in turn, however many files each of them gets.
 */
import type { Clock, Timer } from '../../clock.js';
import type { BareJid } from '../../stanza/jid.js';
import { type RatePlan, type Rates, ratesAt } from './rate-plan.js';

/** Says when the next bytes of one file may be read. */
export interface Pace {
  /** How much is to be read at once, at most `bytes`. */
  pieceBytes(bytes: number): number;
  /** Undefined: at once. Resolves when so much may be sent, and also when `signal` aborts. */
  take(bytes: number, signal: AbortSignal): Promise<void> | undefined;
  /** How long it was held back so far, milliseconds. */
  readonly heldMs: number;
}

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

interface Waiting {
  readonly bytes: number;
  readonly go: () => void;
}

/** A piece is what goes out in this time: short enough for others to have their turn, long enough to cost little. */
const PIECE_MS = 100;
const SMALLEST_PIECE_BYTES = 4096;
/** What was not sent can be made good for so long. */
const BURST_MS = 200;
const MAX_IDLE_PEERS = 1000;
/** The time of day is looked at so often. */
const LOOK_MS = 1000;
const MS_A_SECOND = 1000;

export class BandwidthGovernor {
  readonly #clock: Clock;
  #plan: RatePlan;
  readonly #all: Bucket;
  readonly #peers = new Map<BareJid, Bucket>();
  /** In the order of their turns. */
  readonly #waiting = new Map<BareJid, Set<Waiting>>();
  #rates: Rates = {};
  #ratesUntilMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor({ clock }: { readonly clock: Clock }, plan: RatePlan) {
    this.#clock = clock;
    this.#plan = plan;
    this.#all = { tokens: 0, filledAtMs: clock.monotonic() };
  }

  /** Holds at once, for what is under way too. */
  setPlan(plan: RatePlan): void {
    this.#plan = plan;
    this.#ratesUntilMs = Number.NEGATIVE_INFINITY;
    if (this.#waiting.size === 0) return;
    this.#timer?.cancel();
    this.#serve();
  }

  paceFor(peer: BareJid): Pace {
    return new PeerPace(this.#clock, {
      pieceBytes: (bytes) => this.#pieceBytes(bytes),
      take: (bytes, signal) => this.#take(peer, bytes, signal),
    });
  }

  #pieceBytes(most: number): number {
    const { bytesPerSecond, bytesPerSecondPerPeer } = this.#now();
    const lowest = Math.min(
      bytesPerSecond ?? most * MS_A_SECOND,
      bytesPerSecondPerPeer ?? most * MS_A_SECOND,
    );
    return Math.min(most, Math.max(SMALLEST_PIECE_BYTES, Math.floor((lowest * PIECE_MS) / MS_A_SECOND)));
  }

  #take(peer: BareJid, bytes: number, signal: AbortSignal): Promise<void> | undefined {
    // Who comes while others wait does not get ahead of them.
    if ((!this.#waiting.has(peer) && this.#spend(peer, bytes)) || signal.aborted) return undefined;
    return new Promise((resolve) => {
      const ofPeer = this.#waiting.get(peer) ?? new Set();
      this.#waiting.set(peer, ofPeer);
      const settle = () => {
        signal.removeEventListener('abort', leave);
        this.#leave(peer, waiting);
        resolve();
      };
      const leave = () => settle();
      const waiting: Waiting = { bytes, go: settle };
      ofPeer.add(waiting);
      signal.addEventListener('abort', leave, { once: true });
      this.#wakeLater();
    });
  }

  #leave(peer: BareJid, waiting: Waiting): void {
    const ofPeer = this.#waiting.get(peer);
    ofPeer?.delete(waiting);
    if (ofPeer?.size === 0) this.#waiting.delete(peer);
    if (this.#waiting.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** A piece may take more than there is: the debt is paid before the next. */
  #spend(peer: BareJid, bytes: number): boolean {
    const { bytesPerSecond, bytesPerSecondPerPeer } = this.#now();
    const all = bytesPerSecond === undefined ? undefined : this.#filled(this.#all, bytesPerSecond);
    if (all && all.tokens <= 0) return false;
    const own =
      bytesPerSecondPerPeer === undefined
        ? undefined
        : this.#filled(this.#bucketOf(peer), bytesPerSecondPerPeer);
    if (own && own.tokens <= 0) return false;
    if (all) all.tokens -= bytes;
    if (own) own.tokens -= bytes;
    return true;
  }

  #serve(): void {
    this.#timer = undefined;
    for (let served = true; served; ) {
      served = false;
      for (const [peer, ofPeer] of [...this.#waiting]) {
        const [next] = ofPeer;
        if (!next || !this.#spend(peer, next.bytes)) continue;
        served = true;
        next.go();
        if (ofPeer.size === 0) continue;
        this.#waiting.delete(peer); // its next turn comes after those of others
        this.#waiting.set(peer, ofPeer);
      }
    }
    if (this.#waiting.size > 0) this.#wakeLater();
  }

  #wakeLater(): void {
    this.#timer ??= this.#clock.after(Math.min(LOOK_MS, Math.max(1, this.#msUntilNext())), () =>
      this.#serve(),
    );
  }

  /** Until somebody may go on. */
  #msUntilNext(): number {
    const { bytesPerSecond, bytesPerSecondPerPeer } = this.#now();
    const all = bytesPerSecond === undefined ? 0 : this.#msUntilSome(this.#all, bytesPerSecond);
    if (bytesPerSecondPerPeer === undefined) return all;
    let soonest = Number.POSITIVE_INFINITY;
    for (const peer of this.#waiting.keys()) {
      soonest = Math.min(soonest, this.#msUntilSome(this.#bucketOf(peer), bytesPerSecondPerPeer));
    }
    return Math.max(all, soonest);
  }

  #msUntilSome(bucket: Bucket, bytesPerSecond: number): number {
    const { tokens } = this.#filled(bucket, bytesPerSecond);
    return tokens > 0 ? 0 : ((1 - tokens) * MS_A_SECOND) / bytesPerSecond;
  }

  #filled(bucket: Bucket, bytesPerSecond: number): Bucket {
    const nowMs = this.#clock.monotonic();
    const most = Math.max(SMALLEST_PIECE_BYTES, (bytesPerSecond * BURST_MS) / MS_A_SECOND);
    const earned = ((nowMs - bucket.filledAtMs) * bytesPerSecond) / MS_A_SECOND;
    bucket.tokens = Math.min(most, bucket.tokens + earned);
    bucket.filledAtMs = nowMs;
    return bucket;
  }

  #bucketOf(peer: BareJid): Bucket {
    const bucket = this.#peers.get(peer) ?? {
      tokens: SMALLEST_PIECE_BYTES,
      filledAtMs: this.#clock.monotonic(),
    };
    this.#peers.delete(peer);
    this.#peers.set(peer, bucket);
    for (const oldest of this.#peers.keys()) {
      if (this.#peers.size <= MAX_IDLE_PEERS) break;
      if (!this.#waiting.has(oldest)) this.#peers.delete(oldest);
    }
    return bucket;
  }

  #now(): Rates {
    const nowMs = this.#clock.monotonic();
    if (nowMs >= this.#ratesUntilMs) {
      this.#rates = ratesAt(this.#plan, this.#clock.now());
      this.#ratesUntilMs = nowMs + LOOK_MS;
    }
    return this.#rates;
  }
}

class PeerPace implements Pace {
  readonly #clock: Clock;
  readonly #governed: Pick<Pace, 'pieceBytes' | 'take'>;
  #heldMs = 0;
  #heldFromMs: number | undefined;

  constructor(clock: Clock, governed: Pick<Pace, 'pieceBytes' | 'take'>) {
    this.#clock = clock;
    this.#governed = governed;
  }

  get heldMs(): number {
    return this.#heldMs + (this.#heldFromMs === undefined ? 0 : this.#clock.monotonic() - this.#heldFromMs);
  }

  pieceBytes(bytes: number): number {
    return this.#governed.pieceBytes(bytes);
  }

  take(bytes: number, signal: AbortSignal): Promise<void> | undefined {
    const waiting = this.#governed.take(bytes, signal);
    if (!waiting) return undefined;
    this.#heldFromMs = this.#clock.monotonic();
    return waiting.then(() => {
      this.#heldMs = this.heldMs;
      this.#heldFromMs = undefined;
    });
  }
}
