/**
 * One file from six nodes at once: two of `shoal serve` that are reached directly, one that is reached by the proxy
 * of the server alone, one in-band, one more that is reached directly, and one that lies. One of them is killed
 * in the middle, and the asker again and again.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseBareJid, parseJid } from '../../src/stanza/jid.js';
import type { DownloadEvent, SourceProgress } from '../../src/transfer/fetch/download-events.js';
import { attachComponent } from '../support/attached.js';
import { eventually } from '../support/eventually.js';
import { freePorts } from '../support/free-ports.js';
import { seededBytes, sha256 } from '../support/memory-sources.js';
import { ServedNode } from '../support/served-node.js';
import { ACCOUNTS, COMPONENT_SECRET, DOMAIN, PUBSUB, type TestServer } from '../support/server.js';
import { describeOnServers } from '../support/server-fixture.js';
import { SourceNode, type SourceNodeInit } from '../support/source-node.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';
import type { KilledDownload } from './killed-download.js';

const ASKER = fileURLToPath(new URL('./killed-download.js', import.meta.url));
const BYTES = seededBytes(50_000_000, 7);
const LIES = Buffer.from(BYTES.map((byte, index) => (index % 1000 === 0 ? byte ^ 1 : byte)));
const RATE = 6_000_000; // of each: so that there is a middle
const PATH = 'files/large.bin';
const SERVED = ['node1', 'node2'] as const;
const PROXIED = 'node3';
const IN_BAND = 'node4';
const DIRECT = 'node5';
const LIAR = 'node6';

type Said = DownloadEvent | { readonly type: 'failed'; readonly error: string };
type Progress = Extract<DownloadEvent, { type: 'progress' }>;

describeOnServers('a file from six nodes', (server: () => TestServer) => {
  let folder: TemporaryFolder;
  let closedPort: number;
  const served = new Map<string, ServedNode>();
  const nodes: SourceNode[] = [];
  const lines: TcpProxy[] = [];
  const children = new Set<ChildProcess>();
  let order: KilledDownload;

  async function serve(name: string): Promise<void> {
    const [port] = await freePorts(1);
    const line = await TcpProxy.start({ targetPort: port, bytesPerSecond: RATE });
    lines.push(line);
    const node = await ServedNode.make(path.join(folder.path, name), {
      xmpp: {
        mode: 'component',
        jid: `${name}.${DOMAIN}`,
        secret: COMPONENT_SECRET,
        host: server().host,
        port: server().componentPort,
      },
      shares: [{ name: 'files', path: path.join(folder.path, 'files') }],
      channels: [],
      transfers: {
        listenHost: '127.0.0.1',
        listenPort: port,
        externalHosts: ['127.0.0.1'],
        externalPort: line.port,
        findProxies: false,
      },
      scan: { quietMs: 100 },
    });
    served.set(name, node);
    await startHashed(node);
  }

  async function startHashed(node: ServedNode): Promise<void> {
    await node.start();
    await eventually(
      () => node.log.map(({ msg }) => msg),
      (said) => said.includes('all files are hashed'),
      30_000,
    );
  }

  async function give(name: string, init: SourceNodeInit, sends = BYTES) {
    const node = new SourceNode(attachComponent(server(), `${name}.${DOMAIN}`), init);
    nodes.push(node);
    await node.start();
    return node.offer('large.bin', BYTES, sends);
  }

  before(async function () {
    this.timeout(120_000);
    folder = await temporaryFolder();
    await folder.write('files/large.bin', BYTES);
    [closedPort] = (await freePorts(1)) as [number];
    const nowhere = { host: '127.0.0.1', port: closedPort };
    for (const name of SERVED) await serve(name);
    await give(PROXIED, { external: nowhere, findProxies: 'at-once', bytesPerSecond: RATE });
    await give(IN_BAND, { transports: ['ibb'] });
    await give(DIRECT, { bytesPerSecond: RATE });
    const tree = await give(LIAR, { bytesPerSecond: RATE }, LIES);
    const [alice] = ACCOUNTS;
    const found = [...SERVED, PROXIED, IN_BAND, DIRECT, LIAR].map((name) => ({
      jid: parseJid(`${name}.${DOMAIN}`),
      path: (SERVED as readonly string[]).includes(name) ? PATH : 'share/large.bin',
      tree,
    }));
    order = {
      config: {
        jid: parseJid(`${alice.user}@${DOMAIN}`),
        password: alice.password,
        server: { host: server().host, port: server().c2sPort },
        tls: 'off',
        service: parseBareJid(PUBSUB),
        channels: [],
      },
      external: nowhere, // whoever can't be reached can't reach us either
      order: {
        file: { hash: sha256(BYTES), size: BYTES.length },
        sources: found,
        target: path.join(folder.path, 'got.bin'),
        overwrite: 'refuse',
        audience: { channels: [], nodes: [] },
      },
    };
  });

  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
  });

  after(async () => {
    for (const node of served.values()) await node.stop();
    for (const node of nodes) await node.stop();
    for (const line of lines) await line.stop();
    await folder?.remove();
  });

  /** Runs the asker. `at` is asked with each progress, and may have it killed. */
  async function run(target: string, at: (progress: Progress, kill: () => void) => void): Promise<Said[]> {
    const wanted = { ...order, order: { ...order.order, target } };
    const child = spawn(process.execPath, [ASKER, JSON.stringify(wanted)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    children.add(child);
    const ended = once(child, 'close');
    const said: Said[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line) as Said;
      said.push(event);
      if (event.type === 'progress') at(event, () => child.kill('SIGKILL'));
    });
    await ended;
    children.delete(child);
    return said;
  }

  const lastProgress = (said: readonly Said[]) =>
    said.findLast((each): each is Progress => each.type === 'progress');
  const nameOf = ({ jid }: Pick<SourceProgress, 'jid'>) => jid.split('.')[0] ?? '';
  const strikes = (said: readonly Said[]) =>
    said.flatMap((each) => (each.type === 'strike' ? [nameOf(each)] : []));

  it('comes from all of them but the liar, who is named; one is killed in the middle', async function () {
    this.timeout(120_000);
    const target = path.join(folder.path, 'got.bin');
    let killed: Promise<void> | undefined;
    const said = await run(target, ({ receivedBytes, sources }) => {
      const isAtWork = sources.some((each) => nameOf(each) === 'node2' && each.keptBytes > 0);
      if (receivedBytes > BYTES.length / 4 && isAtWork) killed ??= served.get('node2')?.kill();
    });
    await killed;
    const last = said.at(-1);
    assert.equal(last?.type, 'done', JSON.stringify(last));
    assert.ok(BYTES.equals(await readFile(target)), 'byte for byte');
    assert.deepEqual([...new Set(strikes(said))], [LIAR]);
    assert.ok(killed, 'nobody was killed in the middle');
    const progress = lastProgress(said);
    assert.ok(progress);
    const gave = progress.sources.filter((each) => each.keptBytes > 0).map(nameOf);
    assert.deepEqual(gave.sort(), ['node1', 'node2', PROXIED, IN_BAND, DIRECT].sort());
    const used = new Map(
      said
        .flatMap((each) =>
          each.type === 'progress' ? each.sources.map((one) => [nameOf(one), one.transport] as const) : [],
        )
        .filter(([, transport]) => transport !== undefined),
    );
    assert.equal(used.get(IN_BAND), 'ibb');
    for (const name of ['node1', PROXIED, DIRECT]) assert.equal(used.get(name), 's5b', name);
    assert.deepEqual(
      await readdir(folder.path).then((names) => names.filter((name) => name.startsWith('got'))),
      ['got.bin'],
    );
    await served.get('node2')?.start();
  });

  it('comes though the asker is killed again and again, hardly a byte twice', async function () {
    this.timeout(180_000);
    const target = path.join(folder.path, 'again.bin');
    const kills = [0.15, 0.3, 0.45, 0.6];
    let fetched = 0;
    for (const [index, share] of [...kills, 2].entries()) {
      let first: Progress | undefined;
      const said = await run(target, (progress, kill) => {
        first ??= progress;
        if (progress.receivedBytes > share * BYTES.length) kill();
      });
      const last = lastProgress(said);
      assert.ok(first && last, `nothing was heard in run ${index}`);
      fetched += last.receivedBytes + last.wastedBytes - (index === 0 ? 0 : first.resumedBytes);
      if (index < kills.length) {
        assert.notEqual(
          said.at(-1)?.type,
          'done',
          `it was there before it was killed for the ${index + 1}th time`,
        );
        assert.deepEqual(
          await readdir(folder.path).then((names) => names.filter((name) => name === 'again.bin')),
          [],
        );
      } else {
        assert.equal(said.at(-1)?.type, 'done', JSON.stringify(said.at(-1)));
      }
      for (const name of strikes(said)) assert.equal(name, LIAR, 'an honest node was named');
    }
    assert.ok(BYTES.equals(await readFile(target)), 'byte for byte');
    // Each run: the liar's share of a few blocks, and what was under way at the kill.
    const slack = (kills.length + 1) * 12 * 262_144;
    assert.ok(fetched <= BYTES.length + slack, `${fetched - BYTES.length} bytes were fetched twice`);
  });
});
