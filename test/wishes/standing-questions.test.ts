/** Questions that nodes keep, on a network in memory: who is told what, when, and until when. */
import assert from 'node:assert/strict';
import { RuleBook } from '../../src/access/rule-book.js';
import type { FileEntry } from '../../src/catalogue/file-entry.js';
import type { AnswerEvent } from '../../src/channel/channel-asker.js';
import { EVERY_FILE } from '../../src/config/access-options.js';
import { silentLog } from '../../src/log.js';
import type { FileCriteria } from '../../src/stanza/file-criteria.js';
import { FileDiscoveryElement, findCodec, foundCodec } from '../../src/stanza/file-discovery.js';
import { bareOf, type Jid, parseJid } from '../../src/stanza/jid.js';
import { unwantCodec, wantCodec, wantGrantedCodec } from '../../src/stanza/standing-question.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import { pubsubRequestCodec } from '../../src/stanza/xep0060-pubsub.js';
import { child } from '../../src/stanza/xml.js';
import { keepAsking, type WishEvent } from '../../src/wishes/keep-asking.js';
import { BOOKS, entry, SERVICE, World } from '../channel/channel-world.js';
import { eventually } from '../support/eventually.js';
import { MemoryFolder } from '../support/memory-folder.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const sha = (byte: number) => Buffer.alloc(32, byte).toString('base64');
const romeo: FileCriteria = { name: [{ type: 'contains', value: 'romeo' }] };

