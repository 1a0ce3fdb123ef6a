/**
 * Two sides that reach each other by no other way than the SOCKS5 proxy of their server: found by
 * service discovery, offered by one or by both, activated, and used in both directions.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { Duplex, Readable } from 'node:stream';
import type { Entity } from '../../src/entity/entity.js';
import { silentLog } from '../../src/log.js';
import { parseJid } from '../../src/stanza/jid.js';
import { type S5bInfo, s5bDescriptionCodec, s5bInfoCodec } from '../../src/stanza/xep0260-jingle-s5b.js';
import { AddressPolicy } from '../../src/transport/address-policy.js';
import { ConnectBudget } from '../../src/transport/connect-budget.js';
import { defaultConnectBudget, defaultProxyLimits, defaultS5bLimits } from '../../src/transport/limits.js';
import { fixedProxies, ProxyFinder, type ProxySource } from '../../src/transport/proxy-finder.js';
import type { InboundListener } from '../../src/transport/s5b-listener.js';
import { S5bTransport } from '../../src/transport/s5b-transport.js';
import { TcpConnector } from '../../src/transport/tcp-connector.js';
import type { TransportNegotiation } from '../../src/transport/transport.js';
import { attachClient, attachComponent } from '../support/attached.js';
import { elementOf } from '../support/codec-fixtures.js';
import { CountingClock } from '../support/counting-clock.js';
import { PROXY65 } from '../support/server.js';
import { describeOnServers } from '../support/server-fixture.js';

const BYTES = 3_000_000;

/** Behind a firewall: it can be reached nowhere. */
const unreachable: InboundListener = { addresses: [], expect: () => () => undefined };

