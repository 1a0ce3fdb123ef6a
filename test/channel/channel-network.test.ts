/** Channels on a network in memory: nodes that answer, askers that ask, and everything between. */
import assert from 'node:assert/strict';
import type { FileEntry } from '../../src/catalogue/file-entry.js';
import { parseShareRelativePath } from '../../src/catalogue/share-path.js';
import type { AnswerEvent } from '../../src/channel/channel-asker.js';
import type { QueryResponder } from '../../src/channel/query-responder.js';
import type { Entity } from '../../src/entity/entity.js';
import { FileDiscoveryElement, findCodec, foundCodec } from '../../src/stanza/file-discovery.js';
import { parseBareJid, parseJid } from '../../src/stanza/jid.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import { pubsubRequestCodec } from '../../src/stanza/xep0060-pubsub.js';
import { formatExactDateTime } from '../../src/stanza/xep0082-date-time.js';
import { xml } from '../../src/stanza/xml.js';
import { eventually } from '../support/eventually.js';
import { BOOKS, entry, SERVICE, World } from './channel-world.js';

const unhashed: FileEntry = {
  share: 'books',
  path: parseShareRelativePath('romeo new.txt'),
  size: 1,
  mtimeMs: 0,
  mediaType: 'text/plain',
};

type Outcomes = ReturnType<QueryResponder['outcomes']>;

function filesOf(events: readonly AnswerEvent[]): string[] {
  return events
    .flatMap((event) =>
      event.type === 'found' ? event.found.files.map((file) => `${event.from} ${file.name}`) : [],
    )
    .sort();
}

