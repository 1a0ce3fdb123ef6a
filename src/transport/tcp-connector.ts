/** Makes TCP connections to candidates. With `s5b-listener.ts` the only file here that opens sockets. */
import { lookup } from 'node:dns';
import { createConnection, type LookupFunction } from 'node:net';
import type { Duplex } from 'node:stream';
import { AbortedError } from '../errors.js';
import { TransportFailedError } from './transport.js';

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

export class TcpConnector implements Connector {
  connect(request: ConnectRequest): Promise<Duplex> {
    const { host, port, signal } = request;
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(new AbortedError('aborted before connecting'));
        return;
      }
      const socket = createConnection({
        host,
        port,
        allowHalfOpen: true, // the peer may end its side and still read ours
        noDelay: true,
        autoSelectFamily: true,
        lookup: permittedLookup(request.permits),
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
}

function permittedLookup(permits: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) {
        callback(error, []);
        return;
      }
      const permitted = addresses.filter(({ address }) => permits(address));
      if (permitted.length === 0) {
        callback(new TransportFailedError(`${hostname} has no address that we may connect to`), []);
      } else if (options.all === true) {
        callback(null, permitted);
      } else {
        const [first] = permitted;
        callback(null, first?.address ?? '', first?.family);
      }
    });
  };
}
