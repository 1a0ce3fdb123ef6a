/**
 * The whole program as people run it: three nodes as processes of their own, sharing thousands of
 * real files of this machine, on a real Prosody and on a real ejabberd. What they answer is held
 * against `find`, `grep -E` and `sha256sum` on the same folders.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/clock.js';
import { clientEntity } from '../../src/entity/client-entity.js';
import type { Entity } from '../../src/entity/entity.js';
import { silentLog } from '../../src/log.js';
import type { FindEvent, FoundFile } from '../../src/node/asker.js';
import { NetworkAsker } from '../../src/node/network-asker.js';
import type { FileCriteria } from '../../src/stanza/file-criteria.js';
import { FileDiscoveryElement } from '../../src/stanza/file-discovery.js';
import { parseBareJid, parseJid } from '../../src/stanza/jid.js';
import type { Range } from '../../src/stanza/xep0234-file-transfer.js';
import type { FetchEvent } from '../../src/transfer/fetch/fetch-request.js';
import type { TransportType } from '../../src/transport/transport.js';
import { projectRoot } from '../support/codec-fixtures.js';
import { eventually } from '../support/eventually.js';
import { ServedNode } from '../support/served-node.js';
import {
  ACCOUNTS,
  COMPONENT_SECRET,
  DOMAIN,
  PUBSUB,
  ServerKind,
  type TestServer,
} from '../support/server.js';
import { startServer } from '../support/server-fixture.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

const CHANNEL = 'docs';
const MIN_FILES = 2000;
const ROOT = projectRoot(path.dirname(fileURLToPath(import.meta.url)));

/** Folders of real files, the first that holds enough; the last is always there. */
function realFolder(): string {
  const candidates = [
    '/usr/share/doc',
    '/usr/share/perl',
    '/usr/lib/python3',
    path.join(ROOT, 'node_modules'),
  ];
  const folder = candidates.find((each) => existsSync(each) && filesBelow(each).length >= MIN_FILES);
  assert.ok(folder, `no folder of this machine holds ${MIN_FILES} files`);
  return folder;
}

/** What a share offers by default: regular files, no hidden names, no links. With `tests` of find(1). */
function filesBelow(folder: string, tests: readonly string[] = []): string[] {
  const words = [
    folder,
    '-mindepth',
    '1',
    '-name',
    '.*',
    '-prune',
    '-o',
    '-type',
    'f',
    ...tests,
    '-printf',
    '%P\\0',
  ];
  const output = execFileSync('find', words, { maxBuffer: 1 << 28, encoding: 'utf8' });
  return output.split('\0').slice(0, -1).sort();
}

