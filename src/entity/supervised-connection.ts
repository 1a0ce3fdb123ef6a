/** A {@link Connection} that keeps itself up: performs what `connection-machine.ts` decides. */
import { randomBytes } from 'node:crypto';
import type { Clock, Timer } from '../clock.js';
import { AbortedError, TimeoutError } from '../errors.js';
import type { Log } from '../log.js';
import type { Machine } from '../machine.js';
import { iqRequest } from '../stanza/iq.js';
import { bareOf, domainOf, type Jid } from '../stanza/jid.js';
import { pingCodec } from '../stanza/xep0199-ping.js';
import { attribute, type Element, xmlSafe } from '../stanza/xml.js';
import type { Connection, ConnectionListener } from './connection.js';
import {
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionState,
  type ConnectionTimer,
  type ConnectionTimes,
  connectionMachine,
  DEFAULT_CONNECTION_TIMES,
} from './connection-machine.js';
import { OfflineError } from './entity.js';
import type { StreamManagement } from './stream-management.js';
import type { XmppStream, XmppStreamListener } from './xmpp-stream.js';

export interface SupervisedConnectionComponents {
  readonly clock: Clock;
  readonly log: Log;
  /** Makes the stream of the next attempt; `last` is the address that the server gave us before. */
  readonly openStream: (listener: XmppStreamListener, last: Jid | undefined) => XmppStream;
  /** Keeps the session across streams; the streams that `openStream` makes speak of it. */
  readonly management?: StreamManagement;
  /** From [0, 1). Default: Math.random. */
  readonly random?: () => number;
}

export interface SupervisedConnectionInit {
  /** Our address until the server has given us one. */
  readonly jid: Jid;
  readonly mode: 'component' | 'client';
  /** Where pings go. Any answer will do, also an error. */
  readonly pingTo: Jid;
  /** Sent on each new stream before anything else. */
  readonly greeting?: () => Element;
  readonly times?: Partial<ConnectionTimes>;
}

