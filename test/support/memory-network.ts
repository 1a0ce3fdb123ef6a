/**
 * An XMPP network inside the process: servers, components and clients without sockets.
 *
 * As strict as the real thing: stanzas are written as XML and parsed again, the sender's address
 * is the server's to say, they arrive later than they are sent and in order, and what is sent to
 * nobody comes back.
 */
import type { Clock } from '../../src/clock.js';
import type { Connection, ConnectionListener } from '../../src/entity/connection.js';
import { type Entity, OfflineError } from '../../src/entity/entity.js';
import { StanzaRouter, type StanzaRouterInit } from '../../src/entity/stanza-router.js';
import type { StanzaScreen } from '../../src/entity/stanza-screen.js';
import { AbortedError } from '../../src/errors.js';
import { silentLog } from '../../src/log.js';
import { bounce } from '../../src/stanza/iq.js';
import { bareOf, domainOf, type Jid, parseJid } from '../../src/stanza/jid.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import type { Element } from '../../src/stanza/xml.js';
import { parseXml } from '../../src/stanza/xml-stream.js';

export interface MemoryNetworkComponents {
  readonly clock: Clock;
}

export class MemoryNetwork {
  readonly #clock: Clock;
  readonly #connections = new Map<Jid, MemoryConnection>();
  readonly #drops = new Set<(stanza: Element) => boolean>();
  readonly #watchers = new Set<(stanza: Element) => void>();
  #tail: Promise<void> = Promise.resolve();
  #delayed = 0;
  /** How long each stanza is on its way, in milliseconds. */
  delay = 0;

  constructor({ clock }: MemoryNetworkComponents) {
    this.#clock = clock;
  }

  /** Delayed stanzas that are still on their way. Each is a timer of the clock, whoever sent it may be gone. */
  get underWay(): number {
    return this.#delayed;
  }

  /** A component: everything sent to its domain, at any local part and resource, is its. `start` it to be online. */
  component(domain: string, init: StanzaRouterInit = {}, screen?: StanzaScreen): Entity {
    return this.#attach(parseJid(domain), init, screen);
  }

  /** A client with this full JID. Other resources of its account may be attached as well. */
  client(jid: string, init: StanzaRouterInit = {}): Entity {
    return this.#attach(parseJid(jid), init);
  }

  /** A component's connection, for whoever makes the entity on it. */
  connection(domain: string): Connection {
    return this.#connect(parseJid(domain));
  }

  /** Ends the stream of an entity, as a broken line would. */
  cut(jid: string): void {
    this.#connections.get(parseJid(jid))?.cut();
  }

  /** Lets an entity that was cut be online again, on a new stream. */
  restore(jid: string): void {
    this.#connections.get(parseJid(jid))?.restore();
  }

  /** Loses every stanza for which `predicate` is true, until the function it returns is called. */
  drop(predicate: (stanza: Element) => boolean): () => void {
    this.#drops.add(predicate);
    return () => this.#drops.delete(predicate);
  }

  /** Tells of every stanza that is delivered, in order. */
  watch(watcher: (stanza: Element) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Puts a stanza on the network as if somebody had sent it, who need not exist: for forgeries and raw scripts. */
  inject(stanza: Element | string): void {
    this.route(typeof stanza === 'string' ? stanza : stanza.toString());
  }

  /** For connections: takes a stanza, given as XML, to where its `to` says. */
  route(text: string): void {
    if (this.delay > 0) this.#deliverLater(text);
    else this.#tail = this.#tail.then(() => this.#deliver(text));
  }

  #deliverLater(text: string): void {
    this.#delayed += 1;
    this.#clock.after(this.delay, () => {
      this.#delayed -= 1;
      this.#deliver(text);
    });
  }

  #attach(jid: Jid, init: StanzaRouterInit, screen?: StanzaScreen): Entity {
    return new StanzaRouter(
      { connection: this.#connect(jid), clock: this.#clock, log: silentLog, ...(screen && { screen }) },
      init,
    );
  }

  #connect(jid: Jid): MemoryConnection {
    if (this.#connections.has(jid)) throw new TypeError(`${jid} is on the network already`);
    const connection = new MemoryConnection(this, jid, () => this.#connections.delete(jid));
    this.#connections.set(jid, connection);
    return connection;
  }

  #deliver(text: string): void {
    const stanza = parseXml(text);
    for (const lost of this.#drops) if (lost(stanza)) return;
    for (const watcher of this.#watchers) watcher(stanza);
    const to = parseJid(String(stanza.attrs.to ?? stanza.attrs.from));
    const receivers = this.#receivers(to, stanza.getName());
    for (const receiver of receivers) receiver.receive(text);
    if (receivers.length === 0) this.#bounce(stanza);
  }

  #receivers(to: Jid, name: string): MemoryConnection[] {
    const exact = this.#connections.get(to) ?? this.#connections.get(domainOf(to));
    if (exact !== undefined) return exact.online ? [exact] : [];
    // RFC 6121 §8.5.2: a message to an account goes to its resources; an iq is the server's to answer.
    if (name === 'iq' || to !== bareOf(to)) return [];
    return [...this.#connections.values()].filter((each) => each.online && bareOf(each.jid) === to);
  }

  #bounce(stanza: Element): void {
    const { type } = stanza.attrs;
    if (stanza.getName() === 'presence' || type === 'error' || type === 'result') return;
    this.route(bounce(stanza, new StanzaError('service-unavailable')).toString());
  }
}

class MemoryConnection implements Connection {
  #listener: ConnectionListener | undefined;
  #phase: 'new' | 'online' | 'cut' | 'stopped' = 'new';

  constructor(
    private readonly network: MemoryNetwork,
    readonly jid: Jid,
    private readonly leave: () => void,
  ) {}

  get online(): boolean {
    return this.#phase === 'online';
  }

  isOurs(to: Jid): boolean {
    return this.jid.includes('@') ? to === this.jid || to === bareOf(this.jid) : domainOf(to) === this.jid;
  }

  async start(listener: ConnectionListener): Promise<void> {
    if (this.#phase !== 'new') throw new AbortedError('a connection is started once');
    this.#listener = listener;
    this.#goOnline();
  }

  async stop(): Promise<void> {
    this.#goOffline('stopped');
    this.leave();
  }

  write(_stanza: Element, text: string): void {
    if (!this.online) throw new OfflineError('not connected');
    this.network.route(text);
  }

  receive(text: string): void {
    if (this.online) this.#listener?.onStanza(parseXml(text));
  }

  cut(): void {
    if (this.#phase === 'online') this.#goOffline('cut');
  }

  restore(): void {
    if (this.#phase === 'cut') this.#goOnline();
  }

  #goOnline(): void {
    this.#phase = 'online';
    this.#listener?.onEvent({ type: 'online', resumed: false });
  }

  #goOffline(phase: 'cut' | 'stopped'): void {
    const wasOnline = this.online;
    this.#phase = phase;
    if (wasOnline) this.#listener?.onEvent({ type: 'offline' });
  }
}
