/** Peers that begin ten thousand sessions, or give ten thousand candidates. (Blocks: test/transport/ibb-stream-model.test.ts.) */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemClock } from '../../src/clock.js';
import type { Entity } from '../../src/entity/entity.js';
import { streamSource } from '../../src/jingle/stream-source.js';
import { silentLog } from '../../src/log.js';
import { TransferStack } from '../../src/node/transfer-stack.js';
import { parseJid } from '../../src/stanza/jid.js';
import { NS } from '../../src/stanza/namespaces.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import type { Connector, ConnectRequest } from '../../src/transport/tcp-connector.js';
import { elementOf } from '../support/codec-fixtures.js';
import { eventually } from '../support/eventually.js';
import { bytesOf, JinglePair, NODE } from '../support/jingle-pair.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { contentOf } from '../support/raw-jingle-peer.js';
import { settle } from '../support/virtual-clock.js';

const MANY = 10_000;
/** A session costs some 20 kB, so that ten thousand of them would cost 200 MB. */
const MAX_GROWTH_BYTES = 24_000_000;

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

function heapBytes(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

/** What came back: `acked`, or the condition of the error. */
async function sent(entity: Entity, request: Parameters<Entity['request']>[0]): Promise<string> {
  try {
    await entity.request(request);
    return 'acked';
  } catch (error) {
    assert.ok(error instanceof StanzaError, String(error));
    return error.condition;
  }
}

describe('A flood of', function () {
  this.timeout(60_000);

  describe('session-initiates', () => {
    let pair: JinglePair;
    let flooding: Entity;

    beforeEach(async () => {
      pair = await JinglePair.open({ maxUploads: 100, maxUploadsPerPeer: 100 });
      pair.files.offer('a', Buffer.alloc(100_000));
      flooding = pair.net.component('flood.example');
      flooding.handleIq('set', 'jingle', NS.jingle, () => undefined);
      await flooding.start();
    });
    afterEach(async () => {
      await pair.close();
      await flooding.stop();
    });

    function initiate(sid: string, user: string, name: string): Promise<string> {
      const content = contentOf({ sid, file: `<name>${name}</name>` });
      const payload = `<jingle xmlns='${NS.jingle}' action='session-initiate' sid='${sid}'>${content}</jingle>`;
      const from = parseJid(`${user}@flood.example/x`);
      return sent(flooding, { to: NODE, from, type: 'set', payload: elementOf(payload) });
    }

    async function flood(user: (index: number) => string, name: string): Promise<Map<string, number>> {
      const answers = new Map<string, number>();
      const before = heapBytes();
      for (let index = 0; index < MANY; index += 1) {
        const answer = await initiate(`s${index}`, user(index), name);
        answers.set(answer, (answers.get(answer) ?? 0) + 1);
        assert.ok(pair.serving.sessionCount <= 20);
        pair.stanzas.length = 0; // what the test itself keeps
        if (index % 100 === 0) await settle();
      }
      const grown = heapBytes() - before;
      assert.ok(grown < MAX_GROWTH_BYTES, `${grown} bytes`);
      return answers;
    }

    it('one peer leaves room for others, and costs little', async () => {
      const answers = await flood(() => 'u', 'a');
      assert.deepEqual(
        [...answers],
        [
          ['acked', 10],
          ['resource-constraint', MANY - 10],
        ],
      );
      assert.equal((await pair.fetch({ name: 'a' })).length, 100_000);
      await pair.clock.advance(600_000);
      await pair.ended();
    });

    it('ten thousand peers costs little, and ends by itself', async () => {
      const answers = await flood((index) => `u${index}`, 'a');
      assert.deepEqual([answers.get('acked'), answers.get('resource-constraint')], [20, MANY - 20]);
      await pair.clock.advance(600_000);
      await pair.ended();
      assert.equal((await pair.fetch({ name: 'a' })).length, 100_000);
    });

    it('requests that are refused one by one leaves nothing', async () => {
      const answers = await flood((index) => `u${index}`, 'nothing');
      assert.ok((answers.get('acked') ?? 0) > 20, 'one is over before the next');
      await pair.clock.advance(600_000);
      await pair.ended();
    });
  });

  it('candidates is tried as far as may be, and forgotten', async () => {
    const net = new MemoryNetwork({ clock: systemClock });
    const entity = net.component('files.example.org');
    const peer = net.client('peer@example.org/x');
    peer.handleIq('set', 'jingle', NS.jingle, () => undefined);
    const tried = new Set<string>();
    let connecting = 0;
    const connector: Connector = {
      connect: ({ host, port, signal }: ConnectRequest) =>
        new Promise((_, reject) => {
          tried.add(`${host}:${port}`);
          connecting += 1;
          signal.addEventListener('abort', () => {
            connecting -= 1;
            reject(new Error('given up'));
          });
        }),
    };
    const transfers = new TransferStack(
      { entity, clock: systemClock, log: silentLog, connector },
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
        candidateTimeoutMs: 50,
        maxHandshakes: 4,
        ibbBlockBytes: 4096,
        ibbWindow: 4,
        onFileOffer: async () => ({ take: (download) => void download.accepted.catch(() => undefined) }),
      },
    );
    for (const each of [entity, peer, transfers]) await each.start();
    const say = (action: string, inside: string) => {
      const payload = elementOf(`<jingle xmlns='${NS.jingle}' action='${action}' sid='s'>${inside}</jingle>`);
      return sent(peer, { to: entity.jid, type: 'set', payload });
    };
    const candidate = (index: number) =>
      `<candidate cid='c${index}' host='11.0.${index >> 8}.${index & 255}' port='${2000 + index}'` +
      ` jid='peer@example.org/x' priority='${8_257_536 + index}' type='direct'/>`;
    const candidates = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) => candidate(from + index)).join('');
    const transport = (inside: string) => `<transport xmlns='${NS.s5b}' sid='t'>${inside}</transport>`;
    const content = (inside: string) =>
      `<content creator='initiator' name='c' senders='initiator'>${inside}</content>`;
    const file = `<description xmlns='${NS.fileTransfer5}'><file><name>x</name><size>9</size></file></description>`;
    try {
      const before = heapBytes();
      const initiated = await say('session-initiate', content(file + transport(candidates(0, 400))));
      assert.equal(initiated, 'acked');
      for (let index = 400; index < MANY; index += 1) {
        assert.equal(await say('transport-info', content(transport(candidate(index)))), 'acked');
        assert.ok(connecting <= 10);
        if (index % 100 === 0) await settle();
      }
      const grown = heapBytes() - before;
      assert.ok(grown < MAX_GROWTH_BYTES, `${grown} bytes`);
      assert.ok(tried.size > 0 && tried.size <= 10, `${tried.size} were tried`);
      await say('session-terminate', '<reason><cancel/></reason>');
      await eventually(
        () => [transfers.jingle.sessionCount, connecting],
        ([sessions, attempts]) => sessions === 0 && attempts === 0,
      );
    } finally {
      for (const each of [transfers, peer, entity]) await each.stop();
    }
  });

  describe('what is never acknowledged', () => {
    const PENDING = 64;
    const FILE = Buffer.alloc(20_000, 7);
    const node = (entity: Entity) =>
      new TransferStack(
        { entity, clock: systemClock, log: silentLog },
        {
          serverHost: '127.0.0.1',
          listenPort: 0,
          externalHosts: [],
          findProxies: 'never',
          connectToPrivate: false,
          maxSessions: 64,
          maxSessionsPerPeer: 16,
          idleMs: 5000,
          maxCandidates: 1,
          candidateTimeoutMs: 50,
          maxHandshakes: 4,
          ibbBlockBytes: 4096,
          ibbWindow: 4,
          transports: ['ibb'],
          onFileRequest: async () =>
            streamSource({ name: 'a', size: FILE.length, open: () => Readable.from([FILE]) }),
        },
      );

    for (const [what, flood] of [
      ['closes of bytestreams', closes],
      ['contents that are rejected', contents],
    ] as const) {
      it(`${what}: others are served all the same`, async () => {
        const net = new MemoryNetwork({ clock: systemClock });
        const serving = net.component('files.example.org', { maxPendingIqs: PENDING });
        const asking = net.client('juliet@example.org/pda');
        const mute = net.client('mute@example.net/x');
        mute.handleIq('set', 'jingle', NS.jingle, () => undefined);
        net.drop(
          ({ attrs }) => attrs.from === mute.jid && (attrs.type === 'result' || attrs.type === 'error'),
        );
        const stacks = [node(serving), node(asking)] as const;
        const parts = [serving, asking, mute, ...stacks];
        for (const each of parts) await each.start();
        try {
          await flood(async (payload) => {
            await sent(mute, { to: serving.jid, type: 'set', payload: elementOf(payload) });
          });
          const file = { name: 'a', hashes: [], hashesUsed: [] };
          const download = stacks[1].jingle.download({ peer: serving.jid, file });
          assert.deepEqual(await bytesOf(download.stream), FILE);
          await download.finish('success');
        } finally {
          for (const each of parts.reverse()) await each.stop();
        }
      });
    }

    type Say = (payload: string) => Promise<void>;
    const jingle = (action: string, sid: string, inside: string) =>
      `<jingle xmlns='${NS.jingle}' action='${action}' sid='${sid}'>${inside}</jingle>`;
    const asked = (sid: string) =>
      `<content creator='initiator' name='c' senders='responder'><description xmlns='${NS.fileTransfer5}'>` +
      `<file><name>a</name></file></description>` +
      `<transport xmlns='${NS.jingleIbb}' sid='${sid}' block-size='4096'/></content>`;

    async function closes(say: Say): Promise<void> {
      for (let index = 0; index < 2 * PENDING; index += 1) {
        const sid = `s${index}`;
        await say(jingle('session-initiate', sid, asked(sid)));
        await setImmediate();
        await say(`<open xmlns='${NS.ibb}' sid='${sid}' block-size='4096'/>`);
        await setImmediate();
        await say(jingle('session-terminate', sid, '<reason><cancel/></reason>'));
      }
    }

    async function contents(say: Say): Promise<void> {
      for (let index = 0; index < 8; index += 1) {
        const sid = `s${index}`;
        await say(jingle('session-initiate', sid, asked(sid)));
        for (let added = 0; added < 32; added += 1) {
          const content =
            `<content creator='initiator' name='n${added}'><description xmlns='urn:example:nothing'/>` +
            `<transport xmlns='${NS.jingleIbb}' sid='${sid}-${added}' block-size='4096'/></content>`;
          await say(jingle('content-add', sid, content));
        }
      }
    }
  });
});
