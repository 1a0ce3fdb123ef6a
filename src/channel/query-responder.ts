/**
 * Answers the queries that people publish on channels (docs/protocol.md, "A channel"): decides
 * whether an item is news, who asked it and where the answer goes, waits a random time, and
 * sends one message to the asker. Never anything to the channel.
 */
import { randomUUID } from 'node:crypto';
import type { QueryBudget } from '../access/query-budget.js';
import type { Refusals } from '../access/refusals.js';
import { type Clock, sleep } from '../clock.js';
import type { Entity } from '../entity/entity.js';
import { AbortedError, LimitError, messageOf, ParseError } from '../errors.js';
import type { Log } from '../log.js';
import type { Answering } from '../query/answer.js';
import type { FileCriteria } from '../stanza/file-criteria.js';
import {
  type ChannelAddress,
  confirmCodec,
  FileDiscoveryElement,
  type Find,
  findCodec,
  foundMessage,
  isQueryId,
} from '../stanza/file-discovery.js';
import { fileQuery2011FromXml, isFileQuery2011 } from '../stanza/file-query-2011.js';
import { bareOf, isFull, type Jid } from '../stanza/jid.js';
import type { PubsubItem } from '../stanza/xep0060-pubsub.js';
import { type Element, is } from '../stanza/xml.js';

export interface QueryResponderInit {
  /** A query without `expires` is answered for so long after it came. */
  readonly defaultExpiryMs: number;
  /** An `expires` further ahead counts as this. */
  readonly maxExpiryMs: number;
  /** A larger `spread` counts as this. */
  readonly maxSpreadMs: number;
  /** How long an answer waits for hashes that are not known yet. */
  readonly hashWaitMs: number;
  readonly confirmTimeoutMs: number;
  /** Queries that wait for their spread, their confirmation or their answer at the same time. */
  readonly maxPendingQueries: number;
  /** Ids of queries that are remembered to recognise duplicates. */
  readonly maxSeenQueries: number;
}

export interface QueryResponderComponents {
  readonly entity: Entity;
  readonly clock: Clock;
  readonly log: Log;
  readonly answerer: Answering;
  readonly budget: QueryBudget;
  /** Is told of those who are over it. */
  readonly refusals?: Pick<Refusals, 'count'>;
  /** From 0 (inclusive) to 1. */
  readonly random: () => number;
  /** Keeps questions that want it. Without it they are answered once, as all others. */
  readonly keeper?: QuestionKeeper;
}

/** A question that has been answered with what there is, and is to be answered again as files come. */
export interface QuestionToKeep {
  /** Where answers go. */
  readonly asker: Jid;
  readonly id: string;
  readonly channel: ChannelAddress;
  readonly criteria: FileCriteria;
  readonly untilMs: number;
}

export interface QuestionKeeper {
  /** Throws LimitError when no more are kept, or none of this asker. */
  keep(question: QuestionToKeep): void;
  /** The asker has enough. */
  withdraw(channel: ChannelAddress, id: string): void;
}

/** What became of the queries seen so far. */
export const QueryOutcome = [
  'answered',
  'no-match',
  'duplicate',
  'expired',
  'history',
  'malformed',
  'over-budget',
  'unconfirmed',
  'withdrawn',
  'failed',
] as const;
export type QueryOutcome = (typeof QueryOutcome)[number];

/** An item as a channel delivered it. */
export interface ChannelItem {
  readonly channel: ChannelAddress;
  readonly item: PubsubItem;
  /** When the service first sent it, if it was delayed (XEP-0203). */
  readonly sentAtMs?: number;
  /** True when it was fetched after a reconnect: it is answered only where it says itself that it still counts. */
  readonly missed: boolean;
}

interface AskedQuery {
  readonly find: Find;
  readonly expiresMs: number;
}

export class QueryResponder {
  readonly #components: QueryResponderComponents;
  readonly #init: QueryResponderInit;
  readonly #seen = new Set<string>();
  readonly #pending = new Map<string, AbortController>();
  readonly #outcomes = new Map<QueryOutcome, number>();

  constructor(components: QueryResponderComponents, init: QueryResponderInit) {
    this.#components = components;
    this.#init = init;
  }