describe('standing questions', () => {
  let world: World;
  let aborts: AbortController[];
  let asking: Promise<void>[];

  beforeEach(async () => {
    world = new World();
    world.deadlineMs = 24 * HOUR_MS;
    aborts = [];
    asking = [];
    await world.start();
  });
  afterEach(async () => {
    for (const abort of aborts) abort.abort();
    await world.clock.advance(0);
    await Promise.all(asking);
    await world.clock.advance(0);
    await world.stop();
  });

  /** Moves the clock until something is so: searches take real time, all else virtual. */
  const until = <T>(read: () => T, isTrue: (value: T) => boolean, stepMs = 100) =>
    eventually(async () => {
      await world.clock.advance(stepMs);
      return read();
    }, isTrue);

  const put = (entries: readonly FileEntry[]) =>
    entries.map((each) => ({ type: 'put', entry: each }) as const);

  /** Asks until the test is over; gathers what comes. */
  async function wish(jid: string, criteria: FileCriteria = romeo, to?: Jid) {
    const { entity, asker } = await world.asker(jid);
    const events: WishEvent[] = [];
    const abort = new AbortController();
    aborts.push(abort);
    const components = { entity, asker, clock: world.clock, log: silentLog, random: () => 0.5 };
    const question = {
      criteria,
      channels: to === undefined ? [BOOKS] : [],
      maxFiles: 100,
      ...(to && { to }),
    };
    asking.push(
      (async () => {
        for await (const event of keepAsking(components, question, abort.signal)) events.push(event);
      })(),
    );
    await world.clock.advance(100);
    const names = () => namesIn(events);
    return { entity, events, names, abort };
  }

  const namesIn = (events: readonly WishEvent[]) =>
    events
      .filter((event): event is Extract<AnswerEvent, { type: 'found' }> => event.type === 'found')
      .flatMap(({ found }) => found.files.map(({ name = '' }) => name));

  const ask = (
    from: { entity: Awaited<ReturnType<World['asker']>>['entity'] },
    to: string,
    id: string,
    forMs = HOUR_MS,
  ) =>
    from.entity.request({
      to: parseJid(to),
      type: 'set',
      payload: wantCodec.toXml({ id, untilMs: world.clock.now() + forMs, criteria: romeo }),
    });

  it('on a channel bring a file when it has its hash, from a node that had none before', async () => {
    const node = await world.node('one.example.org', [entry('hamlet.txt')], {}, {});
    const { names } = await wish('hag66@example.org/pda');
    await until(
      () => node.standing?.counts().kept,
      (kept) => kept === 1,
    );
    await node.files.apply(put([{ ...entry('romeo.txt'), sha256: undefined } as unknown as FileEntry]));
    await world.clock.advance(20_000);
    assert.deepEqual(names(), [], 'without a hash it is no answer');
    await node.files.apply(put([entry('romeo.txt', sha(1)), entry('macbeth.txt', sha(2))]));
    await until(names, (all) => all.length > 0);
    assert.deepEqual(names(), ['romeo.txt']);
  });

  it('are answered at once for many files, page after page, with nothing lost and nothing twice', async () => {
    const node = await world.node('one.example.org', [], {}, {});
    const { events, names } = await wish('hag66@example.org/pda');
    await until(
      () => node.standing?.counts().kept,
      (kept) => kept === 1,
    );
    const many = Array.from({ length: 333 }, (_, at) => entry(`romeo ${at}.txt`, sha(at % 250)));
    for (let at = 0; at < many.length; at += 37) await node.files.apply(put(many.slice(at, at + 37)));
    await until(names, (all) => all.length >= 333, 500);
    await world.clock.advance(60_000);
    assert.equal(new Set(names()).size, 333);
    assert.equal(names().length, 333);
    const answers = events.filter(({ type }) => type === 'found').length;
    assert.ok(answers <= 8, `pages of 50: ${answers} messages`);
  });

  it('take words, patterns, sizes and hashes as all questions do', async () => {
    const node = await world.node('one.example.org', [entry('old romeo.txt', sha(9))], {}, {});
    const words = await wish('a@example.org/1', { text: ['romeo -juliet'] });
    const regex = await wish('b@example.org/1', { name: [{ type: 'regex', pattern: '^r.*o$' }] });
    const hash = await wish('c@example.org/1', { hash: [{ algo: 'sha-256', value: sha(3) }] });
    const size = await wish('d@example.org/1', { sizeMin: 11 });
    await until(
      () => node.standing?.counts().kept,
      (kept) => kept === 4,
    );
    await node.files.apply(
      put([
        entry('romeo', sha(1)),
        entry('Romeo and Juliet', sha(2)),
        entry('x.bin', sha(3)),
        { ...entry('long', sha(4)), size: 12 },
      ]),
    );
    await until(
      () => [words, regex, hash, size].map(({ names }) => names()),
      (all) => all.every(({ length }) => length > 0),
    );
    await world.clock.advance(30_000);
    assert.deepEqual(words.names().sort(), ['old romeo.txt', 'romeo']);
    assert.deepEqual(regex.names(), ['romeo']);
    assert.deepEqual(hash.names(), ['x.bin']);
    assert.deepEqual(size.names(), ['long']);
  });

  it('do not tell of a file that was renamed, or came and went', async () => {
    const node = await world.node('one.example.org', [entry('juliet.txt', sha(1))], {}, {});
    const { names } = await wish('hag66@example.org/pda');
    await until(
      () => node.standing?.counts().kept,
      (kept) => kept === 1,
    );
    node.files.catalogue.apply([
      { type: 'remove', key: 'books/juliet.txt' as never },
      ...put([entry('romeo.txt', sha(1))]),
    ]);
    node.files.catalogue.apply(put([entry('romeo 2.txt', sha(2))]));
    node.files.catalogue.apply([{ type: 'remove', key: 'books/romeo 2.txt' as never }]);
    await world.clock.advance(30_000);
    await eventually(
      () => node.engine.settled(),
      () => true,
    );
    await world.clock.advance(30_000);
    assert.deepEqual(names(), []);
  });

  it('end when the asker withdraws them', async () => {
    const node = await world.node('one.example.org', [], {}, {});
    const { abort } = await wish('hag66@example.org/pda');
    await until(
      () => node.standing?.counts().kept,
      (kept) => kept === 1,
    );
    abort.abort();
    await until(
      () => node.standing?.counts().kept,
      (kept) => kept === 0,
    );
  });

  it('are found by a node that comes later, and by one that comes back after its restart', async () => {
    const folder = new MemoryFolder();
    await world.node('one.example.org', [], {}, {});
    const { names } = await wish('hag66@example.org/pda');
    const late = await world.node('late.example.org', [entry('romeo there.txt', sha(1))], {}, { folder });
    await until(names, (all) => all.includes('romeo there.txt'));
    assert.equal(late.standing?.counts().kept, 1);
    await world.clock.advance(3000);
    await late.stop();
    // The channel knows nothing of it any more: the node remembers.
    const kept = await world.node(
      'other.example.org',
      [],
      {},
      { folder: new MemoryFolder(folder.killedAfter(folder.steps.length)) },
    );
    assert.ok((kept.standing?.counts().kept ?? 0) >= 1);
  });

  it('make nobody one who has asked within the last day, though they are answered', async () => {
    const rules = [{ who: [{ type: 'channels' }], what: EVERY_FILE, may: 'take' }] as const;
    const access = new RuleBook({ clock: world.clock }, { rules });
    world.access = access;
    const limits = { keptQuestionMs: 7 * DAY_MS };
    const node = await world.node('one.example.org', [], {}, { limits });
    const { entity } = await world.asker('hag66@example.org/pda');
    const sees = () => access.viewOf({ jid: entity.jid }).maySee(entry('romeo.txt'));
    const question = { criteria: romeo, page: {}, untilMs: world.clock.now() + 7 * DAY_MS };
    const item = { id: 'w', payload: findCodec.toXml({ ...question, replyTo: entity.jid }) };
    const payload = pubsubRequestCodec.toXml({ type: 'publish', nodeId: 'books', item });
    await entity.request({ to: SERVICE, type: 'set', payload });
    await until(sees, (isAsker) => isAsker);
    await world.clock.advance(2 * DAY_MS);
    await node.files.apply(put([entry('romeo.txt', sha(1))]));
    await until(
      () => node.standing?.counts().answered,
      (answered) => answered === 1,
    );
    assert.equal(sees(), false);
  });

  it('are kept of the channels that the node is on, and of no others', async () => {
    const node = await world.node('one.example.org', [], {}, {});
    await wish('hag66@example.org/pda');
    const { entity } = await wish('iago@example.org/desk', romeo, parseJid('one.example.org'));
    await until(
      () => node.standing?.counts().kept,
      (kept) => kept === 2,
    );
    node.standing?.setChannels(({ nodeId }) => nodeId === BOOKS.nodeId);
    assert.equal(node.standing?.counts().kept, 2);
    node.standing?.setChannels(() => false);
    assert.deepEqual(
      node.standing?.of(bareOf(entity.jid)).map(({ channel }) => channel),
      [undefined],
    );
    await wish('juliet@example.org/pda');
    await world.clock.advance(10_000);
    assert.equal(node.standing?.counts().kept, 1);
  });

  it('are asked again after longer and longer times, and of nodes that keep none as well', async () => {
    const node = await world.node('one.example.org', []);
    const { events, names } = await wish('hag66@example.org/pda');
    await world.clock.advance(1000);
    await node.files.apply(put([entry('romeo.txt', sha(1))]));
    await world.clock.advance(60_000);
    assert.deepEqual(names(), []);
    await until(names, (all) => all.length > 0, 5000);
    const waits = () => events.flatMap((event) => (event.type === 'asking' ? event.againMs : []));
    await until(waits, (all) => all.length >= 4, 60_000);
    assert.deepEqual(waits().slice(0, 4), [120_000, 240_000, 480_000, 960_000]);
    assert.equal(world.pubsub.itemsOf('books').length, 1, 'one question stands, the others were retracted');
  });

  it('are asked anew when the asker has lost its session', async () => {
    const node = await world.node('one.example.org', [], {}, {});
    const { entity, events } = await wish('hag66@example.org/pda');
    const asked = () => events.filter(({ type }) => type === 'asking').length;
    assert.equal(asked(), 1);
    world.network.cut(entity.jid);
    await world.clock.advance(1000);
    world.network.restore(entity.jid);
    await until(asked, (times) => times === 2);
    await until(
      () => node.standing?.counts().kept,
      (kept) => kept !== undefined && kept >= 1,
    );
  });

  describe('of one node', () => {
    it('bring its answer, then what comes, until it is told that it is enough', async () => {
      const node = await world.node('one.example.org', [entry('romeo 1.txt', sha(1))], {}, {});
      const { names, abort } = await wish('hag66@example.org/pda', romeo, parseJid('one.example.org'));
      await until(names, (all) => all.length === 1);
      await node.files.apply(put([entry('romeo 2.txt', sha(2))]));
      await until(names, (all) => all.length === 2);
      abort.abort();
      await until(
        () => node.standing?.counts().kept,
        (kept) => kept === 0,
      );
    });

    it('are granted for as long as the node keeps any, and told so', async () => {
      await world.node('one.example.org', [], {}, { limits: { keptQuestionMs: 60_000 } });
      const asker = await world.asker('hag66@example.org/pda');
      const result = await ask(asker, 'one.example.org', 'w1', 10 * HOUR_MS);
      const granted = child(result, 'want', FileDiscoveryElement.find.ns);
      assert.ok(granted);
      assert.equal(wantGrantedCodec.fromXml(granted).untilMs, world.clock.now() + 60_000);
    });

    it('are kept in a bounded number, for each asker and for all', async () => {
      const node = await world.node(
        'one.example.org',
        [],
        {},
        { limits: { keptQuestions: 3, keptQuestionsPerAsker: 2 } },
      );
      const one = await world.asker('hag66@example.org/pda');
      const other = await world.asker('iago@example.org/desk');
      const refused = (condition: string) => (error: unknown) =>
        error instanceof StanzaError && error.condition === condition;
      await ask(one, 'one.example.org', 'a');
      await ask(one, 'one.example.org', 'b');
      await ask(one, 'one.example.org', 'b'); // in place of the one before
      await assert.rejects(ask(one, 'one.example.org', 'c'), refused('resource-constraint'));
      await ask(other, 'one.example.org', 'a');
      await assert.rejects(ask(other, 'one.example.org', 'b'), refused('resource-constraint'));
      await assert.rejects(ask(one, 'one.example.org', 'a', -1), refused('bad-request'));
      const unwant = (from: typeof one, id: string) =>
        from.entity.request({ to: node.entity.jid, type: 'set', payload: unwantCodec.toXml(id) });
      await assert.rejects(unwant(other, 'b'), refused('item-not-found'));
      await unwant(one, 'b');
      assert.equal(node.standing?.counts().kept, 2);
      await world.clock.advance(HOUR_MS);
      assert.equal(node.standing?.counts().kept, 0, 'their time is over');
    });

    it('of one domain leave room for others', async () => {
      const limits = { keptQuestions: 10, keptQuestionsPerAsker: 2, keptQuestionsPerDomain: 3 };
      const node = await world.node('one.example.org', [], {}, { limits });
      const bad = await Promise.all([1, 2].map((at) => world.asker(`u${at}@bad.example/x`)));
      const [first = assert.fail(), second = assert.fail()] = bad;
      for (const id of ['a', 'b']) await ask(first, 'one.example.org', id);
      await ask(second, 'one.example.org', 'a');
      await ask(second, 'one.example.org', 'a'); // in place of the one before
      await assert.rejects(ask(second, 'one.example.org', 'b'), { condition: 'resource-constraint' });
      await ask(await world.asker('hag66@example.org/pda'), 'one.example.org', 'a');
      await first.entity.request({ to: node.entity.jid, type: 'set', payload: unwantCodec.toXml('a') });
      await ask(second, 'one.example.org', 'b');
      const tight = { ...limits, keptQuestionsPerDomain: 1, keptQuestionMs: HOUR_MS };
      node.standing?.setLimits(tight);
      assert.equal(node.standing?.counts().kept, 4, 'none is forgotten');
      await assert.rejects(ask(second, 'one.example.org', 'c'), { condition: 'resource-constraint' });
      node.standing?.setLimits({ ...tight, keptQuestionsPerAsker: 3, keptQuestionsPerDomain: 4 });
      await ask(second, 'one.example.org', 'c');
    });

    it('never bring answers to anybody who did not ask', async () => {
      const node = await world.node('one.example.org', [], {}, {});
      const one = await world.asker('hag66@example.org/pda');
      const messages: string[] = [];
      world.network.watch((stanza) => {
        if (stanza.getName() === 'message' && stanza.attrs.from === node.entity.jid) {
          const found = child(stanza, FileDiscoveryElement.found.name, FileDiscoveryElement.found.ns);
          if (found) messages.push(`${stanza.attrs.to} ${foundCodec.fromXml(found).id}`);
        }
      });
      // Somebody publishes a question that says it is another's.
      const forger = await world.asker('iago@example.org/desk');
      const payload = findCodec.toXml({
        criteria: romeo,
        page: {},
        replyTo: one.entity.jid,
        untilMs: world.clock.now() + HOUR_MS,
      });
      await forger.entity.request({
        to: SERVICE,
        type: 'set',
        payload: pubsubRequestCodec.toXml({ type: 'publish', nodeId: 'books', item: { id: 'f', payload } }),
      });
      await until(
        () => node.standing?.counts().kept,
        (kept) => kept === 1,
      );
      await node.files.apply(put([entry('romeo.txt', sha(1))]));
      await until(
        () => messages,
        (all) => all.length > 0,
      );
      assert.deepEqual(messages, ['iago@example.org/desk f']);
    });
  });
});
