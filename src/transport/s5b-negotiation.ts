/** One S5B negotiation: performs what `s5b-machine.ts` decides. */
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../clock.js';
import type { Entity } from '../entity/entity.js';
import { AbortedError, messageOf, ParseError } from '../errors.js';
import type { Log } from '../log.js';
import { StanzaError, toStanzaError } from '../stanza/stanza-error.js';
import { bytestreamsCodec, destinationAddress } from '../stanza/xep0065-bytestreams.js';
import {
  type S5bCandidate,
  type S5bDescription,
  type S5bInfo,
  s5bDescriptionCodec,
  s5bInfoCodec,
} from '../stanza/xep0260-jingle-s5b.js';
import type { Element } from '../stanza/xml.js';
import type { ConnectPolicy } from './address-policy.js';
import { CandidateSearch, type Found, openStreamhost, type SearchLimits } from './candidate-search.js';
import type { ConnectGate } from './connect-budget.js';
import type { ProxySource } from './proxy-finder.js';
import { ownCandidates } from './s5b-candidates.js';
import type { InboundListener, InboundTaker } from './s5b-listener.js';
import { type S5bEffect, type S5bEvent, type S5bState, s5bMachine } from './s5b-machine.js';
import { SpareConnections } from './spare-connections.js';
import type { Connector } from './tcp-connector.js';
import {
  type SentBytes,
  type TransportContext,
  TransportFailedError,
  type TransportNegotiation,
} from './transport.js';

export interface S5bNegotiationComponents {
  readonly entity: Pick<Entity, 'request'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly listener: InboundListener;
  readonly connector: Connector;
  readonly policy: ConnectPolicy;
  readonly gate: ConnectGate;
  readonly proxies: ProxySource;
}

export interface S5bLimits extends SearchLimits {
  /** How long a peer that gave no candidate at all may take to send some (XEP-0260 §2.2). */
  readonly lateCandidatesMs: number;
  /**
   * Head start of a peer that has given all of its candidates lower priorities than ours: what it reaches is nominated,
   * and it will have tried while it answered.
   */
  readonly leadMs: number;
  /** From the moment both descriptions are known until there is a stream. */
  readonly negotiationTimeoutMs: number;
}

export interface S5bNegotiationInit extends S5bLimits {
  readonly context: TransportContext;
  readonly sid: string;
  readonly side: 'offerer' | 'answerer';
}

/** Of the peer's, those that ours must not repeat: a machine has no more, only a stanza has room for them. */
const MAX_REMEMBERED_CANDIDATES = 100;

/** What the stream had written before it was handed out: the SOCKS5 handshake. */
interface HandedOut {
  readonly stream: Duplex;
  readonly before: number;
}

export class S5bNegotiation implements TransportNegotiation, InboundTaker {
  readonly type = 's5b';
  readonly #components: S5bNegotiationComponents;
  readonly #init: S5bNegotiationInit;
  readonly #search: CandidateSearch;
  readonly #spare: SpareConnections;
  readonly #relaying = new AbortController();
  readonly #startedMs: number;
  readonly #stream: Promise<Duplex>;
  #resolve: (stream: Duplex) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;
  #state: S5bState;
  #describing: Promise<S5bDescription> | undefined;
  #ours: S5bDescription | undefined;
  #theirs: S5bDescription | undefined;
  #phase: 'told' | 'reaching' | 'connecting' = 'told';
  /** How the search ended, while nobody may hear of it. */
  #found: { readonly found: Found | undefined } | undefined;
  #timer: Timer | undefined;
  #unexpect: (() => void) | undefined;
  /** The peer's connection to us: one at a time, so that both sides mean the same. */
  #inbound: { stream?: Duplex } | undefined;
  #outgoing: Duplex | undefined;
  #relay: Duplex | undefined;
  #handedOut: HandedOut | undefined;

