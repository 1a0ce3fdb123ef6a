/** Makes TCP connections to candidates. With `s5b-listener.ts` the only file here that opens sockets. */
import { lookup } from 'node:dns';
import { createConnection, type LookupFunction, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AbortedError } from '../errors.js';
import { type LendingStream, TransportFailedError } from './transport.js';

export interface ConnectRequest {
  /** An address or a name. */
  readonly host: string;
  readonly port: number;
  /** Asked for each address that a name resolves to; only those it permits are tried. */
  readonly permits: (address: string) => boolean;
  readonly signal: AbortSignal;
}

export interface Connector {
  /** Resolves with a connected stream, which is the caller's. Rejects with {@link TransportFailedError} or {@link AbortedError}. */
  connect(request: ConnectRequest): Promise<Duplex>;
}

export interface TcpConnectorInit {
  /** Resolves names. Default: as the system does. */
  readonly lookup?: LookupFunction;
}

/**
 * Names that are being resolved at a time. A lookup can't be taken back, and of the process's few threads for it
 * each is one's until a name server has answered or not: those of a peer may hold it for half a minute, while
 * the stream to our own server waits for its turn.
 */
const MAX_LOOKUPS = 4;

/** As much as is read at a time. A fast peer has that much ready. */
const READ_BYTES = 256 * 1024;

export class TcpConnector implements Connector {
  readonly #lookup: LookupFunction;
  /** What comes of any connection is looked at before anything else is read. */
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  #lookups = 0;
  /** Those that wait for their turn; each ends with its request. */
  readonly #waiting = new Set<() => void>();

  constructor({ lookup: ask = lookup }: TcpConnectorInit = {}) {
    this.#lookup = ask;
  }

  connect(request: ConnectRequest): Promise<Duplex> {
    const { host, port, signal } = request;
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(new AbortedError('aborted before connecting'));
        return;
      }
      const socket: Socket & LendingStream = createConnection({
        host,
        port,
        allowHalfOpen: true, // the peer may end its side and still read ours
        noDelay: true,
        autoSelectFamily: true,
        lookup: this.#permittedLookup(request),
        onread: {
          buffer: this.#buffer,
          callback: (count, buffer) => give(socket, Buffer.from(buffer.buffer, buffer.byteOffset, count)),
        },
      });
      const onAbort = () => {
        socket.destroy();
        reject(new AbortedError('aborted while connecting'));
      };
      const onError = (cause: Error) => {
        signal.removeEventListener('abort', onAbort);
        reject(new TransportFailedError(`no connection to ${host}:${port}`, { cause }));
      };
      // Stays for good: an error after the stream is handed on must not end the process; its
      // owner sees it as 'close', and as 'error' where it listens.
      socket.on('error', onError);
      signal.addEventListener('abort', onAbort, { once: true });
      socket.once('connect', () => {
        signal.removeEventListener('abort', onAbort);
        resolve(socket);
      });
    });
  }

  #permittedLookup({ permits, signal }: ConnectRequest): LookupFunction {
    return (hostname, options, callback) => {
      this.#inTurn(signal, (over) => {
        this.#lookup(hostname, { ...options, all: true }, (error, found) => {
          over();
          if (error || typeof found === 'string') {
            callback(error ?? new TransportFailedError(`${hostname} has no address`), []);
            return;
          }
          const permitted = found.filter(({ address }) => permits(address));
          if (permitted.length === 0) {
            callback(new TransportFailedError(`${hostname} has no address that we may connect to`), []);
          } else if (options.all === true) {
            callback(null, permitted);
          } else {
            const [first] = permitted;
            callback(null, first?.address ?? '', first?.family);
          }
        });
      });
    };
  }

  /** Calls `begin` when there is room, unless the signal aborts before; `begin` calls what it is given at its end. */
  #inTurn(signal: AbortSignal, begin: (over: () => void) => void): void {
    const over = () => {
      this.#lookups -= 1;
      const [next] = this.#waiting;
      next?.();
    };
    const start = () => {
      giveUp();
      this.#lookups += 1;
      begin(over);
    };
    const giveUp = () => {
      this.#waiting.delete(start);
      signal.removeEventListener('abort', giveUp);
    };
    if (this.#lookups < MAX_LOOKUPS) {
      start();
      return;
    }
    this.#waiting.add(start);
    signal.addEventListener('abort', giveUp, { once: true });
  }
}

/** False when no more is to be read for now. */
function give(socket: Socket & LendingStream, bytes: Buffer): boolean {
  if (socket.onLent === undefined || socket.readableFlowing !== true || socket.readableLength > 0)
    return socket.push(Buffer.from(bytes));
  socket.onLent(bytes);
  return true;
}
