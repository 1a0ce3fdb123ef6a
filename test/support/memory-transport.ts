/**
 * A Jingle transport inside the process: both sides describe themselves by a sid, and when both
 * connect they get the ends of one stream. Can be told to find no way, to describe nothing, or to
 * break while bytes move. Keeps every stream it made, so that a test sees whether all were closed.
 */
import { randomUUID } from 'node:crypto';
import { Duplex } from 'node:stream';
import { AbortedError, ParseError } from '../../src/errors.js';
import { NS } from '../../src/stanza/namespaces.js';
import { attribute, type Element, xml } from '../../src/stanza/xml.js';
import {
  type SentBytes,
  type Transport,
  type TransportContext,
  TransportFailedError,
  type TransportNegotiation,
  type TransportType,
} from '../../src/transport/transport.js';

interface Waiting {
  readonly side: MemoryNegotiation;
  readonly resolve: (stream: Duplex) => void;
  readonly reject: (error: Error) => void;
}

/** What both sides have in common: a network that all transports of a test share. */
export class MemoryBytestreams {
  readonly #waiting = new Map<string, Waiting>();
  /** Both ends of every stream that was made, in order. */
  readonly streams: MemoryEnd[] = [];
  /** Negotiations that have not been closed. */
  readonly open = new Set<MemoryNegotiation>();
  /** Transports that find no way now. */
  readonly failing = new Set<TransportType>();
  /** Breaks a stream after so many bytes, once. */
  breakAfterBytes: number | undefined;
  /** Who hears of it. */
  breakIsSeenBy: 'both' | 'writer' | 'reader' = 'both';
  /** Bytes that both ends together hold for a reader who is not there. */
  highWaterMark = 65_536;

  connect(sid: string, waiting: Waiting): void {
    const { side } = waiting;
    if (this.failing.has(side.type)) {
      waiting.reject(new TransportFailedError('no way was found'));
      return;
    }
    const other = this.#waiting.get(sid);
    if (!other || other.side === side) {
      this.#waiting.set(sid, waiting);
      return;
    }
    this.#waiting.delete(sid);
    const ends = memoryPair(this.highWaterMark, (bytes) =>
      this.#shallBreak(bytes) ? this.breakIsSeenBy : undefined,
    );
    this.streams.push(...ends);
    other.resolve(ends[0]);
    waiting.resolve(ends[1]);
  }

  leave(sid: string, side: MemoryNegotiation): void {
    const waiting = this.#waiting.get(sid);
    if (waiting?.side !== side) return;
    this.#waiting.delete(sid);
    waiting.reject(new AbortedError('closed'));
  }

  #shallBreak(bytes: number): boolean {
    if (this.breakAfterBytes === undefined || bytes < this.breakAfterBytes) return false;
    this.breakAfterBytes = undefined;
    return true;
  }
}

export interface MemoryTransportInit {
  readonly type: TransportType;
  readonly bytestreams: MemoryBytestreams;
}

export class MemoryTransport implements Transport {
  readonly type: TransportType;
  readonly ns: string;
  readonly #bytestreams: MemoryBytestreams;

  constructor({ type, bytestreams }: MemoryTransportInit) {
    this.type = type;
    this.ns = type === 's5b' ? NS.s5b : NS.jingleIbb;
    this.#bytestreams = bytestreams;
  }

  offer(context: TransportContext): TransportNegotiation {
    return new MemoryNegotiation(this, this.#bytestreams, context, randomUUID());
  }

  answer(context: TransportContext, offer: Element): TransportNegotiation {
    const sid = attribute(offer, 'sid');
    if (sid === undefined) throw new ParseError("<transport/> needs the attribute 'sid'", { field: 'sid' });
    const negotiation = new MemoryNegotiation(this, this.#bytestreams, context, sid);
    negotiation.remote(offer);
    return negotiation;
  }
}

export class MemoryNegotiation implements TransportNegotiation {
  readonly type: TransportType;
  readonly infos: Element[] = [];
  #remote: Element | undefined;
  #closed = false;

  constructor(
    private readonly transport: MemoryTransport,
    private readonly bytestreams: MemoryBytestreams,
    readonly context: TransportContext,
    private readonly sid: string,
  ) {
    this.type = transport.type;
    bytestreams.open.add(this);
  }

  async describe(): Promise<Element> {
    return xml('transport', { xmlns: this.transport.ns, sid: this.sid });
  }

  remote(transport: Element): void {
    if (attribute(transport, 'sid') !== this.sid) throw new TransportFailedError('not the sid of the offer');
    this.#remote = transport;
  }

  info(transport: Element): void {
    this.infos.push(transport);
  }

  reach(): void {}

  connect(): Promise<Duplex> {
    if (this.#closed) return Promise.reject(new AbortedError('closed'));
    if (!this.#remote) throw new TypeError('connect comes after remote');
    return new Promise((resolve, reject) => {
      this.bytestreams.connect(`${this.type} ${this.sid}`, { side: this, resolve, reject });
    });
  }

  sent(): SentBytes | undefined {
    return undefined;
  }

  close(): void {
    this.#closed = true;
    this.bytestreams.open.delete(this);
    this.bytestreams.leave(`${this.type} ${this.sid}`, this);
  }
}

/** One end of a pair: what is written here is read there, with back-pressure. */
export class MemoryEnd extends Duplex {
  peer: MemoryEnd | undefined;
  #pending: (() => void) | undefined;
  #bytes = 0;

  constructor(
    highWaterMark: number,
    private readonly breaks: (bytes: number) => 'both' | 'writer' | 'reader' | undefined,
  ) {
    super({ highWaterMark, allowHalfOpen: true });
    this.on('error', () => undefined); // nobody need listen: who doesn't sees it closed
  }

  override _read(): void {
    const resume = this.#pending;
    this.#pending = undefined;
    if (resume) setImmediate(resume);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#bytes += chunk.length;
    const seenBy = this.breaks(this.#bytes);
    const { peer } = this;
    if (seenBy === undefined) {
      peer?.accept(Buffer.from(chunk), callback); // the writer's memory is its own again
      return;
    }
    if (seenBy !== 'both') {
      // Neither hears of the other any more.
      this.peer = undefined;
      if (peer) peer.peer = undefined;
    }
    if (seenBy !== 'writer') peer?.destroy(new TransportFailedError('the line broke'));
    if (seenBy !== 'reader') callback(new TransportFailedError('the line broke'));
  }

  override _final(callback: () => void): void {
    this.peer?.push(null);
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    callback(error);
    // As a socket that is closed with bytes under way: the other end hears of it.
    const { peer } = this;
    setImmediate(() => {
      if (peer && !peer.destroyed && !peer.writableFinished) {
        peer.destroy(new TransportFailedError('the other end is gone'));
      } else if (peer && !peer.destroyed && !peer.readableEnded) peer.push(null);
    });
  }

  private accept(chunk: Buffer, callback: () => void): void {
    if (this.destroyed) callback();
    else if (this.push(chunk)) setImmediate(callback);
    else this.#pending = callback;
  }
}

function memoryPair(
  highWaterMark: number,
  breaks: (bytes: number) => 'both' | 'writer' | 'reader' | undefined,
): [MemoryEnd, MemoryEnd] {
  const one = new MemoryEnd(highWaterMark, breaks);
  const other = new MemoryEnd(highWaterMark, breaks);
  one.peer = other;
  other.peer = one;
  return [one, other];
}
