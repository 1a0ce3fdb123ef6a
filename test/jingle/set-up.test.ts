/** How many ways through the network a session takes until its first byte, and whom it connects to for that. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { allowAll } from '../../src/access/access-policy.js';
import { JingleEngine } from '../../src/jingle/jingle-engine.js';
import { silentLog } from '../../src/log.js';
import { parseJid } from '../../src/stanza/jid.js';
import { FileServer } from '../../src/transfer/send/file-server.js';
import { AddressPolicy } from '../../src/transport/address-policy.js';
import { ConnectBudget } from '../../src/transport/connect-budget.js';
import { defaultConnectBudget, defaultS5bLimits } from '../../src/transport/limits.js';
import { fixedProxies } from '../../src/transport/proxy-finder.js';
import { S5bTransport } from '../../src/transport/s5b-transport.js';
import { MemoryFiles } from '../support/memory-files.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { MemoryListener, MemoryTcp } from '../support/memory-tcp.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

const NODE = 'files.example.org';
const NODE_HOST = '10.0.0.2';
const ASKER_HOST = '10.0.0.1';
/** From one side to the other, through servers. */
const WAY_MS = 50;

describe('the set-up of a session', () => {
  let clock: VirtualClock;
  let network: MemoryNetwork;
  let tcp: MemoryTcp;
  let files: MemoryFiles;
  let stops: (() => Promise<void>)[];
  let asker: JingleEngine;

  async function side(jid: string, host: string, server?: FileServer): Promise<JingleEngine> {
    const entity = jid.includes('@') ? network.client(jid) : network.component(jid);
    const s5b = new S5bTransport(
      {
        entity,
        clock,
        log: silentLog,
        listener: new MemoryListener(tcp, clock, [host], 5000),
        connector: tcp,
        policy: new AddressPolicy({ allowPrivate: true, allowLoopback: false }),
        gate: new ConnectBudget({ clock }, defaultConnectBudget),
        proxies: fixedProxies([]),
      },
      defaultS5bLimits,
    );
    const engine = new JingleEngine(
      { entity, clock, log: silentLog, transports: [s5b] },
      { maxSessions: 10, maxSessionsPerPeer: 10, ...(server && { onFileRequest: server.handle }) },
    );
    for (const part of [entity, engine]) {
      await part.start();
      stops.push(() => part.stop());
    }
    return engine;
  }

  beforeEach(async () => {
    clock = new VirtualClock();
    network = new MemoryNetwork({ clock });
    tcp = new MemoryTcp(clock);
    files = new MemoryFiles();
    files.offer('a', Buffer.from('bytes'));
    stops = [];
    const server = new FileServer(
      { access: allowAll, catalogue: files.catalogue, files, clock, log: silentLog },
      { maxUploads: 10, maxUploadsPerPeer: 10 },
    );
    await side(NODE, NODE_HOST, server);
    asker = await side('hag66@example.org/pda', ASKER_HOST);
    network.delay = WAY_MS;
  });

  afterEach(async () => {
    const stopped = Promise.all(stops.reverse().map((stop) => stop()));
    await clock.advance(60_000);
    await stopped;
    await settle();
    assert.equal(tcp.openStreams, 0, 'connections are left');
    assert.equal(clock.pendingTimers, 0, 'timers are left');
    assert.equal(files.openFiles, 0, 'files are left open');
  });

  function request(name: string) {
    const { accepted, stream } = asker.download({
      peer: parseJid(NODE),
      file: { name, hashes: [], hashesUsed: [] },
    });
    const refused = accepted.then(
      () => false,
      () => true,
    );
    return { refused, stream };
  }

  /** Virtual milliseconds until the first byte is here. */
  async function firstByteMs(): Promise<number> {
    const beganMs = clock.monotonic();
    let cameMs: number | undefined;
    void once(request('a').stream, 'data').then(() => {
      cameMs = clock.monotonic();
    });
    await clock.advance(30_000);
    return (cameMs ?? Number.POSITIVE_INFINITY) - beganMs;
  }

  it('takes one way and back, where the node can connect to who asks', async () => {
    assert.equal(await firstByteMs(), 2 * WAY_MS);
    assert.deepEqual(tcp.attempts, [`${ASKER_HOST}:5000`], 'the other side need not connect too');
  });

  it('takes one way more where only the node can be connected to', async () => {
    tcp.silence(ASKER_HOST, 5000);
    assert.equal(await firstByteMs(), 3 * WAY_MS + defaultS5bLimits.leadMs);
  });

  it('connects to nobody whose request is refused', async () => {
    const { refused } = request('b');
    await clock.advance(30_000);
    assert.equal(await refused, true);
    assert.deepEqual(tcp.attempts, []);
  });
});
