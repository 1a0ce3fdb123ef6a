/** Links in a whole node: found on a network in memory, fetched with curl from files on a disk. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { systemClock } from '../../src/clock.js';
import { ImportedModules } from '../../src/config/extension-module.js';
import { loadNodeConfig } from '../../src/config/load.js';
import type { Entity } from '../../src/entity/entity.js';
import { silentLog } from '../../src/log.js';
import { NetworkNode } from '../../src/node/network-node.js';
import { CHAT_BODY, chatAnswerToXml } from '../../src/stanza/chat-message.js';
import { findCodec, foundCodec } from '../../src/stanza/file-discovery.js';
import { bareOf, parseJid } from '../../src/stanza/jid.js';
import { DiscoInfoElement, discoInfoCodec } from '../../src/stanza/xep0030-disco.js';
import {
  sharedFilesCodec,
  sharedFilesQueryCodec,
} from '../../src/stanza/xep0329-file-information-sharing.js';
import { fileSharingCodec } from '../../src/stanza/xep0447-stateless-file-sharing.js';
import { type Element, elements } from '../../src/stanza/xml.js';
import { eventually } from '../support/eventually.js';
import { freePorts } from '../support/free-ports.js';
import { curl } from '../support/link-harness.js';
import { sha256 } from '../support/memory-files.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

const NODE = parseJid('files.example.org');
const PLAY = randomBytes(2_000_000);

describe('a node that makes links', function () {
  this.timeout(30_000);
  let folder: TemporaryFolder;
  let network: MemoryNetwork;
  let node: NetworkNode;
  let port: number;
  const askers: Entity[] = [];

  beforeEach(async () => {
    folder = await temporaryFolder();
    await folder.write('share/plays/romeo & juliet.epub', PLAY);
    await folder.write('share/secret/diary.txt', 'nobody');
    await folder.write('outside.txt', 'outside');
    network = new MemoryNetwork({ clock: systemClock });
    [port = 0] = await freePorts(1);
    await start();
  });

  afterEach(async () => {
    await node.stop();
    for (const each of askers.splice(0)) await each.stop();
    await folder.remove();
  });

  async function start(more = ''): Promise<void> {
    const base = `listen: '127.0.0.1:${port}', url: 'http://127.0.0.1:${port}/dl/'`;
    const text = `xmpp: { jid: ${NODE}, secret: s3cret }
shares: [{ name: share, path: ./share }]
scan: { quietMs: 100 }
links: { ${base} }
${more}
`;
    await folder.write('node.yaml', text);
    const modules = new ImportedModules({ clock: systemClock });
    const { config } = await loadNodeConfig(path.join(folder.path, 'node.yaml'), modules);
    const connect = () => network.connection(NODE);
    node = new NetworkNode({ clock: systemClock, log: silentLog, version: '0', connect }, config);
    await node.start();
  }

  async function asker(jid = 'juliet@example.org/balcony'): Promise<Entity> {
    const entity = network.client(jid);
    askers.push(entity);
    await entity.start();
    return entity;
  }

  async function find(by: Entity, name: string) {
    const payload = findCodec.toXml({ criteria: { name: [{ type: 'contains', value: name }] }, page: {} });
    const [answer] = elements(await by.request({ to: NODE, type: 'get', payload }));
    assert.ok(answer);
    return foundCodec.fromXml(answer).files[0];
  }

  /** Once its hash is known. */
  async function linkTo(by: Entity, name: string): Promise<string> {
    const file = await eventually(
      () => find(by, name),
      (found) => found?.alsoAt !== undefined,
    );
    const [url, published] = file?.alsoAt ?? [];
    assert.ok(url?.type === 'url' && published?.type === 'jinglepub');
    assert.equal(published.from, NODE);
    assert.equal(published.id, `sha-256:${file?.hashes[0]?.value}`);
    return url.url;
  }

  it('hears whom a link was made for, however often others are refused who have it', async () => {
    await node.stop();
    await start('limits: { fileRequestsPerAskerPerMinute: 1, refusalsPerAskerPerMinute: 3 }');
    const romeo = await asker();
    const link = await linkTo(romeo, 'romeo');
    const statuses: (number | undefined)[] = [];
    for (let at = 0; at < 12; at += 1) statuses.push((await curl(link, '--range', '0-9')).status);
    assert.equal(statuses.filter((status) => status === 503).length, 11);
    assert.equal((await find(romeo, 'romeo'))?.name, 'romeo & juliet.epub');
    assert.equal(node.status().ignored, 0);
    const counted = node.status().refusals.find(({ rule }) => rule === 'fileRequestsPerAskerPerMinute');
    assert.equal(counted?.count, 11);
  });

  it('gives one to who asks, over which curl fetches the file, also after a restart', async () => {
    const link = await linkTo(await asker(), 'romeo');
    assert.match(link, new RegExp(`^http://127\\.0\\.0\\.1:${port}/dl/[\\w-]+/romeo%20%26%20juliet\\.epub$`));
    const { status, headers, body } = await curl(link);
    assert.equal(status, 200);
    assert.ok(body.equals(PLAY));
    assert.equal(headers['repr-digest'], `sha-256=:${sha256(PLAY)}:`);
    const [transfer] = node.transfers();
    assert.deepEqual(
      [transfer?.peer, transfer?.path],
      ['juliet@example.org', 'share/plays/romeo & juliet.epub'],
    );
    await node.stop();
    assert.equal((await curl(link)).code, 7);
    await start();
    assert.equal((await curl(link, '--range', '10-19')).status, 206);
  });

  it('makes none where files may be seen and not taken, and serves none any more', async () => {
    const link = await linkTo(await asker(), 'diary');
    assert.equal((await curl(link)).status, 200);
    await node.stop();
    await start(
      "access: [{ who: [everyone], what: [share/secret], may: see }, { who: ['@example.org'], may: take }]",
    );
    const wrong = await curl(link.replace(/dl.*/, 'dl/x/diary.txt'));
    const { status, body } = await curl(link);
    assert.deepEqual([status, body], [404, wrong.body]);
    const juliet = await asker('juliet@example.org/orchard');
    const diary = await find(juliet, 'diary');
    assert.ok(diary && diary.hashes.length === 1 && diary.alsoAt === undefined);
    assert.equal((await curl(await linkTo(juliet, 'romeo'))).status, 200);
  });

  it('says one in a chat, with what is behind it, to whose client takes no files', async () => {
    const juliet = await asker();
    await linkTo(juliet, 'romeo');
    const heard: Element[] = [];
    juliet.handleMessage(CHAT_BODY, undefined, ({ stanza }) => void heard.push(stanza));
    const say = (body: string) =>
      juliet.send(chatAnswerToXml({ to: NODE, from: juliet.jid, type: 'chat', body }));
    say('find romeo');
    await eventually(
      () => heard.length,
      (count) => count > 0,
    );
    say('get 1');
    const message = await eventually(
      () => heard.find((each) => each.getChild('file-sharing')),
      (found) => found !== undefined,
    );
    const { file, sources } = fileSharingCodec.fromXml(message?.getChild('file-sharing') ?? assert.fail());
    assert.deepEqual([file.name, file.size], ['romeo & juliet.epub', PLAY.length]);
    assert.deepEqual(file.hashes, [{ algo: 'sha-256', value: sha256(PLAY) }]);
    const [url, published] = sources;
    assert.ok(url?.type === 'url' && published?.type === 'jinglepub');
    assert.equal(message?.getChildText('body'), url.url);
    assert.ok((await curl(url.url)).body.equals(PLAY));
  });

  it('gives the same to who looks at the file as to who finds it', async () => {
    const juliet = await asker();
    const link = await linkTo(juliet, 'diary');
    const path = 'share/secret/diary.txt';
    const payload = sharedFilesQueryCodec.toXml({ path, page: {} });
    const [answer] = elements(await juliet.request({ to: NODE, type: 'get', payload }));
    const [seen] = sharedFilesCodec.fromXml(answer ?? assert.fail()).entries;
    assert.ok(seen?.type === 'file');
    const [url] = seen.file.alsoAt ?? [];
    assert.ok(url?.type === 'url');
    assert.equal(new URL(url.url).pathname.split('/').at(-1), new URL(link).pathname.split('/').at(-1));
    assert.equal((await curl(url.url)).body.toString(), 'nobody');
  });

  it('never leads out of the share, whatever takes the place of the file', async () => {
    const link = await linkTo(await asker(), 'diary');
    const diary = folder.at('share/secret/diary.txt');
    const swaps = [
      async () => {
        await rm(diary);
        await symlink('../../outside.txt', diary);
      },
      async () => {
        await rm(diary);
        await symlink('/etc/passwd', diary);
      },
      async () => {
        await rename(folder.at('share/secret'), folder.at('moved'));
        await symlink('../moved', folder.at('share/secret'));
      },
    ];
    for (const swap of swaps) {
      await swap();
      assert.equal((await curl(link)).status, 404);
    }
  });

  it('neither serves nor says anything to who is banned, whatever it was given before', async () => {
    const juliet = await asker();
    const link = await linkTo(juliet, 'romeo');
    await folder.write('share/large.bin', Buffer.alloc(80_000_000)); // more than sockets hold
    const large = await linkTo(juliet, 'large');
    const heard: string[] = [];
    juliet.handleMessage(CHAT_BODY, undefined, ({ stanza }) => {
      heard.push(stanza.getChildText('body') ?? '');
    });
    // Her program says what it takes only after the ban: then there is something to be said about the file.
    let answer: () => void = () => assert.fail('she was not asked');
    juliet.handleIq('get', 'query', DiscoInfoElement.ns, () => {
      const answered = new Promise<void>((resolve) => {
        answer = resolve;
      });
      return answered.then(() => discoInfoCodec.toXml({ identities: [], features: [], forms: [] }));
    });
    const say = (body: string) =>
      juliet.send(chatAnswerToXml({ to: NODE, from: juliet.jid, type: 'chat', body }));
    say('get share/plays/romeo & juliet.epub');
    say('help');
    await eventually(
      () => heard.length,
      (count) => count === 1,
    );
    const slow = curl(large, '--limit-rate', '2M');
    await eventually(
      () => node.transfers().length,
      (count) => count === 1,
    );
    await node.banKeeper.ban(bareOf(juliet.jid), {});
    await eventually(
      () => node.transfers(),
      ([transfer]) => transfer?.state === 'ended',
    );
    assert.ok((await slow).body.length < 80_000_000);
    const wrong = await curl(link.replace(/dl.*/, 'dl/x/diary.txt'));
    const after = await curl(link);
    assert.deepEqual([after.status, after.body], [404, wrong.body]);
    answer();
    say('help');
    await linkTo(await asker('romeo@example.org/orchard'), 'romeo');
    assert.deepEqual(heard.slice(1), []);
    await node.banKeeper.unban(bareOf(juliet.jid));
    assert.equal((await curl(link)).status, 200);
  });

  it('serves nothing of a file that has changed', async () => {
    const link = await linkTo(await asker(), 'diary');
    await writeFile(folder.at('share/secret/diary.txt'), 'NOBODY');
    assert.equal((await curl(link)).status, 404);
    const other = await eventually(
      () => linkTo(askers[0] ?? assert.fail(), 'diary'),
      (found) => found !== link,
    );
    await eventually(
      () => curl(other),
      ({ body }) => body.toString() === 'NOBODY',
    );
    assert.equal((await curl(link)).status, 404, 'a link is to one content');
  });
});

