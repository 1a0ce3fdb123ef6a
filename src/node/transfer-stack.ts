/** What node and asker have in common: Jingle with its transports on one entity. */
import type { Clock } from '../clock.js';
import type { Entity } from '../entity/entity.js';
import type { FileOfferHandler, FileRequestHandler } from '../jingle/file-session.js';
import { JingleEngine } from '../jingle/jingle-engine.js';
import type { JingleTimeouts } from '../jingle/timeouts.js';
import type { Log } from '../log.js';
import type { Jid } from '../stanza/jid.js';
import type { Startable } from '../startable.js';
import { AddressPolicy, isLoopback } from '../transport/address-policy.js';
import { AssistedListener } from '../transport/assisted-listener.js';
import { ConnectBudget, type ConnectBudgetInit } from '../transport/connect-budget.js';
import { IbbTransport } from '../transport/ibb-transport.js';
import {
  defaultConnectBudget,
  defaultIbbLimits,
  defaultListenerLimits,
  defaultMappingLimits,
  defaultProxyLimits,
  defaultS5bLimits,
} from '../transport/limits.js';
import { peerAllowance } from '../transport/peer-allowance.js';
import type { GatewayChoice, PortMapper } from '../transport/port-mapper.js';
import { PortMapperThread } from '../transport/port-mapper-thread.js';
import { PortMapping } from '../transport/port-mapping.js';
import { ProxyFinder, serverOf } from '../transport/proxy-finder.js';
import { S5bListener } from '../transport/s5b-listener.js';
import { S5bTransport } from '../transport/s5b-transport.js';
import { type Connector, TcpConnector } from '../transport/tcp-connector.js';
import type { TransportType } from '../transport/transport.js';

export interface TransferStackComponents {
  readonly entity: Entity;
  readonly clock: Clock;
  readonly log: Log;
  /** How candidates of peers are reached. Default: by TCP. */
  readonly connector?: Connector;
  /** How gateways are asked. Default: by NAT-PMP and UPnP. */
  readonly portMapper?: PortMapper;
}

export interface TransferStackInit {
  /** Where our XMPP server is: on loopback, peers may be on this machine too. */
  readonly serverHost: string;
  readonly listenPort: number;
  /** The end of a range of ports that begins with `listenPort`. */
  readonly lastListenPort?: number;
  readonly listenHost?: string;
  readonly externalHosts: readonly string[];
  readonly externalPort?: number;
  /** Has a gateway forward a port to us. `gateway`: its address, or the URL of its UPnP description. */
  readonly mapPort?: { readonly gateway?: string };
  /** SOCKS5 proxies, and whether to ask the server where none is named. */
  readonly proxies?: readonly Jid[];
  readonly findProxies: 'at-once' | 'when-needed' | 'never';
  /** Whether we connect to peers in our own network (RFC 1918 and its like), if they are of our own server. */
  readonly connectToPrivate: boolean;
  /** Peers at whose word we connect anywhere. */
  readonly trustedPeers?: readonly Jid[];
  readonly failedConnects?: Omit<ConnectBudgetInit, 'concurrentUnproven'>;
  readonly maxSessions: number;
  readonly maxSessionsPerPeer: number;
  readonly maxSessionsPerDomain?: number;
  readonly idleMs: number;
  readonly maxCandidates: number;
  readonly candidateTimeoutMs: number;
  readonly maxHandshakes: number;
  readonly ibbBlockBytes: number;
  readonly ibbWindow: number;
  readonly timeouts?: Partial<JingleTimeouts>;
  /** Which transports are used, in the order of preference. Default: SOCKS5, then in-band. */
  readonly transports?: readonly TransportType[];
  readonly onFileRequest?: FileRequestHandler;
  /** Without it nothing that is offered is taken. */
  readonly onFileOffer?: FileOfferHandler;
}

export class TransferStack implements Startable {
  readonly jingle: JingleEngine;
  readonly #listener: S5bListener;
  readonly #mapping: PortMapping | undefined;
  readonly #ibb: IbbTransport;
  readonly #proxies: ProxyFinder;

