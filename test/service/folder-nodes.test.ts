import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { AccessPolicy } from '../../src/access/access-policy.js';
import { QueryBudget } from '../../src/access/query-budget.js';
import { Catalogue } from '../../src/catalogue/catalogue.js';
import type { Entity } from '../../src/entity/entity.js';
import { LimitError } from '../../src/errors.js';
import { silentLog } from '../../src/log.js';
import { FileDescriber } from '../../src/query/file-describer.js';
import { DirectQuestions } from '../../src/service/direct-questions.js';
import { FolderNews } from '../../src/service/folder-news.js';
import { FolderNodes } from '../../src/service/folder-nodes.js';
import { FolderSubscriptions, type FolderSubscriptionsInit } from '../../src/service/folder-subscriptions.js';
import { ShareListing } from '../../src/service/share-listing.js';
import { SharedFolders } from '../../src/service/shared-folders.js';
import { bareOf, parseBareJid, parseJid } from '../../src/stanza/jid.js';
import { StanzaError, type StanzaErrorCondition } from '../../src/stanza/stanza-error.js';
import {
  itemsOfResult,
  type PubsubEvent,
  type PubsubRequest,
  pubsubEventFromXml,
  pubsubIqType,
  pubsubRequestCodec,
} from '../../src/stanza/xep0060-pubsub.js';
import { folderNodeId, folderOfNodeId } from '../../src/stanza/xep0498-pubsub-file-sharing.js';
import { put, remove } from '../support/file-entries.js';
import { MemoryFolder } from '../support/memory-folder.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

const NODE = parseJid('files.example.org');
const JULIET = parseJid('juliet@capulet.lit/balcony');
const over = (bound: keyof FolderSubscriptionsInit) => (error: unknown) =>
  error instanceof LimitError && error.bound === bound;
const LIMITS = { folderSubscriptions: 3, folderSubscriptionsPerAsker: 2, folderSubscriptionsPerDomain: 3 };
const CROWD = {
  folderSubscriptions: 10_003,
  folderSubscriptionsPerAsker: 2,
  folderSubscriptionsPerDomain: 10_003,
};
const HOUR_MS = 3_600_000;
const sha256 = (seed: number) => Buffer.alloc(32, seed).toString('base64');
const nodeOf = (folder: string) => folderNodeId(folder) ?? assert.fail();

/** Nobody sees what has this in its name. */
let hidden = 'x';
/** Views that were asked for. */
let views = 0;
/** Who hears of other rules. */
let rulesChanged: () => void = () => {};
const access: AccessPolicy = {
  viewOf: () => {
    views += 1;
    return {
      key: hidden,
      maySee: ({ path }) => !path.includes(hidden),
      mayTake: ({ path }) => !path.includes(hidden),
      verdict: () => 'some',
    };
  },
  onChange: (listener) => {
    rulesChanged = listener;
    return () => {};
  },
};

function refused(condition: StanzaErrorCondition) {
  return (error: unknown) => error instanceof StanzaError && error.condition === condition;
}

