/** Libervia 0.9 with a node and with the library, on a Prosody with STARTTLS. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { ACCOUNTS } from '../support/server.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';
import { Libervia } from './libervia.js';
import { OurNode, OurReceiver, SHARE } from './our-sides.js';
import { startTlsProsody, type TlsServer } from './tls-server.js';

const BYTES = randomBytes(5_000_001);
const SHA256 = createHash('sha256').update(BYTES).digest('base64');
const NAME = 'Ünïcode & sons.bin';

describe('Libervia', function () {
  this.timeout(60_000);
  let namesHere: readonly string[];
  let folder: TemporaryFolder;
  let tls: TlsServer;
  let libervia: Libervia;
  let node: OurNode;
  let receiver: OurReceiver;
  const stops: (() => Promise<void>)[] = [];

  before(async () => {
    namesHere = await readdir('.');
    folder = await temporaryFolder();
    stops.push(() => folder.remove());
    await folder.write(`shared/deep/${NAME}`, BYTES);
    await folder.write(`shared/${NAME}`, BYTES);
    await folder.write('downloads/.here');
    tls = await startTlsProsody(folder.path);
    const { server, certificateFile } = tls;
    stops.push(() => server.stop());
    const shared = path.join(folder.path, 'shared');
    node = await OurNode.start(server, {
      jid: 'files.localhost',
      reach: 'open',
      folder: shared,
      home: path.join(folder.path, 'node'),
    });
    stops.push(() => node.stop());
    receiver = await OurReceiver.start(server, 'open');
    stops.push(() => receiver.stop());
    const home = path.join(folder.path, 'libervia');
    libervia = await Libervia.start(server, { home, account: ACCOUNTS[2], certificateFile });
    stops.push(() => libervia.stop());
  });

  after(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  });

  it('walks through the folders of a node', async () => {
    const names = async (folder?: string) =>
      (await libervia.list(node.jid, folder)).map(({ name, type, size }) => [
        name,
        type,
        size === undefined ? undefined : Number(size),
      ]);
    assert.deepEqual(await names(), [[SHARE, 'directory', undefined]]);
    assert.deepEqual(await names(SHARE), [
      ['deep', 'directory', undefined],
      [NAME, 'file', BYTES.length],
    ]);
    assert.deepEqual(await names(`/${SHARE}/deep`), [[NAME, 'file', BYTES.length]]);
    await assert.rejects(names('elsewhere'), /item-not-found/);
  });

  it('requests a file of a folder', async () => {
    const target = path.join(folder.path, 'requested.bin');
    await libervia.request(`${node.jid}/x`, { name: NAME, folder: `/${SHARE}/deep` }, target);
    assert.ok(BYTES.equals(await readFile(target)), 'byte for byte');
  });

  it('receives a file that a node offers', async () => {
    const { done } = await libervia.receive(node.jid, path.join(folder.path, 'downloads'));
    const offered = await node.offer(libervia.jid, NAME, SHA256);
    assert.equal(offered.via, 'direct');
    await done;
    assert.ok(BYTES.equals(await readFile(path.join(folder.path, 'downloads', NAME))), 'byte for byte');
  });

  it('offers a file, whose hash is checked', async () => {
    const target = path.join(folder.path, 'offered.bin');
    const received = receiver.receive(target);
    await libervia.send(receiver.jid, path.join(folder.path, 'shared', NAME));
    const { name, verified, via } = await received;
    assert.deepEqual({ name, verified, via }, { name: NAME, verified: true, via: 'direct' });
    assert.ok(BYTES.equals(await readFile(target)), 'byte for byte');
  });

  it('left nothing where the tests were started', async () => {
    assert.deepEqual(await readdir('.'), namesHere);
  });
});
