/**
 * Serving: a node in a process of its own, attached to a real Prosody, sends over SOCKS5 on loopback to
 * as many downloads as are asked for; beside it nginx, asked by curl. And `shoal get` beside `cp`.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { stringify } from 'yaml';
import { freePorts } from '../src/cli/free-ports.js';
import { systemClock } from '../src/clock.js';
import { loadAskerConfig } from '../src/config/load.js';
import { clientEntity } from '../src/entity/client-entity.js';
import { silentLog } from '../src/log.js';
import { TransferStack } from '../src/node/transfer-stack.js';
import { PrivateProsody } from '../src/private-server/prosody.js';
import { parseJid } from '../src/stanza/jid.js';
import { ServedNode, SHOAL } from '../test/support/served-node.js';
import { describeMachine, programOf } from './machine.js';
import { type Contender, publish, type Row, takeTurns, timed, timedShell } from './table.js';

/** So much goes over the wire in one turn, whatever the number of connections. */
const TOTAL_BYTES = 1 << 30;
const CONNECTIONS = [1, 8, 64] as const;
const PIECE_BYTES = 1 << 20;
const MB = 1e6;
const MS_A_SECOND = 1000;
const REPEATS = 5;

const DOMAIN = 'localhost';
const NODE = parseJid(`files.${DOMAIN}`);

const machine = describeMachine();
const missing = ['nginx', 'curl'].filter((name) => programOf(name) === undefined);
const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'));
/** What has been started, to be stopped in the opposite order. */
const stops: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true })];
try {
  await run();
} finally {
  for (const stop of stops.reverse()) await stop();
}

async function run(): Promise<void> {
  if (programOf('prosody') === undefined) {
    process.stdout.write('Prosody is not installed, and nothing can be measured without it\n');
    return;
  }
  chmodSync(folder, 0o755); // nginx may read it as another user
  const share = join(folder, 'share');
  mkdirSync(share);
  for (const connections of CONNECTIONS) {
    writeRandom(join(share, `of-${connections}`), TOTAL_BYTES / connections);
  }
  const askerFile = await startNode(share);
  const jingle = await startAsker(askerFile);
  const url = missing.length === 0 ? await startNginx(share) : undefined;

  const served: Row[] = [];
  for (const connections of CONNECTIONS) {
    const name = `of-${connections}`;
    const contenders: Contender[] = [
      { name: 'ours', run: () => timed(() => downloads(jingle, name, connections)) },
    ];
    if (url !== undefined) contenders.push({ name: 'nginx', run: () => curl(`${url}/${name}`, connections) });
    const medians = await takeTurns(contenders, REPEATS);
    const rate = (ms: number) => (TOTAL_BYTES / MB / ms) * MS_A_SECOND;
    const nginx = medians.get('nginx');
    served.push({
      work: connections === 1 ? '1 connection' : `${connections} connections`,
      ours: rate(medians.get('ours') ?? Number.NaN),
      ...(nginx !== undefined && { peer: { name: 'nginx + curl', value: rate(nginx) } }),
    });
    process.stdout.write('.');
  }
  const got = await takeTurns(
    [
      { name: 'ours', run: () => get(askerFile) },
      { name: 'cp', run: () => copy(join(share, 'of-1'), '') },
      {
        name: 'cp + sync + sha256',
        run: () => copy(join(share, 'of-1'), ' && sync "$2" && openssl dgst -sha256 "$2"'),
      },
    ],
    REPEATS,
  );
  const ours = got.get('ours') ?? Number.NaN;
  publish({
    name: 'serve',
    about: [
      '1 GiB in the page cache, sent over SOCKS5 on loopback by `shoal serve`, which is attached to a private Prosody, to',
      'Jingle downloads in one other process that throw the bytes away; beside it nginx (sendfile on) and one `curl -Z`. Then',
      '`shoal get`, process start, search, fetch, flush to disk and hash included, beside `cp`.',
    ],
    machine,
    tables: [
      { title: 'Serving', unit: 'MB/s', rows: served },
      {
        title: 'Fetching a file of 1 GiB to disk',
        unit: 'ms',
        rows: [...got]
          .filter(([name]) => name !== 'ours')
          .map(([name, value]) => ({ work: '`shoal get`', ours, peer: { name, value } })),
      },
    ],
    missing,
  });
}

function writeRandom(path: string, bytes: number): void {
  const piece = randomBytes(PIECE_BYTES);
  for (let at = 0; at < bytes; at += PIECE_BYTES) {
    piece.writeUInt32LE(at / PIECE_BYTES); // no piece is like the one before
    writeFileSync(path, piece, { flag: 'a' });
  }
}