describe('folder nodes', () => {
  let clock: VirtualClock;
  let catalogue: Catalogue;
  let juliet: Entity;
  let subscribed: FolderSubscriptions;
  let stop: () => Promise<void>;
  const events: PubsubEvent[] = [];

  beforeEach(async () => {
    hidden = 'x';
    clock = new VirtualClock();
    const network = new MemoryNetwork({ clock });
    const entity = network.component(NODE);
    juliet = network.client(JULIET);
    catalogue = new Catalogue();
    const listing = new ShareListing({ catalogue, clock });
    const budget = new QueryBudget(
      { clock },
      {
        queriesPerAskerPerMinute: 1000,
        queriesPerChannelPerMinute: 1000,
        queriesPerMinute: 1000,
        concurrentQueriesPerAsker: 10,
      },
    );
    const answerer = { check: () => {}, answer: () => Promise.reject(new Error('nobody asks')) };
    const questions = new DirectQuestions({ answerer, budget }, { hashWaitMs: 0 });
    const log = silentLog;
    const describer = new FileDescriber({ hashes: { hashNow: async (entry) => entry }, clock });
    const folders = new SharedFolders(
      { access, listing, describer, questions },
      { defaultEntries: 50, maxEntries: 100, maxBytes: 48_000, hashWaitMs: 0 },
    );
    const subscriptions = new FolderSubscriptions({ clock, log, folder: new MemoryFolder() }, CROWD);
    subscribed = subscriptions;
    const none = () => () => {};
    const disco = { addFeature: none, onQuery: none, onItems: none };
    const parts = [
      entity,
      juliet,
      listing,
      subscriptions,
      new FolderNodes({ entity, disco, folders, subscriptions }),
      new FolderNews({
        entity,
        access,
        catalogue,
        folders,
        subscriptions,
        clock,
        log,
        ready: Promise.resolve(),
      }),
    ];
    for (const part of parts) await part.start();
    events.length = 0;
    juliet.handleMessage('event', 'http://jabber.org/protocol/pubsub#event', ({ type, stanza }) => {
      assert.equal(type, 'headline');
      const event = pubsubEventFromXml(stanza.getChild('event') ?? assert.fail());
      events.push(event ?? assert.fail());
    });
    stop = async () => {
      for (const part of parts.reverse()) await part.stop();
      assert.equal(clock.pendingTimers, 0);
    };
    catalogue.apply([put('a/1', { sha256: sha256(1) }), put('a/x', { sha256: sha256(2) }), put('b/x')]);
    await settle();
  });

  afterEach(() => stop());

  const ask = (request: PubsubRequest) =>
    juliet.request({ to: NODE, type: pubsubIqType(request), payload: pubsubRequestCodec.toXml(request) });
  const subscribe = (folder: string) =>
    ask({ type: 'subscribe', nodeId: nodeOf(folder), jid: bareOf(JULIET) });

  it('shows of a folder the files that may be seen, and of others what it shows of nothing', async () => {
    const answer = await ask({ type: 'items', nodeId: nodeOf('a') });
    assert.deepEqual(
      itemsOfResult(answer).map(({ id }) => id),
      ['1'],
    );
    for (const nodeId of [nodeOf('b'), nodeOf('c'), 'books', `${nodeOf('a')}/1`]) {
      await assert.rejects(ask({ type: 'items', nodeId }), refused('item-not-found'), nodeId);
      const { type, jid } = { type: 'subscribe' as const, jid: bareOf(JULIET) };
      await assert.rejects(ask({ type, nodeId, jid }), refused('item-not-found'), nodeId);
    }
  });

  it('tells subscribers of what comes and goes, but not of what they may not see', async () => {
    await subscribe('a');
    catalogue.apply([
      put('a/2', { sha256: sha256(3) }),
      put('a/x2', { sha256: sha256(4) }),
      put('a/unhashed'),
      put('a/below/3', { sha256: sha256(5) }),
      remove('a/1'),
      remove('a/x'),
    ]);
    await clock.advance(10_000);
    const told = events.flatMap((event) =>
      event.type === 'items'
        ? [...event.items.map(({ id }) => `+${id}`), ...event.retractedIds.map((id) => `-${id}`)]
        : [],
    );
    assert.deepEqual(told, ['+2', '-1']);
  });

  it('tells once what came and went again, a few files at a time', async () => {
    await subscribe('a');
    catalogue.apply([put('a/2', { sha256: sha256(3) })]);
    catalogue.apply([remove('a/2')]);
    catalogue.apply([put('a/2', { sha256: sha256(3) })]);
    await clock.advance(2000);
    assert.equal(events.length, 1);
    events.length = 0;
    const many = Array.from({ length: 60 }, (_, at) => put(`a/many${at}`, { sha256: sha256(at) }));
    catalogue.apply(many);
    await clock.advance(10_000);
    assert.deepEqual(
      events.map((event) => (event.type === 'items' ? event.items.length : 0)),
      [25, 25, 10],
    );
  });

  it('says nothing of what may not be seen any more when it would be told', async () => {
    await subscribe('a');
    catalogue.apply([put('a/yes', { sha256: sha256(3) }), put('a/young', { sha256: sha256(4) })]);
    catalogue.apply([remove('a/young')]);
    hidden = 'y';
    await clock.advance(10_000);
    assert.deepEqual(events, []);
  });

  it('names nothing that was hidden when its share goes with the rule that hid it', async () => {
    await subscribe('a');
    hidden = '';
    rulesChanged();
    catalogue.apply([put('a/2', { sha256: sha256(3) })]);
    await clock.advance(10_000);
    catalogue.apply([remove('a/1'), remove('a/2')]);
    hidden = 'x';
    rulesChanged();
    await clock.advance(10_000);
    assert.deepEqual(events, []);
  });

  it('costs no more for each file however many have subscribed', async () => {
    await subscribe('a');
    for (let at = 0; at < 10_000; at += 1) subscribed.add('a', parseBareJid(`u${at}@montague.lit`));
    views = 0;
    catalogue.apply(Array.from({ length: 1000 }, (_, at) => put(`a/many${at}`, { sha256: sha256(at) })));
    assert.equal(views, 0);
    await clock.advance(2000);
    assert.ok(views <= 10_001, `${views}`);
  });

  it('tells no longer who unsubscribed, or has not said for a month that it still wants to hear', async () => {
    await subscribe('a');
    const unsubscribe = { type: 'unsubscribe', nodeId: nodeOf('a'), jid: bareOf(JULIET) } as const;
    await ask(unsubscribe);
    await assert.rejects(ask(unsubscribe), refused('unexpected-request'));
    catalogue.apply([put('a/2', { sha256: sha256(3) })]);
    await subscribe('a');
    await clock.advance(31 * 24 * HOUR_MS);
    catalogue.apply([put('a/3', { sha256: sha256(4) })]);
    await clock.advance(10_000);
    assert.deepEqual(events, []);
  });

  it('subscribes nobody else, and lets nobody write', async () => {
    const romeo = parseBareJid('romeo@montague.lit');
    const nodeId = nodeOf('a');
    await assert.rejects(ask({ type: 'subscribe', nodeId, jid: romeo }), refused('bad-request'));
    await assert.rejects(ask({ type: 'publish', nodeId, item: { id: '2' } }), refused('forbidden'));
    await assert.rejects(ask({ type: 'retract', nodeId, itemId: '1' }), refused('forbidden'));
  });
});

