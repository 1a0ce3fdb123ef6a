/** Answers the iqs that others send us: exactly one answer to each get or set (RFC 6120 §8.2.3). */
import { LimitError, messageOf, ParseError } from '../errors.js';
import type { Log } from '../log.js';
import { iqError, iqPayload, iqResult, isOfSession, stanzaType } from '../stanza/iq.js';
import { bareOf, type Jid } from '../stanza/jid.js';
import { StanzaError, toStanzaError } from '../stanza/stanza-error.js';
import type { Element } from '../stanza/xml.js';
import { type IncomingIq, type IqHandler, OfflineError, type Unsubscribe } from './entity.js';
import type { StanzaScreen } from './stanza-screen.js';

export interface IqResponderComponents {
  readonly send: (stanza: Element) => void;
  readonly log: Log;
  readonly screen?: StanzaScreen;
}

export interface IqResponderInit {
  readonly maxConcurrent: number;
  readonly maxConcurrentPerPeer: number;
}

interface Address {
  readonly from: Jid;
  readonly to: Jid;
  readonly id: string;
}

export class IqResponder {
  readonly #handlers = new Map<string, IqHandler>();
  readonly #running = new Set<AbortController>();
  readonly #runningByPeer = new Map<Jid, number>();

  constructor(
    private readonly components: IqResponderComponents,
    private readonly init: IqResponderInit,
  ) {}

  register(type: 'get' | 'set', name: string, ns: string, handler: IqHandler): Unsubscribe {
    const key = `${type} ${name} ${ns}`;
    if (this.#handlers.has(key)) throw new TypeError(`there is a handler for ${key} already`);
    this.#handlers.set(key, handler);
    return () => {
      if (this.#handlers.get(key) === handler) this.#handlers.delete(key);
    };
  }

  /** Takes an iq that is no answer. */
  handle(stanza: Element, address: Address): void {
    const { screen } = this.components;
    const type = stanzaType(stanza);
    const payload = iqPayload(stanza);
    const known = `${type} ${payload?.getName()} ${payload?.getNS()}`;
    const handler = this.#handlers.get(known);
    // A peer may invent as many kinds as it likes: they are all the same.
    const kind = handler === undefined ? 'unknown' : known;
    const verdict = screen?.admit(address.from, isOfSession(payload) ? 'session' : 'request', kind);
    if (verdict?.type === 'ignore') return;
    if (verdict?.type === 'refuse') {
      this.#answer(address, toStanzaError(verdict.error));
      return;
    }
    if ((type !== 'get' && type !== 'set') || payload === undefined) {
      this.#refuse(address, kind, new StanzaError('bad-request', 'not one request of type get or set'));
    } else if (handler === undefined) this.#refuse(address, kind, new StanzaError('service-unavailable'));
    else if (this.#isFull(bareOf(address.from))) {
      screen?.failed(address.from, kind, new LimitError('concurrentRequests', 'too many requests at once'));
      this.#answer(address, new StanzaError('resource-constraint', 'too many requests at once'));
    } else void this.#run(handler, kind, { ...address, payload });
  }

  #refuse(address: Address, kind: string, error: StanzaError): void {
    this.components.screen?.failed(address.from, kind, error);
    this.#answer(address, error);
  }

  /** Tells everyone who is at work that no answer can be sent any more. */
  abortAll(): void {
    for (const controller of this.#running) controller.abort();
  }

  #isFull(peer: Jid): boolean {
    return (
      this.#running.size >= this.init.maxConcurrent ||
      (this.#runningByPeer.get(peer) ?? 0) >= this.init.maxConcurrentPerPeer
    );
  }

  /** Never rejects. */
  async #run(handler: IqHandler, kind: string, iq: IncomingIq): Promise<void> {
    const controller = new AbortController();
    const peer = bareOf(iq.from);
    this.#running.add(controller);
    this.#runningByPeer.set(peer, (this.#runningByPeer.get(peer) ?? 0) + 1);
    let outcome: Element | StanzaError | undefined;
    try {
      outcome = await handler(iq, controller.signal);
    } catch (error) {
      if (!isExpected(error) && !controller.signal.aborted) {
        this.components.log.error({ err: error, from: iq.from }, 'a request failed');
      }
      if (!controller.signal.aborted) this.components.screen?.failed(iq.from, kind, error);
      outcome = toStanzaError(error);
    } finally {
      this.#running.delete(controller);
      const left = (this.#runningByPeer.get(peer) ?? 1) - 1;
      if (left === 0) this.#runningByPeer.delete(peer);
      else this.#runningByPeer.set(peer, left);
    }
    if (!controller.signal.aborted) this.#answer(iq, outcome);
  }

  /** Never throws: an answer that can't be sent is nobody's to handle. */
  #answer(address: Address, outcome: Element | StanzaError | undefined): void {
    const { log, send } = this.components;
    try {
      send(outcome instanceof StanzaError ? iqError(address, outcome) : iqResult(address, outcome));
    } catch (error) {
      if (error instanceof OfflineError) return;
      log.error({ err: error, to: address.from }, 'an answer could not be sent');
      try {
        send(iqError(address, new StanzaError('internal-server-error')));
      } catch (again) {
        log.error({ to: address.from }, messageOf(again));
      }
    }
  }
}

function isExpected(error: unknown): boolean {
  return error instanceof StanzaError || error instanceof ParseError || error instanceof LimitError;
}
