/**
 * How often we connect where a peer tells us to, so that nobody can use us to knock at other people's
 * doors. Only addresses that do not answer cost anything: where a streamhost has answered, it wants
 * to be connected to, and any number of transfers may go there. The others are tried a few at a time, and
 * what failed counts against the address, the peer and everybody together.
 */
import type { Clock } from '../clock.js';
import { bareOf, type Jid } from '../stanza/jid.js';
import { sameAddress } from './address-policy.js';

export interface ConnectRequestOfPeer {
  readonly peer: Jid;
  /** As the peer wrote it: an address or a name. */
  readonly host: string;
  readonly port: number;
  readonly signal: AbortSignal;
}

/** Leave to connect once. */
export interface ConnectLeave {
  /** Whether an address that the name resolved to may be tried. What is, counts like the name. */
  permits(address: string): boolean;
  /**
   * Exactly once. `withdrawn`: given up while it was under way, because something else was reached first. That says
   * nothing of the address; it has heard from us all the same, and it is the peer who can bring it about.
   */
  settle(outcome: 'answered' | 'failed' | 'withdrawn'): void;
}

export interface ConnectGate {
  /** Undefined where it may not be tried now. Waits while others find out about the same address. */
  enter(request: ConnectRequestOfPeer): Promise<ConnectLeave | undefined>;
}

export interface ConnectBudgetInit {
  /** Attempts at an address (IP or name, any port) that fail, a minute. */
  readonly failuresPerAddressPerMinute: number;
  /** Of one peer (bare JID). */
  readonly failuresPerPeerPerMinute: number;
  readonly failuresPerMinute: number;
  /** Attempts under way at one host and port that has not answered yet; more wait. */
  readonly concurrentUnproven: number;
}

const MINUTE_MS = 60_000;
/** How long an answer proves that more connections are welcome. */
const PROVEN_MS = 10 * MINUTE_MS;
/** Of a failure: where both sides reach each other, each session withdraws one, and sessions come by the dozen. */
const COST_OF_WITHDRAWN = 1 / 8;
/** Entries of each table; what was not used for longest goes first. The common budget bounds what forgetting allows. */
const MAX_REMEMBERED = 4096;

/** Attempts at one host and port that has not answered. */
interface Trial {
  running: number;
  readonly waiting: Set<() => void>;
}

export class ConnectBudget implements ConnectGate {
  readonly #clock: Clock;
  readonly #init: ConnectBudgetInit;
  readonly #addresses: FailureCounts;
  readonly #peers: FailureCounts;
  readonly #all: FailureCounts;
  /** Host and port → until when. */
  readonly #proven = new Map<string, number>();
  readonly #trials = new Map<string, Trial>();

  constructor(components: { readonly clock: Clock }, init: ConnectBudgetInit) {
    const { clock } = components;
    this.#clock = clock;
    this.#init = init;
    this.#addresses = new FailureCounts(clock, init.failuresPerAddressPerMinute);
    this.#peers = new FailureCounts(clock, init.failuresPerPeerPerMinute);
    this.#all = new FailureCounts(clock, init.failuresPerMinute);
  }

  async enter({ peer, host, port, signal }: ConnectRequestOfPeer): Promise<ConnectLeave | undefined> {
    const address = sameAddress(host);
    const place = `${address} ${port}`;
    const who = bareOf(peer);
    for (;;) {
      if (signal.aborted) return undefined;
      if (this.#isProven(place)) return this.#leave(place, who, address, undefined);
      if (this.#isSpent(who) || this.#addresses.isSpent(address)) return undefined;
      const trial = this.#trials.get(place) ?? { running: 0, waiting: new Set() };
      this.#trials.set(place, trial);
      if (trial.running < this.#init.concurrentUnproven) {
        trial.running += 1;
        return this.#leave(place, who, address, trial);
      }
      await turn(trial, signal);
    }
  }

  #leave(place: string, peer: Jid, address: string, trial: Trial | undefined): ConnectLeave {
    const tried = new Set([address]);
    let settled = false;
    return {
      permits: (written) => {
        const resolved = sameAddress(written);
        if (!this.#isProven(place) && this.#addresses.isSpent(resolved)) return false;
        tried.add(resolved);
        return true;
      },
      settle: (outcome) => {
        if (settled) return;
        settled = true;
        if (outcome === 'answered') this.#remember(place);
        else if (outcome === 'failed') {
          this.#proven.delete(place);
          this.#charge(peer, tried, 1);
        } else if (!this.#isProven(place)) this.#charge(peer, tried, COST_OF_WITHDRAWN);
        if (trial) this.#release(place, trial);
      },
    };
  }

  #charge(peer: Jid, tried: ReadonlySet<string>, cost: number): void {
    for (const address of tried) this.#addresses.charge(address, cost);
    this.#peers.charge(peer, cost);
    this.#all.charge('', cost);
  }

  #release(place: string, trial: Trial): void {
    trial.running -= 1;
    if (trial.running === 0) this.#trials.delete(place);
    for (const wake of [...trial.waiting]) wake();
  }

  #isSpent(peer: Jid): boolean {
    return this.#peers.isSpent(peer) || this.#all.isSpent('');
  }

  #isProven(place: string): boolean {
    const untilMs = this.#proven.get(place);
    return untilMs !== undefined && untilMs > this.#clock.monotonic();
  }

  #remember(place: string): void {
    this.#proven.delete(place);
    this.#proven.set(place, this.#clock.monotonic() + PROVEN_MS);
    trim(this.#proven);
  }
}

/** Failures by key, forgiven evenly over a minute. */
class FailureCounts {
  readonly #counts = new Map<string, { readonly count: number; readonly atMs: number }>();

  constructor(
    private readonly clock: Clock,
    private readonly perMinute: number,
  ) {}

  isSpent(key: string): boolean {
    return this.#now(key) > this.perMinute - 1;
  }

  charge(key: string, cost: number): void {
    const count = this.#now(key) + cost;
    this.#counts.delete(key);
    this.#counts.set(key, { count, atMs: this.clock.monotonic() });
    trim(this.#counts);
  }

  #now(key: string): number {
    const last = this.#counts.get(key);
    if (last === undefined) return 0;
    const forgiven = ((this.clock.monotonic() - last.atMs) * this.perMinute) / MINUTE_MS;
    return Math.max(0, last.count - forgiven);
  }
}

/** Resolves when an attempt has ended, or the signal aborts. */
function turn(trial: Trial, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      trial.waiting.delete(wake);
      signal.removeEventListener('abort', wake);
      resolve();
    };
    trial.waiting.add(wake);
    signal.addEventListener('abort', wake, { once: true });
  });
}

/** Maps keep the order in which entries were last set. */
function trim(map: Map<string, unknown>): void {
  if (map.size <= MAX_REMEMBERED) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
