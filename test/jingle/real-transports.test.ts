import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { allowAll } from '../../src/access/access-policy.js';
import { JingleEngine } from '../../src/jingle/jingle-engine.js';
import { silentLog } from '../../src/log.js';
import { parseJid } from '../../src/stanza/jid.js';
import type { FileDescription } from '../../src/stanza/xep0234-file-transfer.js';
import { FileServer } from '../../src/transfer/send/file-server.js';
import { AddressPolicy } from '../../src/transport/address-policy.js';
import { ConnectBudget } from '../../src/transport/connect-budget.js';
import { IbbTransport } from '../../src/transport/ibb-transport.js';
import {
  defaultConnectBudget,
  defaultIbbLimits,
  defaultListenerLimits,
  defaultS5bLimits,
} from '../../src/transport/limits.js';
import { fixedProxies } from '../../src/transport/proxy-finder.js';
import { S5bListener } from '../../src/transport/s5b-listener.js';
import { S5bTransport } from '../../src/transport/s5b-transport.js';
import { type Connector, TcpConnector } from '../../src/transport/tcp-connector.js';
import type { Transport } from '../../src/transport/transport.js';
import { CountingClock } from '../support/counting-clock.js';
import { bytesOf } from '../support/jingle-pair.js';
import { MemoryFiles, sha256 } from '../support/memory-files.js';
import { MemoryNetwork } from '../support/memory-network.js';

const NODE = 'files.example.org';
const BYTES = randomBytes(3_000_000);

/** `blocked`: finds no way to the other side, though it may be reached itself. */
type Reach = 'open' | 'blocked';

