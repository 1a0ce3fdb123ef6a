/** Our programs as sides of a transfer, whole, each with a reach: a node, an asker, and a library that takes offers. */
import { createHash } from 'node:crypto';
import { createWriteStream, readFileSync, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { parseShareRelativePath } from '../../src/catalogue/share-path.js';
import { systemClock } from '../../src/clock.js';
import { loadNodeConfig } from '../../src/config/load.js';
import { Disco } from '../../src/entity/disco.js';
import type { Entity } from '../../src/entity/entity.js';
import type { FileDownload, FileOffer } from '../../src/jingle/file-session.js';
import { receiveInto } from '../../src/jingle/receive-into.js';
import { silentLog } from '../../src/log.js';
import { askerDisco } from '../../src/node/disco-of-us.js';
import { NetworkAsker } from '../../src/node/network-asker.js';
import { NetworkNode } from '../../src/node/network-node.js';
import { TransferStack } from '../../src/node/transfer-stack.js';
import { parseBareJid, parseJid } from '../../src/stanza/jid.js';
import type { Element } from '../../src/stanza/xml.js';
import { attachClient } from '../support/attached.js';
import { freePorts } from '../support/free-ports.js';
import { ACCOUNTS, COMPONENT_SECRET, DOMAIN, PUBSUB, type TestServer } from '../support/server.js';
import { type Reach, ReachConnector, type Via } from './reach.js';

const COMPONENTS = { clock: systemClock, log: silentLog };
export const SHARE = 'shared';

export interface Transferred {
  readonly via: Via;
  /** Hex; of the bytes that we received. */
  readonly sha256?: string;
}

/** Where a side tells others to connect to: nobody is there, or, for one that can be reached, where it is. */
async function externalOf(reach: Reach): Promise<{ host: string; port: number } | undefined> {
  if (reach === 'open') return undefined;
  const [port] = await freePorts(1);
  return { host: '127.0.0.1', port };
}

export class OurNode {
  private constructor(
    readonly jid: string,
    readonly folder: string,
    private readonly node: NetworkNode,
    private readonly connector: ReachConnector,
  ) {}

  /** Shares `folder`: as a component, or with the account of a full address. */
  static async start(
    server: TestServer,
    init: { readonly jid: string; readonly reach: Reach; readonly folder: string; readonly home: string },
  ): Promise<OurNode> {
    const account = ACCOUNTS.find(({ user }) => init.jid.startsWith(`${user}@`));
    const external = await externalOf(init.reach);
    const file = path.join(init.home, 'node.yaml');
    await mkdir(init.home, { recursive: true });
    const { host, componentPort: port, c2sPort } = server;
    const { jid } = init;
    const written = {
      xmpp: account
        ? { mode: 'client', jid, password: account.password, server: `${host}:${c2sPort}`, tls: 'off' }
        : { mode: 'component', host, port, jid, secret: COMPONENT_SECRET },
      shares: [{ name: SHARE, path: init.folder }],
      scan: { quietMs: 100 },
      ...(external && { transfers: { externalHosts: [external.host], externalPort: external.port } }),
    };
    await writeFile(file, stringify(written), { mode: 0o600 });
    const connector = new ReachConnector(init.reach, server.proxy65Port);
    const { config } = await loadNodeConfig(file);
    const node = new NetworkNode({ ...COMPONENTS, version: 'test', connector }, config);
    await node.start();
    return new OurNode(jid, init.folder, node, connector);
  }

  /** Offers one of its files, hashed if `sha256` (base64) is given. Resolves when the receiver says that it has it. */
  async offer(to: string, name: string, sha256?: string): Promise<Transferred> {
    const { size, mtimeMs } = statSync(path.join(this.folder, name));
    const entry = {
      share: SHARE,
      path: parseShareRelativePath(name),
      size,
      mtimeMs: Math.floor(mtimeMs),
      mediaType: 'application/octet-stream',
      ...(sha256 !== undefined && { sha256 }),
    };
    this.connector.forget();
    const upload = await this.node.offer(parseJid(to), entry);
    const outcome = await upload.done;
    if (outcome.type === 'failed') throw outcome.error;
    return { via: this.connector.viaOf(upload.transport, size) };
  }

  stop(): Promise<void> {
    return this.node.stop();
  }
}

export class OurAsker {
  private constructor(
    private readonly asker: NetworkAsker,
    private readonly connector: ReachConnector,
  ) {}

  static async start(server: TestServer, reach: Reach): Promise<OurAsker> {
    const [{ user, password }] = ACCOUNTS;
    const connector = new ReachConnector(reach, server.proxy65Port);
    const external = await externalOf(reach);
    const asker = new NetworkAsker(
      { ...COMPONENTS, connector },
      {
        jid: parseJid(`${user}@${DOMAIN}/${reach}`),
        password,
        server: { host: server.host, port: server.c2sPort },
        tls: 'off',
        service: parseBareJid(PUBSUB),
        channels: [],
      },
      { transports: reach === 'in-band' ? ['ibb'] : ['s5b', 'ibb'], ...(external && { external }) },
    );
    await asker.start();
    return new OurAsker(asker, connector);
  }

  /** Fetches a file by its name. */
  async fetch(from: string, name: string, target: string): Promise<Transferred> {
    this.connector.forget();
    let transport: string | undefined;
    let bytes = 0;
    const request = {
      file: { name },
      sources: [{ jid: parseJid(from) }],
      target,
      overwrite: 'replace' as const,
    };
    for await (const event of this.asker.fetch(request)) {
      if (event.type === 'source' && event.error) throw event.error;
      if (event.type === 'source') transport = event.transport ?? transport;
      if (event.type === 'done') bytes = event.bytes;
    }
    const sha256 = createHash('sha256').update(readFileSync(target)).digest('hex');
    return { via: this.connector.viaOf(transport, bytes), sha256 };
  }

  stop(): Promise<void> {
    return this.asker.stop();
  }
}

/** Takes what is offered to it, as a program that uses `shoal/jingle` would. */
export class OurReceiver {
  #next: ((download: FileDownload, offer: FileOffer) => void) | undefined;

  private constructor(
    private readonly entity: Entity,
    private readonly disco: Disco,
    private readonly transfers: TransferStack,
    private readonly connector: ReachConnector,
  ) {}

  static async start(server: TestServer, reach: Reach): Promise<OurReceiver> {
    const connector = new ReachConnector(reach, server.proxy65Port);
    const external = await externalOf(reach);
    const entity = attachClient(server, 'bob', { resource: reach });
    const transfers: TransferStack = new TransferStack(
      { ...COMPONENTS, entity, connector },
      {
        serverHost: server.host,
        listenPort: 0,
        externalHosts: external ? [external.host] : [],
        ...(external && { externalPort: external.port }),
        findProxies: 'when-needed',
        connectToPrivate: true,
        maxSessions: 8,
        maxSessionsPerPeer: 8,
        idleMs: 20_000,
        maxCandidates: 10,
        candidateTimeoutMs: 5000,
        maxHandshakes: 64,
        ibbBlockBytes: 8192,
        ibbWindow: 8,
        onFileOffer: async (offer) => ({
          take: (download) => {
            const next = receiver.#next;
            receiver.#next = undefined;
            if (next) next(download, offer);
            else void download.finish('cancel');
          },
        }),
      },
    );
    const disco = new Disco({ entity }, askerDisco(transfers.jingle.features));
    const receiver = new OurReceiver(entity, disco, transfers, connector);
    await disco.start();
    await transfers.start();
    await entity.start();
    return receiver;
  }

  get jid(): string {
    return this.entity.jid;
  }

  /** Asks somebody for something by iq, be it for an offer. Throws StanzaError. */
  async ask(to: string, payload: Element): Promise<void> {
    await this.entity.request({ to: parseJid(to), type: 'get', payload });
  }

  /** Takes the next offer into `target`. */
  receive(target: string): Promise<Transferred & { readonly verified: boolean; readonly name?: string }> {
    this.connector.forget();
    return new Promise((resolve, reject) => {
      this.#next = (download, offer) => {
        receiveInto(download, createWriteStream(target)).then(({ bytes, verified }) => {
          const sha256 = createHash('sha256').update(readFileSync(target)).digest('hex');
          const { name } = offer.file;
          const via = this.connector.viaOf(download.transport, bytes);
          resolve({ via, sha256, verified, ...(name !== undefined && { name }) });
        }, reject);
      };
    });
  }

  async stop(): Promise<void> {
    await this.transfers.stop();
    await this.disco.stop();
    await this.entity.stop();
  }
}
