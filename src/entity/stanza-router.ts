/**
 * An {@link Entity} on top of any {@link Connection}: sends iqs and finds their answers, hands
 * what comes in to those who registered for it, and refuses the rest as RFC 6120 asks.
 *
 * What a peer can make us hold is bounded: requests being answered, in all and by one peer, and
 * our own requests that wait.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.js';
import { AbortedError } from '../errors.js';
import type { Log } from '../log.js';
import { iqRequest, stanzaType } from '../stanza/iq.js';
import { bareOf, isFull, type Jid, parseJid } from '../stanza/jid.js';
import { presenceTypeOf } from '../stanza/presence.js';
import { attribute, type Element, elements, xmlSafe } from '../stanza/xml.js';
import type { Connection } from './connection.js';
import {
  type Entity,
  type EntityEvent,
  type IqHandler,
  type IqRequest,
  type MessageHandler,
  OfflineError,
  type PresenceHandler,
  StanzaTooLargeError,
  type Unsubscribe,
} from './entity.js';
import { IqResponder } from './iq-responder.js';
import { PendingIqs } from './pending-iqs.js';
import type { StanzaScreen } from './stanza-screen.js';

export interface StanzaRouterComponents {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly log: Log;
  /** Decides who is heard. Without it: everybody. */
  readonly screen?: StanzaScreen;
}

export interface StanzaRouterInit {
  readonly requestTimeoutMs?: number;
  readonly maxPendingIqs?: number;
  /** Requests of others that are being answered at once; more are told `resource-constraint`. */
  readonly maxConcurrentIqs?: number;
  readonly maxConcurrentIqsPerPeer?: number;
}

/** Longest stanza that we send: servers take at least 256 KiB from a client, but not all and not their peers. */
export const MAX_STANZA_BYTES = 65_536;

const DEFAULT_REQUEST_TIMEOUT_MS = 30_000; // what people and other programs wait for an answer
const DEFAULT_MAX_PENDING_IQS = 4096; // some hundred transfers with full IBB windows
const DEFAULT_MAX_CONCURRENT_IQS = 1024;
const DEFAULT_MAX_CONCURRENT_IQS_PER_PEER = 128;

export class StanzaRouter implements Entity {
  readonly #connection: Connection;
  readonly #log: Log;
  readonly #screen: StanzaScreen | undefined;
  readonly #requestTimeoutMs: number;
  readonly #pending: PendingIqs;
  readonly #responder: IqResponder;
  readonly #messageHandlers = new Map<string, Set<MessageHandler>>();
  readonly #presenceHandlers = new Set<PresenceHandler>();
  readonly #listeners = new Set<(event: EntityEvent) => void>();

