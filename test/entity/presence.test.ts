import assert from 'node:assert/strict';
import { Disco } from '../../src/entity/disco.js';
import type { Entity, EntityEvent, IncomingPresence } from '../../src/entity/entity.js';
import { maySubscribe, Presence, type SubscriptionRule } from '../../src/entity/presence.js';
import { silentLog } from '../../src/log.js';
import { parseBareJid, parseJid } from '../../src/stanza/jid.js';
import { discoAnswerOf, discoInfoCodec, discoQueryToXml } from '../../src/stanza/xep0030-disco.js';
import { capabilitiesCodec, capabilitiesOf } from '../../src/stanza/xep0115-entity-capabilities.js';
import { xml } from '../../src/stanza/xml.js';
import { type AttachClientOptions, attachClient } from '../support/attached.js';
import { eventually } from '../support/eventually.js';
import { describeOnServers } from '../support/server-fixture.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const CAPS = 'http://jabber.org/protocol/caps';

it('presence: subscriptions are answered by rule', () => {
  const us = parseJid('files@example.org/shoal');
  const [neighbour, stranger] = [parseJid('juliet@example.org/x'), parseJid('romeo@example.net')];
  const rules: readonly (readonly [SubscriptionRule, boolean, boolean])[] = [
    ['everyone', true, true],
    ['domain', true, false],
    ['none', false, false],
  ];
  for (const [rule, near, far] of rules) {
    assert.equal(maySubscribe(rule, neighbour, us), near, rule);
    assert.equal(maySubscribe(rule, stranger, us), far, rule);
  }
  // A domain that merely ends like ours is another.
  assert.equal(maySubscribe('domain', parseJid('x@evil-example.org'), us), false);
});

describeOnServers('presence', (server) => {
  const running: { stop(): Promise<void> }[] = [];

  async function started<T extends { start(): Promise<void>; stop(): Promise<void> }>(part: T): Promise<T> {
    running.unshift(part);
    await part.start();
    return part;
  }
  afterEach(async () => {
    for (const part of running.splice(0)) await part.stop();
  });

  /** A client with presence, as a node is. */
  async function node(rule: SubscriptionRule, options: AttachClientOptions = {}) {
    const entity = attachClient(server(), 'alice', { resource: 'shoal', presence: 'none', ...options });
    const disco = await started(
      new Disco(
        { entity },
        {
          identities: [{ category: 'client', type: 'bot', name: 'shoal' }],
          features: ['urn:xmpp:jingle:1'],
          version: { name: 'shoal', version: '1' },
          capsNodeId: 'urn:xmpp:tmp:shoal',
        },
      ),
    );
    running.unshift(entity);
    const presence = await started(new Presence({ entity, disco, log: silentLog }, { subscriptions: rule }));
    await entity.start();
    return { entity, disco, presence };
  }

  /** Somebody with a client for people. */
  async function person(user: 'bob' | 'carol') {
    const entity = attachClient(server(), user, { resource: 'desk' });
    const [seen, events]: [IncomingPresence[], EntityEvent[]] = [[], []];
    entity.handlePresence((presence) => seen.push(presence));
    entity.onEvent((event) => events.push(event));
    await started(entity);
    // Who has not asked for the roster is not told about subscriptions (RFC 6121 §2.2).
    const payload = xml('query', { xmlns: 'jabber:iq:roster' });
    await entity.request({ to: parseBareJid(`${user}@localhost`), type: 'get', payload });
    return { watcher: entity, seen, events };
  }

  const subscribe = (who: Entity) => who.send(xml('presence', { to: 'alice@localhost', type: 'subscribe' }));

  it('is shown to those who may see it, with what we can do, and taken back at the end', async () => {
    const { entity, disco, presence } = await node('domain');
    const { watcher, seen, events } = await person('bob');
    subscribe(watcher);
    await eventually(
      () => seen,
      (all) => all.some(({ from, type }) => type === 'available' && from === entity.jid),
    );
    await eventually(
      () => seen,
      (all) => all.some(({ type }) => type === 'subscribed'),
    );
    // What the presence says can be asked for, and is right (XEP-0115 §6.2, §5.4).
    const capabilities = disco.capabilities();
    assert.ok(capabilities);
    const payload = discoQueryToXml('info', `${capabilities.nodeId}#${capabilities.ver}`);
    const answer = discoAnswerOf(await watcher.request({ to: entity.jid, type: 'get', payload }), 'info');
    assert.ok(answer);
    const info = discoInfoCodec.fromXml(answer);
    assert.equal(capabilitiesOf(capabilities.nodeId, info).ver, capabilities.ver);
    assert.ok(info.features.includes(CAPS) && info.features.includes('urn:xmpp:jingle:1'));
    assert.equal(info.nodeId, `${capabilities.nodeId}#${capabilities.ver}`);
    await assert.rejects(
      watcher.request({ to: entity.jid, type: 'get', payload: discoQueryToXml('info', 'urn:x#old') }),
    );
    // A new feature is a new presence.
    const before = seen.length;
    disco.addFeature('urn:xmpp:fis:0');
    await eventually(
      () => seen.length,
      (count) => count > before,
    );
    assert.notEqual(disco.capabilities()?.ver, capabilities.ver);
    await presence.stop();
    await eventually(
      () => events,
      (all) => all.some((event) => event.type === 'peer-gone' && event.jid === entity.jid),
    );
  });

  it('is refused to those who may not', async () => {
    const { entity } = await node('none');
    const { watcher, seen } = await person('carol');
    subscribe(watcher);
    await eventually(
      () => seen,
      (all) => all.some(({ type }) => type === 'unsubscribed'),
    );
    assert.ok(!seen.some(({ from, type }) => from === entity.jid && type === 'available'));
  });

  it('is not sent again when the session is resumed, and is when it is new', async () => {
    const proxy = await TcpProxy.start({ targetPort: server().c2sPort });
    try {
      const times = { minBackoffMs: 20, maxBackoffMs: 50 };
      const { entity } = await node('domain', { port: proxy.port, times });
      const sent: string[] = [];
      const send = entity.send.bind(entity);
      entity.send = (stanza) => {
        if (stanza.getName() === 'presence') {
          const element = stanza.getChild('c', CAPS);
          sent.push(element ? capabilitiesCodec.fromXml(element).nodeId : '');
        }
        send(stanza);
      };
      let resumed = 0;
      entity.onEvent((event) => {
        if (event.type === 'online' && event.resumed) resumed += 1;
      });
      proxy.cut();
      await eventually(
        () => resumed,
        (count) => count === 1,
      );
      assert.deepEqual(sent, []);
    } finally {
      for (const part of running.splice(0)) await part.stop();
      await proxy.stop();
    }
  });
});
