/** A person with an ordinary client who types to a node, on real servers: finds a file, and gets it. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { ChatClient } from '../support/chat-client.js';
import { freePorts } from '../support/free-ports.js';
import { ServedNode } from '../support/served-node.js';
import { ACCOUNTS, COMPONENT_SECRET, DOMAIN, PUBSUB, type TestServer } from '../support/server.js';
import { describeOnServers } from '../support/server-fixture.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

const NODE = 'node6.localhost';
const PLAY = Buffer.alloc(300_000, 'It was the nightingale, and not the lark. ');
const [ALICE, BOB, CAROL] = ACCOUNTS;

describeOnServers('a chat with a node', (server: () => TestServer) => {
  let folder: TemporaryFolder;
  let node: ServedNode;
  let alice: ChatClient;
  let bob: ChatClient;

  before(async function () {
    this.timeout(60_000);
    folder = await temporaryFolder();
    await folder.write('books/plays/romeo and juliet.pdf', PLAY);
    for (let at = 1; at <= 23; at++) await folder.write(`books/sonnets/sonnet ${at}.txt`, `sonnet ${at}`);
    const [linkPort] = await freePorts(1);
    node = await ServedNode.make(path.join(folder.path, 'node'), {
      xmpp: {
        jid: NODE,
        secret: COMPONENT_SECRET,
        host: server().host,
        port: server().componentPort,
      },
      shares: [{ name: 'books', path: path.join(folder.path, 'books') }],
      channels: [{ service: PUBSUB, node: 'chats', create: true }],
      announce: [{ service: PUBSUB, node: 'news', create: true }],
      links: { listen: `127.0.0.1:${linkPort}`, url: `http://127.0.0.1:${linkPort}/` },
      scan: { quietMs: 100 },
      log: { level: 'debug' },
    });
    await node.start();
    alice = await ChatClient.start(server(), ALICE);
    bob = await ChatClient.start(server(), { ...BOB, takesFiles: false });
  });

  after(async () => {
    await alice?.stop();
    await bob?.stop();
    await node?.stop();
    await folder?.remove();
  });

  it('finds a file and sends it', async function () {
    this.timeout(30_000);
    const list = await alice.ask(NODE, 'find juliet pdf');
    assert.equal(
      list.body,
      'One file for ‘juliet pdf’:\n1. books/plays/romeo and juliet.pdf (300 kB)\n‘get NUMBER’ sends a file.',
    );
    assert.deepEqual([list.sender, list.type, list.thread], [NODE, 'chat', 't1']);
    const target = path.join(folder.path, `taken-${server().kind}`);
    alice.do({ do: 'take', file: target });
    const offered = await alice.ask(NODE, 'get 1');
    assert.equal(offered.body, 'I offer you romeo and juliet.pdf (300 kB). Please accept in your client.');
    const taken = await alice.next(({ id }) => id === 'taken');
    assert.equal(taken.sha256, createHash('sha256').update(PLAY).digest('hex'), taken.error);
    assert.ok(PLAY.equals(await readFile(target)));
    await alice.next(({ body }) => body === 'You have romeo and juliet.pdf now.');
  });

  it('says that it got a message and is writing, to who wants to know', async () => {
    const from = alice.heard.length;
    const { chat_state } = await alice.ask(NODE, 'find lark');
    assert.equal(chat_state, 'active');
    await alice.next(({ state }) => state === 'composing');
    const sent = alice.heard.slice(from).find((each) => each.sent !== undefined)?.sent;
    await alice.next(({ receipt }) => receipt !== undefined && receipt === sent);
  });

  it('shows a list page by page, and folders', async () => {
    const first = (await alice.ask(NODE, 'find sonnet')).body?.split('\n') ?? [];
    assert.equal(first[0], '1–10 of 23 for ‘sonnet’:');
    assert.equal(first.at(-1), '‘get NUMBER’ sends a file, ‘more’ goes on.');
    const second = (await alice.ask(NODE, 'more')).body?.split('\n') ?? [];
    assert.match(second[1] ?? '', /^11\. books\/sonnets\/sonnet \d+\.txt \(\d+ B\)$/);
    const third = (await alice.ask(NODE, 'more')).body?.split('\n') ?? [];
    assert.equal(third.length, 5);
    assert.equal((await alice.ask(NODE, 'more')).body, 'That was all of it.');
    const names = [first, second, third].flatMap((page) => page.slice(1, -1));
    assert.equal(new Set(names.map((name) => name.replace(/^\d+\. /, ''))).size, 23);

    assert.equal(
      (await alice.ask(NODE, 'browse')).body,
      'One entry at the top:\n1. books/\n‘browse NUMBER’ opens a folder.',
    );
    assert.match(
      (await alice.ask(NODE, 'browse 1')).body ?? '',
      /^2 entries in books:\n1\. plays\/\n2\. sonnets\/\n/,
    );
    assert.match(
      (await alice.ask(NODE, 'browse books/plays/')).body ?? '',
      /\n1\. romeo and juliet\.pdf \(300 kB\)\n/,
    );
    assert.equal((await alice.ask(NODE, 'browse nowhere')).body, 'There is no such folder.');
  });

  it('gives a client that takes no files a link, which is shown as a file', async () => {
    await bob.ask(NODE, 'find juliet');
    const { body = '', url } = await bob.ask(NODE, 'get 1');
    assert.equal(url, body, 'nothing beside the link');
    const answer = await fetch(body);
    assert.equal(answer.status, 200);
    assert.ok(PLAY.equals(Buffer.from(await answer.arrayBuffer())));
  });

  it('sends a file to who asks for it by its id (XEP-0358), and says nothing of what is not there', async function () {
    this.timeout(30_000);
    const sha256 = createHash('sha256').update(PLAY).digest();
    const ids = [`sha-256:${sha256.toString('base64')}`, 'path:books/plays/romeo and juliet.pdf'];
    for (const [at, id] of ids.entries()) {
      alice.do({ do: 'take', file: path.join(folder.path, `started-${server().kind}-${at}`) });
      alice.do({ do: 'start', to: NODE, id });
      const { sid, error } = await alice.next((each) => each.sid !== undefined || each.error !== undefined);
      assert.ok(sid, error);
      const taken = await alice.next((each) => each.id === 'taken');
      assert.equal(taken.sha256, sha256.toString('hex'), taken.error);
    }
    for (const id of [
      'path:books/plays/nothing.pdf',
      'path:../node/node.yaml',
      'sha-256:AAAA',
      'x',
      'path:',
    ]) {
      alice.do({ do: 'start', to: NODE, id });
      assert.equal((await alice.next(({ error }) => error !== undefined)).error, 'not-acceptable', id);
    }
  });

  it('announces a file that has come, which a subscriber then gets, and takes back what went', async function () {
    this.timeout(30_000);
    alice.do({ do: 'subscribe', to: PUBSUB, node: 'news' });
    const done = await alice.next(({ subscribed, error }) => (subscribed ?? error) !== undefined);
    assert.equal(done.error, undefined);
    const text = `new on ${server().kind}`;
    await folder.write('books/plays/hamlet.txt', text);
    const { news } = await alice.next((each) => each.news !== undefined);
    const target = path.join(folder.path, `hamlet-${server().kind}`);
    alice.do({ do: 'take', file: target });
    alice.do({ do: 'start', to: NODE, id: news?.[0] });
    const taken = await alice.next((each) => each.id === 'taken');
    assert.equal(taken.error, undefined);
    assert.equal(await readFile(target, 'utf8'), text);
    await rm(path.join(folder.path, 'books/plays/hamlet.txt'));
    await alice.next((each) => each.retracted !== undefined);
  });

  it('has its folders as pubsub nodes, to be read and subscribed to (XEP-0498)', async function () {
    this.timeout(30_000);
    const told = async (command: object) => {
      bob.do({ to: NODE, ...command });
      return await bob.next(({ nodes, listed, subscribed, error }) =>
        [nodes, listed, subscribed, error].some((each) => each !== undefined),
      );
    };
    const root = await told({ do: 'nodes', node: 'urn:xmpp:pubsub-file-sharing:0' });
    assert.deepEqual(root.names, ['books']);
    const books = await told({ do: 'nodes', node: root.nodes?.[0] });
    assert.deepEqual(books.names, ['plays', 'sonnets']);
    const plays = books.nodes?.[0];
    const before = await told({ do: 'items', node: plays });
    assert.deepEqual(before.listed, ['romeo and juliet.pdf']);
    assert.match(before.sources?.[0] ?? '', /^sha-256:/);
    assert.equal((await told({ do: 'subscribe', node: plays })).subscribed, plays);
    const nowhere = `urn:xmpp:pubsub-file-sharing:0:${Buffer.from('books/x').toString('base64url')}/x`;
    for (const each of ['subscribe', 'items', 'nodes']) {
      assert.equal((await told({ do: each, node: nowhere })).error, 'item-not-found', each);
    }

    await folder.write('books/plays/macbeth.txt', 'the play');
    const news = await bob.next((each) => each.items?.includes('macbeth.txt') === true);
    assert.equal(news.node, plays);
    await rm(path.join(folder.path, 'books/plays/macbeth.txt'));
    const gone = await bob.next((each) => each.retracted !== undefined);
    assert.deepEqual([gone.node, gone.retracted], [plays, ['macbeth.txt']]);
  });

  it('answers nothing that asks for no answer', async () => {
    const from = bob.heard.length;
    const silent = [
      `<message to='${NODE}' type='groupchat'><body>help</body></message>`,
      `<message to='${NODE}' type='headline'><body>help</body></message>`,
      `<message to='${NODE}' type='chat'><body>help</body><delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/></message>`,
      `<message to='${NODE}' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
      `<message to='${NODE}' type='error'><body>help</body><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
    ];
    for (const xml of silent) bob.do({ do: 'send', xml });
    const { body } = await bob.ask(NODE, 'stop');
    assert.equal(body, 'All right, stopped.');
    assert.equal(bob.heard.slice(from).filter((each) => each.body !== undefined).length, 1);
  });

  it('is there at a node with an account too, where the asker has seen nothing of it', async function () {
    this.timeout(60_000);
    const other = await ServedNode.make(path.join(folder.path, 'client'), {
      xmpp: {
        mode: 'client',
        jid: `carol@${DOMAIN}`,
        password: CAROL.password,
        server: `127.0.0.1:${server().c2sPort}`,
      },
      shares: [{ name: 'books', path: path.join(folder.path, 'books/plays') }],
      scan: { quietMs: 100 },
    });
    await other.start();
    try {
      const { body, sender } = await alice.ask(`carol@${DOMAIN}`, 'find juliet');
      assert.match(body ?? '', /^One file for/);
      assert.equal(sender, `carol@${DOMAIN}/shoal`);
      await bob.ask(`carol@${DOMAIN}`, 'find juliet');
      // It makes no links.
      const { body: how, url } = await bob.ask(`carol@${DOMAIN}`, 'get 1');
      assert.match(how ?? '', /takes no files by Jingle/);
      assert.equal(url, null);
    } finally {
      await other.stop();
    }
  });
});
