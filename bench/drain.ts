/**
 * One receiver for us and our peers: a process of its own that only reads (`drain-process.ts`). To our sessions
 * it is a {@link Connector}: they speak SOCKS5 through it, and the bytes of the files stay where they come.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Connector, ConnectRequest } from '../src/transport/tcp-connector.js';
import type { Cleanups } from './cleanups.js';
import type { DrainOrder, DrainReport } from './drain-process.js';

const PROCESS = fileURLToPath(new URL('drain-process.js', import.meta.url));
/** What a streamhost says before the first byte (RFC 1928 §3, §6, XEP-0065 §6.3.2): its choice of a method, its reply with a hash in hex. */
const SOCKS_BYTES = 2 + 4 + 1 + 40 + 2;

export interface Drained {
  readonly bytes: number;
  readonly ms: number;
}

export class Drain implements Connector {
  readonly #child: ChildProcess;
  readonly #streams = new Map<number, HandshakeStream>();
  readonly #flowing = new Set<number>();
  /** Each with what it waits for. */
  readonly #waiting = new Set<{ look(): void; fail(error: Error): void }>();
  #wantedBytes = 0;
  #drained: Drained | undefined;
  #lastId = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (report: DrainReport) => this.#take(report));
    child.once('exit', () => this.#fail('the process that reads has ended'));
  }

  static start(cleanups: Cleanups): Drain {
    const child = fork(PROCESS);
    cleanups.add(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL'); // it has nothing to put in order
      await ended;
    });
    return new Drain(child);
  }

  /** How many bytes come on each connection from now on. */
  expect(bytes: number): void {
    this.#wantedBytes = bytes;
  }

  connect({ port }: ConnectRequest): Promise<Duplex> {
    const id = this.#open({ port, handedOn: SOCKS_BYTES });
    const stream = new HandshakeStream((bytes) =>
      this.#order({ type: 'write', id, base64: bytes.toString('base64') }),
    );
    this.#streams.set(id, stream);
    return Promise.resolve(stream);
  }

  http(port: number, path: string, offset: number): void {
    const range = `bytes=${offset}-${offset + this.#wantedBytes - 1}`;
    const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nRange: ${range}\r\nConnection: close\r\n\r\n`;
    this.#open({ port, handedOn: 0, request: Buffer.from(request).toString('base64') });
  }

  /** Resolves when the first byte is here on so many connections; nothing more is read for now. */
  async flowing(connections: number): Promise<void> {
    await this.#until(() => this.#flowing.size === connections);
  }

  /** Reads all of it. Resolves with what was timed: all but the first quarter. */
  async go(): Promise<Drained> {
    this.#order({ type: 'go' });
    await this.#until(() => this.#drained !== undefined);
    return this.#drained ?? { bytes: Number.NaN, ms: Number.NaN };
  }

  close(): void {
    this.#order({ type: 'close' });
    for (const stream of this.#streams.values()) stream.destroy();
    this.#streams.clear();
    this.#flowing.clear();
    this.#drained = undefined;
  }

  #open(how: { readonly port: number; readonly handedOn: number; readonly request?: string }): number {
    this.#lastId += 1;
    this.#order({ type: 'open', id: this.#lastId, wantedBytes: this.#wantedBytes, ...how });
    return this.#lastId;
  }

  #order(order: DrainOrder): void {
    this.#child.send(order);
  }

  #take(report: DrainReport): void {
    switch (report.type) {
      case 'handed-on':
        this.#streams.get(report.id)?.push(Buffer.from(report.base64, 'base64'));
        return;
      case 'flowing':
        this.#flowing.add(report.id);
        break;
      case 'drained':
        this.#drained = report;
        break;
      case 'failed':
        this.#fail(report.why);
        return;
      case 'opened':
        return;
    }
    for (const each of this.#waiting) each.look();
  }

  #fail(why: string): void {
    for (const each of this.#waiting) each.fail(new Error(why));
  }

  #until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = {
        look: () => {
          if (!isSo()) return;
          this.#waiting.delete(waiting);
          resolve();
        },
        fail: (error: Error) => {
          this.#waiting.delete(waiting);
          reject(error);
        },
      };
      this.#waiting.add(waiting);
      waiting.look();
    });
  }
}

/** Of a connection of that process what its handshake needs. */
class HandshakeStream extends Duplex {
  readonly #send: (bytes: Buffer) => void;

  constructor(send: (bytes: Buffer) => void) {
    super();
    this.#send = send;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.#send(chunk);
    done();
  }
}
