/** A whole node on a real server and those whom its owner bounds: by bandwidth, by budget, by a ban. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { systemClock } from '../../src/clock.js';
import type { Entity } from '../../src/entity/entity.js';
import { TimeoutError } from '../../src/errors.js';
import type { NodeStatus } from '../../src/node/node-status.js';
import { readStatusSocket, statusSocketPath } from '../../src/node/status-socket.js';
import { TransferStack } from '../../src/node/transfer-stack.js';
import { findCodec } from '../../src/stanza/file-discovery.js';
import { bareOf, parseJid } from '../../src/stanza/jid.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import type { TransportType } from '../../src/transport/transport.js';
import { attachClient, ENTITY_COMPONENTS } from '../support/attached.js';
import { eventually } from '../support/eventually.js';
import { ServedNode, SHOAL } from '../support/served-node.js';
import { COMPONENT_SECRET } from '../support/server.js';
import { sharedServer } from '../support/server-fixture.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

const NODE = parseJid('node1.localhost');
const FILE_BYTES = 600_000;
const BYTES_A_SECOND = 300_000;
/** What may go out before the pace is that which was asked for, in milliseconds of it. */
const AHEAD_MS = 400;
const QUERIES = 20;

describe('a node and the unwelcome, on Prosody', function () {
  this.timeout(60_000);
  let folder: TemporaryFolder;
  let node: ServedNode;
  let asker: Entity;

  before(async () => {
    const server = await sharedServer('prosody');
    folder = await temporaryFolder();
    await folder.write(
      'share/romeo.txt',
      'Romeo and Juliet, '.repeat(FILE_BYTES / 18).padEnd(FILE_BYTES, '.'),
    );
    node = await ServedNode.make(folder.path, {
      xmpp: { host: server.host, port: server.componentPort, jid: NODE, secret: COMPONENT_SECRET },
      shares: [{ name: 'books', path: './share' }],
      data: './data',
      transfers: { listenHost: '127.0.0.1', externalHosts: ['127.0.0.1'] },
      bandwidth: { bytesPerSecond: BYTES_A_SECOND },
      limits: { queriesPerAskerPerMinute: QUERIES, refusalsPerAskerPerMinute: 5 },
    });
    await node.start();
    await eventually(
      () => node.line('all files are hashed'),
      (line) => line !== undefined,
      30_000,
    );
    asker = attachClient(server, 'alice');
    await asker.start();
  });

  after(async () => {
    await asker?.stop();
    await node?.stop();
    await folder?.remove();
  });

  async function shoal(...argv: string[]) {
    const child = spawn(process.execPath, [SHOAL, ...argv, '--data', path.join(folder.path, 'data')]);
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    const [code] = await once(child, 'close');
    return { code: code as number, out };
  }

  const status = async () =>
    (await readStatusSocket(
      { clock: systemClock },
      statusSocketPath(path.join(folder.path, 'data')),
    )) as NodeStatus;
  const refused = async (rule: string) =>
    (await status()).refusals.find((each) => each.rule === rule)?.count ?? 0;

  /** `answered`, the condition of an error, or `silent`. */
  async function ask(word = 'romeo'): Promise<string> {
    const payload = findCodec.toXml({ criteria: { text: [word] }, page: {} });
    try {
      await asker.request({ to: NODE, type: 'get', payload, timeoutMs: 1500 });
      return 'answered';
    } catch (error) {
      if (error instanceof TimeoutError) return 'silent';
      assert.ok(error instanceof StanzaError, String(error));
      return error.condition;
    }
  }

  for (const transport of ['s5b', 'ibb'] as const) {
    it(`get no more than the bandwidth, over ${transport}`, async () => {
      const stack = await stackOf(asker, transport);
      try {
        const began = systemClock.monotonic();
        const file = { name: 'romeo.txt', hashes: [], hashesUsed: [] };
        const download = stack.jingle.download({ peer: NODE, file });
        let bytes = 0;
        for await (const chunk of download.stream) bytes += (chunk as Buffer).length;
        const ms = systemClock.monotonic() - began;
        await download.finish('success');
        assert.equal(bytes, FILE_BYTES);
        const leastMs = (FILE_BYTES / BYTES_A_SECOND) * 1000 - AHEAD_MS;
        assert.ok(ms >= leastMs, `it came within ${ms} ms`);
      } finally {
        await stack.stop();
      }
    });
  }

  it('are kept out by a ban, told nothing, and let in when it is lifted', async () => {
    assert.equal(await ask(), 'answered');
    const banned = await shoal('ban', bareOf(asker.jid), '--for', '1h', '--reason', 'a test');
    assert.equal(banned.code, 0);
    assert.match((await shoal('bans')).out, /a test\n$/);
    assert.equal(await ask(), 'silent');
    assert.equal(await refused('banned'), 1);
    await node.kill(); // nothing is lost with it
    await node.start();
    assert.equal(await ask(), 'silent');
    assert.equal((await shoal('unban', bareOf(asker.jid))).code, 0);
    assert.equal(await ask(), 'answered');
  });

  it('meet silence when they go on over their budget, and the owner sees it', async () => {
    const outcomes: string[] = [];
    while (outcomes.at(-1) !== 'silent') {
      assert.ok(outcomes.length < 10 * QUERIES);
      outcomes.push(await ask(['romeo', 'hamlet', 'macbeth'][outcomes.length % 3]));
    }
    const refusals = outcomes.filter((each) => each === 'resource-constraint').length;
    assert.ok(refusals >= 5, outcomes.join());
    assert.ok((await refused('queriesPerAskerPerMinute')) >= 5);
    assert.match((await shoal('status')).out, /\n {2}queriesPerAskerPerMinute +[0-9]+\n/);
    assert.equal(
      node.log.filter(({ msg, rule }) => msg === 'refused' && rule === 'queriesPerAskerPerMinute').length,
      1,
    );
  });
});

async function stackOf(entity: Entity, transport: TransportType): Promise<TransferStack> {
  const stack = new TransferStack(
    { entity, ...ENTITY_COMPONENTS },
    {
      serverHost: '127.0.0.1',
      listenPort: 0,
      externalHosts: [],
      connectToPrivate: true,
      findProxies: 'never',
      maxSessions: 4,
      maxSessionsPerPeer: 4,
      idleMs: 20_000,
      maxCandidates: 10,
      candidateTimeoutMs: 5000,
      maxHandshakes: 10,
      ibbBlockBytes: 8192,
      ibbWindow: 8,
      transports: [transport],
    },
  );
  await stack.start();
  return stack;
}