describeOnServers('SOCKS5 by way of the proxy', (server) => {
  const clock = new CountingClock();
  const stops: (() => Promise<void> | void)[] = [];

  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
    assert.equal(clock.pendingTimers, 0);
  });

  async function side(entity: Entity, search: 'at-once' | 'never') {
    const proxies: ProxySource = await finder(entity, search);
    await entity.start();
    stops.push(() => entity.stop());
    const transport = new S5bTransport(
      {
        entity,
        clock,
        log: silentLog,
        listener: unreachable,
        connector: new TcpConnector(),
        policy: new AddressPolicy({ allowPrivate: false, allowLoopback: true }),
        gate: new ConnectBudget({ clock }, defaultConnectBudget),
        proxies,
      },
      defaultS5bLimits,
    );
    return { entity, transport, proxies };
  }

  async function finder(entity: Entity, search: 'at-once' | 'never'): Promise<ProxySource> {
    if (search === 'never') return fixedProxies([]);
    const made = new ProxyFinder(
      { entity, clock, log: silentLog },
      { ...defaultProxyLimits, proxies: [], search },
    );
    await made.start();
    stops.push(() => made.stop());
    return made;
  }

  type Side = Awaited<ReturnType<typeof side>>;

  /** Both ends, and what was said. Transport-infos go by hand, in order. */
  async function negotiate(initiator: Side, responder: Side) {
    const said: string[] = [];
    let tail = Promise.resolve();
    const deliver = (by: string, to: () => TransportNegotiation) => (text: string) => {
      tail = tail.then(() => {
        said.push(`${by} ${infoOf(text).type}`);
        to().info(elementOf(text));
      });
      return tail;
    };
    const toResponder = deliver('initiator', () => answerer);
    const toInitiator = deliver('responder', () => offerer);
    const offerer: TransportNegotiation = initiator.transport.offer({
      self: initiator.entity.jid,
      peer: responder.entity.jid,
      role: 'initiator',
      sendInfo: (info) => toResponder(info.toString()),
    });
    const offer = elementOf((await offerer.describe()).toString());
    const answerer: TransportNegotiation = responder.transport.answer(
      {
        self: responder.entity.jid,
        peer: initiator.entity.jid,
        role: 'responder',
        sendInfo: (info) => toInitiator(info.toString()),
      },
      offer,
    );
    const answer = elementOf((await answerer.describe()).toString());
    offerer.remote(answer);
    const streams = await Promise.all([offerer.connect(), answerer.connect()]);
    stops.push(() => {
      for (const stream of streams) stream.destroy();
    });
    const types = (element: typeof offer) =>
      s5bDescriptionCodec.fromXml(element).candidates.map(({ type }) => type);
    return { streams, said, offered: types(offer), answered: types(answer), offerer };
  }

  function infoOf(text: string): S5bInfo {
    return s5bInfoCodec.fromXml(elementOf(text));
  }

  async function assertCarries(from: Duplex, to: Duplex): Promise<void> {
    const bytes = randomBytes(BYTES);
    from.resume();
    from.end(bytes);
    assert.equal(await digestOf(to), createHash('sha256').update(bytes).digest('hex'));
  }

  async function digestOf(stream: Readable): Promise<string> {
    const hash = createHash('sha256');
    for await (const chunk of stream) hash.update(chunk as Buffer);
    return hash.digest('hex');
  }

  const node = () => attachComponent(server(), 'files.localhost');
  const asker = () => attachClient(server(), 'alice');

  it('finds the proxy, as a component and as a client', async () => {
    for (const entity of [node(), asker()]) {
      const { proxies } = await side(entity, 'at-once');
      const [found, ...more] = await proxies.streamhosts();
      assert.ok(found && more.length === 0);
      assert.equal(parseJid(found.jid).split('/')[0], PROXY65);
      assert.deepEqual([found.host, found.port], ['127.0.0.1', server().proxy65Port]);
    }
  });

  for (const [who, initiatorHas, responderHas] of [
    ['the initiator', 'at-once', 'never'],
    ['the responder', 'never', 'at-once'],
    ['both', 'at-once', 'at-once'],
  ] as const) {
    for (const sender of ['initiator', 'responder'] as const) {
      it(`carries bytes from the ${sender} where ${who} offered it`, async () => {
        const initiator = await side(asker(), initiatorHas);
        const responder = await side(node(), responderHas);
        await Promise.all([initiator.proxies.streamhosts(), responder.proxies.streamhosts()]);
        const { streams, said, offered, answered, offerer } = await negotiate(initiator, responder);
        assert.deepEqual(offered, initiatorHas === 'at-once' ? ['proxy'] : []);
        // XEP-0260 §2.2: what the initiator has offered is not offered again.
        assert.deepEqual(answered, initiatorHas === 'at-once' ? [] : ['proxy']);
        const owner = initiatorHas === 'at-once' ? 'initiator' : 'responder';
        assert.ok(said.includes(`${owner} activated`), said.join(', '));
        const [atInitiator, atResponder] = streams;
        if (sender === 'initiator') await assertCarries(atInitiator, atResponder);
        else await assertCarries(atResponder, atInitiator);
        assert.equal(offerer.sent()?.handedOverBytes, sender === 'initiator' ? BYTES : 0);
      });
    }
  }

  it('fails on both sides where the proxy will not relay', async () => {
    const initiator = await side(asker(), 'at-once');
    const responder = await side(node(), 'never');
    const [found] = await initiator.proxies.streamhosts();
    assert.ok(found);
    // Nobody answers at that address, so that nothing is ever activated.
    const wrong = fixedProxies([{ ...found, jid: parseJid('node8.localhost') }]);
    const other = new S5bTransport(
      {
        entity: initiator.entity,
        clock,
        log: silentLog,
        listener: unreachable,
        connector: new TcpConnector(),
        policy: new AddressPolicy({ allowPrivate: false, allowLoopback: true }),
        gate: new ConnectBudget({ clock }, defaultConnectBudget),
        proxies: wrong,
      },
      defaultS5bLimits,
    );
    await assert.rejects(negotiate({ ...initiator, transport: other }, responder), {
      code: 'transport-failed',
    });
  });
});