/** The paths whose last part `grep -E` finds the pattern in. */
function grep(paths: readonly string[], pattern: string, flags: readonly string[] = ['-i']): string[] {
  const names = paths.map((each) => path.basename(each)).join('\n');
  const output = execFileSync('bash', ['-c', 'grep -nE "$@" || true', 'grep', ...flags, '-e', pattern], {
    input: names,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  const lines = output.split('\n').filter((line) => line !== '');
  return lines.map((line) => paths[Number(line.split(':')[0]) - 1] ?? '').sort();
}

function sha256sum(file: string): string {
  const hex = execFileSync('sha256sum', ['-z', '--', file], { encoding: 'utf8' }).slice(0, 64);
  return Buffer.from(hex, 'hex').toString('base64');
}

interface OfferingNode {
  readonly jid: string;
  /** Name of the share to its folder. */
  readonly shares: Readonly<Record<string, string>>;
  readonly process: ServedNode;
}

for (const kind of ServerKind) {
  describe(`the whole program on ${kind}`, function () {
    this.timeout(120_000);
    let server: TestServer;
    let folder: TemporaryFolder;
    let nodes: OfferingNode[] = [];
    let asker: NetworkAsker;
    let bystander: Entity;
    const heardByBystander: string[] = [];

    const askerConfig = () => ({
      jid: parseJid(`alice@${DOMAIN}`),
      password: ACCOUNTS[0].password,
      server: { host: server.host, port: server.c2sPort },
      tls: 'off' as const,
      service: parseBareJid(PUBSUB),
      channels: [CHANNEL],
    });

    async function newAsker(transports?: readonly TransportType[]): Promise<NetworkAsker> {
      const made = new NetworkAsker(
        { clock: systemClock, log: silentLog },
        askerConfig(),
        transports === undefined ? {} : { transports },
      );
      await made.start();
      return made;
    }

    async function addNode(jid: string, shares: Readonly<Record<string, string>>): Promise<void> {
      const home = path.join(folder.path, jid);
      const served = await ServedNode.make(home, {
        xmpp: {
          mode: 'component',
          host: server.host,
          port: server.componentPort,
          jid,
          secret: COMPONENT_SECRET,
        },
        shares: Object.entries(shares).map(([name, each]) => ({ name, path: each })),
        channels: [{ service: PUBSUB, node: CHANNEL, create: true }],
        data: './data',
        limits: { queriesPerAskerPerMinute: 10_000 },
      });
      await served.start();
      nodes.push({ jid, shares, process: served });
    }

    before(async () => {
      folder = await temporaryFolder();
      const real = realFolder();
      // Overlapping: the second and third have copies of what the first shares, and files of their own.
      const copies = { second: path.join(folder.path, 'second'), third: path.join(folder.path, 'third') };
      const entries = readdirSync(real).sort();
      const third = Math.floor(entries.length / 3);
      for (const [copy, some] of [
        [copies.second, entries.slice(0, 2 * third)],
        [copies.third, entries.slice(third)],
      ] as const) {
        mkdirSync(copy);
        for (const entry of some) {
          cpSync(path.join(real, entry), path.join(copy, entry), {
            recursive: true,
            preserveTimestamps: true,
            verbatimSymlinks: true,
          });
        }
      }
      writeFileSync(path.join(copies.second, 'only here – где угодно.txt'), 'only the second has this');
      writeFileSync(
        path.join(copies.third, 'large file.bin'),
        Buffer.alloc(3_000_000, 'a large file, by and large. '),
      );
      mkdirSync(path.join(folder.path, 'empty'));
      server = await startServer(kind);
      await addNode('node1.localhost', { docs: real });
      await addNode('node2.localhost', { copies: copies.second });
      await addNode('node3.localhost', {
        more: copies.third,
        empty: path.join(folder.path, 'empty'),
      });
      asker = await newAsker();
      bystander = clientEntity(
        { clock: systemClock, log: silentLog },
        { ...askerConfig(), jid: parseJid(`bob@${DOMAIN}`), password: ACCOUNTS[1].password },
      );
      const { found } = FileDiscoveryElement;
      bystander.handleMessage(found.name, found.ns, ({ stanza }) => heardByBystander.push(stanza.toString()));
      await bystander.start();
      await allHashed();
    });

    after(async () => {
      await asker?.stop();
      await bystander?.stop();
      await Promise.all(nodes.map((node) => node.process.stop()));
      nodes = [];
      await server?.stop();
      await folder?.remove();
    });

    const allHashed = () =>
      eventually(
        () => nodes.map((node) => node.process.line('all files are hashed') !== undefined),
        (hashed) => hashed.every(Boolean),
        60_000,
      );

    async function gather(
      criteria: FileCriteria,
      options: { waitMs?: number; by?: NetworkAsker; nodes?: number } = {},
    ): Promise<FoundFile[]> {
      const files: FoundFile[] = [];
      const complete = new Set<string>();
      const request = {
        criteria,
        channels: [{ service: parseBareJid(PUBSUB), node: CHANNEL }],
        max: 10_000,
        waitMs: options.waitMs ?? 20_000,
      };
      for await (const event of (options.by ?? asker).find(request) as AsyncIterable<FindEvent>) {
        if (event.type === 'file') files.push(event.file);
        if (event.type === 'answer') complete.add(event.jid);
        if (event.type === 'refused') assert.fail(`${event.jid}: ${event.error.message}`);
        if (complete.size >= (options.nodes ?? 3)) break;
      }
      return files;
    }

    /** Every node's matches by the oracle, as `JID share/path`. */
    function expected(select: (share: string) => readonly string[]): string[] {
      return nodes
        .flatMap(({ jid, shares }) =>
          Object.entries(shares).flatMap(([name, each]) =>
            select(each).map((below) => `${jid} ${name}/${below}`),
          ),
        )
        .sort();
    }

    const told = (files: readonly FoundFile[]) =>
      files.map((file) => `${file.source.jid} ${file.path}`).sort();

    it('shares thousands of real files', () => {
      const counts = nodes.map(
        ({ shares }) => Object.values(shares).flatMap((each) => filesBelow(each)).length,
      );
      assert.ok((counts[0] ?? 0) >= MIN_FILES, `${counts}`);
    });

    it('answers everybody’s matches of an ERE, as grep -E finds them', async () => {
      for (const pattern of [
        '^c.*y(ing|right)?$',
        '[0-9]+\\.(gz|md|txt)$',
        '(README|changelog)[^.]*$',
        '^[^a-z]',
      ]) {
        const names = await gather({ name: [{ type: 'regex', pattern }] });
        assert.deepEqual(
          told(names),
          expected((share) => grep(filesBelow(share), pattern)),
          pattern,
        );
      }
      const sensitive = await gather({ name: [{ type: 'regex', pattern: '^README' }], caseSensitive: true });
      assert.deepEqual(
        told(sensitive),
        expected((share) => grep(filesBelow(share), '^README', [])),
      );
    });

    it('answers sizes, dates, extensions and parts of names, as find finds them', async () => {
      const newest = '2023-06-01';
      const cases: readonly [FileCriteria, readonly string[]][] = [
        [{ sizeMin: 20_000, sizeMax: 60_000 }, ['-size', '+19999c', '-size', '-60001c']],
        [{ name: [{ type: 'contains', value: 'LICEN' }] }, ['-iname', '*licen*']],
        [{ ext: ['gz'] }, ['-iname', '*?.gz']],
        [{ ext: ['md'], sizeMin: 1000 }, ['-iname', '*?.md', '-size', '+999c']],
        [
          { dateFromMs: Date.parse(newest), sizeMax: 3000 },
          ['-newermt', `${newest}T00:00:00Z`, '-size', '-3001c'],
        ],
      ];
      for (const [criteria, tests] of cases) {
        const answers = await gather(criteria, { waitMs: 6000 });
        assert.deepEqual(
          told(answers),
          expected((share) => filesBelow(share, tests)),
          tests.join(' '),
        );
      }
    });

    it('tells name, size and hash of each file, and the same file from two nodes by the same hash', async () => {
      const [first] = await gather({ text: ['"large file"'] }, { nodes: 1 });
      assert.ok(first);
      assert.equal(first.source.jid, 'node3.localhost');
      assert.equal(first.size, 3_000_000);
      const large = path.join(folder.path, 'third', 'large file.bin');
      assert.deepEqual(first.hashes, [{ algo: 'sha-256', value: sha256sum(large) }]);
      const shared = filesBelow(path.join(folder.path, 'third')).find((each) => each.includes('/'));
      assert.ok(shared);
      const hash = { algo: 'sha-256', value: sha256sum(path.join(folder.path, 'third', shared)) } as const;
      const jids = new Set((await gather({ hash: [hash] }, { waitMs: 5000 })).map((file) => file.source.jid));
      assert.ok(
        jids.has('node1.localhost' as never) && jids.has('node3.localhost' as never),
        [...jids].join(' '),
      );
    });

    it('is silent where nothing matches, and tells nobody but the asker', async () => {
      const answers = await gather({ name: [{ type: 'contains', value: 'ГДЕ УГОДНО' }] }, { waitMs: 3000 });
      assert.deepEqual(told(answers), ['node2.localhost copies/only here – где угодно.txt']);
      assert.deepEqual(heardByBystander, []);
    });

    async function fetchRange(by: NetworkAsker, target: string, range?: Range): Promise<string[]> {
      const request = {
        file: { name: 'large file.bin' },
        sources: [{ jid: parseJid('node3.localhost'), path: 'more/large file.bin' }],
        target,
        overwrite: 'refuse' as const,
        ...(range && { range }),
      };
      const transports = new Set<string>();
      for await (const event of by.fetch(request) as AsyncIterable<FetchEvent>) {
        if (event.type === 'source' && event.transport !== undefined) transports.add(event.transport);
        if (event.type === 'source' && event.state === 'failed') assert.fail(String(event.error));
      }
      return [...transports];
    }

    for (const transport of ['s5b', 'ibb'] as const) {
      it(`gives whole files and ranges over ${transport}, byte by byte the same`, async () => {
        const by = await newAsker([transport]);
        try {
          const original = readFileSync(path.join(folder.path, 'third', 'large file.bin'));
          const ranges: (Range | undefined)[] = [
            { offset: 0, length: 1 },
            { offset: 123_456, length: 234_567 },
            { offset: 2_999_000 },
          ];
          if (transport === 's5b') ranges.push(undefined);
          for (const [at, range] of ranges.entries()) {
            const target = path.join(folder.path, `fetched-${transport}-${at}`);
            assert.deepEqual(await fetchRange(by, target, range), [transport]);
            const end = range?.length === undefined ? undefined : range.offset + range.length;
            assert.ok(
              original.subarray(range?.offset ?? 0, end).equals(readFileSync(target)),
              JSON.stringify(range),
            );
          }
        } finally {
          await by.stop();
        }
      });
    }

    it('answers and serves a client that shares no code with it', async () => {
      const output = execFileSync(
        '/usr/bin/python3',
        [
          path.join(ROOT, 'test/scenarios/raw-client.py'),
          ...[`carol@${DOMAIN}/hand`, ACCOUNTS[2].password, server.host, String(server.c2sPort)],
          ...['node3.localhost', PUBSUB, CHANNEL, 'name:large'],
        ],
        { encoding: 'utf8', timeout: 60_000 },
      );
      const steps = output
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      assert.deepEqual(
        steps.map((each) => each.step),
        ['direct', 'channel', 'fetched'],
      );
      const oracle = sha256sum(path.join(folder.path, 'third', 'large file.bin'));
      assert.equal(steps[2]?.sha256, oracle);
    });

    it('finds a file within 3 s that was added while it ran', async () => {
      const draft = path.join(folder.path, 'draft');
      writeFileSync(draft, 'fresh bread');
      const fromMs = performance.now();
      renameSync(draft, path.join(folder.path, 'second', 'freshly baked.txt'));
      const criteria: FileCriteria = { name: [{ type: 'contains', value: 'freshly baked' }] };
      const found = await eventually(
        () => gather(criteria, { waitMs: 400, nodes: 1 }),
        (files) => files.length > 0,
      );
      const tookMs = performance.now() - fromMs;
      assert.equal(
        found[0]?.hashes[0]?.value,
        sha256sum(path.join(folder.path, 'second', 'freshly baked.txt')),
      );
      assert.ok(tookMs < 3000, `${Math.round(tookMs)} ms`);
    });

    it('survives a server that is killed and started again', async () => {
      await asker.stop();
      await server.kill();
      await eventually(
        () => nodes.map((node) => node.process.line('offline') !== undefined),
        (noticed) => noticed.every(Boolean),
        20_000,
      );
      await server.restart();
      asker = await eventually(
        () => newAsker().catch(() => undefined),
        (made) => made !== undefined,
        30_000,
      ).then((made) => made ?? assert.fail());
      const criteria: FileCriteria = { name: [{ type: 'contains', value: 'LICEN' }] };
      const oracle = expected((share) => filesBelow(share, ['-iname', '*licen*']));
      await eventually(
        () => gather(criteria, { waitMs: 3000 }),
        (files) => JSON.stringify(told(files)) === JSON.stringify(oracle),
        60_000,
      );
    });

    it('hashes nothing twice when a node is killed and started again', async () => {
      const node = nodes[1];
      assert.ok(node);
      await node.process.kill();
      await node.process.start();
      const scanned = node.process.line('the first scan is done');
      assert.ok(scanned);
      assert.ok(Number(scanned.files) > 1000);
      assert.equal(scanned.hashedFiles, scanned.files);
      const answers = await gather(
        { name: [{ type: 'contains', value: 'freshly baked' }] },
        { waitMs: 5000, nodes: 1 },
      );
      assert.deepEqual(told(answers), ['node2.localhost copies/freshly baked.txt']);
    });

    it('ends cleanly when it is told to', async () => {
      for (const node of nodes) assert.equal(await node.process.stop(), 0);
      for (const node of nodes) assert.ok(node.process.line('stopped'), node.jid);
    });
  });
}
