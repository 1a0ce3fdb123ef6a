/** Both sides offer a proxy of their own at once, and nothing else works. */
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
import { s5bDescriptionCodec, s5bInfoCodec } from '../../src/stanza/xep0260-jingle-s5b.js';
import { AddressPolicy } from '../../src/transport/address-policy.js';
import { ConnectBudget } from '../../src/transport/connect-budget.js';
import { defaultConnectBudget, defaultS5bLimits } from '../../src/transport/limits.js';
import { fixedProxies } from '../../src/transport/proxy-finder.js';
import { S5bTransport } from '../../src/transport/s5b-transport.js';
import { TransportFailedError } from '../../src/transport/transport.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { MemoryListener, MemoryProxy, MemoryTcp } from '../support/memory-tcp.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';
import { contextOf, describeBoth, type TransportSide } from './negotiate.js';

const romeo = parseJid('romeo.example');
const juliet = parseJid('juliet.example');
const proxyOf: Readonly<Record<'romeo' | 'juliet', Streamhost>> = {
  romeo: { jid: parseJid('proxy.romeo.example'), host: '10.0.0.8', port: 7777 },
  juliet: { jid: parseJid('proxy.juliet.example'), host: '10.0.0.9', port: 7777 },
};

describe('S5bNegotiation, with a proxy of each side', () => {
  let clock: VirtualClock;
  let tcp: MemoryTcp;
  let network: MemoryNetwork;
  let entities: Entity[];
  let streams: Duplex[];
  /** Whose proxies were activated, in order; and those that the negotiations gave up. */
  let activated: string[];
  let failed: string[];

  beforeEach(() => {
    clock = new VirtualClock();
    tcp = new MemoryTcp(clock);
    network = new MemoryNetwork({ clock });
    entities = [];
    streams = [];
    activated = [];
    failed = [];
  });

  afterEach(async () => {
    for (const stream of streams) stream.destroy();
    for (const entity of entities) await entity.stop();
    await settle();
    assert.equal(tcp.openStreams, 0);
    assert.equal(clock.pendingTimers, 0);
  });

  async function side(name: 'romeo' | 'juliet', host: string): Promise<TransportSide> {
    const jid = name === 'romeo' ? romeo : juliet;
    const entity = network.component(jid);
    await entity.start();
    entities.push(entity);
    const listener = new MemoryListener(tcp, clock, [host], 5000);
    const known = fixedProxies([proxyOf[name]]);
    const transport = new S5bTransport(
      {
        entity,
        clock,
        log: silentLog,
        listener,
        connector: tcp,
        policy: new AddressPolicy({ allowPrivate: true, allowLoopback: false }),
        gate: new ConnectBudget({ clock }, defaultConnectBudget),
        proxies: { streamhosts: known.streamhosts, failed: (streamhost) => failed.push(streamhost.jid) },
      },
      defaultS5bLimits,
    );
    return { transport, jid };
  }

  async function startProxy(name: 'romeo' | 'juliet', works: boolean): Promise<void> {
    const { jid, host, port } = proxyOf[name];
    const streamhost = new MemoryProxy(tcp, clock, host, port);
    const entity = network.component(jid);
    await entity.start();
    entities.push(entity);
    entity.handleIq('set', 'query', NS.bytestreams, (iq) => {
      const query = bytestreamsCodec.fromXml(iq.payload);
      assert.equal(query.type, 'activate');
      activated.push(name);
      const dstaddr = destinationAddress(query.sid, iq.from, query.target);
      if (!works) throw new StanzaError('forbidden');
      // What Prosody says where only one side is connected.
      if (!streamhost.activate(dstaddr)) throw new StanzaError('not-allowed');
      return undefined;
    });
  }

  async function connect(): Promise<(Duplex | string)[]> {
    const initiator = await side('romeo', '10.0.0.1');
    const responder = await side('juliet', '10.0.0.2');
    const { offerer, answerer } = await describeBoth(initiator, responder);
    for (const host of ['10.0.0.1', '10.0.0.2']) tcp.silence(host, 5000);
    const outcomes = [offerer, answerer].map((each) =>
      each.connect().then(
        (stream) => {
          streams.push(stream);
          return stream;
        },
        (error: Error) => error.name,
      ),
    );
    await clock.advance(60_000);
    return Promise.all(outcomes);
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

  for (const slow of ['romeo', 'juliet'] as const) {
    it(`takes the other where one of the same priority, that of ${slow}, is reached later`, async () => {
      await startProxy('romeo', true);
      await startProxy('juliet', true);
      tcp.delay(proxyOf[slow].host, proxyOf[slow].port, 100);
      await assertJoined(await connect());
      assert.deepEqual(activated, [slow === 'romeo' ? 'juliet' : 'romeo']);
    });
  }

  it('takes the other where one can not be reached', async () => {
    await startProxy('romeo', true);
    tcp.silence(proxyOf.juliet.host, proxyOf.juliet.port);
    await assertJoined(await connect());
    assert.deepEqual(activated, ['romeo']);
  });

  it('fails on both sides where the one that is nominated does not relay, and its owner remembers', async () => {
    await startProxy('romeo', true);
    await startProxy('juliet', false);
    tcp.delay(proxyOf.romeo.host, proxyOf.romeo.port, 100);
    assert.deepEqual(await connect(), ['TransportFailedError', 'TransportFailedError']);
    assert.deepEqual(activated, ['juliet']);
    assert.deepEqual(failed, [proxyOf.juliet.jid]);
  });

  it('does not hold it against a proxy that a peer says to be connected to it and is not', async () => {
    await startProxy('romeo', true);
    const { transport } = await side('romeo', '10.0.0.1');
    const offerer = transport.offer(contextOf(romeo, juliet, 'initiator', () => undefined));
    const { sid, candidates } = s5bDescriptionCodec.fromXml(await offerer.describe());
    const proxy = candidates.find(({ type }) => type === 'proxy');
    assert.ok(proxy);
    offerer.remote(s5bDescriptionCodec.toXml({ sid, candidates: [] }));
    const outcome = assert.rejects(offerer.connect(), TransportFailedError);
    offerer.info(s5bInfoCodec.toXml({ type: 'candidate-used', sid, cid: proxy.cid }));
    await clock.advance(60_000);
    await outcome;
    assert.deepEqual(activated, ['romeo'], 'it was asked');
    assert.deepEqual(failed, [], 'it is offered to others still');
  });
});