describe('a node whose answers hold no links', () => {
  it('says nothing of where else a file is', async () => {
    const folder = await temporaryFolder();
    const network = new MemoryNetwork({ clock: systemClock });
    const [port = 0] = await freePorts(1);
    await folder.write('share/a', 'a');
    await folder.write(
      'node.yaml',
      `xmpp: { jid: ${NODE}, secret: s3cret }
shares: [{ name: share, path: ./share }]
links: { listen: '127.0.0.1:${port}', url: 'https://files.example.org', inAnswers: false }
`,
    );
    const modules = new ImportedModules({ clock: systemClock });
    const { config } = await loadNodeConfig(path.join(folder.path, 'node.yaml'), modules);
    const connect = () => network.connection(NODE);
    const node = new NetworkNode({ clock: systemClock, log: silentLog, version: '0', connect }, config);
    const juliet = network.client('juliet@example.org/balcony');
    try {
      await node.start();
      await juliet.start();
      const payload = findCodec.toXml({ criteria: { sizeMin: 0 }, page: {} });
      const answered = await eventually(
        async () => {
          const [answer] = elements(await juliet.request({ to: NODE, type: 'get', payload }));
          return foundCodec.fromXml(answer ?? assert.fail()).files;
        },
        (files) => files.length === 1,
      );
      assert.equal(answered[0]?.alsoAt, undefined);
    } finally {
      await node.stop();
      await juliet.stop();
      await folder.remove();
    }
  });
});
