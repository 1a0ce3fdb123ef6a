/** S5B negotiations, between two of ours and against scripted peers, on a network in memory. */
import assert from 'node:assert/strict';
import { type Duplex, duplexPair } from 'node:stream';
import fc from 'fast-check';
import type { Entity } from '../../src/entity/entity.js';
import { ParseError } from '../../src/errors.js';
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
import type { Element } from '../../src/stanza/xml.js';
import { AddressPolicy } from '../../src/transport/address-policy.js';
import { ConnectBudget } from '../../src/transport/connect-budget.js';
import { defaultConnectBudget, defaultS5bLimits } from '../../src/transport/limits.js';
import { fixedProxies } from '../../src/transport/proxy-finder.js';
import { S5bTransport } from '../../src/transport/s5b-transport.js';
import { connectSocks5 } from '../../src/transport/socks5-client.js';
import { acceptSocks5 } from '../../src/transport/socks5-server.js';
import {
  type Transport,
  TransportFailedError,
  type TransportNegotiation,
} from '../../src/transport/transport.js';
import { elementOf } from '../support/codec-fixtures.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { MemoryListener, MemoryProxy, MemoryTcp } from '../support/memory-tcp.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';
import { contextOf, describeBoth, type Negotiated } from './negotiate.js';

const romeo = parseJid('romeo.example');
const juliet = parseJid('juliet.example');
const proxy: Streamhost = { jid: parseJid('proxy.example'), host: '10.0.0.9', port: 7777 };

