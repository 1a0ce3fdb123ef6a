/**
 * The asker's half of a channel: publishes a query, gathers the answers that come straight from
 * the nodes, asks them for further pages, confirms that it asked, and retracts the query when it
 * has enough (docs/protocol.md, "A channel"). Also asks one node alone, by iq.
 */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { type Clock, sleep } from '../clock.js';
import type { Entity, Unsubscribe } from '../entity/entity.js';
import { AbortedError, messageOf, ParseError } from '../errors.js';
import type { Log } from '../log.js';
import type { FileCriteria, Order } from '../stanza/file-criteria.js';
import {
  type ChannelAddress,
  confirmCodec,
  FileDiscoveryElement,
  type Find,
  type Found,
  findCodec,
  foundCodec,
} from '../stanza/file-discovery.js';
import { type BareJid, bareOf, type Jid } from '../stanza/jid.js';
import { StanzaError } from '../stanza/stanza-error.js';
import { type PubsubRequest, pubsubIqType, pubsubRequestCodec } from '../stanza/xep0060-pubsub.js';
import { child, type Element } from '../stanza/xml.js';
import type { Startable } from '../startable.js';

export interface ChannelQuestion {
  readonly criteria: FileCriteria;
  readonly order?: Order;
  /** Files wanted of each node. */
  readonly maxFiles: number;
  /** How long answers are waited for. */
  readonly waitMs: number;
  /** Nodes may keep the question so long, and answer again as files come. */
  readonly keep?: true;
}

export type AnswerEvent =
  /** A page of one node's answer; `last` when no further page of it follows. */
  | { readonly type: 'found'; readonly from: Jid; readonly found: Found; readonly last: boolean }
  | { readonly type: 'refused'; readonly from: Jid; readonly error: StanzaError };

export interface ChannelAskerInit {
  /** Nodes are asked to wait a random time up to this, so that they don't answer all at once. */
  readonly spreadMs: number;
  /** Files asked for in one page. */
  readonly pageFiles: number;
  /** Answers kept for one question, a tenth of them of one address; what comes beyond it is dropped and logged. */
  readonly maxAnswers: number;
}

export interface ChannelAskerComponents {
  readonly entity: Entity;
  readonly clock: Clock;
  readonly log: Log;
}

interface Asked {
  readonly events: Readable;
  readonly question: ChannelQuestion;
  readonly answeredBy: Set<Jid>;
  /** How many of them are of one account or node. */
  readonly answers: Map<BareJid, number>;
  /** Answers that came later, since the question was kept, and that nobody has read yet. */
  readonly unread: Map<BareJid, number>;
  readonly signal: AbortSignal;
}

/** Nobody takes more than such a part of what is kept, so that others are heard. */
const PART_OF_ONE = 10;

export class ChannelAsker implements Startable {
  readonly #components: ChannelAskerComponents;
  readonly #init: ChannelAskerInit;
  readonly #asked = new Map<string, Asked>();
  readonly #registrations: Unsubscribe[] = [];

  constructor(components: ChannelAskerComponents, init: ChannelAskerInit) {
    this.#components = components;
    this.#init = init;
  }

