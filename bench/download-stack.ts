/** The Jingle half of an asker that downloads by SOCKS5 on this machine, as often at once as is wished. */
import { systemClock } from '../src/clock.js';
import type { AskerConfig } from '../src/config/options.js';
import { clientEntity } from '../src/entity/client-entity.js';
import type { Entity } from '../src/entity/entity.js';
import { silentLog } from '../src/log.js';
import { TransferStack } from '../src/node/transfer-stack.js';
import type { Connector } from '../src/transport/tcp-connector.js';

const MAX_SESSIONS = 1000;
/** No receiver of ours is given up because others have their turn. */
const IDLE_MS = 10 * 60_000;
const components = { clock: systemClock, log: silentLog };

export interface DownloadStack {
  readonly entity: Entity;
  readonly jingle: TransferStack['jingle'];
  stop(): Promise<void>;
}

/** Nobody listens there: a node that is told of it gives up at once. */
const CLOSED_PORT = 1;

/** Logged in. `connector`: how it connects to nodes, which then can't connect to it; without one, as the program does. */
export async function startDownloadStack(config: AskerConfig, connector?: Connector): Promise<DownloadStack> {
  const entity = clientEntity(components, config);
  const stack = new TransferStack(
    { entity, ...components, ...(connector && { connector }) },
    {
      serverHost: config.server.host,
      listenPort: 0,
      externalHosts: [config.server.host],
      ...(connector && { externalPort: CLOSED_PORT }),
      connectToPrivate: true,
      findProxies: 'never',
      maxSessions: MAX_SESSIONS,
      maxSessionsPerPeer: 1,
      idleMs: IDLE_MS,
      maxCandidates: 10,
      candidateTimeoutMs: 5000,
      maxHandshakes: MAX_SESSIONS,
      ibbBlockBytes: 8192,
      ibbWindow: 8,
      transports: ['s5b'],
    },
  );
  await stack.start();
  await entity.start();
  return {
    entity,
    jingle: stack.jingle,
    stop: async () => {
      await stack.stop();
      await entity.stop();
    },
  };
}
