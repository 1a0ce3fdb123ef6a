import assert from 'node:assert/strict';
import { Disco } from '../../src/entity/disco.js';
import type { Entity } from '../../src/entity/entity.js';
import { parseJid } from '../../src/stanza/jid.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import {
  discoAnswerOf,
  discoInfoCodec,
  discoItemsCodec,
  discoQueryToXml,
} from '../../src/stanza/xep0030-disco.js';
import { pingCodec } from '../../src/stanza/xep0199-ping.js';
import { xml } from '../../src/stanza/xml.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { VirtualClock } from '../support/virtual-clock.js';

const FILES = parseJid('files.example.org');

describe('Disco', () => {
  let files: Entity;
  let juliet: Entity;
  let disco: Disco;

  beforeEach(async () => {
    const net = new MemoryNetwork({ clock: new VirtualClock() });
    files = net.component(FILES);
    juliet = net.client('juliet@example.org/pda');
    disco = new Disco(
      { entity: files },
      {
        identities: [{ category: 'component', type: 'generic', name: 'shoal' }],
        features: ['urn:xmpp:jingle:1'],
        version: { name: 'shoal', version: '0.1.0' },
      },
    );
    await disco.start();
    await files.start();
    await juliet.start();
  });

  const info = async (nodeId?: string) => {
    const iq = await juliet.request({ to: FILES, type: 'get', payload: discoQueryToXml('info', nodeId) });
    return discoInfoCodec.fromXml(discoAnswerOf(iq, 'info') ?? xml('nothing'));
  };
  const items = async (nodeId?: string) => {
    const iq = await juliet.request({ to: FILES, type: 'get', payload: discoQueryToXml('items', nodeId) });
    return discoItemsCodec.fromXml(discoAnswerOf(iq, 'items') ?? xml('nothing')).items;
  };
  const notFound = (error: unknown) => error instanceof StanzaError && error.condition === 'item-not-found';

  it('says who we are and what we can do, with what parts add while running', async () => {
    const remove = disco.addFeature('urn:xmpp:fis:0');
    assert.deepEqual(await info(), {
      identities: [{ category: 'component', type: 'generic', name: 'shoal' }],
      features: [
        'http://jabber.org/protocol/disco#info',
        'http://jabber.org/protocol/disco#items',
        'jabber:iq:version',
        'urn:xmpp:fis:0',
        'urn:xmpp:jingle:1',
        'urn:xmpp:ping',
      ],
      forms: [],
    });
    remove();
    assert.ok(!(await info()).features.includes('urn:xmpp:fis:0'));
  });

  it('lets an interceptor answer, and is ordinary where it does not', async () => {
    disco.onQuery((iq) =>
      iq.payload.getChild('identity')
        ? xml('query', { xmlns: iq.payload.getNS() }, xml('identity', { category: 'filesys', type: 'file' }))
        : undefined,
    );
    const query = discoQueryToXml('info');
    query.append(xml('identity', { category: 'filesys', type: 'file' }));
    const iq = await juliet.request({ to: FILES, type: 'get', payload: query });
    assert.equal(iq.getChild('query')?.getChild('identity')?.attrs.category, 'filesys');
    assert.equal((await info()).identities[0]?.category, 'component');
  });

  it('has no nodes but those that somebody answers for', async () => {
    await assert.rejects(info('files'), notFound);
    await assert.rejects(items('files'), notFound);
    assert.deepEqual(await items(), []);
    disco.onItems(({ nodeId }) =>
      nodeId === 'files' ? { items: [{ jid: FILES, nodeId: 'files/books' }] } : undefined,
    );
    assert.deepEqual(await items('files'), [{ jid: FILES, nodeId: 'files/books' }]);
    await assert.rejects(items('other'), notFound);
  });

  it('answers pings and says its version', async () => {
    const pong = await juliet.request({ to: FILES, type: 'get', payload: pingCodec.toXml({}) });
    assert.deepEqual(pong.children, []);
    const payload = xml('query', { xmlns: 'jabber:iq:version' });
    const version = await juliet.request({ to: FILES, type: 'get', payload });
    assert.equal(version.getChild('query')?.getChildText('version'), '0.1.0');
  });

  it('is silent after stop', async () => {
    await disco.stop();
    await assert.rejects(info(), (error: StanzaError) => error.condition === 'service-unavailable');
  });
});
