/** S5B negotiations between two of ours, or of ours and a peer that the test plays, on a network in memory. */
import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import type { Entity } from '../../src/entity/entity.js';
import { silentLog } from '../../src/log.js';
import { parseJid } from '../../src/stanza/jid.js';
import { NS } from '../../src/stanza/namespaces.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import {
  bytestreamsCodec,
  destinationAddress,
  type Streamhost,
} from '../../src/stanza/xep0065-bytestreams.js';
import {
  candidatePriority,
  type S5bCandidate,
  type S5bDescription,
  type S5bInfo,
  s5bDescriptionCodec,
  s5bInfoCodec,
} from '../../src/stanza/xep0260-jingle-s5b.js';
import { AddressPolicy } from '../../src/transport/address-policy.js';
import { ConnectBudget } from '../../src/transport/connect-budget.js';
import { defaultConnectBudget, defaultS5bLimits } from '../../src/transport/limits.js';
import { fixedProxies } from '../../src/transport/proxy-finder.js';
import { S5bTransport } from '../../src/transport/s5b-transport.js';
import { connectSocks5 } from '../../src/transport/socks5-client.js';
import { acceptSocks5 } from '../../src/transport/socks5-server.js';
import type { Transport, TransportNegotiation } from '../../src/transport/transport.js';
import { elementOf } from '../support/codec-fixtures.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { MemoryListener, MemoryProxy, MemoryTcp } from '../support/memory-tcp.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';
import { contextOf, describeBoth, type Negotiated } from './negotiate.js';

export const romeo = parseJid('romeo.example');
export const juliet = parseJid('juliet.example');
export const proxy: Streamhost = { jid: parseJid('proxy.example'), host: '10.0.0.9', port: 7777 };

type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
export type Info = Without<S5bInfo, 'sid'>;

/** What `tearDown` finds left over is a fault. */
export class S5bRig {
  readonly clock = new VirtualClock();
  readonly tcp = new MemoryTcp(this.clock);
  readonly network = new MemoryNetwork({ clock: this.clock });
  /** Closed in the end, whoever made them. */
  readonly streams: Duplex[] = [];
  readonly negotiations: TransportNegotiation[] = [];
  readonly #entities: Entity[] = [];
  readonly #listeners: MemoryListener[] = [];