  async start(): Promise<void> {
    const { entity } = this.#components;
    const { found, confirm } = FileDiscoveryElement;
    this.#registrations.push(
      entity.handleMessage(found.name, found.ns, ({ from, stanza }) => this.#onFound(from, stanza)),
      entity.handleIq('get', confirm.name, confirm.ns, ({ payload }) => {
        if (!this.#asked.has(confirmCodec.fromXml(payload))) throw new StanzaError('item-not-found');
        return undefined;
      }),
    );
  }

  async stop(): Promise<void> {
    for (const unregister of this.#registrations.splice(0)) unregister();
    for (const asked of this.#asked.values()) asked.events.push(null);
  }

  /**
   * Asks everybody on the channels. Ends when the wait is over or `signal` aborts; leaving the
   * loop early retracts the question. Throws StanzaError, TimeoutError or OfflineError when the
   * question can't be published on any of them.
   */
  async *ask(
    channels: readonly ChannelAddress[],
    question: ChannelQuestion,
    signal?: AbortSignal,
  ): AsyncGenerator<AnswerEvent> {
    const { clock } = this.#components;
    const id = randomUUID();
    const over = new AbortController();
    const events = new Readable({ objectMode: true, highWaterMark: this.#init.maxAnswers, read: () => {} });
    const end = () => events.push(null);
    const asked: Asked = {
      events,
      question,
      answeredBy: new Set(),
      answers: new Map(),
      unread: new Map(),
      signal: over.signal,
    };
    this.#asked.set(id, asked);
    signal?.addEventListener('abort', end, { once: true });
    let published: readonly ChannelAddress[] = [];
    try {
      const outcome = await this.#publish(channels, id, question);
      published = outcome.published;
      for (const event of outcome.refused) yield event;
      void sleep(clock, question.waitMs, over.signal).then(end, () => {});
      if (signal?.aborted) return;
      for await (const each of events) {
        const event = each as AnswerEvent;
        if (event.type === 'found' && event.found.news === true) add(asked.unread, event.from, -1);
        yield event;
      }
    } finally {
      over.abort();
      this.#asked.delete(id);
      signal?.removeEventListener('abort', end);
      for (const { service, nodeId } of published)
        this.#retract(service, { type: 'retract', nodeId, itemId: id });
    }
  }

  /** Asks one node, page by page. Throws StanzaError, TimeoutError, OfflineError, ParseError, AbortedError. */
  async *askNode(to: Jid, question: ChannelQuestion, signal?: AbortSignal): AsyncGenerator<AnswerEvent> {
    yield* this.#pages(to, randomUUID(), question, { files: 0 }, signal);
  }

  /** Publishes on all; what those say that would not have it is thrown when there are no others. */
  async #publish(
    channels: readonly ChannelAddress[],
    id: string,
    question: ChannelQuestion,
  ): Promise<{ readonly published: readonly ChannelAddress[]; readonly refused: readonly AnswerEvent[] }> {
    const { clock, entity, log } = this.#components;
    const payload = findCodec.toXml({
      ...this.#find(id, question),
      replyTo: entity.jid,
      expiresMs: clock.now() + question.waitMs,
      ...(question.keep && { untilMs: clock.now() + question.waitMs }),
      spreadMs: this.#init.spreadMs,
    });
    const results = await Promise.allSettled(
      channels.map(({ service, nodeId }) =>
        this.#request(service, { type: 'publish', nodeId, item: { id, payload } }).catch((error: unknown) => {
          throw error instanceof StanzaError ? aboutChannel(error, { service, nodeId }) : error;
        }),
      ),
    );
    const published = channels.filter((_, at) => results[at]?.status === 'fulfilled');
    const failures = results.filter((result) => result.status === 'rejected');
    for (const { reason } of failures) log.warn(`the question was not published: ${messageOf(reason)}`);
    if (published.length === 0 && failures[0]) throw failures[0].reason;
    const refused = channels.flatMap(({ service }, at): AnswerEvent[] => {
      const result = results[at];
      return result?.status === 'rejected' && result.reason instanceof StanzaError
        ? [{ type: 'refused', from: service, error: result.reason }]
        : [];
    });
    return { published, refused };
  }

  #find(id: string, question: ChannelQuestion): Find {
    const max = Math.min(question.maxFiles, this.#init.pageFiles);
    return {
      id,
      criteria: question.criteria,
      page: { max },
      ...(question.order && { order: question.order }),
    };
  }

  #onFound(from: Jid, stanza: Element): void {
    const element = child(stanza, FileDiscoveryElement.found.name, FileDiscoveryElement.found.ns);
    const found = element && foundOf(element);
    const asked = found?.id === undefined ? undefined : this.#asked.get(found.id);
    if (!found || !asked) return;
    const isLater = found.news === true && asked.question.keep === true;
    // A node answers once. More of it is asked for, never taken as it comes, but where the question is kept.
    if (!isLater && asked.answeredBy.has(from)) return;
    const { maxAnswers } = this.#init;
    const kept = isLater ? asked.unread : asked.answers;
    const keptOfAll = isLater ? asked.events.readableLength : asked.answeredBy.size;
    if (keptOfAll >= maxAnswers || (kept.get(bareOf(from)) ?? 0) >= Math.ceil(maxAnswers / PART_OF_ONE)) {
      this.#components.log.warn({ from }, 'more answers than are kept; dropped');
      return;
    }
    add(kept, from, 1);
    if (isLater) {
      asked.events.push({ type: 'found', from, found, last: !found.more } satisfies AnswerEvent);
      return;
    }
    asked.answeredBy.add(from);
    void this.#gather(from, found, asked); // never rejects
  }

  async #gather(from: Jid, found: Found, asked: Asked): Promise<void> {
    const after = found.page.last;
    const wantsMore = found.more && after !== undefined && found.files.length < asked.question.maxFiles;
    asked.events.push({ type: 'found', from, found, last: !wantsMore } satisfies AnswerEvent);
    if (!wantsMore || found.id === undefined) return;
    const progress = { files: found.files.length, after };
    try {
      for await (const event of this.#pages(from, found.id, asked.question, progress, asked.signal)) {
        if (!asked.signal.aborted) asked.events.push(event);
      }
    } catch (error) {
      if (error instanceof AbortedError) return;
      this.#components.log.info({ from }, `a further page did not come: ${messageOf(error)}`);
    }
  }

