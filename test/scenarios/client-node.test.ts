/**
 * A node that logs in with an ordinary account, for people who do not run a server: it answers
 * on channels and by iq, and serves files, also while its line to the server is cut.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { systemClock } from '../../src/clock.js';
import { silentLog } from '../../src/log.js';
import type { FindRequest, FoundFile } from '../../src/node/asker.js';
import { NetworkAsker } from '../../src/node/network-asker.js';
import { parseBareJid, parseJid } from '../../src/stanza/jid.js';
import type { TransportType } from '../../src/transport/transport.js';
import { ServedNode } from '../support/served-node.js';
import { ACCOUNTS, DOMAIN, PUBSUB, type TestServer } from '../support/server.js';
import { describeOnServers } from '../support/server-fixture.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

const NODE = parseJid(`carol@${DOMAIN}/shoal`);
const CAROL = ACCOUNTS[2];
const LARGE = Buffer.alloc(3_000_000, 'a large file, by and large. ');

describeOnServers('a node with an account', (server: () => TestServer) => {
  let folder: TemporaryFolder;
  let line: TcpProxy;
  let node: ServedNode;
  const askers: NetworkAsker[] = [];

  const makeNode = (home: string, password: string) =>
    ServedNode.make(path.join(folder.path, home), {
      xmpp: { mode: 'client', jid: `carol@${DOMAIN}`, password, server: `127.0.0.1:${line.port}` },
      shares: [{ name: 'books', path: path.join(folder.path, 'books') }],
      channels: [{ service: PUBSUB, node: 'carols', create: true }],
      scan: { quietMs: 100 },
      log: { level: 'debug' },
    });

  async function newAsker(transports: readonly TransportType[], port: number): Promise<NetworkAsker> {
    const [alice] = ACCOUNTS;
    const asker = new NetworkAsker(
      { clock: systemClock, log: silentLog },
      {
        jid: parseJid(`${alice.user}@${DOMAIN}`),
        password: alice.password,
        server: { host: server().host, port },
        tls: 'off',
        service: parseBareJid(PUBSUB),
        channels: ['carols'],
      },
      { transports },
    );
    askers.push(asker);
    await asker.start();
    return asker;
  }

  before(async function () {
    this.timeout(60_000);
    folder = await temporaryFolder();
    await folder.write('books/large.bin', LARGE);
    await folder.write('books/small.txt', 'small');
    line = await TcpProxy.start({ targetPort: server().c2sPort });
    node = await makeNode('node', CAROL.password);
    await node.start();
  });

  afterEach(async () => {
    for (const asker of askers.splice(0)) await asker.stop();
  });

  after(async () => {
    await node?.stop();
    await line?.stop();
    await folder?.remove();
  });

  async function find(asker: NetworkAsker, request: Partial<FindRequest>): Promise<FoundFile[]> {
    const files: FoundFile[] = [];
    const all = { criteria: { ext: ['txt'] }, channels: [], max: 10, waitMs: 10_000, ...request };
    for await (const event of asker.find(all)) {
      if (event.type === 'file') files.push(event.file);
      if (event.type === 'answer') break;
    }
    return files;
  }

  async function get(asker: NetworkAsker, target: string, onQuarter = () => {}): Promise<Set<string>> {
    const used = new Set<string>();
    let isToCome = true;
    const request = {
      file: { name: 'large.bin' },
      sources: [{ jid: NODE, path: 'books/large.bin' }],
      target: path.join(folder.path, target),
      overwrite: 'replace' as const,
    };
    for await (const event of asker.fetch(request)) {
      if (event.type === 'source' && event.transport !== undefined) used.add(event.transport);
      if (event.type === 'source' && event.state === 'failed') assert.fail(String(event.error));
      if (event.type === 'progress' && event.receivedBytes > LARGE.length / 4 && isToCome) {
        isToCome = false;
        onQuarter();
      }
    }
    assert.ok(LARGE.equals(await readFile(request.target)), 'byte for byte');
    assert.equal(isToCome, false);
    return used;
  }

  it('answers on its channel and by iq, at an address that is always the same', async () => {
    const asker = await newAsker(['s5b', 'ibb'], server().c2sPort);
    for (const request of [{ to: NODE }, { channels: [{ service: parseBareJid(PUBSUB), node: 'carols' }] }]) {
      const [file] = await find(asker, request);
      assert.equal(file?.path, 'books/small.txt');
      assert.equal(file.source.jid, NODE);
    }
  });

  it('serves a file over SOCKS5', async () => {
    const asker = await newAsker(['s5b'], server().c2sPort);
    assert.deepEqual([...(await get(asker, 'over-socks'))], ['s5b']);
  });

  it('serves a file in-band in one session while its line is cut, and the asker’s', async function () {
    this.timeout(60_000);
    const theirs = await TcpProxy.start({ targetPort: server().c2sPort });
    try {
      const asker = await newAsker(['ibb'], theirs.port);
      // COMPAT: Prosody 0.12.3 can't resume when half a stanza has come, which a sender of large ones often leaves.
      const cutsBoth = server().kind !== 'prosody';
      const [before, theirsBefore] = [line.connections, theirs.connections];
      const used = await get(asker, 'in-band', () => {
        theirs.cut();
        if (cutsBoth) line.cut();
      });
      assert.deepEqual([...used], ['ibb']);
      assert.equal(theirs.connections, theirsBefore + 1);
      assert.equal(line.connections, before + (cutsBoth ? 1 : 0));
      assert.equal(node.line('resumed') !== undefined, cutsBoth);
      assert.equal(node.line('offline'), undefined);
    } finally {
      for (const asker of askers.splice(0)) await asker.stop();
      await theirs.stop();
    }
  });

  it('ends at once, saying why, when its password is wrong, which nobody else learns', async () => {
    const before = line.connections;
    const wrong = await makeNode('wrong', 'not-the-password');
    await assert.rejects(wrong.start(), /ended with 1/);
    const log = JSON.stringify(wrong.log);
    assert.match(log, /the server does not accept the password of carol@localhost/);
    assert.doesNotMatch(log, /not-the-password/);
    assert.equal(line.connections, before + 1);
    assert.doesNotMatch(JSON.stringify(node.log), new RegExp(CAROL.password));
  });
});
