/**
 * Tries a peer's candidates in the order of their priority, staggered (XEP-0260 §4), until one is
 * connected and has answered as a SOCKS5 streamhost. Ends exactly once, if it is not stopped before.
 */
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../clock.js';
import { messageOf } from '../errors.js';
import type { Log } from '../log.js';
import type { Jid } from '../stanza/jid.js';
import type { S5bCandidate } from '../stanza/xep0260-jingle-s5b.js';
import type { ConnectPolicy } from './address-policy.js';
import type { ConnectGate, ConnectLeave } from './connect-budget.js';
import { connectSocks5 } from './socks5-client.js';
import type { Connector } from './tcp-connector.js';
import { TransportFailedError } from './transport.js';

export interface SearchComponents {
  readonly clock: Clock;
  readonly log: Log;
  readonly connector: Connector;
  readonly policy: ConnectPolicy;
  readonly gate: ConnectGate;
}

export interface SearchLimits {
  /** What of a peer's candidates is tried at all, the best first. */
  readonly maxCandidates: number;
  /** Until the next candidate is tried beside those that have not answered. */
  readonly staggerMs: number;
  /** The same before a proxy, to give direct connections their chance. */
  readonly proxyStaggerMs: number;
  /** For connecting to one candidate, handshake included. */
  readonly attemptTimeoutMs: number;
}

export interface SearchInit extends SearchLimits {
  readonly peer: Jid;
  readonly onEnd: (found: Found | undefined) => void;
}

export interface Found {
  readonly candidate: S5bCandidate;
  readonly stream: Duplex;
}

/** A candidate, and what to ask its streamhost for. */
interface Attempt {
  readonly candidate: S5bCandidate;
  readonly dstaddr: string;
}

export class CandidateSearch {
  readonly #components: SearchComponents;
  readonly #init: SearchInit;
  /** Not tried yet, best first. */
  #queue: Attempt[] = [];
  readonly #running = new Map<Attempt, AbortController>();
  #accepted = 0;
  #above = -1;
  #timer: Timer | undefined;
  #phase: 'new' | 'running' | 'over' = 'new';

  constructor(components: SearchComponents, init: SearchInit) {
    this.#components = components;
    this.#init = init;
  }

  /** Adds candidates, before the start or later. Those that policy or limits forbid are left out. */
  add(candidates: readonly S5bCandidate[], dstaddr: string): void {
    if (this.#phase === 'over') return;
    const allowed = candidates
      .filter((each) => each.priority > this.#above)
      .filter((each) => this.#components.policy.mayConnect(this.#init.peer, each.host, each.port))
      .sort((a, b) => b.priority - a.priority)
      .slice(0, this.#init.maxCandidates - this.#accepted);
    this.#accepted += allowed.length;
    this.#queue.push(...allowed.map((candidate) => ({ candidate, dstaddr })));
    this.#queue.sort((a, b) => b.candidate.priority - a.candidate.priority);
    if (this.#phase === 'running') this.#next();
  }

  /** Waits first as long as it is told to, unless it hears meanwhile of a candidate or that the peer uses one. */
  start({ waitMs }: { waitMs: number }): void {
    if (this.#phase !== 'new') return;
    this.#phase = 'running';
    if (waitMs > 0 && this.#above < 0) {
      this.#timer = this.#components.clock.after(waitMs, () => this.#next());
    } else {
      this.#next();
    }
  }

  /** Gives up on candidates that are not above this priority. */
  narrow(priority: number): void {
    this.#above = Math.max(this.#above, priority);
    this.#queue = this.#queue.filter(({ candidate }) => candidate.priority > this.#above);
    for (const [attempt, abort] of this.#running) {
      if (attempt.candidate.priority > this.#above) continue;
      this.#running.delete(attempt);
      abort.abort();
    }
    if (this.#phase === 'running' && this.#running.size === 0) this.#next();
  }

  /** Ends it without a result. */
  stop(): void {
    this.#phase = 'over';
    this.#timer?.cancel();
    this.#queue = [];
    for (const abort of this.#running.values()) abort.abort();
    this.#running.clear();
  }

  /** Starts the best candidate left, and sees to it that the one after it gets its turn. */
  #next(): void {
    this.#timer?.cancel();
    const attempt = this.#queue.shift();
    if (attempt === undefined) {
      if (this.#running.size === 0) this.#end(undefined);
      return;
    }
    this.#begin(attempt);
    const [following] = this.#queue;
    if (following === undefined) return;
    const { staggerMs, proxyStaggerMs } = this.#init;
    const delayMs = following.candidate.type === 'proxy' ? proxyStaggerMs : staggerMs;
    this.#timer = this.#components.clock.after(delayMs, () => this.#next());
  }

  #begin(attempt: Attempt): void {
    const abort = new AbortController();
    this.#running.set(attempt, abort);
    this.#connect(attempt, abort).then(
      (stream) => {
        if (this.#running.delete(attempt)) this.#end({ candidate: attempt.candidate, stream });
        else stream.destroy();
      },
      (thrown: unknown) => {
        this.#components.log.debug(
          { cid: attempt.candidate.cid, why: messageOf(thrown) },
          's5b candidate failed',
        );
        if (this.#running.delete(attempt)) this.#next();
      },
    );
  }

  async #connect({ candidate, dstaddr }: Attempt, abort: AbortController): Promise<Duplex> {
    const { clock, connector, policy, gate } = this.#components;
    const { peer, attemptTimeoutMs } = this.#init;
    const { host, port } = candidate;
    let outcome: 'answered' | 'failed' | 'withdrawn' = 'withdrawn';
    const timer = clock.after(attemptTimeoutMs, () => {
      outcome = 'failed';
      abort.abort();
    });
    let leave: ConnectLeave | undefined;
    try {
      leave = await gate.enter({ peer, host, port, signal: abort.signal });
      if (leave === undefined) throw new TransportFailedError(`${host}:${port} is not tried now`);
      const { permits } = leave;
      const stream = await openStreamhost(connector, clock, {
        host,
        port,
        dstaddr,
        permits: (address) => policy.mayReach(peer, address) && permits(address),
        timeoutMs: attemptTimeoutMs,
        signal: abort.signal,
      });
      outcome = 'answered';
      return stream;
    } catch (thrown) {
      if (!abort.signal.aborted) outcome = 'failed';
      throw thrown;
    } finally {
      timer.cancel();
      leave?.settle(outcome);
    }
  }

  #end(found: Found | undefined): void {
    if (this.#phase === 'over') {
      found?.stream.destroy();
      return;
    }
    this.stop();
    this.#init.onEnd(found);
  }
}

export interface StreamhostRequest {
  readonly host: string;
  readonly port: number;
  readonly dstaddr: string;
  readonly permits: (address: string) => boolean;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Connects to a streamhost and asks it for a bytestream. Resolves with the stream that carries it. */
export async function openStreamhost(
  connector: Connector,
  clock: Clock,
  request: StreamhostRequest,
): Promise<Duplex> {
  const { host, port, permits, signal } = request;
  const stream = await connector.connect({ host, port, permits, signal });
  try {
    await connectSocks5(stream, request.dstaddr, { clock, timeoutMs: request.timeoutMs, signal });
    return stream;
  } catch (thrown) {
    stream.destroy();
    throw thrown;
  }
}
