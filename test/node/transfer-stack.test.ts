/** Two stacks on a network in memory, with sockets between them. */

import assert from 'node:assert/strict';
import { allowAll } from '../../src/access/access-policy.js';
import { systemClock } from '../../src/clock.js';
import type { FileRequestHandler } from '../../src/jingle/file-session.js';
import { createLog, silentLog } from '../../src/log.js';
import { TransferStack } from '../../src/node/transfer-stack.js';
import { parseJid } from '../../src/stanza/jid.js';
import { FileServer } from '../../src/transfer/send/file-server.js';
import { type Connector, TcpConnector } from '../../src/transport/tcp-connector.js';
import { TransportFailedError } from '../../src/transport/transport.js';
import { eventually } from '../support/eventually.js';
import { FakeGateway } from '../support/fake-gateway.js';
import { bytesOf } from '../support/jingle-pair.js';
import { MemoryFiles } from '../support/memory-files.js';
import { MemoryNetwork } from '../support/memory-network.js';

const clock = systemClock;
const BYTES = Buffer.alloc(300_000, 'bytes by way of a router. ');

describe('TransferStack behind a router', () => {
  let stops: (() => Promise<void>)[];

  beforeEach(() => {
    stops = [];
  });

  afterEach(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  for (const protocol of ['nat-pmp', 'upnp'] as const) {
    it(`is reached through the port that it forwards, asked by ${protocol}`, async () => {
      const gateway = await FakeGateway.start({ protocol });
      stops.push(() => gateway.stop());
      const network = new MemoryNetwork({ clock });
      const files = new MemoryFiles();
      files.offer('song.txt', BYTES);
      const server = new FileServer(
        { access: allowAll, catalogue: files.catalogue, files, clock, log: silentLog },
        { maxUploads: 4, maxUploadsPerPeer: 4 },
      );
      const log: Record<string, unknown>[] = [];
      const stack = async (
        jid: string,
        own: {
          connector: Connector;
          mapPort?: { gateway: string };
          onFileRequest?: FileRequestHandler;
        },
      ) => {
        const { connector, ...init } = own;
        const entity = network.client(jid);
        const write = (line: string) => log.push(JSON.parse(line));
        const transfers = new TransferStack(
          { entity, clock, log: createLog('info', { write }), connector },
          {
            serverHost: '127.0.0.1',
            listenPort: 0,
            externalHosts: [],
            findProxies: 'never',
            connectToPrivate: true,
            maxSessions: 4,
            maxSessionsPerPeer: 4,
            idleMs: 10_000,
            maxCandidates: 20,
            candidateTimeoutMs: 2000,
            maxHandshakes: 4,
            ibbBlockBytes: 8192,
            ibbWindow: 8,
            transports: ['s5b'],
            ...init,
          },
        );
        stops.push(async () => {
          await transfers.stop();
          await entity.stop();
        });
        await transfers.start();
        await entity.start();
        return transfers;
      };

      await stack('node@example.net/x', {
        connector: reaching(() => false),
        mapPort: { gateway: gateway.address },
        onFileRequest: server.handle,
      });
      const mapped = await eventually(
        () => log.find(({ msg }) => msg === 'a gateway forwards a port to us'),
        (line) => line !== undefined,
      );
      const asker = await stack('romeo@example.net/x', {
        connector: reaching((port) => port === mapped?.port),
      });

      const peer = parseJid('node@example.net/x');
      const download = asker.jingle.download({
        peer,
        file: { name: 'share/song.txt', hashes: [], hashesUsed: [] },
      });
      download.accepted.catch(() => undefined); // the stream tells it too
      assert.ok(BYTES.equals(await bytesOf(download.stream)));
      await download.finish('success');
      assert.equal(gateway.forwarded, 1);

      for (const stop of stops.splice(1).reverse()) await stop();
      assert.equal(gateway.mappings.size, 0, 'the port is given back');
    });
  }
});

/** Whose packets get only to some ports. */
function reaching(isReached: (port: number) => boolean): Connector {
  const tcp = new TcpConnector();
  return {
    connect: (request) =>
      isReached(request.port) ? tcp.connect(request) : Promise.reject(new TransportFailedError('filtered')),
  };
}