  /** How many queries came to each end. */
  outcomes(): Readonly<Record<QueryOutcome, number>> {
    const counts = QueryOutcome.map((each) => [each, this.#outcomes.get(each) ?? 0]);
    return Object.fromEntries(counts) as Record<QueryOutcome, number>;
  }

  /** Takes an item that lay on the channel before we came: if it is a standing question; else it is a duplicate from now on. */
  async inherit(channel: ChannelAddress, item: PubsubItem): Promise<void> {
    if (this.#stands(item)) await this.handle({ channel, item, missed: true });
    else if (isQueryId(item.id)) this.#see(keyOf(channel, item.id));
  }

  #stands({ payload }: PubsubItem): boolean {
    if (!payload || !isQuery(payload)) return false;
    try {
      return this.#endOf(parseQuery(payload)) > this.#components.clock.now();
    } catch (error) {
      if (error instanceof ParseError) return false;
      throw error;
    }
  }

  /** Until when it is to be kept; what is not kept has no such end. */
  #endOf(find: Find): number {
    return this.#components.keeper ? (find.untilMs ?? 0) : 0;
  }

  /** The asker has enough: what was not sent yet is dropped. */
  withdraw(channel: ChannelAddress, itemId: string): void {
    this.#pending.get(keyOf(channel, itemId))?.abort();
    this.#components.keeper?.withdraw(channel, itemId);
  }

  /** Drops everything that is not sent yet. */
  stop(): void {
    for (const pending of this.#pending.values()) pending.abort();
  }

  /** Handles an item to its end. Never rejects. Items that are no queries are none of our business. */
  async handle(received: ChannelItem): Promise<void> {
    const { payload } = received.item;
    if (!payload || !isQuery(payload)) return;
    const { log } = this.#components;
    const outcome = await this.#handle(received, payload);
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
    log.debug({ channel: received.channel.nodeId, id: received.item.id, outcome }, 'channel query');
  }

  async #handle(received: ChannelItem, payload: Element): Promise<QueryOutcome> {
    const { clock, log } = this.#components;
    const key = keyOf(received.channel, received.item.id);
    // It is kept, and repeated in the answer.
    if (!isQueryId(received.item.id)) return 'malformed';
    if (this.#seen.has(key)) return 'duplicate';
    if (this.#pending.size >= this.#init.maxPendingQueries) return this.#refused('pendingAnswers', received);
    try {
      // Before anything is read, and without remembering it: a flood costs nothing else.
      const { publisher } = received.item;
      this.#components.budget.chargeChannel(keyOf(received.channel, ''), publisher && bareOf(publisher));
    } catch (error) {
      if (error instanceof LimitError) return this.#refused(error.bound, received);
      throw error;
    }
    this.#see(key);
    const withdrawn = new AbortController();
    this.#pending.set(key, withdrawn);
    try {
      const asked = this.#news(received, parseQuery(payload));
      if (typeof asked === 'string') return asked;
      const expiry = clock.after(asked.expiresMs - clock.now(), () => withdrawn.abort());
      try {
        return await this.#answer(received, asked, withdrawn.signal);
      } finally {
        expiry.cancel();
      }
    } catch (error) {
      if (error instanceof ParseError) return 'malformed';
      if (error instanceof AbortedError) return 'withdrawn';
      if (error instanceof LimitError) return this.#refused(error.bound, received);
      log.warn({ err: error, id: received.item.id }, `a channel query failed: ${messageOf(error)}`);
      return 'failed';
    } finally {
      this.#pending.delete(key);
    }
  }

  #refused(bound: string, { channel, item }: ChannelItem): QueryOutcome {
    this.#components.refusals?.count(bound, item.publisher ?? `${channel.nodeId} at ${channel.service}`);
    return 'over-budget';
  }

  /** Whether the query still counts. */
  #news(received: ChannelItem, find: Find): AskedQuery | QueryOutcome {
    const nowMs = this.#components.clock.now();
    const { defaultExpiryMs, maxExpiryMs } = this.#init;
    const sentAtMs = received.sentAtMs ?? nowMs;
    const keptUntilMs = this.#endOf(find);
    if (received.missed && find.expiresMs === undefined && keptUntilMs === 0) return 'history';
    const listensMs = Math.max(find.expiresMs ?? sentAtMs + defaultExpiryMs, keptUntilMs);
    const expiresMs = Math.min(listensMs, nowMs + maxExpiryMs);
    return expiresMs <= nowMs ? 'expired' : { find, expiresMs };
  }

  async #answer(received: ChannelItem, asked: AskedQuery, signal: AbortSignal): Promise<QueryOutcome> {
    const { answerer, budget, clock, entity, random } = this.#components;
    const { find } = asked;
    answerer.check(find.criteria);
    const claimed = received.item.publisher ?? find.replyTo;
    if (claimed === undefined) return 'unconfirmed';
    if (bareOf(claimed) === bareOf(entity.jid)) return 'duplicate'; // our own question
    const to = await this.#replyAddress(received, find, signal);
    if (to === undefined) return 'unconfirmed';
    const asker = bareOf(to); // not before it is known who asked: nobody spends another's budget
    if (received.item.publisher === undefined) budget.charge(asker);
    this.#keep(received, find, to); // before it is answered: no file falls between
    const spreadMs = random() * Math.min(find.spreadMs ?? 0, this.#init.maxSpreadMs);
    if (spreadMs > 0) await sleep(clock, spreadMs, signal); // a timer takes a millisecond at least
    // Nobody could tell this asker to come again: the question waits for its turn until it expires.
    const admission = await budget.enterInTurn(asker, signal, keyOf(received.channel, ''));
    try {
      const hashWaitMs = Math.min(this.#init.hashWaitMs, asked.expiresMs - clock.now());
      const question = { ...find, asker: to, channel: received.channel, hashWaitMs };
      const answer = await answerer.answer(question, signal);
      if (answer.total === 0) return 'no-match';
      if (signal.aborted) return 'withdrawn';
      const found = { ...answer, id: received.item.id, channel: received.channel };
      entity.send(foundMessage(to, entity.jid, randomUUID(), found));
      return 'answered';
    } finally {
      admission.leave();
    }
  }

  #keep({ channel, item: { id } }: ChannelItem, find: Find, asker: Jid): void {
    const { clock, keeper, log } = this.#components;
    const { criteria, untilMs } = find;
    if (untilMs === undefined || untilMs <= clock.now()) return;
    try {
      keeper?.keep({ asker, id, channel, criteria, untilMs });
    } catch (error) {
      if (!(error instanceof LimitError)) throw error;
      log.info({ bound: error.bound, channel: channel.nodeId }, 'a question is answered and not kept');
    }
  }

  /**
   * Where the answer goes: to the publisher, at the resource that the query names if it is the
   * publisher's. Where the service names no publisher, to who says that it asked.
   */
  async #replyAddress(received: ChannelItem, find: Find, signal: AbortSignal): Promise<Jid | undefined> {
    const { publisher } = received.item;
    const { replyTo } = find;
    if (publisher !== undefined) {
      return replyTo !== undefined && bareOf(replyTo) === bareOf(publisher) ? replyTo : publisher;
    }
    if (replyTo === undefined || !isFull(replyTo)) return undefined;
    this.#components.budget.check(bareOf(replyTo)); // nothing goes to who is kept out
    const payload = confirmCodec.toXml(received.item.id);
    const timeoutMs = this.#init.confirmTimeoutMs;
    try {
      await this.#components.entity.request({ to: replyTo, type: 'get', payload, timeoutMs, signal });
      return replyTo;
    } catch (error) {
      if (error instanceof AbortedError) throw error;
      return undefined;
    }
  }

  /** False when it was seen before. The oldest are forgotten first. */
  #see(key: string): boolean {
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    for (const oldest of this.#seen) {
      if (this.#seen.size <= this.#init.maxSeenQueries) break;
      this.#seen.delete(oldest);
    }
    return true;
  }
}

function isQuery(payload: Element): boolean {
  const { find } = FileDiscoveryElement;
  return is(payload, find.name, find.ns) || isFileQuery2011(payload);
}

function parseQuery(payload: Element): Find {
  return isFileQuery2011(payload) ? fileQuery2011FromXml(payload) : findCodec.fromXml(payload);
}

function keyOf(channel: ChannelAddress, itemId: string): string {
  return `${channel.service}\n${channel.nodeId}\n${itemId}`;
}
