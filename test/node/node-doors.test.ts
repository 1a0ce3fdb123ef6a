/** A whole node on a network in memory: all of its doors have the same guard. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { systemClock } from '../../src/clock.js';
import { ImportedModules } from '../../src/config/extension-module.js';
import { loadNodeConfig } from '../../src/config/load.js';
import type { Entity } from '../../src/entity/entity.js';
import { silentLog } from '../../src/log.js';
import { NetworkNode } from '../../src/node/network-node.js';
import { CHAT_BODY, chatAnswerToXml } from '../../src/stanza/chat-message.js';
import { bareOf, type Jid, parseJid } from '../../src/stanza/jid.js';
import { NS } from '../../src/stanza/namespaces.js';
import { commandAnswerCodec, commandRequestCodec } from '../../src/stanza/xep0050-commands.js';
import { pubsubRequestCodec } from '../../src/stanza/xep0060-pubsub.js';
import { folderNodeId } from '../../src/stanza/xep0498-pubsub-file-sharing.js';
import { type Element, elements, xml } from '../../src/stanza/xml.js';
import { eventually } from '../support/eventually.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

const NODE = parseJid('files.example.org');

describe('the doors of a node', function () {
  this.timeout(30_000);
  let folder: TemporaryFolder;
  let network: MemoryNetwork;
  let node: NetworkNode;
  const askers: Entity[] = [];

  beforeEach(async () => {
    folder = await temporaryFolder();
    await folder.write('share/plays/romeo.txt', 'Romeo');
    network = new MemoryNetwork({ clock: systemClock });
    await folder.write(
      'node.yaml',
      `xmpp: { jid: ${NODE}, secret: s3cret }
shares: [{ name: share, path: ./share }]
scan: { quietMs: 100 }
`,
    );
    const modules = new ImportedModules({ clock: systemClock });
    const { config } = await loadNodeConfig(path.join(folder.path, 'node.yaml'), modules);
    const connect = () => network.connection(NODE);
    node = new NetworkNode({ clock: systemClock, log: silentLog, version: '0', connect }, config);
    await node.start();
  });

  afterEach(async () => {
    await node.stop();
    for (const each of askers.splice(0)) await each.stop();
    await folder.remove();
  });

  async function asker(jid: string): Promise<Entity & { readonly heard: Element[] }> {
    const entity = network.client(jid);
    askers.push(entity);
    const heard: Element[] = [];
    for (const [name, ns] of [[CHAT_BODY, undefined] as const, ['event', NS.pubsubEvent] as const])
      entity.handleMessage(name, ns, ({ stanza }) => void heard.push(stanza));
    await entity.start();
    return Object.assign(entity, { heard });
  }

  const counted = (rule: string) => node.status().refusals.find((each) => each.rule === rule)?.count ?? 0;

  const windowOf = (words: string) =>
    xml(
      'query',
      { xmlns: NS.search },
      xml(
        'x',
        { xmlns: NS.dataForms, type: 'submit' },
        xml('field', { var: 'text' }, xml('value', {}, words)),
      ),
    );

  it('see who walks through everything there is, be it in a window, a command or a chat', async () => {
    const window = await asker('window@example.org/x');
    for (let at = 1; at <= 15; at += 1)
      await window.request({ to: NODE, type: 'set', payload: windowOf(`${at}`) });
    assert.ok(counted('enumeration') >= 5, 'a window');

    const before = counted('enumeration');
    const command = await asker('command@example.org/x');
    const run = async (init: Partial<Parameters<typeof commandRequestCodec.toXml>[0]>) => {
      const payload = commandRequestCodec.toXml({ nodeId: 'find', action: 'execute', ...init });
      const [answer] = elements(await command.request({ to: NODE, type: 'set', payload }));
      return commandAnswerCodec.fromXml(answer ?? assert.fail());
    };
    const { sessionId = '' } = await run({});
    for (let at = 1; at <= 15; at += 1) {
      const fields = [{ var: 'text', values: [`${at}`] }];
      await run({ action: 'next', sessionId, form: { type: 'submit', fields } });
    }
    const between = counted('enumeration');
    assert.ok(between >= before + 5, 'a command');

    const chat = await asker('chat@example.org/x');
    for (let at = 1; at <= 15; at += 1) {
      chat.send(chatAnswerToXml({ to: NODE, from: chat.jid, type: 'chat', body: `find ${at}` }));
      await eventually(
        () => chat.heard.length,
        (count) => count === at,
      );
    }
    assert.ok(counted('enumeration') >= between + 5, 'a chat');
  });

  it('tell who is banned nothing more of a folder that it subscribed to', async () => {
    const nodeId = folderNodeId('share/plays') ?? '';
    const [juliet, mallory] = [await asker('juliet@example.org/x'), await asker('mallory@example.org/x')];
    const subscribe = async (entity: Entity) => {
      const payload = pubsubRequestCodec.toXml({ type: 'subscribe', nodeId, jid: bareOf(entity.jid as Jid) });
      await entity.request({ to: NODE, type: 'set', payload });
    };
    for (const each of [mallory, juliet]) await subscribe(each); // who came first is told first
    await node.banKeeper.ban(bareOf(mallory.jid), {});
    await folder.write('share/plays/juliet.txt', 'Juliet');
    await eventually(
      () => juliet.heard.length,
      (count) => count > 0,
    );
    assert.equal(mallory.heard.length, 0);
  });
});
