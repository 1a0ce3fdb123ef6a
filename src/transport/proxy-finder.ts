/**
 * Which SOCKS5 proxies we may offer (XEP-0065 §4): those that are configured, or else those of our
 * server, found by service discovery. What was found is kept for a while and looked up again behind
 * the back of whoever asks, so that only the first session may have to wait.
 */
import type { Clock, Timer } from '../clock.js';
import type { Entity, Unsubscribe } from '../entity/entity.js';
import { messageOf, ParseError } from '../errors.js';
import type { Log } from '../log.js';
import { domainOf, type Jid, parseJid } from '../stanza/jid.js';
import { discoAnswerOf, discoInfoCodec, discoItemsCodec, discoQueryToXml } from '../stanza/xep0030-disco.js';
import { bytestreamsAnswerOf, bytestreamsCodec, type Streamhost } from '../stanza/xep0065-bytestreams.js';
import type { Element } from '../stanza/xml.js';
import type { Startable } from '../startable.js';

/** What a negotiation needs: the proxies that it may offer, and somebody to tell when one does not work. */
export interface ProxySource {
  /** What is known, or will be in a moment. Never rejects. */
  streamhosts(): Promise<readonly Streamhost[]>;
  /** This one refused to relay for us, or could not be reached. */
  failed(streamhost: Streamhost): void;
}

export interface ProxyFinderComponents {
  readonly entity: Pick<Entity, 'jid' | 'online' | 'request' | 'onEvent'>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface ProxyFinderLimits {
  /** Services of a server that are asked what they are. */
  readonly maxServices: number;
  readonly maxProxies: number;
  /** For each answer. */
  readonly answerTimeoutMs: number;
  /** How long a session waits for the first search. */
  readonly waitMs: number;
  /** When what was found is looked up again. */
  readonly expiryMs: number;
  /** The same where nothing was found, or a proxy has failed. */
  readonly retryMs: number;
}

export interface ProxyFinderInit extends ProxyFinderLimits {
  /** Configured ones, by their XMPP address; the server is not searched then. */
  readonly proxies: readonly Jid[];
  /** `at-once`: as soon as we are online. */
  readonly search: 'at-once' | 'when-needed' | 'never';
}

interface Known {
  readonly streamhosts: readonly Streamhost[];
  readonly staleAtMs: number;
}

/** Questions to services under way at a time. */
const CONCURRENT_QUESTIONS = 8;
/** Servers name their proxies so; where there are more services than we ask, these come first. */
const TELLING_NAME = /^(proxy|socks|bytestream|stream|file|ft)/i;

export class ProxyFinder implements ProxySource, Startable {
  readonly #components: ProxyFinderComponents;
  readonly #init: ProxyFinderInit;
  readonly #stopping = new AbortController();
  #known: Known | undefined;
  #search: Promise<void> | undefined;
  #unsubscribe: Unsubscribe | undefined;

  constructor(components: ProxyFinderComponents, init: ProxyFinderInit) {
    this.#components = components;
    this.#init = init;
  }

  async start(): Promise<void> {
    this.#unsubscribe = this.#components.entity.onEvent((event) => {
      if (event.type !== 'online' || event.resumed) return;
      this.#known = undefined; // the server may have been set up anew meanwhile
      if (this.#init.search === 'at-once') this.#refresh();
    });
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#stopping.abort();
    await this.#search;
  }