/** Server and node; resolves with the path of an asker's configuration when all files are hashed. */
async function startNode(share: string): Promise<string> {
  const [c2s = 0, component = 0] = await freePorts(2);
  const secret = randomBytes(16).toString('hex');
  const prosody = new PrivateProsody(
    { clock: systemClock, log: silentLog },
    {
      dataDir: join(folder, 'prosody'),
      ports: { c2s, component },
      domain: DOMAIN,
      components: [{ jid: NODE, secret }],
      accounts: [{ user: 'asker', password: secret }],
      pubsub: { jid: parseJid(`pubsub.${DOMAIN}`) },
    },
  );
  await prosody.start();
  stops.push(() => prosody.stop());
  const node = await ServedNode.make(join(folder, 'node'), {
    xmpp: { mode: 'component', host: '127.0.0.1', port: component, jid: NODE, secret },
    shares: [{ name: 's', path: share }],
    data: join(folder, 'data'),
    transfers: { listenHost: '127.0.0.1', externalHosts: ['127.0.0.1'] },
    limits: { uploads: 100, uploadsPerPeer: 100, sessionsPerPeer: 100 },
  });
  await node.start();
  stops.push(() => node.stop());
  while (node.line('all files are hashed') === undefined)
    await new Promise((resolve) => setTimeout(resolve, 50));
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, `${secret}\n`, { mode: 0o600 });
  const file = join(folder, 'asker.yaml');
  writeFileSync(
    file,
    stringify({ jid: `asker@${DOMAIN}`, passwordFile, server: `127.0.0.1:${c2s}`, tls: 'off' }),
  );
  return file;
}

async function startAsker(file: string): Promise<TransferStack['jingle']> {
  const { config } = await loadAskerConfig(file);
  const components = { clock: systemClock, log: silentLog };
  const entity = clientEntity(components, config);
  const stack = new TransferStack(
    { entity, ...components },
    {
      serverHost: config.server.host,
      listenPort: 0,
      externalHosts: [],
      findProxies: 'never',
      connectToPrivate: true,
      maxSessions: 100,
      maxSessionsPerPeer: 1,
      idleMs: 60_000,
      maxCandidates: 10,
      candidateTimeoutMs: 5000,
      maxHandshakes: 100,
      ibbBlockBytes: 8192,
      ibbWindow: 8,
      transports: ['s5b'],
    },
  );
  await stack.start();
  await entity.start();
  stops.push(
    () => entity.stop(),
    () => stack.stop(),
  );
  return stack.jingle;
}

async function downloads(jingle: TransferStack['jingle'], name: string, connections: number): Promise<void> {
  const one = async () => {
    const download = jingle.download({ peer: NODE, file: { name, hashes: [], hashesUsed: [] } });
    let bytes = 0;
    const sink = new Writable({
      write(chunk: Buffer, _, taken) {
        bytes += chunk.length;
        taken();
      },
    });
    await pipeline(download.stream, sink);
    await download.finish('success');
    if (bytes !== TOTAL_BYTES / connections) throw new Error(`${bytes} bytes came`);
  };
  await Promise.all(Array.from({ length: connections }, one));
}

/** Resolves with the address of its folder. */
async function startNginx(share: string): Promise<string> {
  const [port = 0] = await freePorts(1);
  const config = join(folder, 'nginx.conf');
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  writeFileSync(
    config,
    `${user} worker_processes auto; pid ${folder}/nginx.pid; error_log stderr error;
events { worker_connections 512; }
http { access_log off; sendfile on; tcp_nopush on; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
server { listen 127.0.0.1:${port}; root ${share}; } }\n`,
  );
  // It becomes a service of its own, and must not hold the shell's output open.
  const nginx = programOf('nginx') ?? 'nginx';
  await timedShell('"$1" -c "$2" > /dev/null 2>&1', [nginx, config]);
  stops.push(() => timedShell('"$1" -c "$2" -s stop', [nginx, config]));
  return `http://127.0.0.1:${port}`;
}

async function curl(url: string, connections: number): Promise<number> {
  const each = Array.from({ length: connections }, () => ['-o', '/dev/null', url]).flat();
  const { ms } = await timedShell('curl -sSfZ --parallel-immediate --parallel-max 64 "$@"', each);
  return ms;
}

async function get(config: string): Promise<number> {
  const target = join(folder, 'got');
  rmSync(target, { force: true });
  const words = [process.execPath, SHOAL, config, NODE, target];
  return (await timedShell('"$1" "$2" get of-1 --config "$3" --from "$4" -o "$5" >&2', words)).ms;
}

async function copy(from: string, after: string): Promise<number> {
  const target = join(folder, 'copied');
  rmSync(target, { force: true });
  return (await timedShell(`cp "$1" "$2"${after}`, [from, target])).ms;
}