describe('a channel', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.stop());

  const publish = (from: Entity, id: string, payload = findCodec.toXml(findFor('romeo'))) =>
    from.request({
      to: SERVICE,
      type: 'set',
      payload: pubsubRequestCodec.toXml({ type: 'publish', nodeId: 'books', item: { id, payload } }),
    });
  const findFor = (value: string) => ({
    criteria: { name: [{ type: 'contains', value }] as const },
    page: {},
  });

  /** How its questions ended, once that is as it should be: searches take real time, all else virtual. */
  const outcomesOf = (node: { responder: QueryResponder }, isDone: (outcomes: Outcomes) => boolean) =>
    eventually(async () => {
      await world.clock.advance(100);
      return node.responder.outcomes();
    }, isDone);

  for (const style of ['full', 'bare', 'none'] as const) {
    it(`brings every match to the asker, and nothing to anybody else, where the publisher is stated: ${style}`, async () => {
      await world.start(style);
      await world.node('one.example.org', [entry('romeo.txt'), entry('hamlet.txt')]);
      await world.node('two.example.org', [entry('Romeo and Juliet.epub')]);
      await world.node('three.example.org', [entry('macbeth.txt')]);
      const { asker } = await world.asker('hag66@example.org/pda');
      const other = await world.asker('iago@example.org/desk');
      const strays: string[] = [];
      world.network.watch((stanza) => {
        if (stanza.getName() === 'message' && stanza.attrs.to === other.entity.jid)
          strays.push(stanza.toString());
      });
      const answers = await world.ask(asker, 'romeo');
      assert.deepEqual(filesOf(answers), [
        'one.example.org romeo.txt',
        'two.example.org Romeo and Juliet.epub',
      ]);
      assert.deepEqual(strays, []);
      assert.deepEqual(world.pubsub.itemsOf('books'), [], 'the question was retracted');
    });
  }

  it('is walked page by page until the asker has what it wants', async () => {
    await world.start();
    const names = Array.from({ length: 130 }, (_, at) => `romeo ${String(at).padStart(3, '0')}.txt`);
    await world.node(
      'one.example.org',
      names.map((name) => entry(name)),
    );
    const { asker } = await world.asker('hag66@example.org/pda');
    assert.deepEqual(
      filesOf(await world.ask(asker, 'romeo')),
      names.map((name) => `one.example.org ${name}`),
    );
    assert.equal(filesOf(await world.ask(asker, 'romeo', 60)).length, 60);
  });

  it('sends nothing to a victim that a question names, unless the victim confirms that it asked', async () => {
    await world.start('none');
    const node = await world.node('one.example.org', [entry('romeo.txt')]);
    const victim = await world.asker('victim@example.org/home');
    const { entity } = await world.asker('iago@example.org/desk');
    const sent: string[] = [];
    world.network.watch((stanza) => {
      if (stanza.attrs.to === victim.entity.jid) sent.push(stanza.getChildElements()[0]?.getName() ?? '');
    });
    await publish(
      entity,
      'forged',
      findCodec.toXml({ ...findFor('romeo'), replyTo: parseJid('victim@example.org/home') }),
    );
    await world.clock.advance(1000);
    assert.deepEqual(sent, ['confirm']);
    assert.equal(node.responder.outcomes().unconfirmed, 1);
  });

  it('sends nothing at all to who is banned, whoever asks in its name', async () => {
    await world.start('none');
    const node = await world.node('one.example.org', [entry('romeo.txt')]);
    const banned = await world.asker('victim@example.org/home');
    const { entity } = await world.asker('iago@example.org/desk');
    world.banned.add('victim@example.org');
    const sent: string[] = [];
    world.network.watch((stanza) => {
      if (stanza.attrs.to === banned.entity.jid) sent.push(String(stanza));
    });
    const replyTo = parseJid('victim@example.org/home');
    await publish(entity, 'forged', findCodec.toXml({ ...findFor('romeo'), replyTo }));
    await world.clock.advance(1000);
    assert.deepEqual(sent, []);
    assert.equal(node.responder.outcomes()['over-budget'], 1);
  });

  it('lets nobody spend the budget of an address that he only claims', async () => {
    await world.start('none');
    const node = await world.node('one.example.org', [entry('romeo.txt')]);
    const victim = await world.asker('victim@example.org/home');
    const { entity } = await world.asker('iago@example.org/desk');
    const replyTo = parseJid('victim@example.org/home');
    for (let at = 0; at < 40; at += 1)
      await publish(entity, `f${at}`, findCodec.toXml({ ...findFor('romeo'), replyTo }));
    await world.clock.advance(1000);
    assert.equal(node.responder.outcomes().unconfirmed, 40);
    assert.deepEqual(filesOf(await world.ask(victim.asker, 'romeo')), ['one.example.org romeo.txt']);
  });

  it('answers the publisher when a question names a reply address that is not the publisher’s', async () => {
    await world.start('full');
    await world.node('one.example.org', [entry('romeo.txt')]);
    const { entity } = await world.asker('iago@example.org/desk');
    const to: string[] = [];
    world.network.watch((stanza) => {
      if (stanza.getChild('found')) to.push(String(stanza.attrs.to));
    });
    await publish(
      entity,
      'q',
      findCodec.toXml({ ...findFor('romeo'), replyTo: parseJid('victim@example.org/home') }),
    );
    await world.clock.advance(1000);
    assert.deepEqual(to, ['iago@example.org/desk']);
  });

  it('understands the form of 2011', async () => {
    await world.start('full');
    await world.node('one.example.org', [entry('romeo.txt')]);
    const { entity } = await world.asker('hag66@example.org/pda');
    const found: string[] = [];
    world.network.watch((stanza) => {
      const answer = stanza.getChild('found');
      if (answer) found.push(`${answer.attrs.id} ${answer.getChild('file')?.getChildText('name')}`);
    });
    const ns = 'http://jabber.org/protocol/disco#info';
    await publish(
      entity,
      'old',
      xml('query', { xmlns: ns }, xml('identity', { category: 'filesys', type: 'file', name: 'romeo' })),
    );
    await world.clock.advance(1000);
    assert.deepEqual(found, ['old romeo.txt']);
  });

  it('answers a question once, however often it is delivered', async () => {
    await world.start();
    const node = await world.node('one.example.org', [entry('romeo.txt')]);
    const { entity } = await world.asker('hag66@example.org/pda');
    await publish(entity, 'q');
    await publish(entity, 'q');
    await world.clock.advance(1000);
    assert.equal(node.responder.outcomes().answered, 1);
    assert.equal(node.responder.outcomes().duplicate, 1);
  });

  it('ignores what is expired, and what lay there before the node came', async () => {
    await world.start();
    const first = await world.node('one.example.org', [entry('romeo.txt')]);
    const { entity } = await world.asker('hag66@example.org/pda');
    const nowMs = world.clock.now();
    await publish(entity, 'expired', findCodec.toXml({ ...findFor('romeo'), expiresMs: nowMs - 1 }));
    await publish(entity, 'lies-there', findCodec.toXml({ ...findFor('romeo'), expiresMs: nowMs + 60_000 }));
    await world.clock.advance(1000);
    assert.equal(first.responder.outcomes().expired, 1);
    assert.equal(first.responder.outcomes().answered, 1);
    const late = await world.node('two.example.org', [entry('romeo.txt')]);
    await publish(entity, 'lies-there', findCodec.toXml(findFor('romeo')));
    await world.clock.advance(1000);
    assert.equal(late.responder.outcomes().answered, 0);
    assert.equal(late.responder.outcomes().duplicate, 1);
  });

  it('ignores a question that an offline store kept too long', async () => {
    await world.start();
    const node = await world.node('one.example.org', [entry('romeo.txt')]);
    const stamp = formatExactDateTime(world.clock.now() - 31_000);
    world.network.inject(
      `<message from='${SERVICE}' to='one.example.org'><event xmlns='http://jabber.org/protocol/pubsub#event'>
        <items node='books'><item id='old' publisher='hag66@example.org/pda'>${findCodec.toXml(findFor('romeo'))}</item></items></event>
        <delay xmlns='urn:xmpp:delay' stamp='${stamp}'/></message>`,
    );
    await world.clock.advance(1000);
    assert.equal(node.responder.outcomes().expired, 1);
  });

  it('believes notifications of the service only', async () => {
    await world.start();
    const node = await world.node('one.example.org', [entry('romeo.txt')]);
    await world.asker('hag66@example.org/pda');
    world.network.inject(
      `<message from='iago@example.org/desk' to='one.example.org'><event xmlns='http://jabber.org/protocol/pubsub#event'>
        <items node='books'><item id='forged' publisher='hag66@example.org/pda'>${findCodec.toXml(findFor('romeo'))}</item></items></event></message>`,
    );
    await world.clock.advance(1000);
    assert.deepEqual(
      Object.values(node.responder.outcomes()).filter((count) => count > 0),
      [],
    );
  });

  it('drops an answer that waits when the question is retracted', async () => {
    await world.start();
    world.random = 0.999;
    const node = await world.node('one.example.org', [entry('romeo.txt')]);
    const { entity } = await world.asker('hag66@example.org/pda');
    await publish(entity, 'q', findCodec.toXml({ ...findFor('romeo'), spreadMs: 4000 }));
    await world.clock.advance(2000);
    await entity.request({
      to: SERVICE,
      type: 'set',
      payload: pubsubRequestCodec.toXml({ type: 'retract', nodeId: 'books', itemId: 'q' }),
    });
    await world.clock.advance(4000);
    assert.equal(node.responder.outcomes().withdrawn, 1);
    assert.equal(node.responder.outcomes().answered, 0);
  });

  it('waits a random part of the spread, never more than is configured', async () => {
    await world.start();
    world.random = 0.5;
    await world.node('one.example.org', [entry('romeo.txt')]);
    const { entity } = await world.asker('hag66@example.org/pda');
    const atMs: number[] = [];
    world.network.watch((stanza) => {
      if (stanza.getChild('found')) atMs.push(world.clock.monotonic());
    });
    const startMs = world.clock.monotonic();
    await publish(entity, 'q', findCodec.toXml({ ...findFor('romeo'), spreadMs: 60_000 }));
    await world.clock.advance(10_000);
    assert.deepEqual(
      atMs.map((ms) => ms - startMs),
      [2500],
    );
  });

  it('leaves a file out whose hash does not come in time, and counts it', async () => {
    await world.start();
    await world.node('one.example.org', [entry('romeo.txt'), unhashed]);
    const { asker } = await world.asker('hag66@example.org/pda');
    const [answer] = await world.ask(asker, 'romeo');
    assert.ok(answer?.type === 'found');
    assert.equal(answer.found.pending, 1);
    assert.equal(answer.found.total, 2);
    assert.deepEqual(
      answer.found.files.map((file) => file.name),
      ['romeo.txt'],
    );
  });

  it('keeps an asker within its budget and counts what it dropped', async () => {
    await world.start();
    const node = await world.node('one.example.org', [entry('romeo.txt')]);
    const { entity } = await world.asker('hag66@example.org/pda');
    for (let at = 0; at < 30; at += 1) await publish(entity, `q${at}`);
    const done = await outcomesOf(node, ({ answered }) => answered === 20);
    assert.equal(done['over-budget'], 10);
  });

  it('can not be used up by one asker', async () => {
    await world.start();
    const node = await world.node('one.example.org', [entry('romeo.txt')]);
    const { entity } = await world.asker('mallory@example.org/pda');
    for (let at = 0; at < 300; at += 1) await publish(entity, `q${at}`);
    const done = await outcomesOf(node, ({ answered }) => answered === 20);
    assert.equal(done['over-budget'], 280);
    const { asker } = await world.asker('hag66@example.org/pda');
    const answers = await world.ask(asker, 'romeo');
    assert.deepEqual(
      answers.map(({ type }) => type),
      ['found'],
    );
  });

  it('is named when a question could not be asked on it, alone or beside others', async () => {
    await world.start();
    await world.node('one.example.org', [entry('romeo.txt')]);
    const { asker } = await world.asker('hag66@example.org/pda');
    const question = { criteria: findFor('romeo').criteria, maxFiles: 5, waitMs: 5000 };
    const typo = { service: SERVICE, nodeId: 'boosk' };
    const collect = async (channels: readonly (typeof typo)[]) => {
      const events: AnswerEvent[] = [];
      for await (const event of asker.ask(channels, question)) events.push(event);
      return events;
    };
    await assert.rejects(collect([typo]), /item-not-found: the channel 'boosk' at pubsub\.example\.org/);
    const running = collect([typo, BOOKS]);
    await world.clock.advance(6000);
    const [refusal, answer] = await running;
    assert.ok(refusal?.type === 'refused' && answer?.type === 'found');
    assert.match(refusal.error.message, /boosk/);
  });

  it('answers all that an asker asks at the same time, though only some of it is worked on at once', async () => {
    await world.start();
    const node = await world.node('one.example.org', [entry('romeo.txt'), unhashed]);
    const { entity } = await world.asker('hag66@example.org/pda');
    await Promise.all([...Array(12).keys()].map((at) => publish(entity, `q${at}`)));
    await outcomesOf(node, ({ answered }) => answered === 12);
  });

  it('is joined again after a reconnect, and a question missed meanwhile is answered while it counts', async () => {
    await world.start();
    const node = await world.node('one.example.org', [entry('romeo.txt')]);
    const { entity } = await world.asker('hag66@example.org/pda');
    world.network.cut('one.example.org');
    await publish(
      entity,
      'missed',
      findCodec.toXml({ ...findFor('romeo'), expiresMs: world.clock.now() + 20_000 }),
    );
    await publish(entity, 'no-expiry', findCodec.toXml(findFor('romeo')));
    await world.clock.advance(5000);
    world.network.restore('one.example.org');
    await world.clock.advance(1000);
    assert.equal(node.channel.state.type, 'subscribed');
    assert.equal(node.responder.outcomes().answered, 1);
    assert.equal(node.responder.outcomes().history, 1);
  });

  it('is created again when it was deleted', async () => {
    await world.start();
    const node = await world.node('one.example.org', []);
    world.pubsub.deleteNode('books');
    await world.clock.advance(0);
    assert.equal(node.channel.state.type, 'waiting');
    await world.clock.advance(2000);
    assert.equal(node.channel.state.type, 'subscribed');
    assert.deepEqual(world.pubsub.subscribersOf('books'), ['one.example.org']);
  });

  it('is joined again when somebody ended the subscription', async () => {
    await world.start();
    const node = await world.node('one.example.org', []);
    world.pubsub.endSubscription('books', parseBareJid('one.example.org'));
    await world.clock.advance(0);
    assert.equal(node.channel.state.type, 'waiting');
    await world.clock.advance(2000);
    assert.deepEqual(world.pubsub.subscribersOf('books'), ['one.example.org']);
  });

  it('keeps no item id that is longer than an id of a question', async () => {
    await world.start();
    const node = await world.node('one.example.org', [entry('romeo.txt')]);
    const { entity } = await world.asker('hag66@example.org/pda');
    await publish(entity, 'x'.repeat(257));
    await publish(entity, 'x'.repeat(256));
    await world.clock.advance(1000);
    assert.equal(node.responder.outcomes().malformed, 1);
    assert.equal(node.responder.outcomes().answered, 1);
  });

  it('is asked for again and again, ever more slowly, where it does not exist and may not be created', async () => {
    await world.start();
    const node = await world.node('one.example.org', [], { create: false });
    assert.equal(node.channel.state.type, 'waiting');
    let requests = 0;
    world.network.watch((stanza) => {
      if (stanza.attrs.from === 'one.example.org') requests += 1;
    });
    await world.clock.advance(600_000);
    assert.ok(requests > 5 && requests < 20, `${requests} requests in ten minutes`);
  });

  it('is left at a clean stop only where that is configured', async () => {
    await world.start();
    const stays = await world.node('stays.example.org', []);
    const leaves = await world.node('leaves.example.org', [], { unsubscribeOnStop: true });
    await stays.channel.stop();
    await leaves.channel.stop();
    assert.deepEqual(world.pubsub.subscribersOf('books'), ['stays.example.org']);
  });

  it('answers that there is no such item to a cursor that is not its own', async () => {
    await world.start();
    await world.node('one.example.org', [entry('romeo.txt')]);
    const { entity } = await world.asker('hag66@example.org/pda');
    for (const page of [{ after: 'stpeter@jabber.org' }, { before: 'peter@pixyland.org' }]) {
      const payload = findCodec.toXml({ ...findFor('romeo'), page });
      await assert.rejects(
        entity.request({ to: parseJid('one.example.org'), type: 'get', payload }),
        (error) => error instanceof StanzaError && error.condition === 'item-not-found',
      );
    }
  });

  it('gives up on a node that says “more” for ever and never gives any', async () => {
    await world.start();
    const { entity } = await world.asker('iago@example.org/desk');
    const { asker } = await world.asker('hag66@example.org/pda');
    let pages = 0;
    entity.handleIq('get', FileDiscoveryElement.find.name, FileDiscoveryElement.find.ns, () => {
      pages += 1;
      const page = { first: `${pages}`, last: `${pages}` };
      return foundCodec.toXml({ total: 1_000_000, more: true, pending: 0, files: [], page });
    });
    const question = { criteria: { ext: ['txt'] }, maxFiles: 10, waitMs: 1000 };
    const answers: AnswerEvent[] = [];
    for await (const event of asker.askNode(entity.jid, question)) {
      answers.push(event);
      assert.ok(answers.length < 100, 'it asks on and on');
    }
    assert.equal(pages, 10);
  });

  it('answers a direct question in the form, and refuses a bad one naming the field', async () => {
    await world.start();
    await world.node('one.example.org', [entry('romeo.txt')]);
    const { asker, entity } = await world.asker('hag66@example.org/pda');
    const to = parseJid('one.example.org');
    const answers: AnswerEvent[] = [];
    const question = { criteria: { ext: ['txt'] }, maxFiles: 10, waitMs: 1000 };
    for await (const event of asker.askNode(to, question)) answers.push(event);
    assert.deepEqual(filesOf(answers), ['one.example.org romeo.txt']);
    const payload = findCodec.toXml({ criteria: { name: [{ type: 'regex', pattern: 'a(b' }] }, page: {} });
    await assert.rejects(entity.request({ to, type: 'get', payload }), (error: unknown) => {
      assert.ok(error instanceof StanzaError);
      assert.equal(error.condition, 'bad-request');
      assert.match(error.text ?? '', /name/);
      return true;
    });
  });
});
