/** A TCP line between a program and a server, that a test can make worse. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { sleep, systemClock } from '../../src/clock.js';

export interface TcpProxyInit {
  readonly targetPort: number;
  /** Passes what the server sends in single bytes, each in a write of its own. Default: as it comes. */
  readonly splitBytes?: boolean;
  /** Passes what the server sends no faster than this, for each connection. */
  readonly bytesPerSecond?: number;
  /** Where it listens. Default: any free port. */
  readonly port?: number;
}

export class TcpProxy {
  readonly #init: TcpProxyInit;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #lines: { readonly near: Socket; readonly far: Socket }[] = [];
  #frozen = false;
  #away = false;
  /** What has passed towards the server. */
  bytesToServer = 0;

  private constructor(init: TcpProxyInit) {
    this.#init = init;
    this.#server = createServer((near) => this.#join(near));
  }

  static async start(init: TcpProxyInit): Promise<TcpProxy> {
    const proxy = new TcpProxy(init);
    proxy.#server.listen(init.port ?? 0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** How many connections were made through it. */
  get connections(): number {
    return this.#lines.length;
  }

  /** From now on nothing passes in either direction, but nothing is closed: a half-open connection. */
  freeze(): void {
    this.#frozen = true;
    for (const { near, far } of this.#lines) {
      near.pause();
      far.pause();
    }
  }

  /** Lets the server know what the near side may have noticed long ago: the frozen connections end. */
  endFrozen(): void {
    for (const { near, far } of this.#lines)
      if (far.isPaused()) {
        near.destroy();
        far.destroy();
      }
  }

  /** New connections work again; those that were frozen stay so. */
  thaw(): void {
    this.#frozen = false;
  }

  /** Passes half of what the near side sends next, and breaks the connections. */
  cutInStanza(): void {
    for (const { near, far } of this.#lines.filter((line) => !line.near.destroyed)) {
      near.unpipe(far);
      near.once('data', (chunk: Buffer) => {
        far.end(chunk.subarray(0, chunk.length / 2), () => near.destroy());
      });
      near.resume();
    }
  }

  /** Breaks all connections, and every new one until `comeBack`. */
  goAway(): void {
    this.#away = true;
    this.cut();
  }

  comeBack(): void {
    this.#away = false;
  }

  /** Breaks all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(near: Socket): void {
    if (this.#away) {
      near.destroy();
      return;
    }
    const far = connect({ port: this.#init.targetPort, host: '127.0.0.1', noDelay: true });
    near.setNoDelay(true);
    this.#lines.push({ near, far });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => one.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        if (!this.#frozen) other.destroy();
      });
    }
    near.on('data', (chunk: Buffer) => {
      this.bytesToServer += chunk.length;
    });
    near.pipe(far);
    const { bytesPerSecond } = this.#init;
    if (bytesPerSecond !== undefined) void this.#passSlowly(far, near, bytesPerSecond);
    else if (this.#init.splitBytes) void this.#passBytes(far, near);
    else far.pipe(near);
    if (this.#frozen) this.freeze();
  }

  async #passSlowly(from: Socket, to: Socket, bytesPerSecond: number): Promise<void> {
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        to.write(chunk);
        await sleep(systemClock, (chunk.length / bytesPerSecond) * 1000);
      }
      to.end();
    } catch {
      to.destroy();
    }
  }

  async #passBytes(from: Socket, to: Socket): Promise<void> {
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        for (const byte of chunk) {
          to.write(Buffer.of(byte));
          await new Promise(setImmediate);
        }
      }
      to.end();
    } catch {
      to.destroy();
    }
  }
}