describe('JingleEngine over real sockets and in-band bytestreams', () => {
  const clock = new CountingClock();
  const network = new MemoryNetwork({ clock });
  let files: MemoryFiles;
  let server: FileServer;
  let stops: (() => Promise<void>)[];
  /** Sockets that were made; a test breaks them. */
  let sockets: Duplex[];

  beforeEach(() => {
    files = new MemoryFiles();
    files.offer('a', BYTES);
    server = new FileServer(
      { access: allowAll, catalogue: files.catalogue, files, clock, log: silentLog },
      { maxUploads: 100, maxUploadsPerPeer: 100 },
    );
    stops = [];
    sockets = [];
  });

  afterEach(async () => {
    for (const stop of stops.reverse()) await stop();
    assert.equal(clock.pendingTimers, 0, 'timers are left');
    assert.equal(files.openFiles, 0, 'files are left open');
    assert.equal(server.uploads, 0, 'slots are left taken');
  });

  async function side(jid: string, reach: Reach, serves: boolean): Promise<JingleEngine> {
    const entity = jid.includes('@') ? network.client(jid) : network.component(jid);
    const listener = new S5bListener(
      { clock, log: silentLog },
      { ...defaultListenerLimits, hosts: ['127.0.0.1'], loopback: true, port: 0 },
    );
    const policy = new AddressPolicy({ allowPrivate: true, allowLoopback: reach === 'open' });
    const tcp = new TcpConnector();
    const connector: Connector = {
      connect: async (request) => {
        const socket = await tcp.connect(request);
        sockets.push(socket);
        return socket;
      },
    };
    const gate = new ConnectBudget({ clock }, defaultConnectBudget);
    const proxies = fixedProxies([]);
    const s5b = new S5bTransport(
      { entity, clock, log: silentLog, listener, connector, policy, gate, proxies },
      defaultS5bLimits,
    );
    const ibb = new IbbTransport(
      { entity, clock, log: silentLog },
      { ...defaultIbbLimits, blockSize: 16_384 },
    );
    const transports: Transport[] = [s5b, ibb];
    const engine = new JingleEngine(
      { entity, clock, log: silentLog, transports },
      { maxSessions: 100, maxSessionsPerPeer: 100, ...(serves && { onFileRequest: server.handle }) },
    );
    for (const part of [entity, listener, ibb, engine]) {
      await part.start();
      stops.push(() => part.stop());
    }
    return engine;
  }

  async function asker(node: Reach, own: Reach): Promise<JingleEngine> {
    await side(NODE, node, true);
    return await side('hag66@example.org/pda', own, false);
  }

  function download(engine: JingleEngine, file: Partial<FileDescription> = {}) {
    const description = { name: 'a', hashes: [], hashesUsed: [], ...file };
    return engine.download({ peer: parseJid(NODE), file: description });
  }

  for (const [node, own, transport] of [
    ['open', 'open', 's5b'],
    ['open', 'blocked', 's5b'],
    ['blocked', 'open', 's5b'],
    ['blocked', 'blocked', 'ibb'],
  ] as const) {
    it(`carries a file by ${transport}: node ${node}, asker ${own}`, async () => {
      const engine = await asker(node, own);
      const whole = download(engine);
      assert.deepEqual(await bytesOf(whole.stream), BYTES);
      assert.equal(whole.transport, transport);
      await whole.finish('success');

      const range = { offset: 1_234_567, length: 765_432, hashes: [] };
      const part = download(engine, { range, hashesUsed: ['sha-256'] });
      const expected = BYTES.subarray(1_234_567, 1_234_567 + 765_432);
      assert.deepEqual(await bytesOf(part.stream), expected);
      assert.equal(part.checksums[0]?.hash.value, sha256(expected));
      await part.finish('success');
    });
  }

  it('goes on over new sockets where those that carried the bytes broke, twice', async () => {
    const engine = await asker('open', 'open');
    const broken = download(engine);
    const chunks: Buffer[] = [];
    let received = 0;
    let breaks = 0;
    for await (const chunk of broken.stream as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      received += chunk.length;
      if (received < (breaks + 1) * 900_000 || breaks === 2) continue;
      breaks += 1;
      for (const socket of sockets.splice(0)) socket.destroy();
    }
    assert.equal(breaks, 2);
    assert.ok(Buffer.concat(chunks).equals(BYTES));
    await broken.finish('success');
  });

  it('carries an empty file and an empty part', async () => {
    files.offer('empty', Buffer.alloc(0));
    const engine = await asker('open', 'open');
    for (const file of [{ name: 'empty' }, { range: { offset: 7, length: 0, hashes: [] } }]) {
      const nothing = download(engine, file);
      assert.equal((await bytesOf(nothing.stream)).length, 0);
      await nothing.finish('success');
    }
  });

  it('carries many at once', async () => {
    const engine = await asker('open', 'open');
    await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const range = { offset: index * 50_000, length: 50_000 + index, hashes: [] };
        const part = download(engine, { range });
        const expected = BYTES.subarray(range.offset, range.offset + range.length);
        assert.deepEqual(await bytesOf(part.stream), expected);
        await part.finish('success');
      }),
    );
  });

  for (const reach of ['open', 'blocked'] as const) {
    it(`leaves nothing when a reader goes away in the middle (${reach})`, async () => {
      const engine = await asker(reach, reach);
      const given = download(engine);
      for await (const chunk of given.stream) {
        assert.ok(chunk.length > 0);
        break;
      }
      await given.finish('cancel');
      assert.equal(engine.sessionCount, 0);
      while (server.uploads > 0) await new Promise((resolve) => setImmediate(resolve));
    });

    it(`ends both sides when the file changes in the middle (${reach})`, async () => {
      const engine = await asker(reach, reach);
      const entry = files.offer('b', BYTES);
      files.beforeRead = (position) => {
        if (position > 1_000_000) files.write(entry, randomBytes(3_000_000));
      };
      const changed = download(engine, { name: 'b' });
      await assert.rejects(bytesOf(changed.stream), { code: 'session-ended', reason: 'media-error' });
      await changed.finish('cancel');
    });
  }
});
