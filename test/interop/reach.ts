/** What of the network a side of a transfer reaches, made so without a firewall of the system's. */
import type { Duplex } from 'node:stream';
import { type Connector, type ConnectRequest, TcpConnector } from '../../src/transport/tcp-connector.js';
import { TransportFailedError } from '../../src/transport/transport.js';

export const Reach = [
  /** Everything. */
  'open',
  /** Nobody, and nobody it, but for the SOCKS5 proxy of the server. */
  'firewalled',
  /** Nothing: SOCKS5 is tried in vain, and the transport is replaced. */
  'isolated',
  /** As `isolated`, and in-band bytestreams are what it begins with. */
  'in-band',
] as const;
export type Reach = (typeof Reach)[number];

/** How the bytes went. */
export type Via = 'direct' | 'proxy' | 'in-band';

/** Connects to where its reach lets it, and knows what went through the proxy. */
export class ReachConnector implements Connector {
  readonly #tcp = new TcpConnector();
  #proxied: Duplex | undefined;

  constructor(
    readonly reach: Reach,
    private readonly proxyPort: number,
  ) {}

  async connect(request: ConnectRequest): Promise<Duplex> {
    const isProxy = request.port === this.proxyPort;
    if (this.reach !== 'open' && !(this.reach === 'firewalled' && isProxy)) {
      throw new TransportFailedError(`nothing goes to ${request.host}:${request.port}`);
    }
    const stream = await this.#tcp.connect(request);
    if (isProxy) this.#proxied = stream;
    return stream;
  }

  /** A transfer begins. */
  forget(): void {
    this.#proxied = undefined;
  }

  /** How the bytes of the transfer went, from what the engine calls its transport. */
  viaOf(transport: string | undefined, bytes: number): Via {
    if (transport === 'ibb') return 'in-band';
    const proxied = this.#proxied as { bytesRead?: number; bytesWritten?: number } | undefined;
    const through = Math.max(proxied?.bytesRead ?? 0, proxied?.bytesWritten ?? 0);
    return through >= bytes ? 'proxy' : 'direct';
  }
}
