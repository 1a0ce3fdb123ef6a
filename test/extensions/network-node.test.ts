/** Extensions as operators have them: files beside a configuration, in a whole node on a network in memory. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/clock.js';
import { ImportedModules } from '../../src/config/extension-module.js';
import { loadNodeConfig } from '../../src/config/load.js';
import type { Entity } from '../../src/entity/entity.js';
import { createLog, silentLog } from '../../src/log.js';
import { NetworkNode } from '../../src/node/network-node.js';
import { NodeExtensions } from '../../src/node/node-extensions.js';
import { TransferStack } from '../../src/node/transfer-stack.js';
import { findCodec, foundCodec } from '../../src/stanza/file-discovery.js';
import { parseJid } from '../../src/stanza/jid.js';
import { elements } from '../../src/stanza/xml.js';
import { projectRoot } from '../support/codec-fixtures.js';
import { eventually } from '../support/eventually.js';
import { bytesOf } from '../support/jingle-pair.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

const ROOT = projectRoot(path.dirname(fileURLToPath(import.meta.url)));
const NODE = parseJid('files.example.org');
const BYTES = randomBytes(100_000);

/** Asks, and fetches, as any program may. */
interface Peer {
  readonly entity: Entity;
  readonly transfers: TransferStack;
}

describe('a node without extensions', () => {
  it('has nothing between its parts', () => {
    const init = { extensions: [], jid: NODE, limitMs: 1000 };
    assert.equal(NodeExtensions.of({ clock: systemClock, log: silentLog }, init), undefined);
  });
});

