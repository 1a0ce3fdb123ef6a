/** A private Prosody with as many nodes as a measurement wants, and askers on it. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { freePorts } from '../src/cli/free-ports.js';
import { systemClock } from '../src/clock.js';
import type { AskerConfig } from '../src/config/options.js';
import { clientEntity } from '../src/entity/client-entity.js';
import { componentConnection } from '../src/entity/component-connection.js';
import type { Entity } from '../src/entity/entity.js';
import { StanzaRouter } from '../src/entity/stanza-router.js';
import type { StanzaScreen } from '../src/entity/stanza-screen.js';
import { silentLog } from '../src/log.js';
import { PrivateProsody } from '../src/private-server/prosody.js';
import { type BareJid, parseBareJid, parseJid } from '../src/stanza/jid.js';
import { withPortsRetried } from '../test/support/server.js';
import { Asking } from './asking.js';
import type { Cleanups } from './cleanups.js';
import { NodeProcess } from './node-process.js';

const DOMAIN = 'localhost';
/** The default, written out because times are told without it. */
export const QUIET_MS = 1000;
/** Questions are what is measured: the budgets that protect a node from them are set as high as they go. */
const MOST = 10_000_000;
const ALL_WORK_MS = 120_000;
const SCOPES = ['PerAsker', 'PerDomain', 'PerChannel', ''] as const;
const UNLIMITED = Object.fromEntries(
  SCOPES.flatMap((scope) => [
    ...['queries', 'answerFiles', 'answerBytes'].map((measure) => [`${measure}${scope}PerMinute`, MOST]),
    [`searchMs${scope}PerMinute`, ALL_WORK_MS],
    ...(scope === 'PerChannel' ? [] : ['requests', 'fileRequests']).map((measure) => [
      `${measure}${scope}PerMinute`,
      MOST,
    ]),
  ]).concat([['refusalsPerAskerPerMinute', MOST]]),
);
const components = { clock: systemClock, log: silentLog };

export interface NodeWishes {
  readonly shares: readonly { readonly name: string; readonly path: string }[];
  readonly channels?: readonly string[];
  /** That has them. Default: Prosody's. */
  readonly service?: BareJid;
  /** Beside those on loopback. */
  readonly transfers?: Readonly<Record<string, unknown>>;
  /** Beside those of questions, which are never in the way. */
  readonly limits?: Readonly<Record<string, number>>;
}

export class PrivateNetwork {
  readonly pubsub: BareJid = parseBareJid(`pubsub.${DOMAIN}`);
  readonly #folder: string;
  readonly #cleanups: Cleanups;
  readonly #secret = randomBytes(16).toString('hex');
  #ports = { c2s: 0, component: 0 };

  constructor(folder: string, cleanups: Cleanups) {
    this.#folder = folder;
    this.#cleanups = cleanups;
  }

  /** With addresses for so many nodes. */
  async start(nodes: number): Promise<void> {
    await withPortsRetried(async () => {
      const [c2s = 0, component = 0] = await freePorts(2);
      this.#ports = { c2s, component };
      const prosody = new PrivateProsody(components, {
        dataDir: join(this.#folder, 'prosody'),
        ports: this.#ports,
        domain: DOMAIN,
        components: Array.from({ length: nodes }, (_, at) => ({
          jid: this.address(at),
          secret: this.#secret,
        })),
        accounts: ['asker', 'fetcher'].map((user) => ({ user, password: this.#secret })),
        pubsub: { jid: this.pubsub },
      });
      this.#cleanups.add(() => prosody.stop());
      await prosody.start();
    });
  }

  address(node: number): BareJid {
    return parseBareJid(`node${node + 1}.${DOMAIN}`);
  }

  /** Not started. */
  node(
    at: number,
    { shares, channels = [], service = this.pubsub, transfers, limits = {} }: NodeWishes,
  ): NodeProcess {
    const node = new NodeProcess(join(this.#folder, `node${at + 1}`), {
      xmpp: { host: '127.0.0.1', port: this.#ports.component, jid: this.address(at), secret: this.#secret },
      shares,
      channels: channels.map((each) => ({ service, node: each, create: true })),
      transfers: { listenHost: '127.0.0.1', externalHosts: ['127.0.0.1'], ...transfers },
      scan: { quietMs: QUIET_MS },
      limits: { ...UNLIMITED, ...limits },
    });
    this.#cleanups.add(() => node.close());
    return node;
  }

  askerConfig(user: 'asker' | 'fetcher'): AskerConfig {
    return {
      jid: parseJid(`${user}@${DOMAIN}`),
      password: this.#secret,
      server: { host: '127.0.0.1', port: this.#ports.c2s },
      tls: 'off',
      service: this.pubsub,
      channels: [],
    };
  }

  async asker(): Promise<Asking> {
    const entity = clientEntity(components, this.askerConfig('asker'));
    const asking = new Asking(entity);
    this.#cleanups.add(() => asking.stop());
    await asking.start();
    return asking;
  }

  /** At the address of a node, attached as one, and silent. */
  async bystander(at: number, screen?: StanzaScreen): Promise<Entity> {
    const entity = this.component(at, screen);
    this.#cleanups.add(() => entity.stop());
    await entity.start();
    return entity;
  }

  /** The same, not started; whoever starts it stops it. */
  component(at: number, screen?: StanzaScreen): Entity {
    const xmpp = {
      mode: 'component',
      host: '127.0.0.1',
      port: this.#ports.component,
      jid: this.address(at),
      secret: this.#secret,
    } as const;
    const connection = componentConnection(components, xmpp);
    return new StanzaRouter({ ...components, connection, ...(screen && { screen }) });
  }
}