  constructor(components: S5bNegotiationComponents, init: S5bNegotiationInit) {
    this.#components = components;
    this.#init = init;
    this.#startedMs = components.clock.monotonic();
    this.#state = { type: 'searching', role: init.context.role };
    this.#spare = new SpareConnections(components);
    this.#search = new CandidateSearch(components, {
      ...init,
      peer: init.context.peer,
      onEnd: (found) => this.#onSearchEnd(found),
    });
    this.#stream = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever calls `connect` owns the failure; until then it is nobody's.
    this.#stream.catch(() => undefined);
  }

  async describe(): Promise<Element> {
    this.#describing ??= this.#makeDescription();
    return s5bDescriptionCodec.toXml(await this.#describing);
  }

  remote(transport: Element): void {
    const theirs = s5bDescriptionCodec.fromXml(transport);
    if (theirs.sid !== this.#init.sid)
      throw new ParseError("'sid' is not that of the offer", { field: 'sid' });
    if (theirs.mode === 'udp') throw new TransportFailedError('only TCP is served');
    if (this.#theirs) throw new TransportFailedError('the transport was described before');
    this.#theirs = { ...theirs, candidates: theirs.candidates.slice(0, MAX_REMEMBERED_CANDIDATES) };
    this.#search.add(theirs.candidates, this.#theirDstaddr(theirs.dstaddr));
    this.#startSearch();
  }

  info(transport: Element): void {
    try {
      const info = s5bInfoCodec.fromXml(transport);
      if (info.sid !== this.#init.sid) throw new StanzaError('item-not-found', 'no such bytestream');
      this.#onInfo(info);
    } catch (thrown) {
      throw toStanzaError(thrown);
    }
  }

  reach(): void {
    if (this.#phase !== 'told') return;
    this.#phase = 'reaching';
    this.#startSearch();
    // Whoever asks for it hears of its failure.
    this.#describing ??= this.#makeDescription();
    this.#describing.catch(() => undefined);
  }

  connect(): Promise<Duplex> {
    this.#phase = 'connecting';
    this.#startSearch();
    this.#onInboundBytes();
    const ended = this.#found;
    this.#found = undefined;
    if (ended) this.#onSearchEnd(ended.found?.stream.destroyed ? undefined : ended.found);
    return this.#stream;
  }

  sent(): SentBytes | undefined {
    return this.#handedOut && sentThrough(this.#handedOut);
  }

  close(): void {
    this.#handle({ type: 'close' });
    this.#reject(new AbortedError('the negotiation was closed'));
    this.#release(undefined);
    this.#spare.close();
  }

  admit(): boolean {
    if (this.#inbound !== undefined || this.#state.type === 'connected') return false;
    this.#inbound = {};
    return true;
  }

  take(stream: Duplex): void {
    if (this.#inbound === undefined || stream.destroyed) {
      this.#inbound = undefined;
      stream.destroy();
      return;
    }
    this.#inbound.stream = stream;
    stream.once('close', this.#onInboundClose).on('readable', this.#onInboundBytes);
    if (this.#state.type === 'awaiting-inbound') this.#handle({ type: 'inbound' });
  }

  readonly #onInboundClose = () => {
    this.#inbound = undefined;
  };

  readonly #onInboundBytes = () => {
    if (this.#phase === 'connecting' && (this.#inbound?.stream?.readableLength ?? 0) > 0) {
      this.#handle({ type: 'inbound-bytes' });
    }
  };

  readonly #onBytes = () => {
    if (this.#outgoing && this.#outgoing.readableLength > 0) this.#handle({ type: 'bytes' });
  };

  readonly #onOutgoingClose = () => this.#handle({ type: 'lost' });

  async #makeDescription(): Promise<S5bDescription> {
    const { context, sid, side } = this.#init;
    const { listener, proxies } = this.#components;
    const known = await proxies.streamhosts();
    if (!isWaiting(this.#state)) throw new AbortedError('the negotiation was closed');
    const dstaddr = this.#ourDstaddr();
    this.#unexpect = listener.expect(dstaddr, this);
    const candidates = ownCandidates({
      self: context.self,
      addresses: listener.addresses,
      proxies: known,
      taken: this.#theirs?.candidates ?? [],
    });
    // XEP-0260 §2.2: the answer has no 'mode'.
    this.#ours = { sid, ...(side === 'offerer' && { mode: 'tcp' }), dstaddr, candidates, early: true };
    return this.#ours;
  }

  /** XEP-0260 §2.2: whoever offers a streamhost comes first in the hash. */
  #ourDstaddr(): string {
    const { sid, context } = this.#init;
    return destinationAddress(sid, context.self, context.peer);
  }

  #theirDstaddr(given: string | undefined): string {
    const { sid, context } = this.#init;
    return given ?? this.#theirs?.dstaddr ?? destinationAddress(sid, context.peer, context.self);
  }

  #startSearch(): void {
    if (this.#phase === 'told' || !this.#theirs || !isWaiting(this.#state)) return;
    if (this.#phase === 'connecting') {
      this.#timer ??= this.#components.clock.after(this.#init.negotiationTimeoutMs, () =>
        this.#handle({ type: 'timeout' }),
      );
    }
    this.#search.start({ waitMs: this.#waitMs(this.#theirs.candidates) });
  }

  #waitMs(theirs: readonly S5bCandidate[]): number {
    const { side, lateCandidatesMs, leadMs } = this.#init;
    if (theirs.length === 0) return lateCandidatesMs;
    const rival = this.#bestOfOurs();
    return side === 'offerer' && theirs.every(({ priority }) => priority < rival) ? leadMs : 0;
  }

  #onSearchEnd(found: Found | undefined): void {
    if (this.#phase !== 'connecting') {
      this.#found = { found };
      return;
    }
    if (found) {
      this.#outgoing = found.stream;
      // COMPAT: Libervia 0.9 closes a connection that brings bytes before it has reported itself; nobody else has to expect them.
      const rival = this.#theirs?.early ? this.#bestOfOurs() : Number.POSITIVE_INFINITY;
      this.#handle({ type: 'reached', candidate: found.candidate, rival });
    } else {
      this.#handle({ type: 'unreachable' });
    }
  }

  /** The highest priority of what we offer; nothing bounds what we may offer yet. */
  #bestOfOurs(): number {
    if (this.#ours === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(...this.#ours.candidates.map(({ priority }) => priority));
  }

  #onInfo(info: S5bInfo): void {
    switch (info.type) {
      case 'candidates':
        this.#search.add(info.candidates, this.#theirDstaddr(info.dstaddr));
        return;
      case 'candidate-used':
        this.#handleFromPeer({ type: 'peer-used', candidate: this.#ownCandidate(info.cid) });
        return;
      case 'candidate-error':
        this.#handleFromPeer({ type: 'peer-error' });
        return;
      case 'activated':
        if (this.#state.type === 'awaiting-activation' && this.#state.candidate.cid !== info.cid) {
          throw new StanzaError('item-not-found', 'not the nominated candidate');
        }
        this.#handleFromPeer({ type: 'activated' });
        return;
      case 'proxy-error':
        this.#handleFromPeer({ type: 'proxy-error' });
    }
  }

  #ownCandidate(cid: string): S5bCandidate {
    const candidate = this.#ours?.candidates.find((each) => each.cid === cid);
    if (!candidate) throw new StanzaError('item-not-found', 'no such candidate');
    return candidate;
  }

  #handleFromPeer(event: S5bEvent): void {
    if (!this.#handle(event)) throw new StanzaError('unexpected-request', 'out of order');
  }

  /** False when the event has no place in the present state. */
  #handle(event: S5bEvent): boolean {
    const step = s5bMachine.step(this.#state, event);
    if (!step) return false;
    if (step.state.type !== this.#state.type) this.#logChange(step.state, event);
    this.#state = step.state;
    for (const effect of step.effects) this.#perform(effect);
    return true;
  }

  #logChange(next: S5bState, event: S5bEvent): void {
    this.#components.log.debug(
      {
        machine: s5bMachine.name,
        id: this.#init.sid,
        from: this.#state.type,
        to: next.type,
        event: event.type,
        ms: Math.round(this.#components.clock.monotonic() - this.#startedMs),
      },
      'state',
    );
  }

  #perform(effect: S5bEffect): void {
    const { sid } = this.#init;
    switch (effect.type) {
      case 'send-used':
        this.#send({ type: 'candidate-used', sid, cid: effect.cid });
        return;
      case 'send-error':
        this.#send({ type: 'candidate-error', sid });
        return;
      case 'send-activated':
        this.#send({ type: 'activated', sid, cid: effect.cid });
        return;
      case 'send-proxy-error':
        this.#send({ type: 'proxy-error', sid });
        return;
      case 'narrow':
        this.#search.narrow(effect.above);
        return;
      case 'stop-search':
        this.#search.stop();
        return;
      case 'take-inbound':
        if (this.#inbound?.stream) this.#handle({ type: 'inbound' });
        return;
      case 'await-bytes':
        this.#outgoing?.on('readable', this.#onBytes);
        return;
      case 'await-activation':
        this.#outgoing
          ?.off('readable', this.#onBytes)
          .on('readable', this.#onBytes)
          .once('close', this.#onOutgoingClose);
        if (this.#outgoing?.destroyed !== false) this.#handle({ type: 'lost' });
        return;
      case 'activate':
        this.#activate(effect.candidate);
        return;
      case 'connect':
        this.#handOut(effect.by);
        return;
      case 'fail':
        this.#reject(new TransportFailedError(`SOCKS5 bytestream: ${effect.why}`));
        this.#release(undefined);
    }
  }

  #send(info: S5bInfo): void {
    this.#init.context.sendInfo(s5bInfoCodec.toXml(info)).catch((thrown: unknown) => {
      this.#components.log.debug({ info: info.type, why: messageOf(thrown) }, 's5b transport-info failed');
      this.#handle({ type: 'lost' });
    });
  }

  #activate(candidate: S5bCandidate): void {
    this.#openRelay(candidate).then(
      (stream) => {
        this.#relay = stream;
        if (this.#state.type === 'activating') this.#handle({ type: 'relay-ready' });
        else stream.destroy();
      },
      (thrown: unknown) => {
        this.#components.log.debug({ why: messageOf(thrown) }, 's5b proxy failed');
        const { jid, host, port } = candidate;
        if (jid !== undefined && isFaultOfProxy(thrown)) {
          this.#components.proxies.failed({ jid, host, port });
        }
        this.#handle({ type: 'relay-failed' });
      },
    );
  }

  /** XEP-0260 §2.4, XEP-0065 §6.3.5: we connect to the proxy too, then have it relay. */
  async #openRelay(candidate: S5bCandidate): Promise<Duplex> {
    const { clock, connector, entity } = this.#components;
    const { context, sid, attemptTimeoutMs } = this.#init;
    if (candidate.jid === undefined) throw new TransportFailedError('our proxy has no address');
    const { signal } = this.#relaying;
    const stream = await openStreamhost(connector, clock, {
      host: candidate.host,
      port: candidate.port,
      dstaddr: this.#ourDstaddr(),
      permits: () => true, // our own configuration names it
      timeoutMs: attemptTimeoutMs,
      signal,
    });
    try {
      const payload = bytestreamsCodec.toXml({ type: 'activate', sid, target: context.peer });
      await entity.request({ to: candidate.jid, from: context.self, type: 'set', payload, signal });
      return stream;
    } catch (thrown) {
      stream.destroy();
      throw thrown;
    }
  }

  #handOut(by: 'outgoing' | 'inbound' | 'relay'): void {
    const streams = { outgoing: this.#outgoing, inbound: this.#inbound?.stream, relay: this.#relay };
    const stream = streams[by];
    this.#release(stream);
    if (stream?.destroyed === false) {
      this.#handedOut = { stream, before: bytesWritten(stream) ?? 0 };
      stream.once('close', () => this.#spare.close());
      this.#resolve(stream);
    } else this.#reject(new TransportFailedError('SOCKS5 bytestream: the connection was lost'));
  }

  /** Lets go of everything but the stream that is handed out; where none is, at once. */
  #release(kept: Duplex | undefined): void {
    this.#timer?.cancel();
    this.#unexpect?.();
    this.#relaying.abort();
    this.#search.stop();
    const streams = [this.#outgoing, this.#inbound?.stream, this.#relay, this.#found?.found?.stream];
    this.#found = undefined;
    this.#outgoing = undefined;
    this.#inbound = undefined;
    this.#relay = undefined;
    for (const stream of streams) {
      stream?.off('close', this.#onOutgoingClose).off('close', this.#onInboundClose);
      stream?.off('readable', this.#onBytes).off('readable', this.#onInboundBytes);
      if (stream === kept) continue;
      if (kept && stream) this.#spare.keep(stream);
      else stream?.destroy();
    }
  }
}

/**
 * What a proxy says when the peer is not connected to it (XEP-0065 §6.3.5), whatever the peer told us. A peer must
 * not bring it about that we offer the proxy to nobody any more.
 */
const PEERS_DOING: ReadonlySet<string> = new Set([
  'bad-request',
  'conflict',
  'item-not-found',
  'not-acceptable',
  'not-allowed', // Prosody
  'resource-constraint',
  'unexpected-request',
]);

function isFaultOfProxy(thrown: unknown): boolean {
  if (thrown instanceof StanzaError) return !PEERS_DOING.has(thrown.condition);
  return !(thrown instanceof AbortedError);
}

function isWaiting(state: S5bState): boolean {
  return state.type !== 'connected' && state.type !== 'failed' && state.type !== 'closed';
}

/** The operating system takes bytes and does not tell what becomes of them. */
function sentThrough({ stream, before }: HandedOut): SentBytes | undefined {
  const written = bytesWritten(stream);
  if (written === undefined) return undefined;
  return { handedOverBytes: Math.max(0, written - before - stream.writableLength), receivedBytes: undefined };
}

/** A socket counts what was written into it, what it still holds included. */
function bytesWritten(stream: Duplex): number | undefined {
  return 'bytesWritten' in stream && typeof stream.bytesWritten === 'number'
    ? stream.bytesWritten
    : undefined;
}
