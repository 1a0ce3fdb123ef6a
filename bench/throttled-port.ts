/** A port on loopback that leads to another one, no faster than it is told; counts what goes through. */
import { connect, createServer, type Server, type Socket } from 'node:net';

const TICK_MS = 10;
/** What may go at once after a pause. */
const BURST_MS = 50;
const MS_A_SECOND = 1000;

export interface ThrottledPortInit {
  readonly port: number;
  /** Where it leads. */
  readonly target: number;
}

export class ThrottledPort {
  readonly #init: ThrottledPortInit;
  /** From the target to those who connect, all of them together; undefined: as fast as it goes. */
  bytesPerSecond: number | undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Those that have to wait for the next tick. */
  readonly #waiting = new Set<Socket>();
  #allowance = 0;
  #tickedAt = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #bytes = 0;

  constructor(init: ThrottledPortInit) {
    this.#init = init;
    this.#server = createServer({ allowHalfOpen: true }, (down) => this.#lead(down));
  }

  /** That went from the target so far. */
  get bytes(): number {
    return this.#bytes;
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#init.port, '127.0.0.1', () => resolve());
    });
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #lead(down: Socket): void {
    const up = connect({ port: this.#init.target, host: '127.0.0.1', allowHalfOpen: true });
    for (const [one, other] of [
      [up, down],
      [down, up],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('end', () => other.end());
      one.on('close', () => {
        this.#sockets.delete(one);
        this.#waiting.delete(one);
        other.destroy();
      });
      other.on('drain', () => {
        if (!this.#waiting.has(one)) one.resume();
      });
    }
    down.on('data', (bytes) => {
      if (!up.write(bytes)) down.pause();
    });
    up.on('data', (bytes) => {
      this.#bytes += bytes.length;
      this.#allowance -= bytes.length;
      const goesOn = down.write(bytes);
      if (this.bytesPerSecond !== undefined && this.#allowance <= 0) {
        this.#waiting.add(up);
        up.pause();
      } else if (!goesOn) up.pause();
    });
  }

  #tick(): void {
    const { bytesPerSecond } = this;
    const now = performance.now();
    const passedMs = now - this.#tickedAt;
    this.#tickedAt = now;
    const rate = bytesPerSecond ?? Number.POSITIVE_INFINITY;
    const most = (rate * BURST_MS) / MS_A_SECOND;
    this.#allowance = Math.min(most, this.#allowance + (rate * passedMs) / MS_A_SECOND);
    if (this.#allowance <= 0) return;
    for (const socket of [...this.#waiting]) {
      this.#waiting.delete(socket);
      socket.resume();
    }
  }
}
