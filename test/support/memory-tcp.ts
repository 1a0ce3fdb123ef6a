/**
 * A TCP network inside the process: listeners at addresses, connections as pairs of streams. An
 * address may be closed (refused at once), silent (never answers), or slow.
 */
import { type Duplex, duplexPair } from 'node:stream';
import type { Clock } from '../../src/clock.js';
import { AbortedError } from '../../src/errors.js';
import type { ListenAddress } from '../../src/transport/announced-hosts.js';
import type { InboundListener, InboundTaker } from '../../src/transport/s5b-listener.js';
import { acceptSocks5 } from '../../src/transport/socks5-server.js';
import type { Connector, ConnectRequest } from '../../src/transport/tcp-connector.js';
import { TransportFailedError } from '../../src/transport/transport.js';

type Door = (stream: Duplex) => void;

export class MemoryTcp implements Connector {
  readonly #clock: Clock;
  readonly #doors = new Map<string, Door>();
  readonly #delays = new Map<string, number>();
  readonly #silent = new Set<string>();
  readonly #streams = new Set<Duplex>();
  /** `host:port` of every attempt, in order. */
  readonly attempts: string[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  listen(host: string, port: number, door: Door): void {
    this.#doors.set(`${host}:${port}`, door);
  }

  delay(host: string, port: number, delayMs: number): void {
    this.#delays.set(`${host}:${port}`, delayMs);
  }

  silence(host: string, port: number): void {
    this.#silent.add(`${host}:${port}`);
  }

  /** Ends of connections that nobody has destroyed. */
  get openStreams(): number {
    return [...this.#streams].filter((stream) => !stream.destroyed).length;
  }

  connect({ host, port, signal }: ConnectRequest): Promise<Duplex> {
    const address = `${host}:${port}`;
    this.attempts.push(address);
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(new AbortedError('aborted'));
        return;
      }
      const timer = this.#silent.has(address)
        ? undefined
        : this.#clock.after(this.#delays.get(address) ?? 0, () => {
            const door = this.#doors.get(address);
            if (door) resolve(this.#pair(door));
            else reject(new TransportFailedError(`${address} refused`));
          });
      signal.addEventListener('abort', () => {
        timer?.cancel();
        reject(new AbortedError('aborted'));
      });
    });
  }

  #pair(door: Door): Duplex {
    const [ours, theirs] = duplexPair();
    for (const [stream, other] of [
      [ours, theirs],
      [theirs, ours],
    ] as const) {
      this.#streams.add(stream);
      copying(stream);
      stream.on('error', () => undefined);
      // As with sockets, both ends of a destroyed connection are gone.
      stream.on('close', () => other.destroy());
    }
    door(theirs);
    return ours;
  }
}

/** As a kernel does: what is written may be overwritten once it is taken. */
function copying(stream: Duplex): void {
  const write = stream._write.bind(stream);
  stream._write = (chunk: Buffer, encoding, callback) => write(Buffer.from(chunk), encoding, callback);
}

/** A streamhost on a {@link MemoryTcp}. */
export class MemoryListener implements InboundListener {
  readonly addresses: readonly ListenAddress[];
  readonly #takers = new Map<string, InboundTaker>();

  constructor(tcp: MemoryTcp, clock: Clock, hosts: readonly string[], port: number) {
    this.addresses = hosts.map((host) => ({ host, port, type: 'direct' }));
    for (const host of hosts) {
      tcp.listen(host, port, (stream) => {
        const route = (dstaddr: string) => {
          const taker = this.#takers.get(dstaddr);
          return taker?.admit() === true ? taker : undefined;
        };
        acceptSocks5(stream, route, { clock, timeoutMs: 10_000 }).then(
          (taker) => taker.take(stream),
          () => stream.destroy(),
        );
      });
    }
  }

  /** Bytestreams that are expected: none, once every negotiation is over. */
  get expected(): number {
    return this.#takers.size;
  }

  expect(dstaddr: string, taker: InboundTaker): () => void {
    if (this.#takers.has(dstaddr)) throw new TransportFailedError('this bytestream is expected already');
    this.#takers.set(dstaddr, taker);
    return () => this.#takers.delete(dstaddr);
  }
}

/** A SOCKS5 proxy (XEP-0065 §6): joins two connections that ask for the same, once it is activated. */
export class MemoryProxy {
  readonly #waiting = new Map<string, Duplex[]>();

  constructor(tcp: MemoryTcp, clock: Clock, host: string, port: number) {
    tcp.listen(host, port, (stream) => {
      acceptSocks5(stream, (dstaddr) => dstaddr, { clock, timeoutMs: 10_000 }).then(
        (dstaddr) => this.#waiting.set(dstaddr, [...(this.#waiting.get(dstaddr) ?? []), stream]),
        () => stream.destroy(),
      );
    });
  }

  /** False when not both parties are connected. */
  activate(dstaddr: string): boolean {
    const [one, other, ...more] = this.#waiting.get(dstaddr) ?? [];
    if (!one || !other || more.length > 0) return false;
    one.pipe(other);
    other.pipe(one);
    return true;
  }
}