interface Started {
  readonly listener: ConnectionListener;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class SupervisedConnection implements Connection {
  readonly #components: SupervisedConnectionComponents;
  readonly #init: SupervisedConnectionInit;
  readonly #machine: Machine<ConnectionState, ConnectionEvent, ConnectionEffect>;
  readonly #timers = new Map<ConnectionTimer, Timer>();
  #state: ConnectionState = { type: 'new' };
  #started: Started | undefined;
  #stream: XmppStream | undefined;
  #closed: Promise<void> = Promise.resolve();
  #jid: Jid;
  #pingId: string | undefined;

  constructor(components: SupervisedConnectionComponents, init: SupervisedConnectionInit) {
    this.#components = components;
    this.#init = init;
    this.#jid = init.jid;
    this.#machine = connectionMachine({ ...DEFAULT_CONNECTION_TIMES, ...init.times });
    components.management?.listen({
      onAsked: () => this.#step({ type: 'asked' }),
      onExpired: () => this.#step({ type: 'expired' }),
    });
  }

  get jid(): Jid {
    return this.#jid;
  }

  get online(): boolean {
    switch (this.#state.type) {
      case 'online':
      case 'probing':
        return true;
      case 'connecting':
      case 'waiting':
        return this.#state.suspended;
      default:
        return false;
    }
  }

  isOurs(to: Jid): boolean {
    if (this.#init.mode === 'component') return domainOf(to) === this.#jid;
    return to === this.#jid || to === bareOf(this.#jid);
  }

  start(listener: ConnectionListener): Promise<void> {
    if (this.#state.type !== 'new') return Promise.reject(new AbortedError('a connection is started once'));
    return new Promise((resolve, reject) => {
      this.#started = { listener, resolve, reject };
      this.#step({ type: 'start' });
    });
  }

  async stop(): Promise<void> {
    this.#step({ type: 'stop' });
    this.#components.management?.close();
    this.#started?.reject(new AbortedError('the connection was stopped'));
    await this.#closed;
  }

  write(stanza: Element, text: string): void {
    if (!this.online) throw new OfflineError('not connected');
    this.#write(stanza, text);
  }

  #write(stanza: Element, text = xmlSafe(stanza.toString())): void {
    const { management } = this.#components;
    if (management) management.send(stanza, text);
    else this.#stream?.write(text);
  }

  #step(event: ConnectionEvent): void {
    const next = this.#machine.step(this.#state, event);
    if (next === undefined) {
      throw new TypeError(`connection: no row for '${event.type}' in '${this.#state.type}'`);
    }
    if (next.state.type !== this.#state.type) {
      const change = { machine: 'connection', jid: this.#jid, from: this.#state.type, to: next.state.type };
      this.#components.log.debug({ ...change, event: event.type }, 'state');
    }
    this.#state = next.state;
    for (const effect of next.effects) this.#perform(effect);
  }

  #perform(effect: ConnectionEffect): void {
    const { log } = this.#components;
    switch (effect.type) {
      case 'open-stream':
        this.#openStream();
        break;
      case 'drop-stream':
        this.#stream?.drop();
        this.#stream = undefined;
        break;
      case 'close-stream':
        this.#closed = (this.#stream?.close() ?? Promise.resolve()).then(() =>
          this.#step({ type: 'closed' }),
        );
        this.#stream = undefined;
        break;
      case 'ping':
        this.#ping();
        break;
      case 'set-timer':
        this.#setTimer(effect.timer, effect.delayMs);
        break;
      case 'clear-timer':
        this.#clearTimer(effect.timer);
        break;
      case 'clear-timers':
        for (const timer of [...this.#timers.keys()]) this.#clearTimer(timer);
        break;
      case 'report-online':
        if (this.#init.greeting) this.#write(this.#init.greeting());
        for (const stanza of this.#components.management?.takeSalvaged(this.#jid) ?? []) this.#write(stanza);
        log.info({ jid: this.#jid }, 'online');
        this.#started?.listener.onEvent({ type: 'online', resumed: false });
        this.#started?.resolve();
        break;
      case 'report-resumed':
        log.info({ jid: this.#jid }, 'resumed');
        this.#started?.listener.onEvent({ type: 'online', resumed: true });
        break;
      case 'report-interrupted':
        log.info({ jid: this.#jid }, 'interrupted');
        break;
      case 'report-offline':
        log.info({ jid: this.#jid }, 'offline');
        this.#started?.listener.onEvent({ type: 'offline' });
        break;
      case 'report-failed':
        log.error({ jid: this.#jid, reason: effect.error.message }, 'the connection is given up');
        this.#components.management?.close();
        this.#started?.reject(effect.error);
        this.#started?.listener.onEvent({ type: 'failed', error: effect.error });
        break;
    }
  }

  #openStream(): void {
    const last = this.#jid === this.#init.jid ? undefined : this.#jid;
    const stream: XmppStream = this.#components.openStream(
      {
        onOpened: (jid, resumed) => {
          if (this.#stream !== stream) return;
          this.#jid = jid;
          this.#step({ type: 'opened', resumed });
        },
        onStanza: (stanza) => {
          if (this.#stream === stream && !this.#isPong(stanza)) this.#started?.listener.onStanza(stanza);
        },
        onAlive: () => {
          if (this.#stream === stream) this.#step({ type: 'alive' });
        },
        onLost: (loss) => {
          if (this.#stream !== stream) return;
          this.#stream = undefined;
          this.#components.log.warn({ jid: this.#jid, reason: loss.error.message }, 'no stream');
          this.#step({ type: 'lost', loss, ...this.#circumstances() });
        },
      },
      last,
    );
    this.#stream = stream;
    stream.open();
  }

  /** Our own ping, come back by way of the server, or any answer to it. */
  #isPong(stanza: Element): boolean {
    return this.#pingId !== undefined && attribute(stanza, 'id') === this.#pingId;
  }

  #ping(): void {
    if (this.#components.management?.probe()) return;
    this.#pingId = randomBytes(15).toString('base64url');
    const address = { from: this.#jid, to: this.#init.pingTo, id: this.#pingId };
    this.#write(iqRequest(address, 'get', pingCodec.toXml({})));
  }

  #setTimer(timer: ConnectionTimer, delayMs: number): void {
    this.#clearTimer(timer);
    const pending = this.#components.clock.after(delayMs, () => {
      this.#timers.delete(timer);
      this.#step(this.#timedOut(timer));
    });
    this.#timers.set(timer, pending);
  }

  #clearTimer(timer: ConnectionTimer): void {
    this.#timers.get(timer)?.cancel();
    this.#timers.delete(timer);
  }

  #timedOut(timer: ConnectionTimer): ConnectionEvent {
    const timeout = (text: string) => ({ error: new TimeoutError(text), ...this.#circumstances() });
    switch (timer) {
      case 'connect':
        return { type: 'connect-timeout', ...timeout('the server did not let us in in time') };
      case 'pong':
        return { type: 'pong-timeout', ...timeout('the server does not answer a ping') };
      case 'ping':
        return { type: 'ping-due' };
      case 'retry':
      case 'stable':
        return { type: timer };
    }
  }

  #circumstances(): { random: number; resumable: boolean } {
    const { random = Math.random, management } = this.#components;
    return { random: random(), resumable: management?.isResumable ?? false };
  }
}
