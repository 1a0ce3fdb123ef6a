/**
 * The one TCP port on which this program is a streamhost for all its sessions. A connection
 * belongs to nobody until its SOCKS5 request has named a bytestream that a session expects.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.js';
import { messageOf, ShoalError } from '../errors.js';
import type { Log } from '../log.js';
import type { Startable } from '../startable.js';
import { isLoopback } from './address-policy.js';
import { type AnnounceInit, announcedAddresses, type ListenAddress } from './announced-hosts.js';
import { acceptSocks5 } from './socks5-server.js';
import { TransportFailedError } from './transport.js';
import { UnclaimedConnections } from './unclaimed-connections.js';

/** Who gets the connections that ask for a bytestream. */
export interface InboundTaker {
  /** False when no (further) connection is wanted: the client is refused. Called before `take`. */
  admit(): boolean;
  /** The stream is the taker's from now on. */
  take(stream: Duplex): void;
}

/** What the negotiations need of a listener; a simulated network has its own. */
export interface InboundListener {
  /** Where peers may reach us, best first. May change when the machine's interfaces do. */
  readonly addresses: readonly ListenAddress[];
  /**
   * Connections that ask for `dstaddr` go to `taker` until the returned function is called.
   * Throws {@link TransportFailedError} when somebody else expects it.
   */
  expect(dstaddr: string, taker: InboundTaker): () => void;
}

export interface S5bListenerComponents {
  readonly clock: Clock;
  readonly log: Log;
}

export interface S5bListenerInit extends AnnounceInit {
  /** 0: any free one. */
  readonly port: number;
  /** Where it is above `port`: the first one that is free of all from there to here. */
  readonly lastPort?: number;
  /** For a whole SOCKS5 handshake. */
  readonly handshakeTimeoutMs: number;
  /** Connections in their handshake; the oldest makes room for one more, of those from the same address if there are any. */
  readonly maxHandshakes: number;
}

/** Thrown at start when the port can't be had. */
export class ListenError extends ShoalError {
  readonly code = 'listen';
}

export class S5bListener implements InboundListener, Startable {
  readonly #components: S5bListenerComponents;
  readonly #init: S5bListenerInit;
  readonly #takers = new Map<string, InboundTaker>();
  readonly #unclaimed: UnclaimedConnections;
  readonly #stopping = new AbortController();
  #server: Server | undefined;
  #port = 0;

  constructor(components: S5bListenerComponents, init: S5bListenerInit) {
    this.#components = components;
    this.#init = init;
    this.#unclaimed = new UnclaimedConnections(init.maxHandshakes);
  }

  get port(): number {
    return this.#port;
  }

  get addresses(): readonly ListenAddress[] {
    return announcedAddresses(this.#init, this.#port, networkInterfaces());
  }

  async start(): Promise<void> {
    const { port, lastPort = port } = this.#init;
    for (let next = port; ; next += 1) {
      try {
        await this.#listen(next);
        this.#components.log.debug({ addresses: this.addresses }, 's5b listener ready');
        return;
      } catch (thrown) {
        if (!isTaken(thrown) || next >= lastPort) throw thrown;
      }
    }
  }

  stop(): Promise<void> {
    this.#stopping.abort();
    this.#unclaimed.closeAll();
    this.#takers.clear();
    // Not waited for: it ends with the last stream, and those belong to their sessions.
    this.#server?.close();
    return Promise.resolve();
  }

  expect(dstaddr: string, taker: InboundTaker): () => void {
    // The sid is the peer's choice, so it may come twice.
    if (this.#takers.has(dstaddr)) throw new TransportFailedError('this bytestream is expected already');
    this.#takers.set(dstaddr, taker);
    return () => {
      if (this.#takers.get(dstaddr) === taker) this.#takers.delete(dstaddr);
    };
  }

  #listen(port: number): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#onConnection(socket),
    );
    this.#server = server;
    const host = this.#init.bindHost ?? loopbackOnly(this.#init.hosts);
    return new Promise((resolve, reject) => {
      server.once('error', (cause) => {
        reject(new ListenError(`can't listen on port ${port}: ${cause.message}`, { cause }));
      });
      server.listen({ port, ...(host !== undefined && { host }) }, () => {
        const address = server.address();
        this.#port = typeof address === 'object' && address !== null ? address.port : port;
        server.removeAllListeners('error');
        server.on('error', (error) => this.#components.log.warn({ err: error }, 's5b listener'));
        resolve();
      });
    });
  }

  #onConnection(socket: Socket): void {
    // Stays for good, see tcp-connector.ts.
    socket.on('error', () => undefined);
    if (this.#stopping.signal.aborted) {
      socket.destroy();
      return;
    }
    this.#unclaimed.add(socket);
    this.#handshake(socket).then(
      (taker) => taker.take(socket),
      (thrown: unknown) => {
        this.#components.log.debug({ why: messageOf(thrown) }, 's5b connection refused');
        // Says the refusal, if one was written, before it goes.
        socket.destroySoon();
      },
    );
  }

  async #handshake(socket: Socket): Promise<InboundTaker> {
    try {
      return await acceptSocks5(socket, (dstaddr) => this.#route(dstaddr), {
        clock: this.#components.clock,
        timeoutMs: this.#init.handshakeTimeoutMs,
        signal: this.#stopping.signal,
      });
    } finally {
      this.#unclaimed.forget(socket);
    }
  }

  #route(dstaddr: string): InboundTaker | undefined {
    const taker = this.#takers.get(dstaddr);
    return taker?.admit() === true ? taker : undefined;
  }
}

/** The address to bind where only loopback is announced; the interfaces may change, what is configured does not. */
function loopbackOnly(hosts: readonly string[]): string | undefined {
  return hosts.every(isLoopback) ? hosts[0] : undefined;
}

function isTaken(thrown: unknown): boolean {
  const cause = thrown instanceof ListenError ? thrown.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
}