describe('S5bNegotiation', () => {
  let clock: VirtualClock;
  let tcp: MemoryTcp;
  let network: MemoryNetwork;
  let entities: Entity[];
  let streams: Duplex[];
  let listeners: MemoryListener[];
  let negotiations: TransportNegotiation[];

  async function setUp(): Promise<void> {
    clock = new VirtualClock();
    tcp = new MemoryTcp(clock);
    network = new MemoryNetwork({ clock });
    entities = [];
    streams = [];
    listeners = [];
    negotiations = [];
  }

  async function tearDown(): Promise<void> {
    for (const negotiation of negotiations) negotiation.close();
    for (const stream of streams) stream.destroy();
    await settle();
    assert.equal(tcp.openStreams, 0, 'connections are left');
    assert.deepEqual(
      listeners.map((listener) => listener.expected),
      listeners.map(() => 0),
      'bytestreams are expected still',
    );
    for (const entity of entities) await entity.stop();
    await settle();
    assert.equal(clock.pendingTimers, 0, 'timers are left');
  }

  beforeEach(setUp);
  afterEach(tearDown);

  async function side(jid: string, host: string, proxies: readonly Streamhost[] = []): Promise<Transport> {
    const entity = network.component(jid);
    await entity.start();
    entities.push(entity);
    const listener = new MemoryListener(tcp, clock, [host], 5000);
    listeners.push(listener);
    const policy = new AddressPolicy({ allowPrivate: true, allowLoopback: false });
    return new S5bTransport(
      {
        entity,
        clock,
        log: silentLog,
        listener,
        connector: tcp,
        policy,
        gate: new ConnectBudget({ clock }, defaultConnectBudget),
        proxies: fixedProxies(proxies),
      },
      defaultS5bLimits,
    );
  }

  /** A proxy that answers to activation as XEP-0065 §6.3.5 says. */
  async function startProxy(activation: 'works' | 'fails' = 'works'): Promise<void> {
    const streamhost = new MemoryProxy(tcp, clock, proxy.host, proxy.port);
    const entity = network.component(proxy.jid);
    await entity.start();
    entities.push(entity);
    entity.handleIq('set', 'query', NS.bytestreams, (iq) => {
      const query = bytestreamsCodec.fromXml(iq.payload);
      assert.equal(query.type, 'activate');
      const dstaddr = destinationAddress(query.sid, iq.from, query.target);
      if (activation === 'fails' || !streamhost.activate(dstaddr)) throw new StanzaError('not-allowed');
      return undefined;
    });
  }

  async function both(initiator: Transport, responder: Transport): Promise<Negotiated> {
    const negotiated = await describeBoth(
      { transport: initiator, jid: romeo },
      { transport: responder, jid: juliet },
    );
    negotiations.push(negotiated.offerer, negotiated.answerer);
    return negotiated;
  }

  /** What becomes of both `connect`s within a minute: streams, or the names of errors. */
  async function outcomes({ offerer, answerer }: Negotiated): Promise<(Duplex | string)[]> {
    const outcome = (negotiation: TransportNegotiation) =>
      negotiation.connect().then(
        (stream) => {
          streams.push(stream);
          return stream;
        },
        (error: Error) => error.name,
      );
    const done = Promise.all([outcome(offerer), outcome(answerer)]);
    await clock.advance(60_000);
    return done;
  }

  async function assertJoined([one, other]: readonly (Duplex | string | undefined)[]): Promise<void> {
    assert.ok(typeof one === 'object' && typeof other === 'object', `${String(one)}, ${String(other)}`);
    one.write('there');
    other.write('back');
    await settle();
    await settle();
    assert.equal(String(other.read()), 'there');
    assert.equal(String(one.read()), 'back');
  }

  /** Our side as the initiator, against a peer that the test plays. */
  async function againstScript(transport: Transport, role: 'initiator' | 'responder' = 'initiator') {
    const said: S5bInfo[] = [];
    const context = contextOf(romeo, juliet, role, (info) => said.push(s5bInfoCodec.fromXml(info)));
    const negotiation = transport.offer(context);
    negotiations.push(negotiation);
    const offer = s5bDescriptionCodec.fromXml(elementOf((await negotiation.describe()).toString()));
    const { sid } = offer;
    const info = (what: Info) => negotiation.info(s5bInfoCodec.toXml({ sid, ...what } as S5bInfo));
    const answer = (description: Partial<S5bDescription> = {}) =>
      negotiation.remote(s5bDescriptionCodec.toXml({ sid, candidates: [], ...description }));
    const connecting = () => {
      const connected = negotiation.connect();
      connected.then(
        (stream) => streams.push(stream),
        () => undefined,
      );
      return connected;
    };
    return { negotiation, offer, said, info, answer, connecting };
  }

  function direct(host: string, more: Partial<S5bCandidate> = {}): S5bCandidate {
    const priority = candidatePriority('direct', 1);
    return { cid: `cid-${host}`, host, port: 5000, priority, type: 'direct', ...more };
  }

  /** What the scripted peer does at its own streamhost. */
  function serveScript(host: string): { streams: Duplex[]; asked: string[] } {
    const served: { streams: Duplex[]; asked: string[] } = { streams: [], asked: [] };
    tcp.listen(host, 5000, (stream) => {
      served.streams.push(stream);
      streams.push(stream);
      acceptSocks5(stream, (dstaddr) => dstaddr, { clock, timeoutMs: 1000 }).then(
        (dstaddr) => served.asked.push(dstaddr),
        () => undefined,
      );
    });
    return served;
  }

  async function dialOurs(offer: S5bDescription): Promise<Duplex> {
    const [candidate] = offer.candidates;
    assert.ok(candidate && offer.dstaddr);
    const { host, port } = candidate;
    const connecting = tcp.connect({ host, port, permits: () => true, signal: new AbortController().signal });
    await clock.advance(0);
    const stream = await connecting;
    streams.push(stream);
    await connectSocks5(stream, offer.dstaddr, { clock, timeoutMs: 1000 });
    return stream;
  }

  it('joins both sides where each reaches the other', async () => {
    await assertJoined(
      await outcomes(await both(await side(romeo, '10.0.0.1'), await side(juliet, '10.0.0.2'))),
    );
    assert.equal(tcp.openStreams, 2);
  });

  for (const reachable of ['10.0.0.1', '10.0.0.2']) {
    it(`joins them where only ${reachable} can be reached`, async () => {
      const negotiated = await both(await side(romeo, '10.0.0.1'), await side(juliet, '10.0.0.2'));
      tcp.silence(reachable === '10.0.0.1' ? '10.0.0.2' : '10.0.0.1', 5000);
      await assertJoined(await outcomes(negotiated));
    });
  }

  it('fails on both sides where neither reaches the other', async () => {
    const negotiated = await both(await side(romeo, '10.0.0.1'), await side(juliet, '10.0.0.2'));
    tcp.silence('10.0.0.1', 5000);
    tcp.silence('10.0.0.2', 5000);
    assert.deepEqual(await outcomes(negotiated), ['TransportFailedError', 'TransportFailedError']);
  });

  it('goes through our proxy where nothing else works', async () => {
    await startProxy();
    const negotiated = await both(await side(romeo, '10.0.0.1', [proxy]), await side(juliet, '10.0.0.2'));
    tcp.silence('10.0.0.1', 5000);
    tcp.silence('10.0.0.2', 5000);
    await assertJoined(await outcomes(negotiated));
  });

  it("does not offer the peer's proxy back to it", async () => {
    await startProxy();
    const negotiated = await both(
      await side(romeo, '10.0.0.1', [proxy]),
      await side(juliet, '10.0.0.2', [proxy]),
    );
    const answered = s5bDescriptionCodec.fromXml(await negotiated.answerer.describe());
    assert.deepEqual(
      answered.candidates.map(({ host }) => host),
      ['10.0.0.2'],
    );
    tcp.silence('10.0.0.1', 5000);
    tcp.silence('10.0.0.2', 5000);
    await assertJoined(await outcomes(negotiated));
  });

  it('fails on both sides where the proxy does not relay', async () => {
    await startProxy('fails');
    const negotiated = await both(await side(romeo, '10.0.0.1'), await side(juliet, '10.0.0.2', [proxy]));
    tcp.silence('10.0.0.1', 5000);
    tcp.silence('10.0.0.2', 5000);
    assert.deepEqual(await outcomes(negotiated), ['TransportFailedError', 'TransportFailedError']);
  });

  it('has both sides agree, whoever reaches whom and however slowly', async () => {
    const path = fc.record({ open: fc.boolean(), delayMs: fc.nat(6000) });
    await fc.assert(
      fc
        .asyncProperty(path, path, fc.boolean(), async (toRomeo, toJuliet, withProxy) => {
          if (withProxy) await startProxy();
          const negotiated = await both(
            await side(romeo, '10.0.0.1', withProxy ? [proxy] : []),
            await side(juliet, '10.0.0.2'),
          );
          if (!toRomeo.open) tcp.silence('10.0.0.1', 5000);
          if (!toJuliet.open) tcp.silence('10.0.0.2', 5000);
          tcp.delay('10.0.0.1', 5000, toRomeo.delayMs);
          tcp.delay('10.0.0.2', 5000, toJuliet.delayMs);
          const found = await outcomes(negotiated);
          if (found.every((each) => typeof each === 'object')) await assertJoined(found);
          else assert.deepEqual(found, ['TransportFailedError', 'TransportFailedError']);
          const reached = [toRomeo, toJuliet].some(({ open, delayMs }) => open && delayMs < 5000);
          assert.equal(typeof found[0] === 'object', reached || withProxy);
        })
        .beforeEach(setUp)
        .afterEach(tearDown),
      { numRuns: 60 },
    );
  });

  it('connects nowhere before it is told to', async () => {
    const transport = await side(romeo, '10.0.0.1');
    const { sendInfo } = contextOf(romeo, juliet, 'responder', () => undefined);
    const offer = s5bDescriptionCodec.toXml({ sid: 's', candidates: [direct('10.0.0.2')] });
    const negotiation = transport.answer({ self: romeo, peer: juliet, role: 'responder', sendInfo }, offer);
    negotiations.push(negotiation);
    await negotiation.describe();
    await clock.advance(60_000);
    assert.deepEqual(tcp.attempts, []);
  });

  it('takes candidate-used before the answer (Libervia)', async () => {
    const peer = await againstScript(await side(romeo, '10.0.0.1'));
    const theirs = await dialOurs(peer.offer);
    peer.info({ type: 'candidate-used', cid: peer.offer.candidates[0]?.cid ?? '' });
    peer.answer({ candidates: [direct('10.0.0.2', { priority: 1 })] });
    const connected = peer.connecting();
    await clock.advance(0);
    await assertJoined([await connected, theirs]);
    assert.deepEqual(
      peer.said.map(({ type }) => type),
      ['candidate-error'],
    );
    assert.ok(!tcp.attempts.includes('10.0.0.2:5000'), 'nothing better is left to try');
  });

  it("uses a peer's candidate without jid and type, and the hash that follows from both addresses (Psi)", async () => {
    const peer = await againstScript(await side(romeo, '10.0.0.1'));
    const served = serveScript('10.0.0.2');
    peer.answer({ candidates: [direct('fe80::1%eth0', { priority: 9_000_000 }), direct('10.0.0.2')] });
    const connected = peer.connecting();
    await clock.advance(1);
    assert.deepEqual(served.asked, [destinationAddress(peer.offer.sid, juliet, romeo)]);
    peer.info({ type: 'candidate-error' });
    await assertJoined([await connected, served.streams[0]]);
  });

  it("uses a peer's dstaddr where it gives one", async () => {
    const peer = await againstScript(await side(romeo, '10.0.0.1'));
    const served = serveScript('10.0.0.2');
    const dstaddr = '1a12fb7bc625e55f3ed5b29a53dbe0e4aa7d80ba';
    peer.answer({ dstaddr, candidates: [direct('10.0.0.2')] });
    peer.connecting().catch(() => undefined);
    await clock.advance(10);
    assert.deepEqual(served.asked, [dstaddr]);
  });

  const lateProxy: S5bCandidate = { cid: 'late', ...proxy, type: 'proxy', priority: 655_360 };
  it('uses a proxy that comes later, by itself (Psi)', async () => {
    const peer = await againstScript(await side(romeo, '10.0.0.1'));
    const [ours, theirs] = duplexPair();
    streams.push(ours, theirs);
    tcp.silence('10.0.0.2', 5000);
    tcp.listen(proxy.host, proxy.port, (stream) => {
      acceptSocks5(stream, () => 'taken', { clock, timeoutMs: 1000 }).then(
        () => {
          stream.pipe(ours);
          ours.pipe(stream);
        },
        () => undefined,
      );
    });
    peer.answer({ candidates: [direct('10.0.0.2')] });
    const connected = peer.connecting();
    await clock.advance(100);
    peer.info({ type: 'candidates', candidates: [lateProxy] });
    peer.info({ type: 'candidate-error' });
    await clock.advance(10_000);
    assert.deepEqual(
      peer.said.map((info) => (info.type === 'candidate-used' ? info.cid : info.type)),
      ['late'],
    );
    peer.info({ type: 'activated', cid: 'late' });
    await assertJoined([await connected, theirs]);
  });

  it('takes data through a proxy for its activation', async () => {
    const peer = await againstScript(await side(romeo, '10.0.0.1'));
    const served: Duplex[] = [];
    tcp.listen(proxy.host, proxy.port, (stream) => {
      served.push(stream);
      streams.push(stream);
      acceptSocks5(stream, () => 'taken', { clock, timeoutMs: 1000 }).catch(() => undefined);
    });
    peer.answer({ candidates: [lateProxy] });
    const connected = peer.connecting();
    await clock.advance(1000);
    peer.info({ type: 'candidate-error' });
    served[0]?.write('first bytes');
    const stream = await connected;
    assert.equal(String(stream.read()), 'first bytes');
  });

  it('fails when the peer cannot use its proxy, or the proxy hangs up', async () => {
    for (const end of ['proxy-error', 'hang-up'] as const) {
      const peer = await againstScript(await side(`${end}.example`, `10.0.1.${end.length}`));
      const served: Duplex[] = [];
      tcp.listen(proxy.host, proxy.port, (stream) => {
        served.push(stream);
        acceptSocks5(stream, () => 'taken', { clock, timeoutMs: 1000 }).catch(() => undefined);
      });
      peer.answer({ candidates: [lateProxy] });
      const failed = assert.rejects(peer.connecting(), TransportFailedError);
      await clock.advance(1000);
      peer.info({ type: 'candidate-error' });
      if (end === 'proxy-error') peer.info({ type: 'proxy-error' });
      else served[0]?.destroy();
      await settle();
      await failed;
    }
  });

  it('fails when the peer never says how its search ended', async () => {
    const peer = await againstScript(await side(romeo, '10.0.0.1'));
    serveScript('10.0.0.2');
    peer.answer({ candidates: [direct('10.0.0.2')] });
    const failed = assert.rejects(peer.connecting(), TransportFailedError);
    await clock.advance(defaultS5bLimits.negotiationTimeoutMs);
    await failed;
  });

  it('fails when the peer says that it is connected and is not', async () => {
    const peer = await againstScript(await side(romeo, '10.0.0.1'));
    peer.answer();
    const failed = assert.rejects(peer.connecting(), TransportFailedError);
    peer.info({ type: 'candidate-used', cid: peer.offer.candidates[0]?.cid ?? '' });
    await clock.advance(defaultS5bLimits.negotiationTimeoutMs);
    await failed;
  });

  it('fails when the peer cannot be told', async () => {
    const transport = await side(romeo, '10.0.0.1');
    const sendInfo = () => Promise.reject(new StanzaError('item-not-found'));
    const offer = s5bDescriptionCodec.toXml({ sid: 's', candidates: [direct('10.0.0.2')] });
    const negotiation = transport.answer({ self: romeo, peer: juliet, role: 'responder', sendInfo }, offer);
    negotiations.push(negotiation);
    await negotiation.describe();
    const failed = assert.rejects(negotiation.connect(), TransportFailedError);
    await clock.advance(10);
    await failed;
  });

  it('refuses what it cannot place, and goes on', async () => {
    const peer = await againstScript(await side(romeo, '10.0.0.1'));
    const refuses = (act: () => void, condition: string) =>
      assert.throws(act, (error) => error instanceof StanzaError && error.condition === condition);
    const raw = (inside: string) => () =>
      peer.negotiation.info(
        elementOf(`<transport xmlns='${NS.s5b}' sid='${peer.offer.sid}'>${inside}</transport>`),
      );
    refuses(() => peer.info({ type: 'candidate-used', cid: 'unknown' }), 'item-not-found');
    refuses(() => peer.info({ type: 'activated', cid: 'unknown' }), 'unexpected-request');
    refuses(() => peer.info({ type: 'proxy-error' }), 'unexpected-request');
    refuses(raw(''), 'bad-request');
    refuses(raw('<candidate-used/>'), 'bad-request');
    refuses(() => peer.negotiation.info(otherSid()), 'item-not-found');
    const theirs = await dialOurs(peer.offer);
    const cid = peer.offer.candidates[0]?.cid ?? '';
    peer.info({ type: 'candidate-used', cid });
    refuses(() => peer.info({ type: 'candidate-used', cid }), 'unexpected-request');
    refuses(() => peer.info({ type: 'candidate-error' }), 'unexpected-request');
    peer.answer();
    const connected = peer.connecting();
    await clock.advance(0);
    await assertJoined([await connected, theirs]);
    refuses(() => peer.info({ type: 'proxy-error' }), 'unexpected-request');
  });

  function otherSid(): Element {
    return s5bInfoCodec.toXml({ type: 'candidate-error', sid: 'another' });
  }

  it('refuses descriptions that are not an answer to its own', async () => {
    const peer = await againstScript(await side(romeo, '10.0.0.1'));
    assert.throws(() => peer.answer({ sid: 'another' }), ParseError);
    assert.throws(() => peer.answer({ mode: 'udp' }), TransportFailedError);
    assert.throws(
      () => peer.negotiation.remote(elementOf(`<transport xmlns='${NS.jingleIbb}'/>`)),
      ParseError,
    );
    peer.answer();
    assert.throws(() => peer.answer(), TransportFailedError);
  });

  it('refuses a sid that is in use already with the same peer', async () => {
    const transport = await side(romeo, '10.0.0.1');
    const context = contextOf(romeo, juliet, 'responder', () => undefined);
    const offer = s5bDescriptionCodec.toXml({ sid: 's', candidates: [] });
    const first = transport.answer(context, offer);
    const second = transport.answer(context, offer);
    negotiations.push(first, second);
    await first.describe();
    await assert.rejects(second.describe(), TransportFailedError);
  });

  /** Our side as the responder that has decided, against an initiator with this candidate. */
  async function answering(candidate: S5bCandidate) {
    const transport = await side(romeo, '10.0.0.1');
    const said: string[] = [];
    const context = contextOf(romeo, juliet, 'responder', (info) =>
      said.push(s5bInfoCodec.fromXml(info).type),
    );
    const offer = s5bDescriptionCodec.toXml({ sid: 's', candidates: [candidate] });
    const negotiation = transport.answer(context, offer);
    negotiations.push(negotiation);
    negotiation.reach();
    const answer = s5bDescriptionCodec.fromXml(await negotiation.describe());
    return { negotiation, answer, said };
  }
  const bestOfTheirs = direct('10.0.0.2', { priority: candidatePriority('direct', 41_000) });

  it('as the responder, uses what it has reached of an initiator without waiting for its report', async () => {
    const served = serveScript('10.0.0.2');
    const { negotiation, said } = await answering(bestOfTheirs);
    await clock.advance(1);
    assert.equal(served.asked.length, 1, 'connected while the answer is made');
    assert.deepEqual(said, [], 'nothing is said before the answer');
    const connected = negotiation.connect();
    await settle();
    await assertJoined([await connected, served.streams[0]]);
    streams.push(await connected);
    assert.deepEqual(said, ['candidate-used']);
    negotiation.info(s5bInfoCodec.toXml({ type: 'candidate-error', sid: 's' }));
  });

  it('closes what it has reached for an answer that is never given', async () => {
    const served = serveScript('10.0.0.2');
    const { negotiation } = await answering(bestOfTheirs);
    await clock.advance(1);
    negotiation.close();
    await settle();
    assert.ok(served.streams[0]?.destroyed);
  });

  it('says that it reached nothing where the connection is gone before the answer', async () => {
    const served = serveScript('10.0.0.2');
    const { negotiation, said } = await answering(bestOfTheirs);
    await clock.advance(1);
    served.streams[0]?.destroy();
    await settle();
    negotiation.connect().catch(() => undefined);
    await settle();
    assert.deepEqual(said, ['candidate-error']);
  });

  it('does not keep an initiator that has reached it waiting for a firewall', async () => {
    tcp.silence('10.0.0.2', 5000);
    const { negotiation, answer, said } = await answering(bestOfTheirs);
    const connected = negotiation.connect();
    await clock.advance(50);
    const theirs = await dialOurs(answer);
    const [candidate] = answer.candidates;
    assert.ok(candidate && candidate.priority < bestOfTheirs.priority);
    negotiation.info(s5bInfoCodec.toXml({ type: 'candidate-used', sid: 's', cid: candidate.cid }));
    await settle();
    streams.push(await connected);
    await assertJoined([await connected, theirs]);
    assert.deepEqual(said, ['candidate-error']);
  });

  it('leaves it to a peer with lower priorities to connect, where that is quick', async () => {
    const peer = await againstScript(await side(romeo, '10.0.0.1'));
    const theirs = await dialOurs(peer.offer);
    serveScript('10.0.0.2');
    peer.answer({ candidates: [direct('10.0.0.2')] });
    const connected = peer.connecting();
    await clock.advance(1);
    peer.info({ type: 'candidate-used', cid: peer.offer.candidates[0]?.cid ?? '' });
    await assertJoined([await connected, theirs]);
    assert.deepEqual(tcp.attempts, ['10.0.0.1:5000'], 'only the peer has connected');
  });

  // Gajim 1.7.3 ended its session: for it, the transfer had broken off.
  it('closes a connection that is not nominated when the peer can know of it', async () => {
    const peer = await againstScript(await side(romeo, '10.0.0.1'), 'responder');
    const served = serveScript('10.0.0.2');
    const theirs = await dialOurs(peer.offer);
    peer.answer({ candidates: [direct('10.0.0.2', { priority: 9_000_000 })] });
    const connected = peer.connecting();
    peer.info({ type: 'candidate-used', cid: peer.offer.candidates[0]?.cid ?? '' });
    await clock.advance(10);
    await assertJoined([await connected, served.streams[0]]);
    assert.ok(!theirs.destroyed);
    await clock.advance(2000);
    assert.ok(theirs.destroyed);
  });
});

type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
type Info = Without<S5bInfo, 'sid'>;