  async streamhosts(): Promise<readonly Streamhost[]> {
    if (this.#init.search === 'never') return [];
    if (this.#known === undefined || this.#components.clock.monotonic() >= this.#known.staleAtMs) {
      this.#refresh();
    }
    if (this.#known === undefined) await this.#searched();
    return this.#known?.streamhosts ?? [];
  }

  failed(streamhost: Streamhost): void {
    if (this.#known === undefined) return;
    const staleAtMs = this.#components.clock.monotonic() + this.#init.retryMs;
    this.#known = {
      streamhosts: this.#known.streamhosts.filter((each) => each.jid !== streamhost.jid),
      staleAtMs: Math.min(this.#known.staleAtMs, staleAtMs),
    };
  }

  /** One search at a time. */
  #refresh(): void {
    if (this.#search !== undefined || this.#stopping.signal.aborted || !this.#components.entity.online)
      return;
    this.#search = this.#find().then((streamhosts) => {
      this.#search = undefined;
      const { expiryMs, retryMs } = this.#init;
      const staleAtMs = this.#components.clock.monotonic() + (streamhosts.length > 0 ? expiryMs : retryMs);
      this.#known = { streamhosts, staleAtMs };
      this.#components.log.debug({ proxies: streamhosts.map(({ jid }) => jid) }, 'socks5 proxies');
    });
  }

  /** Resolves when the search is over, or has taken too long for whoever waits. */
  async #searched(): Promise<void> {
    const search = this.#search;
    if (search === undefined) return;
    let timer: Timer | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = this.#components.clock.after(this.#init.waitMs, resolve);
    });
    await Promise.race([search, enough]);
    timer?.cancel();
  }

  /** Never rejects. */
  async #find(): Promise<readonly Streamhost[]> {
    const { proxies, maxProxies } = this.#init;
    const services = proxies.length > 0 ? proxies : await this.#proxiesOfServer();
    const found = await this.#eachOf(services.slice(0, maxProxies), (service) => this.#addressOf(service));
    return found.flat().slice(0, maxProxies);
  }

  /** XEP-0065 §4: what our server has, and which of it are proxies. */
  async #proxiesOfServer(): Promise<readonly Jid[]> {
    const items = await this.#quietly(serverOf(this.#components.entity.jid), async (server) => {
      const answer = discoAnswerOf(await this.#ask(server, discoQueryToXml('items')), 'items');
      return answer === undefined ? [] : discoItemsCodec.fromXml(answer).items;
    });
    const services = new Set((items ?? []).filter((item) => item.nodeId === undefined).map(({ jid }) => jid));
    services.delete(this.#components.entity.jid);
    const likelyFirst = [...services].sort(
      (a, b) => Number(TELLING_NAME.test(b)) - Number(TELLING_NAME.test(a)),
    );
    const proxies = await this.#eachOf(likelyFirst.slice(0, this.#init.maxServices), async (service) => {
      const answer = discoAnswerOf(await this.#ask(service, discoQueryToXml('info')), 'info');
      const identities = answer === undefined ? [] : discoInfoCodec.fromXml(answer).identities;
      return identities.some(isProxy) ? service : undefined;
    });
    return proxies.filter((each) => each !== undefined);
  }

  /** XEP-0065 §4: where it listens. */
  async #addressOf(service: Jid): Promise<readonly Streamhost[]> {
    const answer = bytestreamsAnswerOf(await this.#ask(service, bytestreamsCodec.toXml({ type: 'address' })));
    const query = answer && bytestreamsCodec.fromXml(answer);
    return query?.type === 'streamhosts' ? query.streamhosts : [];
  }

  #ask(to: Jid, payload: Element): Promise<Element> {
    return this.#components.entity.request({
      to,
      type: 'get',
      payload,
      timeoutMs: this.#init.answerTimeoutMs,
      signal: this.#stopping.signal,
    });
  }

  /** What `ask` makes of each service, a few at a time, in their order; without those that fail. */
  async #eachOf<T>(services: readonly Jid[], ask: (service: Jid) => Promise<T>): Promise<T[]> {
    const answers: (T | undefined)[] = [];
    const queue = [...services.entries()];
    const worker = async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const [index, service] = next;
        answers[index] = await this.#quietly(service, ask);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENT_QUESTIONS }, worker));
    return answers.filter((each) => each !== undefined);
  }

  async #quietly<T>(service: Jid, ask: (service: Jid) => Promise<T>): Promise<T | undefined> {
    try {
      return await ask(service);
    } catch (thrown) {
      const level = thrown instanceof ParseError ? 'info' : 'debug';
      this.#components.log[level]({ service, why: messageOf(thrown) }, 'no socks5 proxy learned');
      return undefined;
    }
  }
}

function isProxy({ category, type }: { readonly category: string; readonly type: string }): boolean {
  return category === 'proxy' && type === 'bytestreams';
}

/** An account's server is its domain; a component's, as everywhere in use, the domain above its own. */
export function serverOf(jid: Jid): Jid {
  const domain = domainOf(jid);
  const above = domain.slice(domain.indexOf('.') + 1);
  return jid.includes('@') ? domain : parseJid(above);
}

/** Proxies that are known beforehand. */
export function fixedProxies(streamhosts: readonly Streamhost[]): ProxySource {
  return { streamhosts: () => Promise.resolve(streamhosts), failed: () => undefined };
}