  constructor({ connection, clock, log, screen }: StanzaRouterComponents, init: StanzaRouterInit = {}) {
    this.#connection = connection;
    this.#log = log;
    this.#screen = screen && fromOthers(screen, (from) => bareOf(from) === bareOf(this.jid));
    this.#requestTimeoutMs = init.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS;
    this.#pending = new PendingIqs(clock, init.maxPendingIqs ?? DEFAULT_MAX_PENDING_IQS);
    this.#responder = new IqResponder(
      { send: (stanza) => this.send(stanza), log, ...(this.#screen && { screen: this.#screen }) },
      {
        maxConcurrent: init.maxConcurrentIqs ?? DEFAULT_MAX_CONCURRENT_IQS,
        maxConcurrentPerPeer: init.maxConcurrentIqsPerPeer ?? DEFAULT_MAX_CONCURRENT_IQS_PER_PEER,
      },
    );
  }

  get jid(): Jid {
    return this.#connection.jid;
  }

  get online(): boolean {
    return this.#connection.online;
  }

  isOurs(to: Jid): boolean {
    return this.#connection.isOurs(to);
  }

  start(): Promise<void> {
    return this.#connection.start({
      onStanza: (stanza) => this.#onStanza(stanza),
      onEvent: (event) => this.#onEvent(event),
    });
  }

  async stop(): Promise<void> {
    await this.#connection.stop();
    this.#pending.rejectAll();
    this.#responder.abortAll();
  }

  async request({ to, type, payload, from, timeoutMs, signal }: IqRequest): Promise<Element> {
    if (signal?.aborted) throw new AbortedError('withdrawn before it was sent');
    if (!this.online) throw new OfflineError('not connected');
    const id = randomBytes(15).toString('base64url');
    const sender = from ?? this.jid;
    const answer = this.#pending.add({
      id,
      from: sender,
      to,
      timeoutMs: timeoutMs ?? this.#requestTimeoutMs,
      signal,
    });
    try {
      this.send(iqRequest({ from: sender, to, id }, type, payload));
    } catch (error) {
      this.#pending.fail(id, error instanceof Error ? error : new Error(String(error)));
    }
    return await answer;
  }

  send(stanza: Element): void {
    if (!this.online) throw new OfflineError('not connected');
    stanza.attrs.from ??= this.jid;
    stanza.attrs.id ??= randomBytes(15).toString('base64url');
    // A stanza from somebody else's address would end the whole stream (RFC 6120 §4.9.3.9).
    if (!this.isOurs(parseJid(String(stanza.attrs.from), 'from'))) {
      throw new TypeError(`'${stanza.attrs.from}' is not an address of ours`);
    }
    if (this.#isUnheard(stanza)) return;
    const text = xmlSafe(stanza.toString());
    const bytes = Buffer.byteLength(text);
    if (bytes > MAX_STANZA_BYTES) throw new StanzaTooLargeError(bytes);
    this.#connection.write(stanza, text);
  }

  /** A message to somebody whom the screen keeps out: whatever was begun before, nothing more comes of it. */
  #isUnheard(stanza: Element): boolean {
    const to = stanza.getName() === 'message' ? optionalJid(stanza, 'to') : undefined;
    return to !== undefined && this.#screen?.mayHear(to) === false;
  }

  handleIq(type: 'get' | 'set', name: string, ns: string, handler: IqHandler): Unsubscribe {
    return this.#responder.register(type, name, ns, handler);
  }

  handleMessage(name: string, ns: string | undefined, handler: MessageHandler): Unsubscribe {
    const key = `${name} ${ns ?? ''}`;
    const handlers = this.#messageHandlers.get(key) ?? new Set();
    this.#messageHandlers.set(key, handlers.add(handler));
    return () => handlers.delete(handler);
  }

  handlePresence(handler: PresenceHandler): Unsubscribe {
    this.#presenceHandlers.add(handler);
    return () => this.#presenceHandlers.delete(handler);
  }

  onEvent(listener: (event: EntityEvent) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #onEvent(event: EntityEvent): void {
    const isEnd = event.type === 'offline' || event.type === 'failed';
    if (isEnd || (event.type === 'online' && !event.resumed)) {
      this.#pending.rejectAll();
      this.#responder.abortAll();
    }
    for (const listener of [...this.#listeners]) {
      this.#guard('a listener of the entity failed', () => listener(event));
    }
  }

  #onStanza(stanza: Element): void {
    this.#guard('a stanza could not be handled', () => {
      const name = stanza.getName();
      const from = optionalJid(stanza, 'from');
      const to = optionalJid(stanza, 'to');
      if (name === 'iq') this.#onIq(stanza, from, to);
      else if (name === 'message') this.#onMessage(stanza, from ?? this.jid, to ?? this.jid);
      else if (name === 'presence') this.#onPresence(stanza, from, to ?? this.jid);
    });
  }

  #onIq(stanza: Element, from: Jid | undefined, to: Jid | undefined): void {
    const id = attribute(stanza, 'id');
    if (id === undefined) return; // can't be answered, and is no answer (RFC 6120 §8.1.3)
    const type = stanzaType(stanza);
    if (type !== 'result' && type !== 'error') {
      this.#responder.handle(stanza, { from: from ?? this.jid, to: to ?? this.jid, id });
    } else if (!this.#pending.answer(stanza, id, from, to)) {
      this.#log.debug({ from, type }, 'an answer that nobody asked for');
    }
  }

  #onMessage(stanza: Element, from: Jid, to: Jid): void {
    const type = stanzaType(stanza) ?? 'normal';
    if (type === 'error') return;
    if (this.#screen?.admit(from, 'message', type).type === 'ignore') return;
    const message = { from, to, id: attribute(stanza, 'id'), type, stanza };
    const called = new Set<MessageHandler>();
    const own = stanza.getNS();
    for (const child of elements(stanza)) {
      const ns = child.getNS();
      const keys = [`${child.getName()} ${ns}`, ...(ns === own ? [`${child.getName()} `] : [])];
      for (const handler of keys.flatMap((key) => [...(this.#messageHandlers.get(key) ?? [])])) {
        if (called.has(handler)) continue;
        called.add(handler);
        this.#guard('a message could not be handled', () => handler(message));
      }
    }
  }

  #onPresence(stanza: Element, from: Jid | undefined, to: Jid): void {
    const type = presenceTypeOf(stanza);
    if (type === undefined || from === undefined || from === this.jid) return;
    // Who goes is heard in any case: what is left of them here ends.
    if (type !== 'unavailable' && this.#screen?.admit(from, 'presence', type).type === 'ignore') return;
    for (const handler of [...this.#presenceHandlers]) {
      this.#guard('a presence could not be handled', () => handler({ from, to, type }));
    }
    // XEP-0166 §6.7: who has gone offline can't end a session any more. Of a bare address of an account it says nothing: a server
    // answers so for those who are connected and have not said that they are available (RFC 6121 §4.3.2).
    if (type === 'unavailable' && (isFull(from) || !from.includes('@'))) {
      this.#onEvent({ type: 'peer-gone', jid: from });
    }
  }

  #guard(what: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#log.warn({ err: error }, what);
    }
  }
}

/** We are never kept out ourselves: an account's server speaks to it in its own name (RFC 6121 §2.1.6). */
function fromOthers(screen: StanzaScreen, isOurs: (from: Jid) => boolean): StanzaScreen {
  return {
    admit: (from, kind, what) => (isOurs(from) ? { type: 'serve' } : screen.admit(from, kind, what)),
    mayHear: (to) => isOurs(to) || screen.mayHear(to),
    failed: (from, what, error) => {
      if (!isOurs(from)) screen.failed(from, what, error);
    },
  };
}

function optionalJid(stanza: Element, name: 'from' | 'to'): Jid | undefined {
  const text = attribute(stanza, name);
  return text === undefined ? undefined : parseJid(text, name);
}