  constructor(components: TransferStackComponents, init: TransferStackInit) {
    const { entity, clock, log, connector = new TcpConnector() } = components;
    const local = isLoopback(init.serverHost) || init.serverHost === 'localhost';
    this.#listener = new S5bListener(
      { clock, log },
      {
        ...defaultListenerLimits,
        hosts: init.externalHosts,
        loopback: local,
        port: init.listenPort,
        ...(init.lastListenPort !== undefined && { lastPort: init.lastListenPort }),
        ...(init.externalPort !== undefined && { externalPort: init.externalPort }),
        ...(init.listenHost !== undefined && { bindHost: init.listenHost }),
        maxHandshakes: init.maxHandshakes,
      },
    );
    const mapping = this.#portMapping(components, init.mapPort);
    this.#mapping = mapping;
    const policy = new AddressPolicy({
      allowPrivate: false,
      allowLoopback: false,
      allowance: peerAllowance({
        ownServer: () => serverOf(entity.jid),
        connectToPrivate: init.connectToPrivate,
        connectToLoopback: local,
        trusted: init.trustedPeers ?? [],
      }),
    });
    this.#proxies = new ProxyFinder(
      { entity, clock, log },
      { ...defaultProxyLimits, proxies: init.proxies ?? [], search: init.findProxies },
    );
    const s5b = new S5bTransport(
      {
        entity,
        clock,
        log,
        listener: mapping ? new AssistedListener({ listener: this.#listener, mapping }) : this.#listener,
        connector,
        policy,
        gate: new ConnectBudget({ clock }, { ...defaultConnectBudget, ...init.failedConnects }),
        proxies: this.#proxies,
      },
      {
        ...defaultS5bLimits,
        maxCandidates: init.maxCandidates,
        attemptTimeoutMs: init.candidateTimeoutMs,
      },
    );
    this.#ibb = new IbbTransport(
      { entity, clock, log },
      { ...defaultIbbLimits, blockSize: init.ibbBlockBytes, window: init.ibbWindow },
    );
    const byType = { s5b, ibb: this.#ibb };
    this.jingle = new JingleEngine(
      { entity, clock, log, transports: (init.transports ?? ['s5b', 'ibb']).map((type) => byType[type]) },
      {
        maxSessions: init.maxSessions,
        maxSessionsPerPeer: init.maxSessionsPerPeer,
        ...(init.maxSessionsPerDomain !== undefined && { maxSessionsPerDomain: init.maxSessionsPerDomain }),
        timeouts: { idleMs: init.idleMs, ...init.timeouts },
        ...(init.onFileRequest && { onFileRequest: init.onFileRequest }),
        ...(init.onFileOffer && { onFileOffer: init.onFileOffer }),
      },
    );
  }

  async start(): Promise<void> {
    await this.#listener.start();
    await this.#mapping?.start();
    await this.#proxies.start();
    await this.#ibb.start();
    await this.jingle.start();
  }

  /** Sessions first: they say goodbye over what is stopped after them. */
  async stop(): Promise<void> {
    await this.jingle.stop();
    await this.#ibb.stop();
    await this.#proxies.stop();
    await this.#mapping?.stop();
    await this.#listener.stop();
  }

  #portMapping(
    components: TransferStackComponents,
    asked: TransferStackInit['mapPort'],
  ): PortMapping | undefined {
    if (asked === undefined) return undefined;
    const {
      clock,
      log,
      portMapper: mapper = new PortMapperThread({ clock }, defaultMappingLimits),
    } = components;
    return new PortMapping(
      { mapper, clock, log },
      { ...defaultMappingLimits, gateways: gatewaysOf(asked.gateway), port: () => this.#listener.port },
    );
  }
}

/** NAT-PMP twice, since a datagram may get lost (RFC 6886 §3.1). */
function gatewaysOf(gateway: string | undefined): readonly GatewayChoice[] {
  if (gateway === undefined) return [{ protocol: 'nat-pmp' }, { protocol: 'nat-pmp' }, { protocol: 'upnp' }];
  if (/^http:/.test(gateway)) return [{ protocol: 'upnp', description: gateway }];
  const byAddress = { protocol: 'nat-pmp', host: gateway } as const;
  return [byAddress, byAddress];
}
