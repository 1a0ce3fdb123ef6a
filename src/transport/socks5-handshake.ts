/**
 * Runs one side of a SOCKS5 handshake on a stream, within a time limit, and leaves the stream as
 * if nothing had been read from it: it takes exactly the handshake's bytes, so that data that comes
 * right behind them, or the end of the stream, is still there for whoever gets the stream.
 */
import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.js';
import { AbortedError, ParseError, type ShoalError, TimeoutError } from '../errors.js';
import { TransportFailedError } from './transport.js';

/** One side of the handshake. */
export interface Handshake {
  /** How many bytes are wanted at least; 0 once it is over. */
  readonly wanted: number;
  /** Takes at most `wanted` bytes. Throws {@link ParseError} or {@link TransportFailedError}. */
  take(bytes: Buffer): void;
}

export interface HandshakeInit {
  readonly clock: Clock;
  /** For all of it: a peer that sends a byte now and then gets no more. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Resolves when the handshake is over; rejects with a ShoalError when it fails, and leaves destroying the stream to the caller. */
export function runHandshake(stream: Duplex, handshake: Handshake, init: HandshakeInit): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = init.clock.after(init.timeoutMs, () => fail(new TimeoutError('SOCKS5 took too long')));
    const onEnd = () => fail(new TransportFailedError('the stream ended during SOCKS5'));
    const onError = (cause: Error) =>
      fail(new TransportFailedError('the stream broke during SOCKS5', { cause }));
    const onAbort = () => fail(new AbortedError('aborted during SOCKS5'));
    const release = () => {
      timer.cancel();
      stream.off('readable', onReadable).off('end', onEnd).off('close', onEnd).off('error', onError);
      init.signal?.removeEventListener('abort', onAbort);
    };
    const fail = (error: ShoalError) => {
      release();
      reject(error);
    };
    const onReadable = () => {
      try {
        while (handshake.wanted > 0) {
          // Asking for more than there is would make a stream that has ended say so too early.
          const bytes: Buffer | null = stream.read(Math.min(handshake.wanted, stream.readableLength || 1));
          if (bytes === null) return;
          handshake.take(bytes);
        }
        release();
        resolve();
      } catch (thrown) {
        if (thrown instanceof ParseError || thrown instanceof TransportFailedError) fail(thrown);
        else fail(new TransportFailedError('SOCKS5 failed', { cause: thrown }));
      }
    };
    if (init.signal?.aborted) {
      onAbort();
      return;
    }
    stream.on('readable', onReadable).on('end', onEnd).on('close', onEnd).on('error', onError);
    init.signal?.addEventListener('abort', onAbort, { once: true });
  });
}
