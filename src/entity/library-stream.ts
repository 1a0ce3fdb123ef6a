/**
 * An {@link XmppStream} over `@xmpp/component` or `@xmpp/client`: the libraries open the stream
 * and authenticate; everything else of theirs is kept out of the way.
 *
 * What they do otherwise, and is closed here: they decode each TCP chunk alone and so spoil
 * characters that span two; they leave Nagle's algorithm on; they answer iqs that they do not
 * know, match answers by id only, and reconnect every second for ever; XML that is not
 * well-formed raises an exception in the socket's listener; waits of theirs outlive the stream.
 */
import { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import type { Clock } from '../clock.js';
import { messageOf, ShoalError } from '../errors.js';
import { type Jid, parseJid } from '../stanza/jid.js';
import { offersBinding, STREAM_END, type StreamCondition, streamErrorOf } from '../stanza/stream.js';
import { isManagement, offersManagement } from '../stanza/xep0198-stream-management.js';
import { attribute, type Element } from '../stanza/xml.js';
import { XmlStream } from '../stanza/xml-stream.js';
import type { Loss } from './connection-machine.js';
import type { StreamManagement } from './stream-management.js';
import type { XmppStream, XmppStreamListener } from './xmpp-stream.js';

/** What `@xmpp/component` 0.13 and `@xmpp/client` 0.14 have in common. */
export interface LibraryEntity {
  /** Made anew for each stream header; the libraries listen to its events. */
  Parser: new () => unknown;
  timeout: number;
  /** A TCP socket, or the client's wrapper of a TLS socket. */
  readonly socket: unknown;
  readonly reconnect: { stop(): void };
  socketParameters(service: string): unknown;
  connect(service: string): Promise<unknown>;
  open(options: { readonly domain: string }): Promise<unknown>;
  write(text: string): Promise<unknown>;
  emit(event: 'error', error: Error): unknown;
  on(event: 'online', listener: (jid: { toString(): string }) => void): unknown;
  on(event: 'disconnect', listener: () => void): unknown;
  on(event: 'error', listener: (error: unknown) => void): unknown;
}

/** Thrown when there is no server to talk to, or the stream to it broke. */
export class StreamLostError extends ShoalError {
  readonly code = 'stream-lost';
}

/** What differs between the two kinds of stream. */
export interface LibraryStreamKind {
  readonly entity: LibraryEntity;
  /** Where the socket connects to. */
  readonly host: string;
  readonly port: number;
  /** The stream's `to`. */
  readonly domain: string;
  /** The session, where it may outlive its streams. */
  readonly management?: StreamManagement;
  /** True for a stanza that is part of logging in and so the library's. */
  isLogin(stanza: Element): boolean;
  /** Looks at an element that is no stanza, and may change it. Throws `RefusedError` to end the stream. */
  inspect(element: Element, socket: Socket): Element;
  /** What a stream error means. */
  lossOf(error: StreamCondition): Loss;
  /** What an error of the library, the socket or `inspect` means. */
  lossOfError(error: unknown): Loss;
}

const LIBRARY_TIMEOUT_MS = 30_000; // it is our own timers that count
const POLITE_CLOSE_MS = 2000;
/** Beyond this the server reads more slowly than we write: stop taking requests until it has caught up. */
const PAUSE_AT_BYTES = 1_048_576;
/** Beyond this it does not read at all. Of text a socket counts UTF-16 units, as `maxUnackedChars` does. */
const LOST_AT_BYTES = 33_554_432;
const MAX_EARLY_STANZAS = 1000; // what comes together with the end of the login

export class LibraryStream implements XmppStream {
  readonly #clock: Clock;
  readonly #listener: XmppStreamListener;
  readonly #kind: LibraryStreamKind;
  #phase: 'opening' | 'open' | 'closing' | 'over' = 'opening';
  #early: Element[] = [];
  #socket: Socket | undefined;
  /** Shows the library an element. */
  #pass: (element: Element) => void = () => undefined;
  /** What the server offers, until it is clear that there is nothing to be resumed. */
  #offers: Element | undefined;
  readonly #closed: Promise<void>;
  #markClosed: () => void = () => undefined;

  constructor({ clock }: { readonly clock: Clock }, listener: XmppStreamListener, kind: LibraryStreamKind) {
    this.#clock = clock;
    this.#listener = listener;
    this.#kind = kind;
    this.#closed = new Promise((resolve) => {
      this.#markClosed = resolve;
    });
    const { entity, host, port } = kind;
    entity.reconnect.stop();
    entity.timeout = LIBRARY_TIMEOUT_MS;
    entity.socketParameters = () => ({ host, port });
    entity.on('online', (jid) => this.#onOnline(jid.toString()));
    entity.on('error', (error) => this.#lose(kind.lossOfError(error)));
    entity.on('disconnect', () => this.#onDisconnect());
  }

  open(): void {
    const { entity, domain, management } = this.#kind;
    management?.attach({
      write: (text) => this.#write(text),
      bind: () => {
        const offers = this.#offers;
        this.#offers = undefined;
        if (offers) this.#pass(offers);
      },
      onReady: (jid, resumed) => this.#open(jid, resumed),
      fail: (why) => this.#lose({ type: 'broken', error: new StreamLostError(why) }),
    });
    // `start` of the library is not used: one of its promises is left alone when opening fails.
    const opened = entity.connect('xmpp://localhost').then(() => {
      // After `connect`, since that is where the client sets a parser of its own.
      entity.Parser = this.#parserClass();
      return entity.open({ domain });
    });
    opened.catch((error: unknown) => this.#lose(this.#kind.lossOfError(error)));
  }

  write(text: string): void {
    if (this.#phase === 'open') this.#write(text);
  }

  #write(text: string): void {
    if (this.#phase === 'over') return;
    this.#kind.entity.write(text).catch((error: unknown) => this.#lose(this.#kind.lossOfError(error)));
    const waiting = this.#socket?.writableLength ?? 0;
    if (waiting > LOST_AT_BYTES) this.#loseBroken('the server does not take what we send');
    else if (waiting > PAUSE_AT_BYTES) this.#socket?.pause();
  }

  async close(): Promise<void> {
    if (this.#phase === 'over') return;
    this.#kind.management?.close();
    this.#phase = 'closing';
    const socket = this.#socket;
    if (socket === undefined || socket.destroyed) {
      this.#end();
      return;
    }
    const deadline = this.#clock.after(POLITE_CLOSE_MS, () => this.#markClosed());
    socket.resume();
    this.#kind.entity.write(STREAM_END).catch(() => this.#markClosed());
    await this.#closed;
    deadline.cancel();
    this.#end();
  }

  drop(): void {
    if (this.#phase !== 'over') this.#kind.management?.lost(true);
    this.#end();
  }

  #parserClass(): new () => EventEmitter {
    const stream = this;
    return class extends EventEmitter {
      readonly #xml = new XmlStream({
        start: (root) => this.emit('start', root),
        element: (element) => {
          const rest = stream.#onElement(element);
          if (rest !== undefined) stream.#pass(rest);
        },
        end: () => stream.#onEnd(),
      });

      constructor() {
        super();
        stream.#pass = (element) => this.emit('element', element);
        stream.#onNewParser();
      }

      write(text: string): void {
        stream.#guard(() => {
          this.#xml.write(text);
          stream.#listener.onAlive();
        });
      }
    };
  }

  /** A stream header is about to be sent: on a fresh socket, or on one that is encrypted now. */
  #onNewParser(): void {
    // What came before is of no worth now (RFC 6120 §5.4.3.3, §6.4.6): anybody on the line may have written it.
    this.#early = [];
    const { socket } = this.#kind.entity;
    const found = socket instanceof Socket ? socket : (socket as { socket?: unknown } | null)?.socket;
    if (!(found instanceof Socket) || found === this.#socket) return;
    found.setEncoding('utf8'); // else a character in two packets is lost
    found.setNoDelay(true); // else each stanza may wait 44 ms
    found.on('drain', () => found.resume());
    this.#socket = found;
  }

  /** Gives back what the library has to see. */
  #onElement(element: Element): Element | undefined {
    if (this.#phase === 'over') return undefined;
    const error = streamErrorOf(element);
    if (error !== undefined) {
      this.#lose(this.#kind.lossOf(error));
      return undefined;
    }
    if (!isStanza(element)) return this.#onNonza(element);
    if (this.#phase === 'open') {
      this.#listener.onStanza(element);
      this.#kind.management?.received();
    } else if (this.#phase === 'opening') {
      if (this.#kind.isLogin(element)) return element;
      if (this.#early.length < MAX_EARLY_STANZAS) this.#early.push(element);
      else this.#loseBroken('the server sends stanzas before we are logged in');
    }
    return undefined;
  }

  #onNonza(element: Element): Element | undefined {
    const { management } = this.#kind;
    if (this.#socket === undefined) return undefined;
    if (management !== undefined && isManagement(element)) {
      if (this.#phase !== 'closing') management.take(element);
      return undefined;
    }
    const isOffered = offersManagement(element);
    const rest = this.#kind.inspect(element, this.#socket);
    if (management === undefined || this.#phase !== 'opening' || !offersBinding(rest)) return rest;
    this.#offers = rest;
    management.login(isOffered);
    return undefined;
  }

  #onOnline(written: string): void {
    if (this.#phase !== 'opening') return;
    this.#guard(() => {
      const jid = parseJid(written);
      const { management } = this.#kind;
      if (management === undefined) this.#open(jid, false);
      else management.bound(jid);
    });
  }

  #open(jid: Jid, resumed: boolean): void {
    this.#phase = 'open';
    this.#listener.onOpened(jid, resumed);
    const early = this.#early;
    this.#early = [];
    for (const stanza of early) this.#listener.onStanza(stanza);
  }

  #onEnd(): void {
    if (this.#phase === 'closing') this.#markClosed();
    else this.#loseBroken('the server closed the stream');
  }

  #onDisconnect(): void {
    if (this.#phase === 'closing') this.#markClosed();
    else this.#lose({ type: 'broken', error: new StreamLostError('the connection was closed'), cut: true });
  }

  #guard(work: () => void): void {
    try {
      if (this.#phase !== 'over') work();
    } catch (error) {
      this.#lose(this.#kind.lossOfError(error));
    }
  }

  #loseBroken(text: string): void {
    this.#lose({ type: 'broken', error: new StreamLostError(text) });
  }

  #lose(loss: Loss): void {
    if (this.#phase === 'over') return;
    if (this.#phase === 'closing') {
      this.#markClosed();
      return;
    }
    this.#end();
    this.#kind.management?.lost(loss.type === 'broken' && loss.cut === true);
    this.#listener.onLost(loss);
  }

  /** Closes the socket and wakes whatever waits inside the library, timers included. */
  #end(): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#early = [];
    const { entity } = this.#kind;
    const { socket } = entity;
    (socket instanceof Socket ? socket : this.#socket)?.destroy();
    this.#markClosed();
    entity.emit('error', new StreamLostError('the stream is over'));
  }
}

/** A loss that time may mend. What is no error of our own making is the socket's: the line is cut. */
export function brokenBy(error: unknown): Loss {
  if (error instanceof ShoalError) return { type: 'broken', error };
  return { type: 'broken', error: new StreamLostError(messageOf(error), { cause: error }), cut: true };
}

function isStanza(element: Element): boolean {
  return ['iq', 'message', 'presence'].includes(element.getName());
}

/** True when this is an iq that answers. */
export function isAnswer(stanza: Element): boolean {
  const type = attribute(stanza, 'type');
  return stanza.getName() === 'iq' && (type === 'result' || type === 'error');
}