  /** Pages from where `progress` stands until the asker has what it wants. */
  async *#pages(
    to: Jid,
    id: string,
    question: ChannelQuestion,
    progress: { files: number; after?: string },
    signal?: AbortSignal,
  ): AsyncGenerator<AnswerEvent> {
    let { files, after } = progress;
    let pages = 0;
    for (let last = false; !last; ) {
      const find = this.#find(id, question);
      const max = Math.min(this.#init.pageFiles, question.maxFiles - files);
      const payload = findCodec.toXml({ ...find, page: { max, ...(after !== undefined && { after }) } });
      let found: Found;
      try {
        found = foundOf(await this.#ask(to, payload, signal)) ?? malformed(to);
      } catch (error) {
        if (!(error instanceof StanzaError)) throw error;
        yield { type: 'refused', from: to, error };
        return;
      }
      files += found.files.length;
      pages += 1;
      const next = found.page.last;
      // A page that leads nowhere ends the walk, whatever it says of more; so do pages without end.
      last =
        !found.more ||
        files >= question.maxFiles ||
        pages >= question.maxFiles ||
        next === undefined ||
        next === after;
      after = next;
      yield { type: 'found', from: to, found, last };
    }
  }

  async #ask(to: Jid, payload: Element, signal?: AbortSignal): Promise<Element> {
    const result = await this.#components.entity.request({
      to,
      type: 'get',
      payload,
      ...(signal && { signal }),
    });
    return child(result, FileDiscoveryElement.found.name, FileDiscoveryElement.found.ns) ?? malformed(to);
  }

  #request(service: Jid, request: PubsubRequest): Promise<Element> {
    const payload = pubsubRequestCodec.toXml(request);
    return this.#components.entity.request({ to: service, type: pubsubIqType(request), payload });
  }

  #retract(service: Jid, request: PubsubRequest): void {
    this.#request(service, request).catch((error: unknown) =>
      this.#components.log.debug(`the question was not retracted: ${messageOf(error)}`),
    );
  }
}

function add(counts: Map<BareJid, number>, jid: Jid, count: number): void {
  const sum = (counts.get(bareOf(jid)) ?? 0) + count;
  if (sum > 0) counts.set(bareOf(jid), sum);
  else counts.delete(bareOf(jid));
}

/** A service says what is wrong, but not with which of its channels. */
function aboutChannel(error: StanzaError, { service, nodeId }: ChannelAddress): StanzaError {
  const text = [`the channel '${nodeId}' at ${service}`, ...(error.text === undefined ? [] : [error.text])];
  return new StanzaError(error.condition, text.join(': '), { type: error.type, cause: error });
}

function foundOf(element: Element): Found | undefined {
  try {
    return foundCodec.fromXml(element);
  } catch (error) {
    if (error instanceof ParseError) return undefined;
    throw error;
  }
}

function malformed(from: Jid): never {
  throw new ParseError(`${from} answered with something that is no answer`, { field: 'found' });
}