describe('a node with extensions', function () {
  this.timeout(30_000);
  const clock = systemClock;
  let folder: TemporaryFolder;
  let network: MemoryNetwork;
  let node: NetworkNode;
  let peers: Peer[];
  let log: Record<string, unknown>[];

  beforeEach(async () => {
    folder = await temporaryFolder();
    await folder.write('books/song.txt', BYTES);
    await folder.write('books/secret.txt');
    network = new MemoryNetwork({ clock });
    peers = [];
    log = [];
  });

  afterEach(async () => {
    for (const { entity, transfers } of peers) {
      await transfers.stop();
      await entity.stop();
    }
    await node.stop();
    await folder.remove();
  });

  /** `extensions` is YAML. */
  async function start(extensions: string): Promise<void> {
    const text = [
      `xmpp: { jid: ${NODE}, secret: s3cret }`,
      'shares: [{ name: books, path: ./books }]',
      'access: [{ who: [everyone], may: take }]',
      'scan: { quietMs: 100 }',
      'limits: { extensionMs: 200 }',
      `extensions:\n${extensions}`,
    ].join('\n');
    await folder.write('node.yaml', text);
    const file = path.join(folder.path, 'node.yaml');
    const { config } = await loadNodeConfig(file, new ImportedModules({ clock }));
    const write = (line: string) => log.push(JSON.parse(line));
    node = new NetworkNode(
      { clock, log: createLog('info', { write }), version: '0', connect: () => network.connection(NODE) },
      config,
    );
    await node.start();
    const { shares } = node.status();
    await eventually(
      () => node.status().hashing.filesLeft,
      (left) => left === 0 && shares[0]?.files === 2,
    );
  }

  async function peer(jid: string): Promise<Peer> {
    const entity = network.client(jid);
    const transfers = new TransferStack(
      { entity, clock, log: silentLog },
      {
        serverHost: '127.0.0.1',
        listenPort: 0,
        externalHosts: [],
        findProxies: 'never',
        connectToPrivate: true,
        maxSessions: 4,
        maxSessionsPerPeer: 4,
        idleMs: 10_000,
        maxCandidates: 10,
        candidateTimeoutMs: 2000,
        maxHandshakes: 4,
        ibbBlockBytes: 8192,
        ibbWindow: 8,
      },
    );
    await transfers.start();
    await entity.start();
    peers.push({ entity, transfers });
    return { entity, transfers };
  }

  async function found({ entity }: Peer): Promise<string[]> {
    const payload = findCodec.toXml({ criteria: { ext: ['txt'] }, page: {} });
    const [answer] = elements(await entity.request({ to: NODE, type: 'get', payload }));
    assert.ok(answer);
    const { files, total } = foundCodec.fromXml(answer);
    assert.equal(files.length, total);
    return files.map((file) => [file.path, file.desc].join(' ').trim()).sort();
  }

  async function fetch({ transfers }: Peer, name: string): Promise<Buffer> {
    const download = transfers.jingle.download({ peer: NODE, file: { name, hashes: [], hashesUsed: [] } });
    download.accepted.catch(() => undefined); // the stream tells it too
    const bytes = await bytesOf(download.stream);
    await download.finish('success');
    return bytes;
  }

  const example = (name: string) => path.join(ROOT, 'examples', name);
  const lines = async () => (await readFile(path.join(folder.path, 'journal'), 'utf8')).trim().split('\n');

  it('answers and serves only colleagues with the example that says so', async () => {
    await start(`- { module: ${example('only-colleagues.js')}, config: { domains: [example.net] } }`);
    const colleague = await peer('romeo@example.net/x');
    assert.deepEqual(await found(colleague), ['books/secret.txt', 'books/song.txt']);
    assert.ok(BYTES.equals(await fetch(colleague, 'books/song.txt')));
    const stranger = await peer('paris@example.net.example.com/example.net');
    assert.deepEqual(await found(stranger), []);
    const refused = /file-not-available/;
    await assert.rejects(fetch(stranger, 'books/song.txt'), refused);
    await assert.rejects(fetch(stranger, 'not there'), refused);
    assert.ok(
      log.some(({ msg, extension }) => /stranger wanted/.test(String(msg)) && extension !== undefined),
    );
  });

  it('writes a line for each transfer with the example that says so', async () => {
    await start(`- { module: ${example('transfer-journal.js')}, config: { file: ./journal } }`);
    const romeo = await peer('romeo@example.net/x');
    await fetch(romeo, 'books/song.txt');
    await fetch(romeo, 'books/secret.txt');
    await node.stop();
    const written = (await lines()).map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      written.map(({ peer: to, path: file, outcome, sentBytes }) => [to, file, outcome, sentBytes]),
      [
        ['romeo@example.net/x', 'books/song.txt', 'success', BYTES.length],
        ['romeo@example.net/x', 'books/secret.txt', 'success', 'books/secret.txt'.length],
      ],
    );
  });

  it('tells of files that come and go', async () => {
    await folder.write(
      'news.mjs',
      `export default ({ log }) => ({
        onFiles({ added, removed, missed }) {
          log.info('news', { added: added.map(({ path }) => path), removed, missed });
        },
      });`,
    );
    await start('- ./news.mjs');
    const news = () =>
      log
        .filter(({ msg }) => msg === 'news')
        .flatMap(({ added, removed }) => [
          ...(added as string[]).map((each) => `+${each}`),
          ...(removed as string[]).map((each) => `-${each}`),
        ])
        .sort();
    const books = (name: string) => path.join(folder.path, 'books', name);
    await writeFile(books('new.txt'), 'new');
    const isThere = (...expected: string[]) =>
      eventually(news, (told) => JSON.stringify(told) === JSON.stringify(expected), 10_000);
    await isThere('+books/new.txt');
    await eventually(
      () => node.status().hashing.filesLeft,
      (left) => left === 0,
    );
    await rename(books('new.txt'), books('newer.txt'));
    await isThere('+books/new.txt', '+books/newer.txt', '-books/new.txt');
    await rm(books('song.txt'));
    await isThere('+books/new.txt', '+books/newer.txt', '-books/new.txt', '-books/song.txt');
  });

  it('goes on for everybody when one extension does all that is wrong', async () => {
    const hooks = ['onStanzaIn', 'onStanzaOut', 'onQuery', 'onAnswer', 'onTransferStart', 'onTransferEnd'];
    const bad = (body: string) =>
      `export default () => ({ ${[...hooks, 'stop'].map((hook) => `${hook}() { ${body} }`).join(', ')} });`;
    await folder.write('throws.mjs', bad("throw new Error('broken')"));
    await folder.write('rejects.mjs', bad("return Promise.reject(new Error('broken later'))"));
    await folder.write('hangs.mjs', bad('return new Promise(() => {})'));
    await folder.write('nonsense.mjs', bad('return 42'));
    await folder.write(
      'works.mjs',
      'export default () => ({ onAnswer: ({ files }) => ({ files: files.map((f) => ({ ...f, desc: "mine" })) }) });',
    );
    await start(
      ['throws', 'rejects', 'hangs', 'nonsense', 'works'].map((each) => `- ./${each}.mjs`).join('\n'),
    );
    const romeo = await peer('romeo@example.net/x');
    assert.deepEqual(await found(romeo), ['books/secret.txt mine', 'books/song.txt mine']);
    assert.ok(BYTES.equals(await fetch(romeo, 'books/song.txt')));
    await found(romeo);
    const dropped = await eventually(
      async () => {
        await found(romeo);
        return log.filter(({ msg }) => /has been dropped/.test(String(msg)));
      },
      (told) => told.length > 0,
    );
    assert.match(String(dropped[0]?.extension), /hangs\.mjs$/);
    assert.equal(dropped.length, 1);
  });
});
