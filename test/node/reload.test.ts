import assert from 'node:assert/strict';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.js';
import { loadNodeConfig } from '../../src/config/load.js';
import type { NodeConfig } from '../../src/config/options.js';
import type { Entity } from '../../src/entity/entity.js';
import { silentLog } from '../../src/log.js';
import { NetworkNode } from '../../src/node/network-node.js';
import { RestartNeededError } from '../../src/node/reload.js';
import { FileDiscoveryElement, findCodec, foundCodec } from '../../src/stanza/file-discovery.js';
import { parseJid } from '../../src/stanza/jid.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import { pubsubRequestCodec } from '../../src/stanza/xep0060-pubsub.js';
import {
  SharedFilesElement,
  sharedFilesCodec,
  sharedFilesQueryCodec,
} from '../../src/stanza/xep0329-file-information-sharing.js';
import { child } from '../../src/stanza/xml.js';
import { eventually } from '../support/eventually.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { MemoryPubsub } from '../support/memory-pubsub.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

const NODE = parseJid('files.example.org');
const PUBSUB = 'pubsub.example.org';
const EVERYONE = 'access: [{ who: [everyone], may: take }]';

describe('a node that takes over another configuration', function () {
  this.timeout(30_000);
  const clock = systemClock;
  let folder: TemporaryFolder;
  let network: MemoryNetwork;
  let pubsub: MemoryPubsub;
  let node: NetworkNode;
  let stranger: Entity;

  beforeEach(async () => {
    folder = await temporaryFolder();
    for (const path of ['books/1', 'books/secret/2', 'music/3']) await folder.write(path);
    network = new MemoryNetwork({ clock });
    pubsub = new MemoryPubsub(network.component(PUBSUB));
    await pubsub.start();
    stranger = network.client('tybalt@example.com/street');
    await stranger.start();
    node = new NetworkNode(
      { clock, log: silentLog, version: '0', connect: () => network.connection(NODE) },
      await config('books', EVERYONE),
    );
    await node.start();
    await finds(['books/1', 'books/secret/2']);
  });
  afterEach(async () => {
    await node.stop();
    await stranger.stop();
    await pubsub.stop();
    await folder.remove();
  });

  async function config(shares: string, rest = '', channels = 'plays', limits = ''): Promise<NodeConfig> {
    const list = shares.split(' ').map((name) => `{ name: ${name}, path: ./${name} }`);
    const text = [
      `xmpp: { jid: ${NODE}, secret: s3cret }`,
      `shares: [${list.join(', ')}]`,
      `channels: [${channels.split(' ').map((name) => `{ service: ${PUBSUB}, node: ${name}, create: true }`)}]`,
      'scan: { quietMs: 100 }',
      // Who looks on and on for what is not there is not turned away.
      'limits: { requestsPerAskerPerMinute: 100000, refusalsPerAskerPerMinute: 100000,',
      `  queriesPerAskerPerMinute: 10000, queriesPerMinute: 10000${limits} }`,
      rest,
    ].join('\n');
    await folder.write('node.yaml', text);
    return (await loadNodeConfig(join(folder.path, 'node.yaml'))).config;
  }

  async function found(): Promise<string[]> {
    const payload = findCodec.toXml({ criteria: { sizeMin: 0 }, page: {} });
    const result = await stranger.request({ to: NODE, type: 'get', payload });
    const { name, ns } = FileDiscoveryElement.found;
    const { files } = foundCodec.fromXml(child(result, name, ns) ?? assert.fail('no answer'));
    return files.map(({ path = '' }) => path).sort();
  }
  /** What a folder holds, or a file, for who looks around. */
  async function looked(path: string): Promise<string[]> {
    const payload = sharedFilesQueryCodec.toXml({ path, page: {} });
    try {
      const result = await stranger.request({ to: NODE, type: 'get', payload });
      const { name, ns } = SharedFilesElement;
      const seen = sharedFilesCodec.fromXml(child(result, name, ns) ?? assert.fail('no answer'));
      return seen.entries.map((each) => (each.type === 'file' && seen.path === '' ? path : `${path}/…`));
    } catch (error) {
      if (error instanceof StanzaError && error.condition === 'item-not-found') return [];
      throw error;
    }
  }
  const finds = (paths: readonly string[]) =>
    eventually(found, (each) => JSON.stringify(each) === JSON.stringify(paths));
  const joined = () => node.status().channels.flatMap((each) => (each.state === 'joined' ? each.node : []));

  it('has other rules at once', async () => {
    const rules =
      'access: [{ who: [everyone], what: [books/secret], may: nothing }, { who: [everyone], may: take }]';
    assert.deepEqual(await node.reload(await config('books', rules)), ['access']);
    assert.deepEqual(await found(), ['books/1']);
    assert.deepEqual(await node.reload(await config('books')), ['access']);
    assert.deepEqual(await found(), []);
  });

  it('has other shares, and channels', async () => {
    await eventually(joined, (each) => each.includes('plays'));
    assert.deepEqual(await node.reload(await config('music', EVERYONE, 'songs tales')), [
      'shares',
      'channels',
    ]);
    await finds(['music/3']);
    await eventually(joined, (each) => each.join() === 'songs,tales');
    assert.deepEqual(await node.reload(await config('music', EVERYONE, 'songs tales')), []);
    const lower = `\n# A line above them.\n${EVERYONE}`;
    assert.deepEqual(await node.reload(await config('music', lower, 'songs tales')), []);
  });

  it('gives nothing more to who asked on a channel that it leaves', async () => {
    const asked = 'access: [{ who: [channels], may: take }]';
    await node.reload(await config('books', asked));
    assert.deepEqual(await found(), []);
    await eventually(joined, (each) => each.includes('plays'));
    const heard: string[] = [];
    stranger.handleMessage(FileDiscoveryElement.found.name, FileDiscoveryElement.found.ns, ({ stanza }) => {
      const { name, ns } = FileDiscoveryElement.found;
      const { files } = foundCodec.fromXml(child(stanza, name, ns) ?? assert.fail());
      heard.push(...files.map(({ path = '' }) => path));
    });
    const untilMs = clock.now() + 3_600_000;
    const payload = findCodec.toXml({ criteria: { sizeMin: 0 }, page: {}, replyTo: stranger.jid, untilMs });
    const item = { id: 'q', payload };
    await stranger.request({
      to: parseJid(PUBSUB),
      type: 'set',
      payload: pubsubRequestCodec.toXml({ type: 'publish', nodeId: 'plays', item }),
    });
    await eventually(
      () => heard.length,
      (files) => files === 2,
    );
    await finds(['books/1', 'books/secret/2']);
    assert.equal(node.status().keptQuestions, 1);
    assert.deepEqual(await node.reload(await config('books', asked, 'songs')), ['channels']);
    assert.deepEqual(await found(), []);
    assert.equal(node.status().keptQuestions, 0);
  });

  it('has other budgets at once, and gives nobody back what is used up', async () => {
    for (let asked = 0; asked < 9; asked += 1) await found();
    const tight = await config('books', EVERYONE, 'plays', ', queriesPerDomainPerMinute: 3');
    assert.deepEqual(await node.reload(tight), ['limits']);
    await assert.rejects(found(), { condition: 'resource-constraint' });
    assert.equal(node.status().refusals[0]?.rule, 'queriesPerDomainPerMinute');
    const rest = `${EVERYONE}\nbandwidth: { bytesPerSecond: 10000 }\ntransfers: { friends: [example.com] }`;
    assert.deepEqual(await node.reload(await config('books', rest)), ['limits', 'bandwidth', 'transfers']);
    assert.deepEqual(await found(), ['books/1', 'books/secret/2']);
    const owned = `${rest}\nowners: [tybalt@example.com]\nownersMayShare: [./music]`;
    assert.deepEqual(await node.reload(await config('books', owned)), ['owners', 'ownersMayShare']);
    const other = await config('books', `${EVERYONE}\ntransfers: { friends: [example.com], mapPort: true }`);
    await assert.rejects(node.reload(other), { options: ['transfers.mapPort'] });
  });

  it('never shows what neither configuration does', async () => {
    const wide = 'access: [{ who: [everyone], what: [books], may: take }]';
    const closed =
      'access: [{ who: [everyone], what: [music], may: nothing }, { who: [everyone], may: take }]';
    const seen = new Set<string>();
    let isOver = false;
    const looking = (async () => {
      while (!isOver) {
        for (const path of await found()) seen.add(path);
        for (const path of ['music', 'music/3']) for (const shown of await looked(path)) seen.add(shown);
      }
    })();
    // By the rules of the other each of them would show music.
    try {
      for (const [shares, access] of [
        ['music', closed],
        ['books', EVERYONE],
        ['books music', wide],
        ['books', EVERYONE],
      ] as const) {
        await node.reload(await config(shares, access));
        await finds(shares.includes('books') ? ['books/1', 'books/secret/2'] : []);
      }
    } finally {
      isOver = true;
      await looking;
    }
    assert.deepEqual([...seen].sort(), ['books/1', 'books/secret/2']);
  });

  it('takes over nothing where something needs a restart', async () => {
    const before = node.status();
    const other = await config(
      'music',
      `${EVERYONE}\ndata: ./elsewhere`,
      'songs',
      ', concurrentQueries: 3, uploads: 3, queriesPerDomainPerMinute: 1',
    );
    await assert.rejects(
      node.reload(other),
      (error: unknown) =>
        error instanceof RestartNeededError && error.options.join() === 'data,limits.concurrentQueries',
    );
    assert.deepEqual(await found(), ['books/1', 'books/secret/2']);
    assert.deepEqual(node.status().shares, before.shares);
    assert.deepEqual(node.status().channels, before.channels);
  });
});
