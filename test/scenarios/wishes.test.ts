/**
 * Wishes on real servers: a node that copies what another one offers and offers it too, and an asker who waits for a
 * file that does not exist yet. Nobody polls within the time that these tests take.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { systemClock } from '../../src/clock.js';
import { silentLog } from '../../src/log.js';
import type { FoundFile } from '../../src/node/asker.js';
import { NetworkAsker } from '../../src/node/network-asker.js';
import type { NodeStatus } from '../../src/node/node-status.js';
import { readStatusSocket, statusSocketPath } from '../../src/node/status-socket.js';
import { parseBareJid, parseJid } from '../../src/stanza/jid.js';
import { KEPT_FEATURE } from '../../src/stanza/standing-question.js';
import { INCOMING } from '../../src/wishes/mirror.js';
import { attachClient } from '../support/attached.js';
import { elementOf } from '../support/codec-fixtures.js';
import { eventually } from '../support/eventually.js';
import { ServedNode, SHOAL } from '../support/served-node.js';
import { ACCOUNTS, COMPONENT_SECRET, DOMAIN, PUBSUB, type TestServer } from '../support/server.js';
import { describeOnServers } from '../support/server-fixture.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

const CHANNEL = 'wishes';
const OFFERING = 'node8.localhost';
const LARGE = Buffer.alloc(3_000_000, 'a large play, by and large. ');

describeOnServers('wishes', (server: () => TestServer) => {
  let folder: TemporaryFolder;
  let offering: ServedNode;
  let mirroring: ServedNode;
  let asker: NetworkAsker;

  const books = () => path.join(folder.path, 'books');
  const copies = () => path.join(folder.path, 'copies');
  const inCopies = async () => (await readdir(copies())).filter((name) => name !== INCOMING).sort();
  const statusOf = async (home: string) => {
    const socket = statusSocketPath(path.join(folder.path, home, 'data'));
    return (await readStatusSocket({ clock: systemClock }, socket)) as NodeStatus;
  };

  before(async function () {
    this.timeout(60_000);
    folder = await temporaryFolder();
    await mkdir(books());
    await mkdir(copies());
    await writeFile(path.join(books(), 'Hamlet.txt'), 'to be');
    await writeFile(path.join(books(), 'Romeo.epub'), LARGE);
    await writeFile(path.join(books(), 'accounts.csv'), 'not to be copied');
    const channels = [{ service: PUBSUB, node: CHANNEL, create: true }];
    const common = { channels, data: './data', scan: { quietMs: 100 }, log: { level: 'debug' } };
    offering = await ServedNode.make(path.join(folder.path, 'offering'), {
      ...common,
      xmpp: {
        mode: 'component',
        host: server().host,
        port: server().componentPort,
        jid: OFFERING,
        secret: COMPONENT_SECRET,
      },
      shares: [{ name: 'books', path: books() }],
    });
    const [, , carol] = ACCOUNTS;
    mirroring = await ServedNode.make(path.join(folder.path, 'mirroring'), {
      ...common,
      xmpp: {
        mode: 'client',
        jid: `${carol.user}@${DOMAIN}/mirror`,
        password: carol.password,
        server: `127.0.0.1:${server().c2sPort}`,
      },
      shares: [{ name: 'copies', path: copies() }],
      wishes: [
        {
          name: 'plays',
          share: 'copies',
          service: PUBSUB,
          channels: [CHANNEL],
          ext: ['txt', 'epub'],
          keepFreeBytes: 0,
        },
      ],
    });
    await offering.start();
    const [alice] = ACCOUNTS;
    asker = new NetworkAsker(
      { clock: systemClock, log: silentLog },
      {
        jid: parseJid(`${alice.user}@${DOMAIN}`),
        password: alice.password,
        server: { host: server().host, port: server().c2sPort },
        tls: 'off',
        service: parseBareJid(PUBSUB),
        channels: [CHANNEL],
      },
    );
    await asker.start();
  });

  after(async function () {
    this.timeout(60_000);
    await asker?.stop();
    await mirroring?.stop();
    await offering?.stop();
    await folder?.remove();
  });

  it('are told of by nodes that keep questions, as a feature', async () => {
    const bob = attachClient(server(), 'bob');
    await bob.start();
    try {
      const payload = elementOf("<query xmlns='http://jabber.org/protocol/disco#info'/>");
      const info = await bob.request({ to: parseJid(OFFERING), type: 'get', payload });
      assert.ok(info.toString().includes(`var="${KEPT_FEATURE}"`), info.toString());
    } finally {
      await bob.stop();
    }
  });

  it('are fetched at the start, verified, and offered at once', async function () {
    this.timeout(60_000);
    await mirroring.start();
    await eventually(inCopies, (names) => names.length === 2, 30_000);
    assert.deepEqual(await inCopies(), ['Hamlet.txt', 'Romeo.epub']);
    const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    assert.equal(hash(await readFile(path.join(copies(), 'Romeo.epub'))), hash(LARGE));
    await eventually(
      () => sourcesOf('Romeo'),
      (jids) => jids.length === 2,
      30_000,
    );
    assert.deepEqual(await sourcesOf('Romeo'), [`carol@${DOMAIN}/mirror`, OFFERING]);
    const { wishes } = await statusOf('mirroring');
    assert.deepEqual(
      wishes.map(({ name, state, fetchedFiles, fetchedBytes }) => ({
        name,
        state,
        fetchedFiles,
        fetchedBytes,
      })),
      [{ name: 'plays', state: 'waiting', fetchedFiles: 2, fetchedBytes: LARGE.length + 5 }],
    );
  });

  it('are told of a file when it comes, without being asked again: the mirror and whoever waits for it', async function () {
    this.timeout(60_000);
    const found: FoundFile[] = [];
    const enough = new AbortController();
    const request = {
      criteria: { text: ['macbeth'] },
      channels: [{ service: parseBareJid(PUBSUB), node: CHANNEL }],
      max: 100,
    };
    const wanting = (async () => {
      for await (const event of asker.want(request, enough.signal))
        if (event.type === 'file') found.push(event.file);
    })();
    try {
      await eventually(
        async () => (await statusOf('offering')).keptQuestions,
        (kept) => kept === 2,
        15_000,
      );
      await writeFile(path.join(books(), 'Macbeth.txt'), 'tomorrow');
      await eventually(
        () => new Set(found.map(({ source }) => String(source.jid))),
        (jids) => jids.size === 2, // the offering node, then the mirror
        30_000,
      );
      assert.deepEqual(await inCopies(), ['Hamlet.txt', 'Macbeth.txt', 'Romeo.epub']);
      assert.equal(await readFile(path.join(copies(), 'Macbeth.txt'), 'utf8'), 'tomorrow');
    } finally {
      enough.abort();
      await wanting;
    }
    await eventually(
      async () => (await statusOf('offering')).keptQuestions,
      (kept) => kept === 1,
      15_000,
    );
  });

  it('outlive a crash of the one side and a restart of the other, and nothing is fetched twice', async function () {
    this.timeout(90_000);
    await offering.kill();
    await offering.start();
    await mirroring.stop();
    await mirroring.start();
    await writeFile(path.join(books(), 'Othello.txt'), 'put out the light');
    await eventually(inCopies, (names) => names.includes('Othello.txt'), 30_000);
    const fetched = () => mirroring.log.filter(({ msg }) => msg === 'a file that was wished for is here');
    await eventually(fetched, (lines) => lines.length > 0);
    assert.deepEqual(
      fetched().map(({ name }) => name),
      ['Othello.txt'],
    );
  });

  it('are what `shoal want --get` waits for and fetches, until it is interrupted', async function () {
    this.timeout(60_000);
    const [, bob] = ACCOUNTS;
    const folderOfBob = path.join(folder.path, 'bob');
    await mkdir(folderOfBob);
    const passwordFile = path.join(folder.path, 'password');
    await writeFile(passwordFile, bob.password, { mode: 0o600 });
    const { keptQuestions } = await statusOf('offering');
    const words = [
      'tempest',
      '--get',
      '--into',
      folderOfBob,
      '--json',
      '--channel',
      CHANNEL,
      '--service',
      PUBSUB,
    ];
    const account = ['--jid', `${bob.user}@${DOMAIN}`, '--password-file', passwordFile, '--tls', 'off'];
    const where = ['--server', `127.0.0.1:${server().c2sPort}`];
    const child = spawn(process.execPath, [SHOAL, 'want', ...words, ...account, ...where], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ended = once(child, 'exit');
    let out = '';
    child.stdout.on('data', (bytes: Buffer) => {
      out += bytes.toString();
    });
    try {
      await eventually(
        async () => (await statusOf('offering')).keptQuestions,
        (kept) => kept > keptQuestions,
        15_000,
      );
      await writeFile(path.join(books(), 'The Tempest.txt'), 'such stuff');
      await eventually(
        () => out,
        (text) => text.includes('"fetched"'),
        30_000,
      );
      assert.equal(await readFile(path.join(folderOfBob, 'The Tempest.txt'), 'utf8'), 'such stuff');
    } finally {
      child.kill('SIGINT');
      assert.deepEqual(await ended, [0, null]);
    }
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      lines.map(({ name, fetched }) => name ?? fetched),
      ['The Tempest.txt', path.join(folderOfBob, 'The Tempest.txt')],
    );
    await eventually(
      async () => (await statusOf('offering')).keptQuestions,
      (kept) => kept === keptQuestions,
      15_000,
    );
  });

  async function sourcesOf(word: string): Promise<string[]> {
    const channels = [{ service: parseBareJid(PUBSUB), node: CHANNEL }];
    const jids: string[] = [];
    for await (const event of asker.find({ criteria: { text: [word] }, channels, max: 10, waitMs: 1000 })) {
      if (event.type === 'file') jids.push(event.file.source.jid);
    }
    return jids.sort();
  }
});
