/** A network in memory with channels: what the tests of channels play in. */
import assert from 'node:assert/strict';
import { type AccessPolicy, allowAll } from '../../src/access/access-policy.js';
import { QueryBudget } from '../../src/access/query-budget.js';
import type { DataFolder } from '../../src/catalogue/data-folder.js';
import type { FileEntry } from '../../src/catalogue/file-entry.js';
import { parseShareRelativePath } from '../../src/catalogue/share-path.js';
import { Channel, type ChannelInit } from '../../src/channel/channel.js';
import { type AnswerEvent, ChannelAsker } from '../../src/channel/channel-asker.js';
import { QueryResponder } from '../../src/channel/query-responder.js';
import { AbortedError, LimitError } from '../../src/errors.js';
import { silentLog } from '../../src/log.js';
import { Answerer } from '../../src/query/answer.js';
import type { HashSource } from '../../src/query/file-describer.js';
import { LocalQueryEngine } from '../../src/query/local-query-engine.js';
import { DirectQuestions } from '../../src/service/direct-questions.js';
import { FindService } from '../../src/service/find-service.js';
import { parseBareJid } from '../../src/stanza/jid.js';
import type { KeptQuestionsInit } from '../../src/wishes/kept-questions.js';
import { StandingQuestions } from '../../src/wishes/standing-questions.js';
import { MemoryFolder } from '../support/memory-folder.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { MemoryPubsub, type PublisherStyle } from '../support/memory-pubsub.js';
import { SearchedCatalogue } from '../support/searched-catalogue.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

export const SERVICE = parseBareJid('pubsub.example.org');
export const BOOKS = { service: SERVICE, nodeId: 'books' };
export const SHA = Buffer.alloc(32, 7).toString('base64');

export function entry(path: string, sha256: string | undefined = SHA): FileEntry {
  return {
    share: 'books',
    path: parseShareRelativePath(path),
    size: 10,
    mtimeMs: Date.UTC(2026, 0),
    mediaType: 'text/plain',
    ...(sha256 !== undefined && { sha256 }),
  };
}

/** A service, nodes and askers in memory, in virtual time. */
export class World {
  readonly clock = new VirtualClock();
  readonly network = new MemoryNetwork({ clock: this.clock });
  readonly pubsub = new MemoryPubsub(this.network.component(SERVICE));
  readonly #stops: (() => Promise<void>)[] = [];
  random = 0;
  /** Of nodes that are made from now on. */
  access: AccessPolicy = allowAll;
  /** Of searches, which take real time while the clock is moved. */
  deadlineMs = 1000;

  async start(publisherStyle: PublisherStyle = 'full'): Promise<void> {
    this.pubsub.publisherStyle = publisherStyle;
    await this.pubsub.start();
  }

  /** With `keeps` it keeps questions. */
  /** Bare addresses. */
  readonly banned = new Set<string>();

  async node(
    domain: string,
    entries: readonly FileEntry[],
    init: Partial<ChannelInit> = {},
    keeps?: { readonly limits?: Partial<KeptQuestionsInit>; readonly folder?: DataFolder },
  ) {
    const entity = this.network.component(domain);
    await entity.start();
    const { clock } = this;
    const files = new SearchedCatalogue((table) => new LocalQueryEngine({ clock, log: silentLog, table }));
    const { engine } = files;
    await engine.start();
    await files.apply(entries.map((each) => ({ type: 'put', entry: each })));
    const gate = {
      check: (asker: string) => {
        if (this.banned.has(asker)) throw new LimitError('banned', 'banned');
      },
      checkChannel: () => undefined,
    };
    const budget = new QueryBudget(
      { clock, gate },
      {
        queriesPerAskerPerMinute: 20,
        queriesPerChannelPerMinute: 100,
        queriesPerMinute: 100,
        concurrentQueriesPerAsker: 4,
      },
    );
    const hashes: HashSource = {
      hashNow: (_entry, signal) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(new AbortedError('too late')), { once: true }),
        ),
    };
    const answerer = new Answerer(
      { access: this.access, engine, hashes, clock },
      { maxFiles: 100, defaultFiles: 50, maxAnswerBytes: 48_000, deadlineMs: this.deadlineMs },
    );
    const random = () => this.random;
    const standing =
      keeps &&
      new StandingQuestions(
        {
          ...{ entity, clock, log: silentLog, answerer, budget },
          catalogue: files.catalogue,
          ready: Promise.resolve(),
          settled: () => engine.settled(),
          folder: keeps.folder ?? new MemoryFolder(),
        },
        {
          keptQuestions: 10,
          keptQuestionsPerAsker: 5,
          keptQuestionsPerDomain: 10,
          keptQuestionMs: 24 * 3_600_000,
          ...keeps.limits,
        },
      );
    const responder = new QueryResponder(
      { entity, clock, log: silentLog, answerer, budget, random, ...(standing && { keeper: standing }) },
      {
        defaultExpiryMs: 30_000,
        maxExpiryMs: 300_000,
        maxSpreadMs: 5000,
        hashWaitMs: 2000,
        confirmTimeoutMs: 10_000,
        maxPendingQueries: 100,
        maxSeenQueries: 1000,
      },
    );
    const channel = new Channel(
      { entity, clock, log: silentLog, responder, random },
      {
        ...BOOKS,
        create: true,
        unsubscribeOnStop: false,
        retryBaseMs: 1000,
        retryMaxMs: 60_000,
        maxItemsFetched: 20,
        ...init,
      },
    );
    const service = new FindService({
      entity,
      questions: new DirectQuestions({ answerer, budget }, { hashWaitMs: 2000 }),
    });
    await channel.start();
    await service.start();
    await standing?.start();
    await this.clock.advance(0);
    await settle();
    let isStopped = false;
    const stop = async () => {
      if (isStopped) return;
      isStopped = true;
      responder.stop();
      await channel.stop();
      await service.stop();
      await standing?.stop();
      await engine.stop();
      await entity.stop();
    };
    this.#stops.push(stop);
    return { entity, channel, responder, engine, files, standing, stop };
  }

  async asker(jid: string) {
    const entity = this.network.client(jid);
    await entity.start();
    const asker = new ChannelAsker(
      { entity, clock: this.clock, log: silentLog },
      { spreadMs: 1000, pageFiles: 50, maxAnswers: 100 },
    );
    await asker.start();
    this.#stops.push(async () => {
      await asker.stop();
      await entity.stop();
    });
    return { entity, asker };
  }

  /** Asks for names that contain `value` and gathers all answers, in virtual time. */
  async ask(asker: ChannelAsker, value: string, maxFiles = 1000): Promise<AnswerEvent[]> {
    const question = { criteria: { name: [{ type: 'contains', value }] as const }, maxFiles, waitMs: 5000 };
    const answers: AnswerEvent[] = [];
    const asking = (async () => {
      for await (const event of asker.ask([BOOKS], question)) answers.push(event);
    })();
    for (let elapsedMs = 0; elapsedMs < 6000; elapsedMs += 100) await this.clock.advance(100);
    await asking;
    await this.clock.advance(0);
    return answers;
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop();
    await this.pubsub.stop();
    assert.equal(this.clock.pendingTimers, 0, 'timers are left');
  }
}
