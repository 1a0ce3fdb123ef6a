/** The example of docs/jingle.md, run as it stands there, and what else the library promises, on a real server. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  connectFileTransfer,
  FileNotAvailableError,
  type FileSource,
  type FileTransfer,
  type FileTransferInit,
  type Received,
  receiveInto,
  streamSource,
  type TransferOutcome,
} from '../../src/jingle/library.js';
import { projectRoot } from '../support/codec-fixtures.js';
import { bytesOf } from '../support/jingle-pair.js';
import { ScriptedServer } from '../support/scripted-server.js';
import { ACCOUNTS, DOMAIN, type TestServer } from '../support/server.js';
import { describeOnServers, sharedServer } from '../support/server-fixture.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

const ROOT = projectRoot(path.dirname(fileURLToPath(import.meta.url)));
const BYTES = randomBytes(300_000);

const source = (bytes: Buffer, name = 'a.bin') =>
  streamSource({
    name,
    size: bytes.length,
    open: ({ offset, length }) => Readable.from([bytes.subarray(offset, offset + length)]),
  });

describe('docs/jingle.md', () => {
  let server: TestServer;
  let folder: TemporaryFolder;
  before(async function () {
    this.timeout(60_000);
    server = await sharedServer('prosody');
    folder = await temporaryFolder();
  });
  after(() => folder.remove());

  const document = readFileSync(path.join(ROOT, 'docs/jingle.md'), 'utf8');
  const example = /```js\n([\s\S]*?)```/.exec(document)?.[1] ?? '';

  it('has an example that sends and receives a file', async () => {
    const library = new URL('../../src/jingle/library.js', import.meta.url).href;
    const account = (user: string) => ACCOUNTS.find((each) => each.user === user)?.password ?? '';
    const program = example
      .replace("'shoal/jingle'", `'${library}'`)
      .replace("host: 'xmpp.example.org', port: 5222", `host: '${server.host}', port: ${server.c2sPort}`)
      .replaceAll('@example.org', `@${DOMAIN}`)
      // The server of the tests has no certificate.
      .replaceAll('  server,\n', "  server,\n  tls: 'off',\n");
    const file = path.join(folder.path, 'example.mjs');
    await writeFile(file, program);
    await writeFile(path.join(folder.path, 'song.ogg'), BYTES);
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], {
      cwd: folder.path,
      env: { ...process.env, ALICE_PASSWORD: account('alice'), BOB_PASSWORD: account('bob') },
      timeout: 20_000,
    });
    assert.equal(stderr, '');
    assert.deepEqual(stdout.trim().split('\n').sort(), [
      'sent: success',
      `song.ogg of alice@${DOMAIN}/work: ${BYTES.length} bytes, verified: true`,
    ]);
    assert.deepEqual(await readFile(path.join(folder.path, 'received.ogg')), BYTES);
  });

  it('has one of no more than thirty lines', () => {
    const lines = example.split('\n').filter((line) => line.trim() !== '');
    assert.ok(lines.length <= 30, `${lines.length} lines`);
  });
});

describe('shoal/jingle, at a server that will not have us any more,', () => {
  const header =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' version='1.0'>";
  const features = (content: string) => `${header}<stream:features>${content}</stream:features>`;

  it('tells that it is given up, or that it was stopped', async () => {
    const server = await ScriptedServer.start(async (session) => {
      await session.expect(/<stream:stream[^>]*>/);
      session.send(
        features(
          "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>",
        ),
      );
      await session.expect(/<auth [^>]*>[^<]*<\/auth>/);
      session.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
      await session.expect(/<stream:stream[^>]*>/);
      session.send(features("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"));
      const [, id] = await session.expect(/<iq [^>]*id="([^"]*)"[\s\S]*?<\/iq>/);
      session.send(
        `<iq id='${id}' type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>alice@localhost/r</jid></bind></iq>`,
      );
      await session.expect(/<presence/);
      if (server.connections > 1) return;
      session.send(
        "<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>",
      );
    });
    const login = () =>
      connectFileTransfer({
        jid: 'alice@localhost',
        password: 'secret',
        server: { host: '127.0.0.1', port: server.port },
        tls: 'off',
      });
    const refused = await login();
    assert.match(String((await refused.closed)?.message), /not-authorized/);
    await refused.stop();
    const stopped = await login();
    await stopped.stop();
    assert.equal(await stopped.closed, undefined);
    await server.stop();
  });
});

describeOnServers('shoal/jingle', (server) => {
  const running: FileTransfer[] = [];
  afterEach(async () => {
    await Promise.all(running.splice(0).map((each) => each.stop()));
  });

  async function login(user: 'alice' | 'bob', init: Partial<FileTransferInit> = {}): Promise<FileTransfer> {
    const transfer = await connectFileTransfer({
      jid: `${user}@${DOMAIN}`,
      password: ACCOUNTS.find((each) => each.user === user)?.password ?? '',
      server: { host: server().host, port: server().c2sPort },
      tls: 'off',
      socks5: { connectToPrivate: true },
      ...init,
    });
    running.push(transfer);
    return transfer;
  }

  it('requests files, in whole and in part', async () => {
    const alice = await login('alice', {
      onRequest: async ({ file }) => {
        if (file.name !== 'a.bin') throw new FileNotAvailableError('none');
        const { offset = 0, length = BYTES.length - offset } = file.range ?? {};
        return streamSource({
          name: 'a.bin',
          size: BYTES.length,
          range: { offset, length },
          open: (part) => Readable.from([BYTES.subarray(part.offset, part.offset + part.length)]),
        });
      },
    });
    const bob = await login('bob');
    const target = new PassThrough();
    const [received, bytes] = await Promise.all([
      receiveInto(bob.request(alice.jid, { name: 'a.bin' }), target),
      bytesOf(target),
    ]);
    assert.deepEqual(bytes, BYTES);
    assert.equal(received.verified, true);
    assert.equal(received.hash.value, createHash('sha256').update(BYTES).digest('base64'));
    const part = bob.request(alice.jid, { name: 'a.bin', range: { offset: 1000, length: 5000, hashes: [] } });
    assert.deepEqual(await bytesOf(part.stream), BYTES.subarray(1000, 6000));
    assert.equal(part.transport, 's5b');
    await part.finish('success');
    const missing = bob.request(alice.jid, { name: 'b.bin' });
    await assert.rejects(missing.accepted, { code: 'session-ended', condition: 'file-not-available' });
  });

  it('throws nothing where a peer is no address: what was begun fails, and lets its file go', async () => {
    const bob = await login('bob');
    const outcomes: TransferOutcome[] = [];
    const given: FileSource = { ...source(BYTES), release: (outcome) => void outcomes.push(outcome) };
    const isNoAddress = { name: 'ParseError' };
    const upload = bob.offer('@', given);
    await assert.rejects(upload.accepted, isNoAddress);
    assert.deepEqual([await upload.done], outcomes);
    assert.equal(outcomes[0]?.type === 'failed' && outcomes[0].error.name, 'ParseError');
    await assert.rejects(bob.request('@', { name: 'a.bin' }).accepted, isNoAddress);
    const { error } = await bob.session('@').ended;
    assert.equal(error?.name, 'ParseError');
  });

  it('sends several files in one session, also in version 4', async () => {
    for (const version of [5, 4] as const) {
      const received: Promise<Received>[] = [];
      const bob = await login('bob', {
        onOffer: async () => ({
          take: (download) => received.push(receiveInto(download, new PassThrough().resume())),
        }),
      });
      const alice = await login('alice');
      const session = alice.session(bob.jid, { version });
      const uploads = ['one', 'two', 'three'].map((name) => session.offer(source(BYTES, name)));
      session.begin();
      const outcomes = await Promise.all(uploads.map((each) => each.done));
      assert.deepEqual(
        outcomes.map(({ type }) => type),
        ['success', 'success', 'success'],
      );
      const names = (await Promise.all(received)).map(({ file }) => file.name).sort();
      assert.deepEqual(names, ['one', 'three', 'two']);
      await Promise.all(running.splice(0).map((each) => each.stop()));
    }
  });

  it('tells the sender when its bytes are wrong', async () => {
    let failed: Promise<unknown> = Promise.resolve();
    const bob = await login('bob', {
      onOffer: async () => ({
        take: (download) => {
          failed = receiveInto(download, new PassThrough().resume());
          failed.catch(() => undefined);
        },
      }),
    });
    const alice = await login('alice');
    const upload = alice.offer(bob.jid, {
      ...source(BYTES),
      file: {
        name: 'a.bin',
        size: BYTES.length,
        hashes: [{ algo: 'sha-256', value: createHash('sha256').digest('base64') }],
        hashesUsed: [],
      },
    });
    const outcome = await upload.done;
    assert.ok(outcome.type === 'failed');
    assert.match(outcome.error.message, /media-error/);
    await assert.rejects(failed, { code: 'session-failed', condition: 'media-error' });
  });

  it('declines what nobody takes, and is refused with a wrong password', async () => {
    const bob = await login('bob');
    const alice = await login('alice');
    await assert.rejects(alice.offer(bob.jid, source(BYTES)).accepted, { reason: 'decline' });
    await assert.rejects(login('alice', { password: 'wrong' }), { code: 'refused' });
  });
});
