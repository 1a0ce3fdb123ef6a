import assert from 'node:assert/strict';
import type { View } from '../../src/access/access-policy.js';
import { LimitError } from '../../src/errors.js';
import { FileNotAvailableError, SessionEndedError } from '../../src/jingle/file-session.js';
import { bounce } from '../../src/stanza/iq.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import { xml } from '../../src/stanza/xml.js';
import { put, remove } from '../support/file-entries.js';
import { ChatWorld, type Person } from './chat-world.js';

const NODE = 'files.example.org';
const FILES = [
  put('books/romeo.pdf', { size: 1200 }),
  put('books/juliet.pdf', { size: 3_400_000 }),
  put('secrets/romeo.txt'),
];

describe('chat service', () => {
  let world: ChatWorld;
  let juliet: Person;

  beforeEach(async () => {
    world = new ChatWorld();
    juliet = await world.person('juliet@capulet.lit/balcony');
  });

  afterEach(() => world.stop());

  it('offers what was chosen to the very address that chose it, and says how it went', async () => {
    await world.node(NODE, FILES);
    await juliet.say(NODE, 'find pdf');
    assert.deepEqual(await juliet.say(NODE, 'get 1-2'), [
      'I offer you romeo.pdf (1.2 kB), juliet.pdf (3.4 MB). Please accept in your client.',
    ]);
    assert.deepEqual(
      world.offered.map(({ to }) => to),
      ['juliet@capulet.lit/balcony', 'juliet@capulet.lit/balcony'],
    );
    const before = juliet.heard.length;
    world.offered[1]?.end({ type: 'success', bytes: 1 });
    const declined = new SessionEndedError('decline', undefined, undefined);
    world.offered[0]?.end({ type: 'failed', bytes: 0, error: declined });
    await juliet.quiet();
    assert.deepEqual(
      juliet.heard.slice(before).map((each) => each.getChildText('body')),
      ['You have juliet.pdf now.'],
    );
  });

  it('does not say that a file has come of which the client said nothing', async () => {
    await world.node(NODE, FILES);
    await juliet.say(NODE, 'get books/romeo.pdf');
    const before = juliet.heard.length;
    world.offered[0]?.end({ type: 'success', bytes: 1, unconfirmed: true });
    await juliet.quiet();
    assert.deepEqual(
      juliet.heard.slice(before).map((each) => each.getChildText('body')),
      ['I have sent all of romeo.pdf. Your client did not tell me whether it has come.'],
    );
  });

  it('withdraws what it offers when asked to stop', async () => {
    await world.node(NODE, FILES);
    await juliet.say(NODE, 'get books/romeo.pdf');
    assert.deepEqual(await juliet.say(NODE, 'stop'), ['All right, stopped.']);
    assert.ok(world.offered[0]?.signal.aborted);
  });

  it('gives a link where a file does not get through, or the client takes none', async () => {
    world.links = { linkFor: (_asker, { path }) => new URL(`https://files.example.org/x/${path}`) };
    await world.node(NODE, FILES);
    const nurse = await world.person('nurse@capulet.lit/kitchen', { takesFiles: false });
    assert.deepEqual(await nurse.say(NODE, 'get books/romeo.pdf'), ['https://files.example.org/x/romeo.pdf']);
    assert.equal(
      nurse.heard.at(-1)?.getChild('x', 'jabber:x:oob')?.getChildText('url'),
      'https://files.example.org/x/romeo.pdf',
    );
    await juliet.say(NODE, 'get books/romeo.pdf');
    const before = juliet.heard.length;
    world.offered[0]?.end({ type: 'failed', bytes: 0, error: new Error('no way') });
    await juliet.quiet();
    assert.deepEqual(
      juliet.heard.slice(before).map((each) => each.getChildText('body')),
      [
        'romeo.pdf did not get through to your client. Here is a link to it.',
        'https://files.example.org/x/romeo.pdf',
      ],
    );
  });

  it('says of a client only what that said: one that says nothing may take files', async () => {
    await world.node(NODE, FILES);
    const nurse = await world.person('nurse@capulet.lit/kitchen', { takesFiles: false });
    assert.match(
      (await nurse.say(NODE, 'get books/romeo.pdf'))[0] ?? '',
      /^Your client says that it takes no/,
    );
    const friar = await world.person('friar@verona.lit/cell', { takesFiles: 'unsaid' });
    assert.deepEqual(await friar.say(NODE, 'get books/romeo.pdf'), []);
    await world.clock.advance(5000);
    await friar.quiet();
    assert.match(
      friar.heard.at(-1)?.getChildText('body') ?? '',
      /^Your client did not tell me whether it takes files by Jingle\. Ask me again/,
    );
  });

  it('shows and gives nothing that the asker may not have, in the words for what is not there', async () => {
    const view: View = {
      key: 'books',
      maySee: ({ share }) => share === 'books',
      mayTake: ({ path }) => path === 'romeo.pdf',
      verdict: (folder) => (folder === 'secrets' ? 'none' : 'some'),
    };
    world.access = { viewOf: () => view };
    await world.node(NODE, FILES);
    assert.match((await juliet.say(NODE, 'browse'))[0] ?? '', /^One entry at the top:\n1\. books\/\n/);
    assert.deepEqual(await juliet.say(NODE, 'browse secrets'), await juliet.say(NODE, 'browse nothing'));
    const answers = [];
    for (const path of ['secrets/romeo.txt', 'books/juliet.pdf', 'books/nothing.pdf', '../../etc/passwd']) {
      const [text = ''] = await juliet.say(NODE, `get ${path}`);
      answers.push(text.replace(path, 'PATH'));
    }
    assert.deepEqual(new Set(answers), new Set(['I can’t give you PATH: there is no such file.']));
    world.refusal = new FileNotAvailableError('no');
    assert.deepEqual(await juliet.say(NODE, 'get books/romeo.pdf'), [
      'I can’t give you books/romeo.pdf: there is no such file.',
    ]);
    assert.equal(world.offered.length, 0);
  });

  it('gives what a number stood for when it was shown, unless that has gone', async () => {
    const { files } = await world.node(NODE, FILES);
    await juliet.say(NODE, 'browse books');
    await files.apply([remove('books/juliet.pdf'), put('books/a.pdf')]);
    assert.deepEqual(await juliet.say(NODE, 'get 1'), ['I can’t give you number 1: there is no such file.']);
    await juliet.say(NODE, 'get 2');
    assert.equal(world.offered[0]?.entry.path, 'romeo.pdf');
  });

  it('says that it has no place free', async () => {
    await world.node(NODE, FILES);
    world.refusal = new LimitError('uploads', 'full');
    const [text] = await juliet.say(NODE, 'get books/romeo.pdf');
    assert.match(text ?? '', /^I can’t send books\/romeo\.pdf now: I am sending all that I can\./);
  });

  it('says that it was asked too much, and has that counted', async () => {
    world.queriesPerAskerPerMinute = 1;
    await world.node(NODE, FILES);
    await juliet.say(NODE, 'find pdf');
    const tooMuch = /^That did not work: it is more than I may do for you now\. Please try again in \d+ s\.$/;
    for (const text of ['find txt', 'browse', 'get 1-2', 'get books/romeo.pdf']) {
      const answers = await juliet.say(NODE, text);
      assert.equal(answers.length, 1, text);
      assert.match(answers[0] ?? '', tooMuch);
    }
    assert.deepEqual(world.refused, Array(4).fill('queriesPerAskerPerMinute'));
    for (let at = 0; at < 30; at++) await juliet.say(NODE, `find ${at}`);
    assert.equal(world.refused.at(-1), 'chatAnswersPerPeerPerMinute');
  });

  it('says what is wrong with the words', async () => {
    await world.node(NODE, FILES);
    const [text] = await juliet.say(NODE, 'find nonsense:x');
    assert.match(text ?? '', /^That did not work: .*there is no 'nonsense:', only name:/);
    assert.deepEqual(await juliet.say(NODE, 'find nothing'), ['Nothing for ‘nothing’.']);
  });

  it('says once in a while that it reads nothing that is encrypted', async () => {
    await world.node(NODE, FILES);
    const omemo = () => xml('encrypted', { xmlns: 'eu.siacs.conversations.axolotl' });
    const [text] = await juliet.say(NODE, 'This message is OMEMO encrypted', omemo());
    assert.match(text ?? '', /can’t read encrypted/);
    for (let at = 0; at < 5; at++) await juliet.say(NODE, 'This message is OMEMO encrypted', omemo());
    assert.equal(juliet.heard.length, 3);
  });

  it('sends chat states and receipts to nobody who did not show that they want them', async () => {
    await world.node(NODE, FILES);
    await juliet.say(NODE, 'find romeo');
    const ours = world.messages.filter(({ attrs }) => attrs.to !== NODE);
    assert.equal(ours.length, 1);
    assert.deepEqual(
      ours[0]?.getChildElements().map((each) => each.getName()),
      ['body'],
    );
  });

  it('keeps so many conversations, the one that was quiet longest gives way, and each ends', async () => {
    const { chat } = await world.node(NODE, FILES);
    await juliet.say(NODE, 'find romeo');
    for (const name of ['a', 'b', 'c']) {
      const person = await world.person(`${name}@${name}.example/x`);
      await person.say(NODE, 'find romeo');
    }
    assert.equal(chat.counts().conversations, 3);
    assert.match((await juliet.say(NODE, 'get 1'))[0] ?? '', /^There is no list yet/);
    await juliet.say(NODE, 'find romeo');
    await world.clock.advance(60 * 60_000);
    assert.equal(chat.counts().conversations, 0);
    assert.match((await juliet.say(NODE, 'get 1'))[0] ?? '', /^There is no list yet/);
  });

  it('forgets nobody’s conversation for more of one account or of one domain', async () => {
    const { chat } = await world.node(NODE, FILES);
    await juliet.say(NODE, 'find romeo');
    const iago = await world.person('iago@bad.example/x');
    for (const jid of ['a@bad.example/x', 'a@bad.example/y', 'a@bad.example/z']) {
      await iago.say(NODE, 'find romeo');
      await (await world.person(jid)).say(NODE, 'find romeo');
    }
    assert.equal(chat.counts().conversations, 3);
    for (const each of [juliet, iago])
      assert.doesNotMatch((await each.say(NODE, 'get 1'))[0] ?? '', /no list yet/);
  });

  describe('never talks for ever', () => {
    /** How many messages there are when `first` was said to a node and everything has calmed down. */
    async function messagesAfter(first: () => void): Promise<number> {
      first();
      for (let at = 0; at < 60; at++) await world.clock.advance(10_000);
      return world.messages.length;
    }

    it('with another node, whoever began it', async () => {
      await world.node(NODE, FILES);
      await world.node('other.example.org', FILES);
      const forged = `<message from='${NODE}' to='other.example.org' type='chat'><body>help</body></message>`;
      assert.equal(await messagesAfter(() => world.network.inject(forged)), 1);
    });

    it('with another node that has an account', async () => {
      const { entity } = await world.node('one@example.org/shoal', FILES);
      await world.node('two@example.org/shoal', FILES);
      const hello = () =>
        entity.send(xml('message', { to: 'two@example.org/shoal' }, xml('body', {}, 'help')));
      // One answer to 'help'; then each doesn't understand the other a few times.
      assert.ok((await messagesAfter(hello)) <= 8);
    });

    it('with a program that repeats what is said to it, or says the same to everything', async () => {
      await world.node(NODE, FILES);
      const answers = [(text: string) => text, () => 'help', () => 'find romeo', () => 'more'];
      for (const [at, answer] of answers.entries()) {
        world.messages.length = 0;
        const bot = await world.person(`bot${at}@example.org/x`);
        bot.entity.handleMessage('body', undefined, ({ from, stanza }) => {
          const body = answer(stanza.getChildText('body') ?? '');
          bot.entity.send(xml('message', { to: from, type: 'chat' }, xml('body', {}, body)));
        });
        const count = await messagesAfter(() =>
          bot.entity.send(xml('message', { to: NODE, type: 'chat' }, xml('body', {}, 'help'))),
        );
        assert.ok(count <= 62, `${count} messages`);
      }
    });

    it('with a server that returns what it can’t deliver', async () => {
      await world.node(NODE, FILES);
      const gone = `<message from='gone@example.org/x' to='${NODE}' type='chat'><body>help</body></message>`;
      assert.equal(await messagesAfter(() => world.network.inject(gone)), 3); // it comes back once
    });

    it('with itself', async () => {
      const { entity } = await world.node('one@example.org/shoal', FILES);
      const error = bounce(xml('message', { from: NODE, to: entity.jid }), new StanzaError('gone'));
      assert.equal(
        await messagesAfter(() => {
          entity.send(xml('message', { to: entity.jid, type: 'chat' }, xml('body', {}, 'help')));
          entity.send(xml('message', { to: 'one@example.org', type: 'chat' }, xml('body', {}, 'help')));
          world.network.inject(error);
        }),
        3,
      );
    });
  });
});
