/** Both examples in a node on a real server: who is no colleague finds and gets nothing, and the journal tells. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/clock.js';
import { silentLog } from '../../src/log.js';
import { NetworkAsker } from '../../src/node/network-asker.js';
import { parseBareJid, parseJid } from '../../src/stanza/jid.js';
import { projectRoot } from '../support/codec-fixtures.js';
import { ServedNode } from '../support/served-node.js';
import { ACCOUNTS, COMPONENT_SECRET, DOMAIN, PUBSUB, type TestServer } from '../support/server.js';
import { sharedServer } from '../support/server-fixture.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

const ROOT = projectRoot(path.dirname(fileURLToPath(import.meta.url)));
const NODE = parseJid('node8.localhost');
const CHANNEL = { service: parseBareJid(PUBSUB), node: 'extended' };
const LARGE = Buffer.alloc(1_000_000, 'large ');

describe('extensions of a node on Prosody', function () {
  this.timeout(60_000);
  let server: TestServer;
  let folder: TemporaryFolder;
  let asker: NetworkAsker;
  let node: ServedNode | undefined;

  before(async () => {
    server = await sharedServer('prosody');
    folder = await temporaryFolder();
    await folder.write('books/large.bin', LARGE);
    const [alice] = ACCOUNTS;
    asker = new NetworkAsker(
      { clock: systemClock, log: silentLog },
      {
        jid: parseJid(`${alice.user}@${DOMAIN}`),
        password: alice.password,
        server: { host: server.host, port: server.c2sPort },
        tls: 'off',
        service: CHANNEL.service,
        channels: [CHANNEL.node],
      },
    );
    await asker.start();
  });

  afterEach(async () => {
    await node?.stop();
  });

  after(async () => {
    await asker?.stop();
    await folder?.remove();
  });

  async function serve(home: string, domains: readonly string[]): Promise<ServedNode> {
    const config = {
      xmpp: { jid: NODE, secret: COMPONENT_SECRET, host: server.host, port: server.componentPort },
      shares: [{ name: 'books', path: path.join(folder.path, 'books') }],
      channels: [{ service: PUBSUB, node: CHANNEL.node, create: true }],
      scan: { quietMs: 100 },
      extensions: [
        { module: path.join(ROOT, 'examples/transfer-journal.js'), config: { file: './journal' } },
        { module: path.join(ROOT, 'examples/only-colleagues.js'), config: { domains } },
      ],
    };
    node = await ServedNode.make(path.join(folder.path, home), config);
    await node.start();
    return node;
  }

  async function found(where: { to: typeof NODE } | { channels: [typeof CHANNEL] }): Promise<string[]> {
    const request = { criteria: { ext: ['bin'] }, channels: [], max: 10, waitMs: 3000, ...where };
    const paths: string[] = [];
    for await (const event of asker.find(request)) {
      if (event.type === 'file') paths.push(event.file.path ?? '');
      if (event.type === 'answer') break;
    }
    return paths;
  }

  /** The bytes, or why there are none. */
  async function fetched(target: string): Promise<Buffer | string> {
    const request = {
      file: { name: 'large.bin' },
      sources: [{ jid: NODE, path: 'books/large.bin' }],
      target: path.join(folder.path, target),
      overwrite: 'replace' as const,
    };
    try {
      for await (const event of asker.fetch(request)) {
        if (event.type === 'source' && event.state === 'failed') return String(event.error);
      }
    } catch (error) {
      return String(error);
    }
    return await readFile(request.target);
  }

  const journal = async (home: string) =>
    (await readFile(path.join(folder.path, home, 'journal'), 'utf8'))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it('let a colleague find and get files, and keep a journal', async () => {
    const served = await serve('friendly', [DOMAIN]);
    assert.deepEqual(await found({ channels: [CHANNEL] }), ['books/large.bin']);
    assert.deepEqual(await found({ to: NODE }), ['books/large.bin']);
    const bytes = await fetched('large');
    assert.ok(typeof bytes !== 'string' && LARGE.equals(bytes), String(bytes).slice(0, 200));
    assert.equal(await served.stop(), 0);
    const lines = await journal('friendly');
    assert.equal(lines.length, 1);
    assert.equal(lines[0]?.outcome, 'success');
    assert.equal(lines[0]?.sentBytes, LARGE.length);
    assert.match(String(lines[0]?.peer), /^alice@localhost\//);
  });

  it('leave strangers with nothing, and the journal says so', async () => {
    const served = await serve('closed', ['example.org']);
    assert.deepEqual(await found({ channels: [CHANNEL] }), []);
    assert.deepEqual(await found({ to: NODE }), []);
    assert.match(String(await fetched('nothing')), /file-not-available/);
    assert.equal(await served.stop(), 0);
    assert.deepEqual(
      (await journal('closed')).map(({ outcome, sentBytes }) => [outcome, sentBytes]),
      [['failed', 0]],
    );
  });

  it('that can not be loaded are told with all other faults, and end the program', async () => {
    const home = path.join(folder.path, 'faulty');
    const faulty = await ServedNode.make(home, {
      xmpp: { jid: NODE, secret: COMPONENT_SECRET, port: 0 },
      extensions: ['./none.mjs'],
    });
    await assert.rejects(faulty.start(), (error: Error) => {
      assert.match(
        error.message,
        /ended with 2: .*xmpp\.port: 0 must be.*extensions\[0\]: .*can't be loaded/s,
      );
      return true;
    });
  });

  it('that do not start end the program, which says why', async () => {
    const home = path.join(folder.path, 'unwilling');
    const unwilling = await ServedNode.make(home, {
      xmpp: { jid: NODE, secret: COMPONENT_SECRET, host: server.host, port: server.componentPort },
      extensions: [path.join(ROOT, 'examples/only-colleagues.js')],
    });
    await assert.rejects(unwilling.start(), /ended with 1/);
    assert.match(JSON.stringify(unwilling.log), /only-colleagues\.js did not start: config\.domains must be/);
  });
});
