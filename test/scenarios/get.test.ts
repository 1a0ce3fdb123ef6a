/** `shoal get` as people run it, a process of its own: folders, lists, an interruption, and going on after it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { eventually } from '../support/eventually.js';
import { ServedNode, SHOAL } from '../support/served-node.js';
import { ACCOUNTS, COMPONENT_SECRET, DOMAIN, PUBSUB } from '../support/server.js';
import { sharedServer } from '../support/server-fixture.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

const CHANNEL = 'shoal-get';
const NODES = ['node1.localhost', 'node2.localhost'] as const;
/** Long enough to be interrupted, in a file system that keeps no zeros. */
const LONG_BYTES = 900_000_000;
/** More than a journal has before the first block. */
const HEAD_BYTES = 1000;
const CHANGED_MS = Date.UTC(2001, 1, 3, 4, 5, 6);
const SMALL = randomBytes(700_000);

describe('shoal get, on Prosody', function () {
  this.timeout(60_000);
  let folder: TemporaryFolder;
  let asker: string;
  const nodes: ServedNode[] = [];

  before(async () => {
    const server = await sharedServer('prosody');
    folder = await temporaryFolder();
    const share = path.join(folder.path, 'share');
    await mkdir(path.join(share, 'plays', 'quarto'), { recursive: true });
    await writeFile(path.join(share, 'plays', 'romeo.txt'), SMALL);
    await writeFile(path.join(share, 'plays', 'quarto', 'empty'), '');
    await writeFile(path.join(share, 'plays', 'quarto', 'con.txt'), 'a reserved name');
    await utimes(path.join(share, 'plays', 'romeo.txt'), CHANGED_MS / 1000, CHANGED_MS / 1000);
    await writeFile(path.join(share, 'long'), 'begins');
    await truncate(path.join(share, 'long'), LONG_BYTES);
    for (const jid of NODES) {
      const node = await ServedNode.make(path.join(folder.path, jid), {
        xmpp: { host: server.host, port: server.componentPort, jid, secret: COMPONENT_SECRET },
        shares: [{ name: 'books', path: share }],
        channels: [{ service: PUBSUB, node: CHANNEL, create: true }],
        data: path.join(folder.path, jid, 'data'),
        transfers: { listenHost: '127.0.0.1', externalHosts: ['127.0.0.1'] },
      });
      nodes.push(node);
      await node.start();
      await eventually(
        () => node.line('all files are hashed'),
        (line) => line !== undefined,
        30_000,
      );
    }
    asker = path.join(folder.path, 'asker.yaml');
    const account = ACCOUNTS[1];
    await writeFile(
      asker,
      stringify({
        jid: `${account.user}@${DOMAIN}`,
        password: account.password,
        server: `${server.host}:${server.c2sPort}`,
        tls: 'off',
        service: PUBSUB,
        channels: [CHANNEL],
      }),
      { mode: 0o600 },
    );
  });

  after(async () => {
    await Promise.all(nodes.map((each) => each.stop()));
    await folder.remove();
  });

  /** Interrupts it as Ctrl-C does when some blocks of `target` are noted as there. */
  async function get(argv: readonly string[], target?: string) {
    const child = spawn(process.execPath, [SHOAL, 'get', ...argv], {
      cwd: folder.path,
      env: { PATH: process.env.PATH, HOME: folder.path, SHOAL_CONFIG: asker },
    });
    const said = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said.out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said.err += text;
    });
    const closed = once(child, 'close');
    if (target !== undefined) {
      await eventually(
        () => sizeOf(path.join(folder.path, `${target}.part.blocks`)),
        (bytes) => bytes > HEAD_BYTES,
      );
      child.kill('SIGINT');
    }
    const [code] = await closed;
    return { code, ...said };
  }

  it('fetches a folder with its times, under names that are safe, and leaves it alone the second time', async () => {
    const first = await get(['--to', NODES[0], 'books/plays/', '-o', 'got']);
    assert.equal(first.code, 0, first.err);
    assert.match(first.err, /con\.txt becomes quarto\/_con\.txt/);
    assert.match(first.err, /3 files fetched\n$/);
    const got = path.join(folder.path, 'got');
    assert.deepEqual((await readdir(got, { recursive: true })).sort(), [
      'quarto',
      'quarto/_con.txt',
      'quarto/empty',
      'romeo.txt',
    ]);
    assert.deepEqual(await readFile(path.join(got, 'romeo.txt')), SMALL);
    assert.equal((await stat(path.join(got, 'romeo.txt'))).mtimeMs, CHANGED_MS);
    // As `cp -r` does, into the folder that is there.
    const again = await get(['--to', NODES[0], 'books/plays/quarto/', '-o', 'got']);
    assert.equal(again.code, 0, again.err);
    assert.match(again.err, /0 files fetched, 2 there already\n$/);
  });

  it('fetches a list, and says which line could not be had', async () => {
    await writeFile(
      path.join(folder.path, 'list'),
      `${NODES[1]} books/plays/romeo.txt\n${NODES[1]} books/none.txt\n${'0'.repeat(64)}\n`,
    );
    const { code, err } = await get(['--list', 'list', '-o', 'listed']);
    assert.equal(code, 1);
    assert.match(err, /line 2, node2\.localhost books\/none\.txt: node2\.localhost has no such file\n/);
    assert.match(err, /line 3, 0{64}: nobody answered that has it\n/);
    assert.match(err, /1 file fetched, 2 failed\n$/);
    assert.deepEqual(await readdir(path.join(folder.path, 'listed')), ['romeo.txt']);
  });

  it('keeps what has come when it is interrupted, says so, and goes on from there', async () => {
    const first = await get(['long'], 'long');
    assert.equal(first.code, 130, first.err);
    assert.match(
      first.err,
      /stopped; .* of 900 MB are in long\.part, and the same command goes on from there\n$/,
    );
    assert.equal((await stat(path.join(folder.path, 'long.part'))).size <= LONG_BYTES, true);
    const second = await get(['long', '--json']);
    assert.equal(second.code, 0, second.err);
    const events = second.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.ok(events.some(({ resumedBytes }) => resumedBytes > 0));
    assert.equal(events.at(-1).event, 'done');
    assert.equal((await stat(path.join(folder.path, 'long'))).size, LONG_BYTES);
    assert.deepEqual(
      (await readdir(folder.path)).filter((name) => name.startsWith('long')),
      ['long'],
    );
  });
});

/** 0 where there is none. */
function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