describe('folder subscriptions', () => {
  it('are so many, of one asker and of all, and outlive a restart', async () => {
    const clock = new VirtualClock();
    const folder = new MemoryFolder();
    const [a, b] = [parseBareJid('a@example.org'), parseBareJid('b@example.org')];
    const first = new FolderSubscriptions({ clock, log: silentLog, folder }, LIMITS);
    await first.start();
    first.add('s', a);
    first.add('s/\n"', a);
    first.add('s', a);
    assert.throws(() => first.add('t', a), over('folderSubscriptionsPerAsker'));
    first.add('s', b);
    assert.throws(() => first.add('t', b), over('folderSubscriptionsPerDomain'));
    await first.stop();
    const second = new FolderSubscriptions({ clock, log: silentLog, folder }, LIMITS);
    await second.start();
    assert.deepEqual([second.of('s'), second.of('s/\n"'), second.of('t')], [[a, b], [a], []]);
    await second.stop();
  });
});

describe('folder subscriptions of one domain', () => {
  it('leave room for others', () => {
    const components = { clock: new VirtualClock(), log: silentLog, folder: new MemoryFolder() };
    const subscriptions = new FolderSubscriptions(components, {
      folderSubscriptions: 100,
      folderSubscriptionsPerAsker: 2,
      folderSubscriptionsPerDomain: 10,
    });
    const add = (at: number) => subscriptions.add('s', parseBareJid(`u${at}@bad.example`));
    for (let at = 0; at < 10; at += 1) add(at);
    assert.throws(() => add(10), over('folderSubscriptionsPerDomain'));
    subscriptions.add('s', bareOf(JULIET));
    subscriptions.remove('s', parseBareJid('u1@bad.example'));
    add(10);
    assert.throws(() => add(11), over('folderSubscriptionsPerDomain'));
    assert.equal(subscriptions.of('s').length, 11);
  });

  it('are bounded otherwise from then on, and nobody is put out', () => {
    const components = { clock: new VirtualClock(), log: silentLog, folder: new MemoryFolder() };
    const subscriptions = new FolderSubscriptions(components, LIMITS);
    const [a, b] = [parseBareJid('a@example.org'), parseBareJid('b@example.com')];
    subscriptions.add('s', a);
    subscriptions.add('t', a);
    subscriptions.setLimits({ ...LIMITS, folderSubscriptions: 1 });
    assert.throws(() => subscriptions.add('s', b), over('folderSubscriptions'));
    subscriptions.add('t', a);
    subscriptions.setLimits({ ...LIMITS, folderSubscriptionsPerAsker: 3 });
    subscriptions.add('u', a);
    assert.deepEqual([subscriptions.of('s'), subscriptions.of('u')], [[a], [a]]);
  });
});

describe('the NodeIDs of folders', () => {
  it('lead back to the folder, and no other text does', () => {
    const name = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .map((text) => text.replaceAll('/', '-').toWellFormed());
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), fc.string(), (names, other) => {
        const folder = names.join('/');
        const nodeId = folderNodeId(folder);
        if (nodeId !== undefined) assert.equal(folderOfNodeId(nodeId), folder);
        const forged = folderOfNodeId(`urn:xmpp:pubsub-file-sharing:0:${other}`);
        assert.ok(forged === undefined || folderNodeId(forged) === `urn:xmpp:pubsub-file-sharing:0:${other}`);
      }),
    );
    assert.equal(folderNodeId('x'.repeat(900)), undefined);
  });
});
