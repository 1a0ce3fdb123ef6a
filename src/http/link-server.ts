/**
 * The HTTP listener behind the links: one file a link, and nothing else. Connections that have shown no link that is
 * good are few, and the oldest makes room; those that have are bounded by the upload slots.
 */
import {
  createServer as createHttp,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttps, type Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { DataFolder } from '../catalogue/data-folder.js';
import type { Timer } from '../clock.js';
import { messageOf, ShoalError } from '../errors.js';
import type { Log } from '../log.js';
import type { Startable } from '../startable.js';
import { UnclaimedConnections } from '../transport/unclaimed-connections.js';
import { AddressPins } from './address-pins.js';
import { type Certificate, CertificateError, type CertificateSource } from './certificate.js';
import type { FileLinks } from './file-links.js';
import {
  FileResponder,
  type FileResponseComponents,
  type FileResponseInit,
  refuse,
} from './file-response.js';
import { linkKey } from './link-key.js';
import { LinkSeal } from './link-seal.js';

export interface LinkServerComponents extends FileResponseComponents {
  readonly links: Pick<FileLinks, 'fileOf' | 'use'>;
  /** Where the key is kept. */
  readonly folder: DataFolder;
  readonly log: Log;
  /** Without it the listener speaks plain HTTP, for a proxy in front of it. */
  readonly certificate?: CertificateSource;
}

export interface LinkServerInit extends FileResponseInit {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Clients are told apart by what a proxy of ours says: by the last address of X-Forwarded-For. */
  readonly behindProxy: boolean;
  /** A link serves the address that uses it first, and no other. */
  readonly pinAddress: boolean;
  /** Connections that have shown no good link. */
  readonly maxConnections: number;
  /** For a TLS handshake, and for the head of a request. Default 10,000. */
  readonly headTimeoutMs?: number;
  /** How long a connection waits for the next request. Default 5,000. */
  readonly keepAliveMs?: number;
}

/** Thrown at start when the port can't be had. */
export class LinkListenError extends ShoalError {
  readonly code = 'link-listen';
}

const DEFAULT_HEAD_TIMEOUT_MS = 10_000;
const DEFAULT_KEEP_ALIVE_MS = 5_000;
/** A link may have 12,000 characters: the longest path of all, and the longest name. */
const MAX_HEADER_BYTES = 16_384;
/** How often the certificate is looked at: it is renewed days before it ends. */
const CERTIFICATE_LOOK_MS = 3_600_000;
/** How many requests may wait on a connection for the one before them. */
const MAX_PIPELINED = 8;

export class LinkServer implements Startable {
  readonly #components: LinkServerComponents;
  readonly #init: LinkServerInit;
  readonly #responder: FileResponder;
  readonly #pins: AddressPins | undefined;
  readonly #connections: UnclaimedConnections;
  /** Under TLS a request has another socket than the connection: they have their addresses in common. */
  readonly #byPeer = new Map<string, Connection>();
  #isStopping = false;
  #server: Server | HttpsServer | undefined;
  #certificate: Certificate | undefined;
  #look: Timer | undefined;
  #port = 0;

  constructor(components: LinkServerComponents, init: LinkServerInit) {
    this.#components = components;
    this.#init = init;
    this.#responder = new FileResponder(components, init);
    this.#pins = init.pinAddress ? new AddressPins(components) : undefined;
    this.#connections = new UnclaimedConnections(init.maxConnections);
  }

  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    const { folder, links, log } = this.#components;
    links.use(new LinkSeal(await linkKey(folder)));
    this.#certificate = await this.#components.certificate?.read();
    await this.#listen(this.#made());
    if (this.#certificate) this.#lookLater();
    log.info({ port: this.#port, tls: this.#certificate !== undefined }, 'links are served');
  }

  async stop(): Promise<void> {
    this.#components.links.use(undefined);
    this.#isStopping = true;
    this.#look?.cancel();
    const server = this.#server;
    if (!server?.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    const open = [...this.#byPeer.values()];
    for (const { socket } of open) socket.destroy(); // which aborts what is under way
    await closed;
    await Promise.all(open.map(({ last }) => last)); // they give their slots back
  }

  /** Throws {@link CertificateError}. */
  #made(): Server | HttpsServer {
    const { headTimeoutMs = DEFAULT_HEAD_TIMEOUT_MS, keepAliveMs = DEFAULT_KEEP_ALIVE_MS } = this.#init;
    const options = {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: headTimeoutMs,
      requestTimeout: headTimeoutMs, // there is nothing to read but the head
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: Math.min(1000, headTimeoutMs),
      noDelay: true,
    };
    if (!this.#certificate) return createHttp(options, this.#onRequest);
    const tls = { ...this.#certificate, minVersion: 'TLSv1.2', handshakeTimeout: headTimeoutMs } as const;
    try {
      return createHttps({ ...options, ...tls }, this.#onRequest);
    } catch (cause) {
      throw new CertificateError(`the certificate for links can't be used: ${messageOf(cause)}`, { cause });
    }
  }

  #listen(server: Server | HttpsServer): Promise<void> {
    const { host, port } = this.#init;
    this.#server = server;
    server.on('connection', this.#onConnection);
    return new Promise((resolve, reject) => {
      server.once('error', (cause) => {
        reject(new LinkListenError(`can't serve links at ${host}:${port}: ${cause.message}`, { cause }));
      });
      server.listen({ host, port }, () => {
        const address = server.address();
        this.#port = typeof address === 'object' && address !== null ? address.port : port;
        server.removeAllListeners('error');
        server.on('error', (error) => this.#components.log.warn({ err: error }, 'link listener'));
        resolve();
      });
    });
  }

  #lookLater(): void {
    this.#look = this.#components.clock.after(CERTIFICATE_LOOK_MS, () => {
      void this.#renew().finally(() => {
        if (!this.#isStopping) this.#lookLater();
      });
    });
  }

  /** Connections that are open keep theirs. With a new one that is wrong all do. Never rejects. */
  async #renew(): Promise<void> {
    const { certificate, log } = this.#components;
    try {
      const now = await certificate?.read();
      if (!now || (now.cert === this.#certificate?.cert && now.key === this.#certificate.key)) return;
      if (this.#server && 'setSecureContext' in this.#server) this.#server.setSecureContext(now);
      this.#certificate = now;
      log.info('links are served with a new certificate');
    } catch (error) {
      log.warn({ err: error }, `the certificate for links can't be renewed: ${messageOf(error)}`);
    }
  }

  readonly #onConnection = (socket: Socket): void => {
    const peer = peerOf(socket);
    const connection = { socket, waiting: 0, last: Promise.resolve() };
    socket.on('error', () => undefined); // it is over, and `close` tells
    socket.once('close', () => {
      this.#connections.forget(socket);
      if (this.#byPeer.get(peer) === connection) this.#byPeer.delete(peer);
    });
    this.#byPeer.set(peer, connection);
    this.#connections.add(socket);
  };

  /** One after the other on each connection: a client may send several at once, and each may cost a slot. */
  readonly #onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const connection = this.#byPeer.get(peerOf(request.socket));
    if (connection === undefined || connection.waiting >= MAX_PIPELINED) {
      request.socket.destroy();
      return;
    }
    connection.waiting += 1;
    connection.last = connection.last
      .then(() => this.#respond(connection, request, response))
      .catch((error: unknown) => {
        this.#components.log.warn({ err: error }, `a request for a link failed: ${messageOf(error)}`);
        connection.socket.destroy();
      })
      .finally(() => {
        connection.waiting -= 1;
      });
  };

  async #respond(connection: Connection, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (connection.socket.destroyed) return;
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405);
    const linked = hasBody(request) ? undefined : this.#components.links.fileOf(request.url ?? '');
    if (!linked || this.#pins?.admits(linked.token, linked.expiresMs, this.#clientOf(request)) === false) {
      return refuse(response);
    }
    const gone = new AbortController();
    const onClose = () => gone.abort();
    connection.socket.once('close', onClose);
    this.#connections.forget(connection.socket);
    try {
      await this.#responder.respond(linked, request, response, gone.signal);
    } finally {
      connection.socket.off('close', onClose);
      if (!connection.socket.destroyed) this.#connections.add(connection.socket);
    }
  }

  #clientOf(request: IncomingMessage): string {
    const forwarded = request.headers['x-forwarded-for'];
    const last = this.#init.behindProxy
      ? String(forwarded ?? '')
          .split(',')
          .at(-1)
          ?.trim()
      : '';
    return last || (request.socket.remoteAddress ?? '');
  }
}

interface Connection {
  /** As it came in: below TLS, where there is TLS. */
  readonly socket: Socket;
  /** Requests that are not answered yet. */
  waiting: number;
  /** Settles with the answer to the last of them. */
  last: Promise<void>;
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** Nothing that we answer has one. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}
