/** Nodes that chat, and people who write to them, on a network in memory. */
import assert from 'node:assert/strict';
import { type AccessPolicy, allowAll } from '../../src/access/access-policy.js';
import { QueryBudget } from '../../src/access/query-budget.js';
import type { CatalogueChange, FileEntry } from '../../src/catalogue/file-entry.js';
import { ChatService, type ChatServiceInit } from '../../src/chat/chat-service.js';
import type { Entity } from '../../src/entity/entity.js';
import type { FileUpload, TransferOutcome } from '../../src/jingle/file-session.js';
import { silentLog } from '../../src/log.js';
import { Answerer } from '../../src/query/answer.js';
import { FileDescriber } from '../../src/query/file-describer.js';
import { LocalQueryEngine } from '../../src/query/local-query-engine.js';
import { DirectQuestions } from '../../src/service/direct-questions.js';
import { ShareListing } from '../../src/service/share-listing.js';
import { SharedFolders } from '../../src/service/shared-folders.js';
import type { Jid } from '../../src/stanza/jid.js';
import { discoInfoCodec } from '../../src/stanza/xep0030-disco.js';
import { type Element, xml } from '../../src/stanza/xml.js';
import type { LinkMaker } from '../../src/transfer/link-maker.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { SearchedCatalogue } from '../support/searched-catalogue.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

const LIMITS: ChatServiceInit = {
  conversations: 3,
  conversationIdleMs: 60 * 60_000,
  chatAnswersPerPeerPerMinute: 30,
  chatAnswersPerDomainPerMinute: 1000,
  chatAnswersPerMinute: 1000,
};
const TAKES_FILES = [
  'urn:xmpp:jingle:1',
  'urn:xmpp:jingle:apps:file-transfer:5',
  'urn:xmpp:jingle:transports:ibb:1',
];

export interface Offered {
  readonly to: Jid;
  readonly entry: FileEntry;
  readonly end: (outcome: TransferOutcome) => void;
  readonly signal: AbortSignal;
}

export class ChatWorld {
  readonly clock = new VirtualClock();
  readonly network = new MemoryNetwork({ clock: this.clock });
  readonly offered: Offered[] = [];
  /** Every message that went over the network. */
  readonly messages: Element[] = [];
  access: AccessPolicy = allowAll;
  links: LinkMaker | undefined;
  /** What an offer is refused with. */
  refusal: Error | undefined;
  queriesPerAskerPerMinute = 100;
  /** Limits that somebody was over. */
  readonly refused: string[] = [];
  readonly #stops: (() => Promise<void>)[] = [];

  constructor() {
    this.network.watch((stanza) => {
      if (stanza.getName() === 'message') this.messages.push(stanza);
    });
  }

  async node(
    domain: string,
    changes: readonly CatalogueChange[],
    init: Partial<ChatServiceInit> = {},
  ): Promise<{ chat: ChatService; files: SearchedCatalogue; entity: Entity }> {
    const { clock, access, links } = this;
    const log = silentLog;
    const entity = domain.includes('@') ? this.network.client(domain) : this.network.component(domain);
    const files = new SearchedCatalogue((table) => new LocalQueryEngine({ clock, log, table }));
    const answerer = new Answerer(
      { access, engine: files.engine, hashes: { hashNow: async (entry) => entry }, clock },
      { maxFiles: 100, defaultFiles: 50, maxAnswerBytes: 48_000, deadlineMs: 10_000 },
    );
    const budget = new QueryBudget(
      { clock },
      {
        queriesPerAskerPerMinute: this.queriesPerAskerPerMinute,
        queriesPerChannelPerMinute: 100,
        queriesPerMinute: 1000,
        concurrentQueriesPerAsker: 4,
      },
    );
    const listing = new ShareListing({ catalogue: files.catalogue, clock });
    const questions = new DirectQuestions({ answerer, budget }, { hashWaitMs: 0 });
    const describer = new FileDescriber({ hashes: { hashNow: async (entry) => entry }, clock });
    const folders = new SharedFolders(
      { access, listing, describer, questions },
      { defaultEntries: 50, maxEntries: 100, maxBytes: 48_000, hashWaitMs: 0 },
    );
    const chat = new ChatService(
      {
        ...{ entity, clock, log, access, listing, folders, questions },
        disco: { addFeature: () => () => {} },
        refusals: { count: (rule) => void this.refused.push(rule) },
        offer: (to, entry, signal) => this.#offer(to, entry, signal),
        ...(links && { links }),
      },
      { ...LIMITS, ...init },
    );
    for (const part of [entity, files, listing, chat]) await part.start();
    await files.apply(changes);
    this.#stops.push(async () => {
      for (const part of [chat, listing, files, entity]) await part.stop();
    });
    return { chat, files, entity };
  }

  async person(jid: string, init: { takesFiles?: boolean | 'unsaid' } = {}): Promise<Person> {
    const entity = this.network.client(jid);
    const features = init.takesFiles === false ? [] : TAKES_FILES;
    entity.handleIq('get', 'query', 'http://jabber.org/protocol/disco#info', () =>
      init.takesFiles === 'unsaid'
        ? new Promise<never>(() => {})
        : discoInfoCodec.toXml({ identities: [], features, forms: [] }),
    );
    await entity.start();
    this.#stops.push(() => entity.stop());
    return new Person(this.clock, entity);
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0)) await stop();
    assert.equal(this.clock.pendingTimers, 0);
  }

  async #offer(to: Jid, entry: FileEntry, signal: AbortSignal): Promise<FileUpload> {
    if (this.refusal) throw this.refusal;
    let end: (outcome: TransferOutcome) => void = () => {};
    const done = new Promise<TransferOutcome>((resolve) => {
      end = resolve;
    });
    this.offered.push({ to, entry, end, signal });
    return {
      sid: 's',
      accepted: new Promise(() => {}),
      sentBytes: 0,
      transport: undefined,
      done,
      cancel: async () => {},
    };
  }
}

export class Person {
  readonly heard: Element[] = [];

  constructor(
    readonly clock: VirtualClock,
    readonly entity: Entity,
  ) {
    entity.handleMessage('body', undefined, ({ stanza }) => this.heard.push(stanza));
  }

  /** What the node says to that, in texts. */
  async say(to: string, body: string, ...also: Element[]): Promise<string[]> {
    const before = this.heard.length;
    this.entity.send(xml('message', { to, type: 'chat' }, xml('body', {}, body), ...also));
    await this.quiet();
    return this.heard.slice(before).map((stanza) => stanza.getChildText('body') ?? '');
  }

  /** Everything that was begun has happened. */
  async quiet(): Promise<void> {
    for (let at = 0; at < 10; at++) {
      await this.clock.advance(1);
      await settle();
    }
  }
}