  async tearDown(): Promise<void> {
    for (const negotiation of this.negotiations) negotiation.close();
    for (const stream of this.streams) stream.destroy();
    await settle();
    assert.equal(this.tcp.openStreams, 0, 'connections are left');
    assert.deepEqual(
      this.#listeners.map((listener) => listener.expected),
      this.#listeners.map(() => 0),
      'bytestreams are expected still',
    );
    for (const entity of this.#entities) await entity.stop();
    await settle();
    assert.equal(this.clock.pendingTimers, 0, 'timers are left');
  }

  async side(jid: string, host: string, proxies: readonly Streamhost[] = []): Promise<Transport> {
    const entity = this.network.component(jid);
    await entity.start();
    this.#entities.push(entity);
    const listener = new MemoryListener(this.tcp, this.clock, [host], 5000);
    this.#listeners.push(listener);
    const policy = new AddressPolicy({ allowPrivate: true, allowLoopback: false });
    return new S5bTransport(
      {
        entity,
        clock: this.clock,
        log: silentLog,
        listener,
        connector: this.tcp,
        policy,
        gate: new ConnectBudget({ clock: this.clock }, defaultConnectBudget),
        proxies: fixedProxies(proxies),
      },
      defaultS5bLimits,
    );
  }

  /** A proxy that answers to activation as XEP-0065 §6.3.5 says. */
  async startProxy(activation: 'works' | 'fails' = 'works'): Promise<void> {
    const streamhost = new MemoryProxy(this.tcp, this.clock, proxy.host, proxy.port);
    const entity = this.network.component(proxy.jid);
    await entity.start();
    this.#entities.push(entity);
    entity.handleIq('set', 'query', NS.bytestreams, (iq) => {
      const query = bytestreamsCodec.fromXml(iq.payload);
      assert.equal(query.type, 'activate');
      const dstaddr = destinationAddress(query.sid, iq.from, query.target);
      if (activation === 'fails' || !streamhost.activate(dstaddr)) throw new StanzaError('not-allowed');
      return undefined;
    });
  }

  async both(initiator: Transport, responder: Transport): Promise<Negotiated> {
    const negotiated = await describeBoth(
      { transport: initiator, jid: romeo },
      { transport: responder, jid: juliet },
    );
    this.negotiations.push(negotiated.offerer, negotiated.answerer);
    return negotiated;
  }

  /** What becomes of both `connect`s within a minute: streams, or the names of errors. */
  async outcomes({ offerer, answerer }: Negotiated): Promise<(Duplex | string)[]> {
    const outcome = (negotiation: TransportNegotiation) =>
      negotiation.connect().then(
        (stream) => {
          this.streams.push(stream);
          return stream;
        },
        (error: Error) => error.name,
      );
    const done = Promise.all([outcome(offerer), outcome(answerer)]);
    await this.clock.advance(60_000);
    return done;
  }

  /** Our side as the initiator, against a peer that the test plays. */
  async againstScript(transport: Transport, role: 'initiator' | 'responder' = 'initiator') {
    const said: S5bInfo[] = [];
    const context = contextOf(romeo, juliet, role, (info) => said.push(s5bInfoCodec.fromXml(info)));
    const negotiation = transport.offer(context);
    this.negotiations.push(negotiation);
    const offer = s5bDescriptionCodec.fromXml(elementOf((await negotiation.describe()).toString()));
    const { sid } = offer;
    const info = (what: Info) => negotiation.info(s5bInfoCodec.toXml({ sid, ...what } as S5bInfo));
    const answer = (description: Partial<S5bDescription> = {}) =>
      negotiation.remote(s5bDescriptionCodec.toXml({ sid, candidates: [], ...description }));
    const connecting = () => {
      const connected = negotiation.connect();
      connected.then(
        (stream) => this.streams.push(stream),
        () => undefined,
      );
      return connected;
    };
    return { negotiation, offer, said, info, answer, connecting };
  }

  /** What the scripted peer does at its own streamhost. */
  serveScript(host: string): { streams: Duplex[]; asked: string[] } {
    const served: { streams: Duplex[]; asked: string[] } = { streams: [], asked: [] };
    this.tcp.listen(host, 5000, (stream) => {
      served.streams.push(stream);
      this.streams.push(stream);
      acceptSocks5(stream, (dstaddr) => dstaddr, { clock: this.clock, timeoutMs: 1000 }).then(
        (dstaddr) => served.asked.push(dstaddr),
        () => undefined,
      );
    });
    return served;
  }

  async dialOurs(offer: S5bDescription): Promise<Duplex> {
    const [candidate] = offer.candidates;
    assert.ok(candidate && offer.dstaddr);
    const { host, port } = candidate;
    const connecting = this.tcp.connect({
      host,
      port,
      permits: () => true,
      signal: new AbortController().signal,
    });
    await this.clock.advance(0);
    const stream = await connecting;
    this.streams.push(stream);
    await connectSocks5(stream, offer.dstaddr, { clock: this.clock, timeoutMs: 1000 });
    return stream;
  }
}

export async function assertJoined([one, other]: readonly (Duplex | string | undefined)[]): Promise<void> {
  assert.ok(typeof one === 'object' && typeof other === 'object', `${String(one)}, ${String(other)}`);
  one.write('there');
  other.write('back');
  await settle();
  await settle();
  assert.equal(String(other.read()), 'there');
  assert.equal(String(one.read()), 'back');
}

export function direct(host: string, more: Partial<S5bCandidate> = {}): S5bCandidate {
  const priority = candidatePriority('direct', 1);
  return { cid: `cid-${host}`, host, port: 5000, priority, type: 'direct', ...more };
}
