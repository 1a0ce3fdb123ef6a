import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.js';
import { silentLog } from '../../src/log.js';
import { PrivateProsody } from '../../src/private-server/prosody.js';
import type { PrivateProsodyInit } from '../../src/private-server/prosody-config.js';
import { PrivateServerError } from '../../src/private-server/server-process.js';
import { freePorts } from '../support/free-ports.js';

describe('PrivateProsody', () => {
  const components = { clock: systemClock, log: silentLog };
  let dataDir: string;
  let init: PrivateProsodyInit;

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'shoal-prosody-'));
    const [c2s, component] = await freePorts(2);
    init = {
      dataDir,
      ports: { c2s, component },
      domain: 'localhost',
      components: [{ jid: 'files.localhost', secret: 's"\\\n]]' }],
      accounts: [{ user: 'o-asker', password: 'pass "word"' }],
      pubsub: { jid: 'pubsub.localhost' },
    };
  });

  after(() => rm(dataDir, { recursive: true, force: true }));

  it('accepts connections when started, none when stopped, and starts again in the same folder', async () => {
    const server = new PrivateProsody(components, init);
    for (let round = 0; round < 2; round++) {
      await server.start();
      await canConnect(init.ports.c2s);
      await canConnect(init.ports.component);
      await server.stop();
      await assert.rejects(canConnect(init.ports.component), /ECONNREFUSED/);
    }
  });

  it('takes over from a server that was left behind by a killed run', async () => {
    const before = new PrivateProsody(components, init);
    const next = new PrivateProsody(components, init);
    await before.start();
    const { pid } = before;
    try {
      await next.start();
      assert.notEqual(next.pid, pid);
      assert.throws(() => process.kill(pid ?? 0, 0), /ESRCH/);
    } finally {
      await before.stop();
      await next.stop();
    }
  });

  it('names a port that somebody else has', async () => {
    const other = createServer().listen(init.ports.component, '127.0.0.1');
    const server = new PrivateProsody(components, init);
    try {
      await assert.rejects(
        server.start(),
        (error: Error) =>
          error instanceof PrivateServerError && error.message.includes(`port ${init.ports.component}`),
      );
    } finally {
      await server.stop();
      await new Promise((done) => other.close(done));
    }
  });

  it('says what to type when Prosody is not installed', async () => {
    const server = new PrivateProsody(components, { ...init, program: 'no-such-program' });
    await assert.rejects(server.start(), /sudo apt-get install prosody/);
    await server.stop();
  });

  it('shows what a program said that did not come up', async () => {
    const server = new PrivateProsody(components, { ...init, program: 'false' });
    await assert.rejects(server.start(), /Prosody could not be started: it ended at once \(exit code 1\)/);
    await server.stop();
  });
});

function canConnect(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}
