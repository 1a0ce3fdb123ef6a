/** A Prosody of its own for a test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.js';
import { silentLog } from '../../src/log.js';
import { PrivateProsody } from '../../src/private-server/prosody.js';
import { freePorts } from './free-ports.js';
import {
  ACCOUNTS,
  COMPONENT_SECRET,
  COMPONENTS,
  DOMAIN,
  PROXY65,
  PUBSUB,
  type TestServer,
  type TestServerOptions,
  withPortsRetried,
} from './server.js';

export function startProsody(options: TestServerOptions = {}): Promise<TestServer> {
  return withPortsRetried(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'shoal-test-prosody-'));
    const [c2s, component, proxy65] = await freePorts(3);
    const server = new PrivateProsody(
      { clock: systemClock, log: silentLog },
      {
        dataDir: folder,
        ports: { c2s, component, proxy65 },
        domain: DOMAIN,
        components: COMPONENTS.map((jid) => ({ jid, secret: COMPONENT_SECRET })),
        accounts: ACCOUNTS,
        pubsub: { jid: PUBSUB },
        proxy65: { jid: PROXY65 },
        ...options,
      },
    );
    const stop = async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    };
    try {
      await server.start();
    } catch (error) {
      await stop();
      throw error;
    }
    return {
      kind: 'prosody',
      host: '127.0.0.1',
      c2sPort: c2s,
      componentPort: component,
      proxy65Port: proxy65,
      folder,
      stop,
      kill: () => server.kill(),
      restart: async () => {
        await server.stop();
        await server.start();
      },
    };
  });
}
