/** The example of docs/fetch.md, run as it stands there, and what else the library promises: nodes on a real server. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connectFetcher, FetchError, type Fetcher } from '../../src/node/fetch-library.js';
import { projectRoot } from '../support/codec-fixtures.js';
import { eventually } from '../support/eventually.js';
import { ServedNode } from '../support/served-node.js';
import { ACCOUNTS, COMPONENT_SECRET, DOMAIN, PUBSUB, type TestServer } from '../support/server.js';
import { sharedServer } from '../support/server-fixture.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

const ROOT = projectRoot(path.dirname(fileURLToPath(import.meta.url)));
const CHANNEL = 'fetch-library';
const BYTES = randomBytes(2_500_000);
const hash = { algo: 'sha-256', value: createHash('sha256').update(BYTES).digest('base64') } as const;

describe('docs/fetch.md', function () {
  this.timeout(60_000);
  let server: TestServer;
  let folder: TemporaryFolder;
  const nodes: ServedNode[] = [];
  const fetchers: Fetcher[] = [];
  const account = () => ACCOUNTS.find(({ user }) => user === 'alice')?.password ?? '';

  before(async () => {
    server = await sharedServer('prosody');
    folder = await temporaryFolder();
    const share = path.join(folder.path, 'share');
    await mkdir(share);
    await writeFile(path.join(share, 'romeo.txt'), BYTES);
    for (const name of ['node1', 'node2']) {
      const node = await ServedNode.make(path.join(folder.path, name), {
        xmpp: {
          host: server.host,
          port: server.componentPort,
          jid: `${name}.localhost`,
          secret: COMPONENT_SECRET,
        },
        shares: [{ name: 'books', path: share }],
        channels: [{ service: PUBSUB, node: CHANNEL, create: true }],
        data: path.join(folder.path, name, 'data'),
        transfers: { listenHost: '127.0.0.1', externalHosts: ['127.0.0.1'] },
      });
      nodes.push(node);
      await node.start();
      await eventually(
        () => node.line('all files are hashed'),
        (line) => line !== undefined,
      );
    }
  });

  afterEach(async () => {
    await Promise.all(fetchers.splice(0).map((each) => each.stop()));
  });

  after(async () => {
    await Promise.all(nodes.map((each) => each.stop()));
    await folder.remove();
  });

  async function connect(): Promise<Fetcher> {
    const fetcher = await connectFetcher({
      jid: `alice@${DOMAIN}`,
      password: account(),
      server: { host: server.host, port: server.c2sPort },
      tls: 'off',
      service: PUBSUB,
      channels: [CHANNEL],
    });
    fetchers.push(fetcher);
    return fetcher;
  }

  const document = readFileSync(path.join(ROOT, 'docs/fetch.md'), 'utf8');
  const example = /```js\n([\s\S]*?)```/.exec(document)?.[1] ?? '';

  it('has an example that finds a file and fetches it from two nodes', async () => {
    const library = new URL('../../src/node/fetch-library.js', import.meta.url).href;
    const program = example
      .replace("'shoal/fetch'", `'${library}'`)
      .replace("host: 'xmpp.example.org', port: 5222", `host: '${server.host}', port: ${server.c2sPort}`)
      .replace('juliet@example.org', `alice@${DOMAIN}`)
      .replace('pubsub.example.org', PUBSUB)
      .replace("channels: ['books']", `channels: ['${CHANNEL}'],\n  tls: 'off'`);
    const file = path.join(folder.path, 'example.mjs');
    await writeFile(file, program);
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], {
      cwd: folder.path,
      env: { ...process.env, JULIET_PASSWORD: account() },
      timeout: 30_000,
    });
    assert.equal(stderr, '');
    assert.match(stdout, /^node[12]\.localhost has romeo\.txt\n/);
    assert.match(stdout, /\nromeo\.txt is here, from [12] at once\n$/);
    assert.deepEqual(await readFile(path.join(folder.path, 'romeo.txt')), BYTES);
  });

  it('fetches by hash alone, from everybody on the channel', async () => {
    const fetcher = await connect();
    const target = path.join(folder.path, 'by-hash');
    const from = new Set<string>();
    for await (const event of fetcher.fetch({ hash }, { target })) {
      if (event.type === 'source-found') from.add(event.jid);
      if (event.type === 'done') assert.deepEqual(event.hash, hash);
    }
    assert.deepEqual([...from].sort(), ['node1.localhost', 'node2.localhost']);
    assert.deepEqual(await readFile(target), BYTES);
  });

  it('says what nobody has, and leaves what is there', async () => {
    const fetcher = await connect();
    const target = path.join(folder.path, 'there');
    await writeFile(target, 'mine');
    const none = { algo: 'sha-256', value: Buffer.alloc(32).toString('base64') } as const;
    const fetched = async (wanted: typeof none | typeof hash) => {
      for await (const _ of fetcher.fetch({ hash: wanted }, { target, waitMs: 500 }));
    };
    await assert.rejects(
      fetched(none),
      (error) => error instanceof FetchError && error.code === 'no-source-left',
    );
    await assert.rejects(fetched(hash), (error) => error instanceof FetchError && error.code === 'exists');
    assert.equal(await readFile(target, 'utf8'), 'mine');
  });
});
