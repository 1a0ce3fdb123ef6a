/** Dino 0.4.2, as a person would use it, with a node and with the library, on a Prosody with STARTTLS. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  connectFileTransfer,
  type FileTransfer,
  type Received,
  receiveInto,
} from '../../src/jingle/library.js';
import { xml } from '../../src/stanza/xml.js';
import { attachClient } from '../support/attached.js';
import { eventually } from '../support/eventually.js';
import { ACCOUNTS, DOMAIN } from '../support/server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';
import { Desktop } from './desktop.js';
import { DINO_PORT, Dino } from './dino.js';
import { OurNode } from './our-sides.js';
import { makeFriends } from './rosters.js';
import { startTlsProsody } from './tls-server.js';

// Dino takes up to 5 MB without a click.
const BYTES = randomBytes(3_000_001);
const NAME = 'picture.bin';

describe('Dino', function () {
  this.timeout(60_000);
  let folder: TemporaryFolder;
  let desktop: Desktop;
  let dino: Dino;
  let node: OurNode;
  let library: FileTransfer;
  let offered: ((received: Promise<Received>) => void) | undefined;
  const stops: (() => Promise<void>)[] = [];

  before(async () => {
    folder = await temporaryFolder();
    stops.push(() => folder.remove());
    await folder.write(`shared/${NAME}`, BYTES);
    const { server, certificateFile } = await startTlsProsody(folder.path);
    stops.push(() => server.stop());
    await makeFriends(server);
    const line = await TcpProxy.start({ targetPort: server.c2sPort, port: DINO_PORT });
    stops.push(() => line.stop());
    node = await OurNode.start(server, {
      jid: `bob@${DOMAIN}/shoal`,
      reach: 'open',
      folder: path.join(folder.path, 'shared'),
      home: path.join(folder.path, 'node'),
    });
    stops.push(() => node.stop());
    const [{ user, password }] = ACCOUNTS;
    library = await connectFileTransfer({
      jid: `${user}@${DOMAIN}/library`,
      password,
      server: { host: server.host, port: server.c2sPort },
      tls: 'off',
      socks5: { connectToPrivate: true },
      onOffer: async () => ({
        take: (download) =>
          offered?.(receiveInto(download, createWriteStream(path.join(folder.path, 'from-dino.bin')))),
      }),
    });
    stops.push(() => library.stop());
    desktop = await Desktop.start();
    stops.push(() => desktop.stop());
    const home = path.join(folder.path, 'dino');
    dino = await Dino.start(desktop, { home, account: ACCOUNTS[2], certificateFile });
    stops.push(() => dino.stop());
    // Without a conversation it would acknowledge an offer and do nothing about it.
    for (const other of ['alice', 'bob'] as const) {
      const talker = attachClient(server, other, { resource: 'talker' });
      await talker.start();
      const id = `word-of-${other}`;
      const request = xml('request', { xmlns: 'urn:xmpp:receipts' });
      const body = xml('body', {}, `a word from ${other}`);
      talker.send(xml('message', { to: dino.jid, type: 'chat', id }, body, request));
      // It says so when it has put the message where it belongs.
      await dino.printed(new RegExp(`receipts}:received [^>]*id='${id}'`));
      await talker.stop();
    }
  });

  after(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  });

  it('receives a file that a node offers', async () => {
    const { via } = await node.offer(dino.jid, NAME);
    assert.equal(via, 'direct');
    const received = await eventually(
      async () => {
        const names = await readdir(dino.received).catch(() => []);
        const files = await Promise.all(names.map((name) => readFile(path.join(dino.received, name))));
        return files.find((bytes) => bytes.length === BYTES.length);
      },
      (bytes) => bytes !== undefined,
    );
    assert.ok(received && BYTES.equals(received), 'byte for byte');
  });

  it('sends a file to the library', async () => {
    const received = new Promise<Received>((resolve, reject) => {
      offered = (promise) => promise.then(resolve, reject);
    });
    await dino.send(path.join(folder.path, 'shared', NAME));
    const { file, bytes } = await received;
    assert.deepEqual([file.name, bytes], [NAME, BYTES.length]);
    assert.ok(BYTES.equals(await readFile(path.join(folder.path, 'from-dino.bin'))), 'byte for byte');
  });
});
