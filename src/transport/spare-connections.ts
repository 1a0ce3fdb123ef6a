/**
 * Connections that both sides made and neither nominated. They are closed when the peer can be expected
 * to know that they are of no use: the end of a socket is faster than a stanza.
 *
 * COMPAT: Gajim 1.7.3 takes the end of such a connection for the end of the transfer, until it has our answer
 * to its candidate-used.
 */
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../clock.js';

const KEPT_MS = 2_000; // a round trip through two servers that are not quick

export class SpareConnections {
  readonly #clock: Clock;
  readonly #kept = new Map<Duplex, Timer>();

  constructor(components: { readonly clock: Clock }) {
    this.#clock = components.clock;
  }

  /** Closes it after a while. Nothing is read from it. */
  keep(stream: Duplex): void {
    if (stream.destroyed) return;
    stream.once('close', () => this.#forget(stream));
    this.#kept.set(
      stream,
      this.#clock.after(KEPT_MS, () => stream.destroy()),
    );
  }

  /** Closes them now. */
  close(): void {
    for (const stream of [...this.#kept.keys()]) {
      this.#forget(stream);
      stream.destroy();
    }
  }

  #forget(stream: Duplex): void {
    this.#kept.get(stream)?.cancel();
    this.#kept.delete(stream);
  }
}
