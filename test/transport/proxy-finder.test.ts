/** Proxies found by asking a server, on a network in memory. */
import assert from 'node:assert/strict';
import type { Entity } from '../../src/entity/entity.js';
import { silentLog } from '../../src/log.js';
import { parseBareJid, parseJid } from '../../src/stanza/jid.js';
import { NS } from '../../src/stanza/namespaces.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import { discoInfoCodec, discoItemsCodec } from '../../src/stanza/xep0030-disco.js';
import { bytestreamsCodec, type Streamhost } from '../../src/stanza/xep0065-bytestreams.js';
import { defaultProxyLimits } from '../../src/transport/limits.js';
import { ProxyFinder, type ProxyFinderInit, serverOf } from '../../src/transport/proxy-finder.js';
import { elementOf } from '../support/codec-fixtures.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

const SERVER = 'example.org';

describe('ProxyFinder', () => {
  let clock: VirtualClock;
  let network: MemoryNetwork;
  let us: Entity;
  let finder: ProxyFinder;
  let running: { stop(): Promise<void> }[];
  /** What was asked, as `items example.org`. */
  let asked: string[];

  beforeEach(async () => {
    clock = new VirtualClock();
    network = new MemoryNetwork({ clock });
    running = [];
    asked = [];
    us = network.component(`files.${SERVER}`);
  });

  afterEach(async () => {
    for (const each of running.reverse()) await each.stop();
    await settle();
    assert.equal(clock.pendingTimers, 0);
  });

  async function find(init: Partial<ProxyFinderInit> = {}): Promise<ProxyFinder> {
    finder = new ProxyFinder(
      { entity: us, clock, log: silentLog },
      { ...defaultProxyLimits, proxies: [], search: 'when-needed', ...init },
    );
    await finder.start();
    await us.start();
    running.push(us, finder);
    return finder;
  }

  async function attach(jid: string): Promise<Entity> {
    const entity = network.component(jid);
    await entity.start();
    running.push(entity);
    return entity;
  }

  async function server(items: readonly string[]): Promise<void> {
    const entity = await attach(SERVER);
    entity.handleIq('get', 'query', NS.discoItems, (iq) => {
      asked.push(`items ${iq.to}`);
      return discoItemsCodec.toXml({ items: items.map((jid) => ({ jid: parseJid(jid) })) });
    });
  }

  async function service(jid: string, type: string, streamhosts: () => readonly Streamhost[]): Promise<void> {
    const entity = await attach(jid);
    entity.handleIq('get', 'query', NS.discoInfo, (iq) => {
      asked.push(`info ${iq.to}`);
      const identities = [{ category: type === 'bytestreams' ? 'proxy' : 'pubsub', type }];
      return discoInfoCodec.toXml({ identities, features: [], forms: [] });
    });
    entity.handleIq('get', 'query', NS.bytestreams, (iq) => {
      asked.push(`address ${iq.to}`);
      return bytestreamsCodec.toXml({ type: 'streamhosts', streamhosts: streamhosts() });
    });
  }

  const host = (jid: string, port = 7777): Streamhost => ({ jid: parseJid(jid), host: '192.0.2.1', port });
  const jids = async () => (await finder.streamhosts()).map(({ jid }) => jid);

  it('asks the server for its services, each what it is, and the proxies where they listen', async () => {
    await server([`pubsub.${SERVER}`, `proxy.${SERVER}`, `gone.${SERVER}`, `files.${SERVER}`]);
    await service(`pubsub.${SERVER}`, 'service', () => []);
    // ejabberd's streamhost has a resource.
    await service(`proxy.${SERVER}`, 'bytestreams', () => [host(`proxy.${SERVER}/one`)]);
    await find();
    assert.deepEqual(await finder.streamhosts(), [host(`proxy.${SERVER}/one`)]);
    assert.deepEqual([...asked].sort(), [
      `address proxy.${SERVER}`,
      `info proxy.${SERVER}`,
      `info pubsub.${SERVER}`,
      `items ${SERVER}`,
    ]);
  });

  it('asks those that are configured only', async () => {
    await server([`proxy.${SERVER}`]);
    await service('elsewhere.example', 'bytestreams', () => [host('elsewhere.example')]);
    await find({ proxies: [parseBareJid('elsewhere.example')] });
    assert.deepEqual(await jids(), ['elsewhere.example']);
    assert.deepEqual(asked, ['address elsewhere.example']);
  });

  it('keeps what it found, looks again when that is old, and lets nobody wait for it', async () => {
    let port = 7777;
    await server([`proxy.${SERVER}`]);
    await service(`proxy.${SERVER}`, 'bytestreams', () => [host(`proxy.${SERVER}`, port)]);
    await find();
    const ports = async () => (await finder.streamhosts()).map((each) => each.port);
    assert.deepEqual(await ports(), [7777]);
    const questions = asked.length;
    port = 8888;
    await clock.advance(defaultProxyLimits.expiryMs - 1);
    assert.deepEqual(await ports(), [7777]);
    assert.equal(asked.length, questions);
    await clock.advance(1);
    assert.deepEqual(await ports(), [7777]);
    await settle();
    await settle();
    assert.deepEqual(await ports(), [8888]);
  });

  it('asks once for many sessions that begin together', async () => {
    await server([`proxy.${SERVER}`]);
    await service(`proxy.${SERVER}`, 'bytestreams', () => [host(`proxy.${SERVER}`)]);
    await find();
    await Promise.all(Array.from({ length: 50 }, () => jids()));
    assert.equal(asked.length, 3);
  });

  it('searches as soon as it is online where it is told to, and again on a new connection', async () => {
    await server([`proxy.${SERVER}`]);
    await service(`proxy.${SERVER}`, 'bytestreams', () => [host(`proxy.${SERVER}`)]);
    await find({ search: 'at-once' });
    await clock.advance(0);
    assert.equal(asked.length, 3);
    network.cut(`files.${SERVER}`);
    network.restore(`files.${SERVER}`);
    await clock.advance(0);
    assert.equal(asked.length, 6);
  });

  it('goes without where nobody answers, soon, and asks again later', async () => {
    const silent = await attach(SERVER);
    silent.handleIq('get', 'query', NS.discoItems, () => {
      asked.push('items');
      return new Promise(() => undefined);
    });
    await find();
    const first = jids();
    await clock.advance(defaultProxyLimits.waitMs);
    assert.deepEqual(await first, []);
    await clock.advance(defaultProxyLimits.answerTimeoutMs);
    assert.deepEqual(await jids(), []);
    assert.equal(asked.length, 1);
    await clock.advance(defaultProxyLimits.retryMs);
    assert.deepEqual(await jids(), []);
    await settle();
    assert.equal(asked.length, 2);
  });

  it('offers a proxy that failed no more, until it is looked up again', async () => {
    await server([`proxy.${SERVER}`, `proxy2.${SERVER}`]);
    for (const jid of [`proxy.${SERVER}`, `proxy2.${SERVER}`]) {
      await service(jid, 'bytestreams', () => [host(jid)]);
    }
    await find();
    const [first] = await finder.streamhosts();
    assert.ok(first);
    finder.failed(first);
    assert.deepEqual(await jids(), [`proxy2.${SERVER}`]);
    await clock.advance(defaultProxyLimits.retryMs);
    await jids();
    await settle();
    await settle();
    assert.deepEqual(await jids(), [`proxy.${SERVER}`, `proxy2.${SERVER}`]);
  });

  it('asks no more services than its limit, those with a telling name first', async () => {
    const many = Array.from({ length: 1000 }, (_, index) => `s${index}.${SERVER}`);
    await server([...many, `proxy.${SERVER}`]);
    await service(`proxy.${SERVER}`, 'bytestreams', () => [host(`proxy.${SERVER}`)]);
    let questions = 0;
    network.watch((stanza) => {
      if (stanza.attrs.from === `files.${SERVER}`) questions += 1;
    });
    await find();
    assert.deepEqual(await jids(), [`proxy.${SERVER}`]);
    assert.ok(questions <= defaultProxyLimits.maxServices + 2, String(questions));
  });

  for (const [what, answer] of [
    ['is refused', () => Promise.reject(new StanzaError('forbidden'))],
    ['answers with something else', () => elementOf(`<query xmlns='${NS.bytestreams}'/>`)],
    [
      'answers with a malformed address',
      () => elementOf(`<query xmlns='${NS.bytestreams}'><streamhost jid='a' host='a b'/></query>`),
    ],
  ] as const) {
    it(`finds none where it ${what}`, async () => {
      const entity = await attach('proxy.example');
      entity.handleIq('get', 'query', NS.bytestreams, answer);
      await find({ proxies: [parseBareJid('proxy.example')] });
      assert.deepEqual(await jids(), []);
    });
  }

  it('never asks where it is told so, nor while it is offline', async () => {
    await find({ search: 'never' });
    assert.deepEqual(await jids(), []);
    finder = new ProxyFinder(
      { entity: network.component('late.example.org'), clock, log: silentLog },
      { ...defaultProxyLimits, proxies: [], search: 'when-needed' },
    );
    assert.deepEqual(await jids(), []);
  });

  it("takes an account's domain for its server, and the domain above a component", () => {
    assert.equal(serverOf(parseJid('romeo@example.org/x')), 'example.org');
    assert.equal(serverOf(parseJid('files.example.org')), 'example.org');
    assert.equal(serverOf(parseJid('localhost')), 'localhost');
  });
});
