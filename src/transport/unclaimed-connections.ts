/**
 * Connections to our listener that have not said yet what they want, so many at most. The oldest makes room for
 * another: one from the same address if there is any, so that a flood from one place closes nobody else's.
 */
import type { Socket } from 'node:net';

export class UnclaimedConnections {
  /** With where each comes from, oldest first: a socket forgets it at its end. */
  readonly #all = new Map<Socket, string>();
  readonly #byAddress = new Map<string, Set<Socket>>();

  constructor(private readonly max: number) {}

  add(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    if (this.#all.size >= this.max) {
      const [oldest] = this.#byAddress.get(address) ?? this.#all.keys();
      if (oldest) this.#close(oldest);
    }
    this.#all.set(socket, address);
    const own = this.#byAddress.get(address) ?? new Set();
    this.#byAddress.set(address, own.add(socket));
  }

  /** It has said so, or is gone. */
  forget(socket: Socket): void {
    const address = this.#all.get(socket);
    if (address === undefined) return;
    this.#all.delete(socket);
    const own = this.#byAddress.get(address);
    own?.delete(socket);
    if (own?.size === 0) this.#byAddress.delete(address);
  }

  closeAll(): void {
    for (const socket of [...this.#all.keys()]) this.#close(socket);
  }

  #close(socket: Socket): void {
    this.forget(socket);
    socket.destroy();
  }
}
