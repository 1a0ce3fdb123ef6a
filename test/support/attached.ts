/** Components and clients of a test server, made but not started. */
import { systemClock } from '../../src/clock.js';
import { clientEntity } from '../../src/entity/client-entity.js';
import { componentConnection } from '../../src/entity/component-connection.js';
import type { ConnectionTimes } from '../../src/entity/connection-machine.js';
import type { Entity } from '../../src/entity/entity.js';
import { StanzaRouter } from '../../src/entity/stanza-router.js';
import type { StreamManagementInit } from '../../src/entity/stream-management.js';
import { silentLog } from '../../src/log.js';
import { parseBareJid, parseJid } from '../../src/stanza/jid.js';
import { ACCOUNTS, COMPONENT_SECRET, DOMAIN, type TestServer } from './server.js';

export const ENTITY_COMPONENTS = { clock: systemClock, log: silentLog };

export interface AttachOptions {
  /** Where it connects to instead of the server's own port: a proxy's. */
  readonly port?: number;
  readonly times?: Partial<ConnectionTimes>;
}

export function attachComponent(
  server: TestServer,
  domain: string,
  options: AttachOptions & { readonly secret?: string } = {},
): Entity {
  const connection = componentConnection(ENTITY_COMPONENTS, {
    jid: parseBareJid(domain),
    host: server.host,
    port: options.port ?? server.componentPort,
    secret: options.secret ?? COMPONENT_SECRET,
    ...(options.times && { times: options.times }),
  });
  return new StanzaRouter({ ...ENTITY_COMPONENTS, connection });
}

export interface AttachClientOptions extends AttachOptions {
  readonly password?: string;
  readonly resource?: string;
  readonly tls?: 'required' | 'allowed' | 'off';
  readonly presence?: 'plain' | 'none';
  readonly management?: StreamManagementInit;
  /** Requests that may wait for an answer, of which one service may have a quarter. */
  readonly maxPendingIqs?: number;
}

export function attachClient(
  server: TestServer,
  user: (typeof ACCOUNTS)[number]['user'],
  options: AttachClientOptions = {},
): Entity {
  const account = ACCOUNTS.find((each) => each.user === user);
  const resource = options.resource === undefined ? '' : `/${options.resource}`;
  const connection = {
    jid: parseJid(`${user}@${DOMAIN}${resource}`),
    password: options.password ?? account?.password ?? '',
    server: { host: server.host, port: options.port ?? server.c2sPort },
    tls: options.tls ?? 'off',
    ...(options.presence && { presence: options.presence }),
    ...(options.management && { management: options.management }),
    ...(options.times && { times: options.times }),
  };
  const { maxPendingIqs } = options;
  return clientEntity(ENTITY_COMPONENTS, connection, maxPendingIqs === undefined ? {} : { maxPendingIqs });
}
