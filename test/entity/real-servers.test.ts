/** The entity against a real Prosody and a real ejabberd: connect, ask, be asked, pubsub. */
import assert from 'node:assert/strict';
import { clientEntity } from '../../src/entity/client-entity.js';
import { Disco } from '../../src/entity/disco.js';
import { type Entity, OfflineError, RefusedError } from '../../src/entity/entity.js';
import { MAX_STANZA_BYTES } from '../../src/entity/stanza-router.js';
import { parseBareJid, parseJid } from '../../src/stanza/jid.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import { discoQueryToXml } from '../../src/stanza/xep0030-disco.js';
import {
  PubsubEventElement,
  type PubsubRequest,
  pubsubEventFromXml,
  pubsubIqType,
  pubsubRequestCodec,
} from '../../src/stanza/xep0060-pubsub.js';
import { type Element, xml } from '../../src/stanza/xml.js';
import { attachClient, attachComponent, ENTITY_COMPONENTS } from '../support/attached.js';
import { eventually } from '../support/eventually.js';
import { PUBSUB } from '../support/server.js';
import { describeOnServers } from '../support/server-fixture.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const SERVICE = parseBareJid(PUBSUB);
const question = () => xml('q', { xmlns: 'test' });

describeOnServers('entity', (server) => {
  const running: Entity[] = [];
  const proxies: TcpProxy[] = [];

  async function started<T extends Entity>(entity: T): Promise<T> {
    running.push(entity);
    await entity.start();
    return entity;
  }

  afterEach(async () => {
    for (const entity of running.splice(0)) await entity.stop();
    for (const proxy of proxies.splice(0)) await proxy.stop();
  });

  it('connects as component and as client, and asks and answers both ways', async () => {
    const files = await started(attachComponent(server(), 'files.localhost'));
    const alice = await started(attachClient(server(), 'alice'));
    assert.equal(files.jid, 'files.localhost');
    assert.match(alice.jid, /^alice@localhost\/.+/);
    for (const entity of [files, alice]) {
      entity.handleIq('get', 'q', 'test', (iq) => xml('a', { xmlns: 'test', from: iq.from, to: iq.to }));
    }
    const there = await files.request({ to: alice.jid, type: 'get', payload: question() });
    assert.equal(there.getChild('a')?.attrs.from, 'files.localhost');
    const to = parseJid('files.localhost/any/resource');
    const back = await alice.request({ to, type: 'get', payload: question() });
    assert.equal(back.getChild('a')?.attrs.from, alice.jid);
    assert.equal(back.getChild('a')?.attrs.to, to);
  });

  it('asks its own server and account, whose answers may have no from', async () => {
    const alice = await started(attachClient(server(), 'alice'));
    for (const to of ['localhost', 'alice@localhost']) {
      const answer = await alice.request({ to: parseJid(to), type: 'get', payload: discoQueryToXml('info') });
      assert.ok(answer.getChild('query')?.getChild('feature'), to);
    }
  });

  it('gets an error for what nobody handles, and for who is not there', async () => {
    const files = await started(attachComponent(server(), 'files.localhost'));
    const alice = await started(attachClient(server(), 'alice'));
    const ask = (to: string) => alice.request({ to: parseJid(to), type: 'get', payload: question() });
    await assert.rejects(
      ask('files.localhost'),
      (error: StanzaError) => error.condition === 'service-unavailable',
    );
    await files.stop();
    await assert.rejects(ask('files.localhost'), StanzaError);
    await assert.rejects(ask('nobody@localhost/x'), StanzaError);
  });

  it('can be pinged, and pings through itself that the server is there', async () => {
    const proxy = await TcpProxy.start({ targetPort: server().componentPort });
    proxies.push(proxy);
    const times = { pingIntervalMs: 50, pongTimeoutMs: 2000 };
    const files = await started(attachComponent(server(), 'files.localhost', { port: proxy.port, times }));
    const disco = new Disco({ entity: files }, { identities: [] });
    await disco.start();
    const alice = await started(attachClient(server(), 'alice'));
    const payload = xml('ping', { xmlns: 'urn:xmpp:ping' });
    await alice.request({ to: files.jid, type: 'get', payload });
    const before = proxy.bytesToServer;
    await eventually(
      () => proxy.bytesToServer,
      (bytes) => bytes > before + 3 * 100,
    );
    assert.ok(files.online);
    assert.equal(proxy.connections, 1);
  });

  it('notices a half-open connection by the ping, as component and as client', async () => {
    const times = {
      ...{ pingIntervalMs: 100, pongTimeoutMs: 200, minBackoffMs: 50, maxBackoffMs: 200 },
      connectTimeoutMs: 3000, // of the attempt that meets the freeze
    };
    const toComponents = await TcpProxy.start({ targetPort: server().componentPort });
    const toClients = await TcpProxy.start({ targetPort: server().c2sPort });
    proxies.push(toComponents, toClients);
    const node = await started(
      attachComponent(server(), 'node1.localhost', { port: toComponents.port, times }),
    );
    const bob = await started(attachClient(server(), 'bob', { port: toClients.port, times }));
    for (const [entity, proxy, expected] of [
      [node, toComponents, ['offline', 'online']],
      [bob, toClients, ['resumed']],
    ] as const) {
      const events: string[] = [];
      entity.onEvent((event) => {
        events.push(event.type === 'online' && event.resumed ? 'resumed' : event.type);
      });
      const before = proxy.connections;
      proxy.freeze();
      await eventually(
        () => events.length > 0 || proxy.connections > before,
        (gaveUp) => gaveUp,
      );
      // New connections pass. Prosody refuses a second stream of a component until it has missed the first.
      proxy.thaw();
      await eventually(
        () => events.at(-1) === expected.at(-1) || proxy.connections > 3,
        (over) => over,
      );
      proxy.endFrozen();
      await eventually(
        () => events,
        (all) => all.at(-1) === expected.at(-1),
      );
      assert.deepEqual(events, expected);
      assert.ok(entity.online);
    }
  });

  it('creates, subscribes, publishes and is told, with the publisher’s name, as component', async () => {
    const node = await started(attachComponent(server(), 'node1.localhost'));
    const alice = await started(attachClient(server(), 'alice'));
    const nodeId = `books-${server().kind}-${process.pid}`;
    const ask = (entity: Entity, request: PubsubRequest) =>
      entity.request({
        to: SERVICE,
        type: pubsubIqType(request),
        payload: pubsubRequestCodec.toXml(request),
      });
    const configuration = {
      type: 'submit',
      formType: 'http://jabber.org/protocol/pubsub#node_config',
      fields: [{ var: 'pubsub#publish_model', values: ['open'] }],
    } as const;
    await ask(node, { type: 'create', nodeId, configuration });
    await ask(node, { type: 'subscribe', nodeId, jid: parseBareJid(node.jid) });
    const events: Element[] = [];
    node.handleMessage(PubsubEventElement.name, PubsubEventElement.ns, ({ stanza }) => events.push(stanza));
    await ask(alice, { type: 'publish', nodeId, item: { id: 'one', payload: question() } });
    const [message] = await eventually(
      () => events,
      (all) => all.length > 0,
    );
    const event = message?.getChild(PubsubEventElement.name, PubsubEventElement.ns);
    assert.ok(event);
    const read = pubsubEventFromXml(event);
    assert.ok(read?.type === 'items');
    assert.equal(read.items[0]?.id, 'one');
    assert.equal(parseBareJid(String(read.items[0]?.publisher).replace(/\/.*/, '')), 'alice@localhost');
  });

  it('lets a client create and subscribe to a node too', async () => {
    const carol = await started(attachClient(server(), 'carol'));
    const nodeId = `carols-${server().kind}-${process.pid}`;
    for (const request of [
      { type: 'create', nodeId },
      { type: 'subscribe', nodeId, jid: parseBareJid('carol@localhost') },
    ] as const) {
      await carol.request({ to: SERVICE, type: 'set', payload: pubsubRequestCodec.toXml(request) });
    }
  });

  it('carries the largest stanza, and any character that XML allows', async () => {
    const files = await started(attachComponent(server(), 'files.localhost'));
    const alice = await started(attachClient(server(), 'alice'));
    alice.handleIq('get', 'q', 'test', (iq) => xml('a', { xmlns: 'test' }, iq.payload.getText()));
    const characters = '\t\n <>&"\' é ß 字 𠮷 \u0085 \u2028 \uFFFD \u{10FFFF} ]]>';
    const room = MAX_STANZA_BYTES - 400 - Buffer.byteLength(characters) * 3;
    for (const text of [characters, `${'x'.repeat(room)}${characters}`]) {
      const payload = xml('q', { xmlns: 'test' }, text);
      const answer = await files.request({ to: alice.jid, type: 'get', payload });
      assert.equal(answer.getChildText('a'), text);
    }
  });

  it('survives file names with characters that XML forbids (one of them ends a component stream)', async () => {
    const files = await started(attachComponent(server(), 'files.localhost'));
    const alice = await started(attachClient(server(), 'alice'));
    alice.handleIq('get', 'q', 'test', (iq) => xml('a', { xmlns: 'test' }, iq.payload.getText()));
    const payload = question();
    payload.t('a\u0000b\u001Bc\uD800d\uFFFEe'); // around xml(), which would have replaced them
    const answer = await files.request({ to: alice.jid, type: 'get', payload });
    assert.equal(answer.getChildText('a'), 'a\uFFFDb\uFFFDc\uFFFDd\uFFFDe');
    assert.ok(files.online);
  });

  for (const splitBytes of [false, true]) {
    const how = splitBytes ? 'byte by byte' : 'as they come';
    it(`keeps Japanese messages whole that arrive ${how} (split UTF-8)`, async function () {
      this.timeout(60_000);
      const toComponents = await TcpProxy.start({ targetPort: server().componentPort, splitBytes });
      const toClients = await TcpProxy.start({ targetPort: server().c2sPort, splitBytes });
      proxies.push(toComponents, toClients);
      const node = await started(attachComponent(server(), 'node2.localhost', { port: toComponents.port }));
      const bob = await started(attachClient(server(), 'bob', { port: toClients.port }));
      const count = splitBytes ? 1 : 40;
      const text = '吾輩は猫である。名前はまだ無い。𠮷野家'.repeat(350); // some 19 kB
      for (const [from, to] of [
        [bob, node],
        [node, bob],
      ] as const) {
        const got: string[] = [];
        to.handleMessage('q', 'test', ({ stanza }) => got.push(stanza.getChildText('q', 'test') ?? ''));
        for (let n = 0; n < count; n++) {
          from.send(xml('message', { to: to.jid }, xml('q', { xmlns: 'test' }, `${n} ${text}`)));
        }
        await eventually(
          () => got.length,
          (length) => length === count,
          50_000,
        );
        got.forEach((each, n) => {
          assert.ok(each === `${n} ${text}`, `message ${n} is damaged`);
        });
      }
    });
  }

  it('is not slowed down by Nagle', async () => {
    const files = await started(attachComponent(server(), 'files.localhost'));
    const node = await started(attachComponent(server(), 'node1.localhost'));
    files.handleIq('get', 'q', 'test', () => undefined);
    const from = performance.now();
    for (let n = 0; n < 50; n++) await node.request({ to: files.jid, type: 'get', payload: question() });
    const each = (performance.now() - from) / 50;
    assert.ok(each < 20, `${each} ms an iq; with Nagle it is more than 40`);
  });

  it('ends in a clear message on a wrong secret, and does not try again', async () => {
    const proxy = await TcpProxy.start({ targetPort: server().componentPort });
    proxies.push(proxy);
    const node = attachComponent(server(), 'node3.localhost', { port: proxy.port, secret: 'wrong' });
    running.push(node);
    const events: string[] = [];
    node.onEvent((event) => events.push(event.type));
    await assert.rejects(node.start(), (error: unknown) => {
      assert.ok(error instanceof RefusedError, String(error));
      assert.match(error.message, /does not accept our secret for node3\.localhost/);
      return true;
    });
    assert.deepEqual(events, ['failed']);
    assert.equal(proxy.connections, 1);
    assert.throws(() => node.send(xml('message', { to: 'a@localhost' })), OfflineError);
  });

  it('ends in a clear message on a component that the server does not know', async () => {
    const node = attachComponent(server(), 'unknown.localhost');
    running.push(node);
    await assert.rejects(node.start(), RefusedError);
  });

  it('ends in a clear message when it talks to the port for clients', async () => {
    const node = attachComponent(server(), 'node3.localhost', { port: server().c2sPort });
    running.push(node);
    await assert.rejects(node.start(), RefusedError);
  });

  it('ends in a clear message on a wrong password', async () => {
    const alice = attachClient(server(), 'alice', { password: 'wrong' });
    running.push(alice);
    await assert.rejects(alice.start(), (error: unknown) => {
      assert.ok(error instanceof RefusedError, String(error));
      assert.match(error.message, /does not accept the password of alice@localhost: not-authorized/);
      return true;
    });
  });

  it('ends in a clear message on a domain that is not the server’s', async () => {
    const stranger = clientEntity(ENTITY_COMPONENTS, {
      jid: parseJid('alice@elsewhere.example'),
      password: 'x',
      server: { host: server().host, port: server().c2sPort },
      tls: 'off',
    });
    running.push(stranger);
    await assert.rejects(stranger.start(), (error: unknown) => {
      assert.ok(error instanceof RefusedError, String(error));
      assert.match(error.message, /elsewhere\.example/);
      return true;
    });
  });

  it('gives way to another program with its resource instead of fighting for it', async () => {
    const times = { minBackoffMs: 10, maxBackoffMs: 20, maxConflicts: 0 };
    const first = await started(attachClient(server(), 'carol', { resource: 'desk', times }));
    const failed = new Promise<Error>((resolve) => {
      first.onEvent((event) => {
        if (event.type === 'failed') resolve(event.error);
      });
    });
    const second = await started(attachClient(server(), 'carol', { resource: 'desk' }));
    assert.match((await failed).message, /another program is connected as carol@localhost/);
    assert.ok(second.online);
    assert.equal(second.jid, 'carol@localhost/desk');
  });

  it('refuses to do without encryption unless it may', async () => {
    const alice = attachClient(server(), 'alice', { tls: 'required' });
    running.push(alice);
    await assert.rejects(alice.start(), /the server offers no encryption/);
    await started(attachClient(server(), 'alice', { tls: 'allowed' }));
  });
});
