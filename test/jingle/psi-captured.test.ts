/**
 * What Psi (a build of 2022) says, as it was recorded, said again to our engine with its real transports: candidates
 * without jid and type, no dstaddr, a proxy that comes late, dates without a zone, white space everywhere.
 * Only what is different in each session is filled in.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/clock.js';
import type { Entity } from '../../src/entity/entity.js';
import { receiveInto } from '../../src/jingle/receive-into.js';
import { streamSource } from '../../src/jingle/stream-source.js';
import { silentLog } from '../../src/log.js';
import { TransferStack } from '../../src/node/transfer-stack.js';
import { parseJid } from '../../src/stanza/jid.js';
import { NS } from '../../src/stanza/namespaces.js';
import type { Element } from '../../src/stanza/xml.js';
import { elementOf, projectRoot } from '../support/codec-fixtures.js';
import { eventually } from '../support/eventually.js';
import { freePorts } from '../support/free-ports.js';
import { bytesOf } from '../support/jingle-pair.js';
import { MemoryNetwork } from '../support/memory-network.js';

const DIALOG = path.join(
  projectRoot(path.dirname(fileURLToPath(import.meta.url))),
  'test/fixtures/dialogs/psi',
);
const PSI = parseJid('alice@localhost/psi');
const OURS = parseJid('files.localhost');
const BYTES = randomBytes(300_000);
const HASH = createHash('sha256').update(BYTES).digest('base64');

describe('Psi, as it was recorded', () => {
  let psi: Entity;
  let entity: Entity;
  let transfers: TransferStack;
  let inbox: Element[];
  let received: Promise<Awaited<ReturnType<typeof receiveInto>>> | undefined;
  let target: PassThrough;
  const sockets: (Socket | Server)[] = [];

  beforeEach(async () => {
    const net = new MemoryNetwork({ clock: systemClock });
    inbox = [];
    psi = net.client(PSI);
    psi.handleIq('set', 'jingle', NS.jingle, ({ payload }) => {
      inbox.push(payload);
      return undefined;
    });
    entity = net.component(OURS);
    target = new PassThrough();
    received = undefined;
    transfers = new TransferStack(
      { entity, clock: systemClock, log: silentLog },
      {
        serverHost: '127.0.0.1',
        listenPort: 0,
        externalHosts: [],
        findProxies: 'never',
        connectToPrivate: true,
        maxSessions: 4,
        maxSessionsPerPeer: 4,
        idleMs: 5000,
        maxCandidates: 10,
        candidateTimeoutMs: 2000,
        maxHandshakes: 4,
        ibbBlockBytes: 4096,
        ibbWindow: 4,
        onFileOffer: async () => ({
          take: (download) => {
            received = receiveInto(download, target);
            received.catch(() => undefined); // the test looks at it when it has said what Psi says
          },
        }),
      },
    );
    await psi.start();
    await entity.start();
    await transfers.start();
  });

  afterEach(async () => {
    assert.equal(transfers.jingle.sessionCount, 0, 'no session is left');
    await transfers.stop();
    await entity.stop();
    await psi.stop();
    for (const each of sockets.splice(0)) {
      if ('destroy' in each) each.destroy();
      else each.close();
    }
  });

  /** Says a recorded stanza; it has to be acknowledged. */
  async function say(name: string, values: Readonly<Record<string, string | number>>): Promise<void> {
    const text = readFileSync(path.join(DIALOG, `${name}.xml`), 'utf8');
    const filled = text.replace(/\{(\w+)\}/g, (_, key: string) => {
      const value = values[key];
      assert.ok(value !== undefined, `${name} needs ${key}`);
      return String(value);
    });
    await psi.request({ to: OURS, type: 'set', payload: elementOf(filled) });
  }

  /** The next action that comes to Psi. */
  async function next(action: string): Promise<Element> {
    await eventually(
      () => inbox.map(({ attrs }) => attrs.action),
      (actions) => actions.length > 0,
    );
    const jingle = inbox.shift();
    assert.equal(jingle?.attrs.action, action);
    return jingle;
  }

  const transportOf = (jingle: Element) =>
    jingle.getChild('content')?.getChild('transport') ?? assert.fail(`no transport in ${jingle}`);

  /** XEP-0260 §2.2: for the candidates of `from`. */
  const addressOf = (sid: string, from: string, to: string) =>
    createHash('sha1').update(`${sid}${from}${to}`).digest('hex');

  /** Where Psi listens: whoever asks for `address` gets `bytes`. Others are cut off. */
  async function streamhost(address: string, bytes: Buffer): Promise<number> {
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => socket.destroy());
      void serve(socket);
    });
    async function serve(socket: Socket): Promise<void> {
      await readExactly(socket, 3);
      socket.write(Buffer.from([5, 0]));
      const request = await readExactly(socket, 7 + address.length);
      if (!request.includes(address)) socket.destroy();
      request[1] = 0;
      socket.write(request);
      // Psi begins when both sides have said that they are done.
      await eventually(
        () => nominated,
        (isDone) => isDone,
      );
      socket.end(bytes);
    }
    sockets.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }
  let nominated = false;

  it('offers a file', async () => {
    nominated = false;
    const port = await streamhost(addressOf('s5b_849b', PSI, OURS), BYTES);
    const [proxyPort] = await freePorts(1);
    const session = { sid: '2istuph', port, proxyPort, hash: HASH };
    await say('offer', session);
    const accept = await next('session-accept');
    await say('offer-late-proxy', { ...session, dstaddr: addressOf('s5b_849b', PSI, OURS) });
    await say('offer-candidate-error', session);
    assert.equal(transportOf(accept).attrs.sid, 's5b_849b');
    const used = transportOf(await next('transport-info')).getChild('candidate-used');
    assert.equal(used?.attrs.cid, '7365');
    nominated = true;
    assert.ok(BYTES.equals(await bytesOf(target)), 'byte for byte');
    assert.deepEqual((await received)?.verified, true);
    assert.ok((await next('session-terminate')).getChild('reason')?.getChild('success'));
  });

  it('offers a file that cannot be reached, and takes the content away', async () => {
    const [port, proxyPort] = await freePorts(2);
    const session = { sid: '2istuph', port, proxyPort, hash: HASH };
    await say('offer', session);
    await next('session-accept');
    await say('offer-late-proxy', { ...session, dstaddr: addressOf('s5b_849b', PSI, OURS) });
    await say('offer-candidate-error', session);
    assert.ok(transportOf(await next('transport-info')).getChild('candidate-error'));
    await say('offer-content-remove', session);
    target.resume();
    await assert.rejects(received ?? assert.fail('it was not taken'), { code: 'session-ended' });
    // It never ends the session, so that we have to.
    await next('session-terminate');
    await eventually(
      () => transfers.jingle.sessionCount,
      (count) => count === 0,
    );
  });

  it('takes a file', async () => {
    const source = streamSource({
      name: 'r300k.bin',
      size: BYTES.length,
      open: ({ offset, length }) => Readable.from([BYTES.subarray(offset, offset + length)]),
    });
    const upload = transfers.jingle.offer({ peer: PSI, source });
    const initiate = await next('session-initiate');
    const transport = transportOf(initiate);
    const candidate = transport.getChildren('candidate').find(({ attrs }) => attrs.host === '127.0.0.1');
    assert.ok(candidate);
    const [proxyPort] = await freePorts(1);
    const session = {
      sid: String(initiate.attrs.sid),
      name: String(initiate.getChild('content')?.attrs.name),
      transport: String(transport.attrs.sid),
      cid: String(candidate.attrs.cid),
      dstaddr: addressOf(String(transport.attrs.sid), PSI, OURS),
      proxyPort,
    };
    await say('accept', session);
    await say('accept-late-proxy', session);
    const socket = connect({ host: '127.0.0.1', port: Number(candidate.attrs.port) });
    sockets.push(socket);
    const address = addressOf(session.transport, OURS, PSI);
    socket.write(Buffer.from([5, 1, 0]));
    await readExactly(socket, 2);
    socket.write(Buffer.concat([Buffer.from([5, 1, 0, 3, 40]), Buffer.from(address), Buffer.from([0, 0])]));
    await readExactly(socket, 47);
    await say('accept-candidate-used', session);
    assert.ok(BYTES.equals(await bytesOf(socket)), 'byte for byte');
    await say('accept-received', session);
    await say('success', session);
    assert.deepEqual(await upload.done, { type: 'success', bytes: BYTES.length });
  });
});

async function readExactly(socket: Socket, count: number): Promise<Buffer> {
  for (;;) {
    const bytes = socket.read(count) as Buffer | null;
    if (bytes !== null) return bytes;
    if (socket.readableEnded || socket.destroyed) throw new Error('the socket ended in the handshake');
    await Promise.race([once(socket, 'readable'), once(socket, 'close')]);
  }
}
