/**
 * A process that takes in what servers send, and does nothing else: one buffer for all connections, nothing
 * kept, nothing looked at. What it is told and tells is in `drain.ts`.
 */
import { connect, type Socket } from 'node:net';

export interface DrainOpen {
  readonly type: 'open';
  readonly id: number;
  readonly port: number;
  /** How many bytes of what comes first are handed on before the others are counted: a handshake. */
  readonly handedOn: number;
  /** Written at once, base64. */
  readonly request?: string;
  readonly wantedBytes: number;
}

export type DrainOrder =
  | DrainOpen
  | { readonly type: 'write'; readonly id: number; readonly base64: string }
  /** All of them are read from now on, to the end. */
  | { readonly type: 'go' }
  /** Closes all of them. */
  | { readonly type: 'close' };

export type DrainReport =
  | { readonly type: 'opened'; readonly id: number }
  | { readonly type: 'handed-on'; readonly id: number; readonly base64: string }
  /** The first byte is here; nothing more is read before `go`. */
  | { readonly type: 'flowing'; readonly id: number }
  | { readonly type: 'drained'; readonly bytes: number; readonly ms: number }
  | { readonly type: 'failed'; readonly why: string };

/** As large as the chunks that are sent, and small enough for the caches of most cores. */
const BUFFER_BYTES = 262_144;
/** The clock starts when so much of everything is here: what systems had buffered is behind us then. */
const UNTIMED_PART = 0.25;

class Connection {
  readonly #open: DrainOpen;
  readonly #socket: Socket;
  #toHandOn: number;
  #left: number;
  #isGoing = false;

  constructor(open: DrainOpen, onBytes: (bytes: number) => void) {
    this.#open = open;
    this.#toHandOn = open.handedOn;
    this.#left = open.wantedBytes;
    this.#socket = connect(
      {
        host: '127.0.0.1',
        port: open.port,
        noDelay: true,
        onread: {
          buffer,
          callback: (count, bytes) => this.#onBytes(count, Buffer.from(bytes.buffer, 0, count), onBytes),
        },
      },
      () => {
        tell({ type: 'opened', id: open.id });
        if (open.request !== undefined) this.write(open.request);
      },
    );
    this.#socket.on('error', ({ message }) => tell({ type: 'failed', why: message }));
    this.#socket.on('close', () => {
      if (this.#left > 0) tell({ type: 'failed', why: `${this.#left} bytes did not come` });
    });
  }

  write(base64: string): void {
    this.#socket.write(Buffer.from(base64, 'base64'));
  }

  go(): void {
    this.#isGoing = true;
    this.#socket.resume();
  }

  close(): void {
    this.#left = 0;
    this.#socket.destroy();
  }

  #onBytes(count: number, bytes: Buffer, onBytes: (bytes: number) => void): boolean {
    const handedOn = Math.min(this.#toHandOn, count);
    if (handedOn > 0) {
      this.#toHandOn -= handedOn;
      const base64 = bytes.toString('base64', 0, handedOn);
      tell({ type: 'handed-on', id: this.#open.id, base64 });
      if (handedOn === count) return true;
    }
    this.#left -= count - handedOn;
    onBytes(count - handedOn);
    if (!this.#isGoing) tell({ type: 'flowing', id: this.#open.id });
    return this.#isGoing;
  }
}

class Drain {
  readonly #connections = new Map<number, Connection>();
  #wanted = 0;
  #bytes = 0;
  #timedFrom = { bytes: 0, at: 0 };

  take(order: DrainOrder): void {
    switch (order.type) {
      case 'open':
        this.#wanted += order.wantedBytes;
        this.#connections.set(order.id, new Connection(order, (bytes) => this.#count(bytes)));
        return;
      case 'write':
        this.#connections.get(order.id)?.write(order.base64);
        return;
      case 'go':
        for (const each of this.#connections.values()) each.go();
        return;
      case 'close':
        for (const each of this.#connections.values()) each.close();
        this.#connections.clear();
        this.#wanted = 0;
        this.#bytes = 0;
        this.#timedFrom = { bytes: 0, at: 0 };
    }
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#timedFrom.at === 0 && this.#bytes >= this.#wanted * UNTIMED_PART) {
      this.#timedFrom = { bytes: this.#bytes, at: performance.now() };
    }
    if (this.#bytes < this.#wanted) return;
    tell({
      type: 'drained',
      bytes: this.#bytes - this.#timedFrom.bytes,
      ms: performance.now() - this.#timedFrom.at,
    });
  }
}

const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
const drain = new Drain();
process.on('message', (order: DrainOrder) => drain.take(order));
process.on('disconnect', () => process.exit()); // whoever started it is gone

function tell(report: DrainReport): void {
  process.send?.(report);
}
