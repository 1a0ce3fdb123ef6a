/** What needs a server of its own: restarts, crashes, conflicts, encryption. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Entity, OfflineError, RefusedError } from '../../src/entity/entity.js';
import { parseJid } from '../../src/stanza/jid.js';
import { xml } from '../../src/stanza/xml.js';
import { attachClient, attachComponent } from '../support/attached.js';
import { eventually } from '../support/eventually.js';
import { startProsody } from '../support/prosody.js';
import { ServerKind, type TestServer } from '../support/server.js';
import { startServer } from '../support/server-fixture.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const FAST = { minBackoffMs: 20, maxBackoffMs: 200 };
const question = () => xml('q', { xmlns: 'test' });

describe('entity and its server', () => {
  let server: TestServer | undefined;
  const running: Entity[] = [];

  async function started(entity: Entity): Promise<Entity> {
    running.push(entity);
    await entity.start();
    return entity;
  }

  afterEach(async () => {
    for (const entity of running.splice(0)) await entity.stop();
    await server?.stop();
    server = undefined;
  });

  for (const kind of ServerKind) {
    it(`survives that ${kind} is killed and comes back, as component and as client`, async function () {
      this.timeout(60_000);
      server = await startServer(kind);
      const files = await started(attachComponent(server, 'files.localhost', { times: FAST }));
      const management = { times: { maxSuspendedMs: 100 } }; // else her session would wait for the server
      const alice = await started(attachClient(server, 'alice', { times: FAST, management }));
      files.handleIq('get', 'q', 'test', () => undefined);
      const events: string[] = [];
      files.onEvent((event) => events.push(event.type));
      let ask = () => alice.request({ to: files.jid, type: 'get', payload: question() });
      await ask();
      // Nobody answers this one before the server dies.
      files.handleIq('set', 'q', 'test', () => new Promise(() => {}));
      const hanging = assert.rejects(
        alice.request({ to: files.jid, type: 'set', payload: question() }),
        OfflineError,
      );
      await server.kill();
      await hanging;
      await eventually(
        () => files.online || alice.online,
        (any) => !any,
      );
      await assert.rejects(ask(), OfflineError);
      assert.throws(() => files.send(xml('message', { to: 'alice@localhost' })), OfflineError);
      await server.restart();
      await eventually(
        () => files.online && alice.online,
        (both) => both,
        30_000,
      );
      ask = () => alice.request({ to: parseJid('files.localhost'), type: 'get', payload: question() });
      await ask();
      assert.deepEqual(events, ['offline', 'online']);
    });
  }

  it('stops while its server is away', async () => {
    server = await startProsody();
    const files = await started(attachComponent(server, 'files.localhost', { times: FAST }));
    await server.kill();
    await eventually(
      () => files.online,
      (online) => !online,
    );
    await files.stop();
  });

  it('is let in by Prosody when the one before it goes, and told of the conflict when it does not', async () => {
    server = await startProsody();
    const first = await started(attachComponent(server, 'node1.localhost'));
    const patient = attachComponent(server, 'node1.localhost', { times: { ...FAST, maxConflicts: 1000 } });
    running.push(patient);
    const letIn = patient.start();
    const second = attachComponent(server, 'node1.localhost', { times: { ...FAST, maxConflicts: 3 } });
    running.push(second);
    await assert.rejects(second.start(), (error: unknown) => {
      assert.ok(error instanceof RefusedError, String(error));
      assert.match(error.message, /another program is connected to .* as node1\.localhost/);
      return true;
    });
    assert.ok(first.online, 'the first is not disturbed');
    await first.stop();
    await letIn;
  });

  describe('with STARTTLS', () => {
    let folder: string;
    const tls = () => ({
      keyFile: join(folder, 'key.pem'),
      certificateFile: join(folder, 'certificate.pem'),
    });

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'shoal-test-tls-'));
      await promisify(execFile)('openssl', [
        ...[
          'req',
          '-x509',
          '-newkey',
          'ec',
          '-pkeyopt',
          'ec_paramgen_curve:prime256v1',
          '-nodes',
          '-days',
          '2',
        ],
        ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
        ...['-keyout', tls().keyFile, '-out', tls().certificateFile],
      ]);
    });

    after(() => rm(folder, { recursive: true, force: true }));

    for (const mode of ['required', 'allowed'] as const) {
      it(`sends no password to a server whose certificate nobody vouches for (tls: ${mode})`, async () => {
        server = await startProsody({ tls: tls() });
        const alice = attachClient(server, 'alice', { tls: mode });
        running.push(alice);
        await assert.rejects(alice.start(), (error: unknown) => {
          assert.ok(error instanceof RefusedError, String(error));
          assert.match(error.message, /does not prove that it is localhost: DEPTH_ZERO_SELF_SIGNED_CERT/);
          return true;
        });
      });
    }

    it('does without where told so', async () => {
      server = await startProsody({ tls: tls() });
      await started(attachClient(server, 'alice', { tls: 'off' }));
    });

    it('encrypts where the certificate is trusted, Japanese included', async () => {
      server = await startProsody({ tls: tls() });
      const files = await started(attachComponent(server, 'files.localhost'));
      const text = '吾輩は猫である。'.repeat(1500);
      files.handleIq('get', 'q', 'test', () => xml('a', { xmlns: 'test' }, text));
      // Trust is read when a process starts, so this takes one of its own.
      const program = new URL('../support/ask-over-tls.js', import.meta.url);
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [program.pathname, `${server.c2sPort}`],
        {
          env: { ...process.env, NODE_EXTRA_CA_CERTS: tls().certificateFile },
          maxBuffer: 10_000_000,
        },
      );
      assert.equal(stdout, text);
    });

    it('resumes an encrypted session', async () => {
      server = await startProsody({ tls: tls() });
      const files = await started(attachComponent(server, 'files.localhost'));
      files.handleIq('get', 'q', 'test', () => xml('a', { xmlns: 'test' }, '猫'));
      const line = await TcpProxy.start({ targetPort: server.c2sPort });
      try {
        const program = new URL('../support/ask-over-tls.js', import.meta.url).pathname;
        const child = spawn(process.execPath, [program, `${line.port}`, 'again'], {
          env: { ...process.env, NODE_EXTRA_CA_CERTS: tls().certificateFile },
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        let said = '';
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          said += text;
          if (said === '猫') line.cut();
        });
        const [code] = await once(child, 'exit');
        assert.equal(code, 0);
        assert.equal(said, '猫 resumed 猫');
      } finally {
        await line.stop();
      }
    });
  });
});
