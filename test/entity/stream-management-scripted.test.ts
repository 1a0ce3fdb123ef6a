/** XEP-0198 with a server that does what real ones seldom do. */
import assert from 'node:assert/strict';
import { clientEntity } from '../../src/entity/client-entity.js';
import { type Entity, OfflineError } from '../../src/entity/entity.js';
import type { StreamManagementInit } from '../../src/entity/stream-management.js';
import { parseJid } from '../../src/stanza/jid.js';
import { xml } from '../../src/stanza/xml.js';
import { ENTITY_COMPONENTS } from '../support/attached.js';
import { eventually } from '../support/eventually.js';
import { ScriptedServer, type ScriptedSession } from '../support/scripted-server.js';

const SM = "xmlns='urn:xmpp:sm:3'";
const HEADER =
  "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' version='1.0'>";
const REFUSED = (h: string) =>
  `<failed ${SM}${h}><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>`;

/** Up to the offer of a resource and, unless told otherwise, of stream management. */
async function authenticate(session: ScriptedSession, offer = `<sm ${SM}/>`): Promise<void> {
  await session.expect(/<stream:stream[^>]*>/);
  session.send(
    `${HEADER}<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>`,
  );
  await session.expect(/<auth [^>]*>[^<]*<\/auth>/);
  session.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
  await session.expect(/<stream:stream[^>]*>/);
  session.send(
    `${HEADER}<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>${offer}</stream:features>`,
  );
}

/** Binds what is asked for. */
async function bind(session: ScriptedSession): Promise<void> {
  const [, id, resource] = await session.expect(
    /<iq [^>]*id="([^"]*)"[^>]*><bind[^>]*>(?:<resource>([^<]*)<\/resource>)?[\s\S]*?<\/iq>/,
  );
  session.send(
    `<iq id='${id}' type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>alice@localhost/${resource}</jid></bind></iq>`,
  );
}

async function enable(session: ScriptedSession, attributes = "id='first' resume='true'"): Promise<void> {
  await bind(session);
  await session.expect(/<enable [^>]*\/>/);
  session.send(`<enabled ${SM} ${attributes}/>`);
  await session.expect(/<presence[^>]*\/>/);
}

const message = (text: string) => xml('message', { to: 'bob@localhost' }, xml('q', { xmlns: 'test' }, text));

describe('stream management with a scripted server', () => {
  let server: ScriptedServer | undefined;
  let alice: Entity | undefined;
  let events: string[] = [];

  /** `script` plays the connections, one after another. */
  async function begin(
    script: readonly ((session: ScriptedSession) => Promise<void>)[],
    management: StreamManagementInit = {},
    tls: 'allowed' | 'off' = 'off',
  ): Promise<Entity> {
    const waiting = [...script];
    server = await ScriptedServer.start(async (session) => {
      session.answersClose = true;
      const play = waiting.shift();
      if (play) await play(session);
      else session.socket.destroy();
    });
    const entity = clientEntity(ENTITY_COMPONENTS, {
      jid: parseJid('alice@localhost/desk'),
      password: 'alicepw',
      server: { host: '127.0.0.1', port: server.port },
      tls,
      management,
      times: { minBackoffMs: 10, maxBackoffMs: 20 },
    });
    alice = entity;
    events = [];
    entity.onEvent((event) => {
      events.push(event.type === 'online' && event.resumed ? 'resumed' : event.type);
    });
    await entity.start();
    return entity;
  }

  const until = (last: string) =>
    eventually(
      () => events,
      (all) => all.length > 1 && all.at(-1) === last,
    );

  afterEach(async () => {
    await alice?.stop();
    await server?.stop();
    [alice, server] = [undefined, undefined];
  });

  it('counts and answers, and asks after 32 stanzas and no sooner', async () => {
    let asked = '';
    const done: string[] = [];
    const entity = await begin([
      async (session) => {
        await authenticate(session);
        await enable(session);
        session.send("<message from='bob@localhost'/><presence from='bob@localhost/x'/>");
        session.send(`<iq from='bob@localhost/x' id='1' type='result'/><r ${SM}/>`);
        const [, h = ''] = await session.expect(/<a xmlns="urn:xmpp:sm:3" h="(\d+)"\/>/);
        done.push(h);
        [asked] = await session.expect(/[\s\S]*<r xmlns="urn:xmpp:sm:3"\/>/);
        done.push('asked');
      },
    ]);
    await eventually(
      () => done.length,
      (count) => count === 1,
    );
    assert.deepEqual(done, ['3']);
    for (let n = 0; n < 40; n++) entity.send(message(`${n}`));
    await eventually(
      () => done.length,
      (count) => count === 2,
    );
    // One more, her presence, went before.
    assert.equal(asked.split('<message').length - 1, 31);
  });

  it('sends again all that it kept, however many bytes its letters have', async () => {
    let fill: () => void = () => undefined;
    const filled = new Promise<void>((resolve) => {
      fill = resolve;
    });
    let cameBytes = 0;
    const entity = await begin([
      async (session) => {
        await authenticate(session);
        await enable(session);
        session.socket.destroy();
      },
      async (session) => {
        await authenticate(session);
        await session.expect(/<resume [^>]*\/>/);
        session.socket.removeAllListeners('data');
        session.socket.on('data', (text: string) => {
          cameBytes += Buffer.byteLength(text);
        });
        await filled;
        session.send(`<resumed ${SM} h='1' previd='first'/>`);
        await eventually(
          () => cameBytes,
          (came) => came > 0, // we ask whether it goes on
        );
        session.send(`<a ${SM} h='1'/>`);
      },
    ]);
    await eventually(
      () => server?.connections,
      (count) => count === 2,
    );
    const text = '鮭'.repeat(20_000);
    let sentBytes = 0;
    const send = () => {
      for (;;) {
        entity.send(message(text));
        sentBytes += Buffer.byteLength(text);
      }
    };
    assert.throws(send, OfflineError);
    fill();
    await eventually(
      () => cameBytes,
      (came) => came > sentBytes,
    );
    assert.ok(entity.online);
    assert.deepEqual(
      events.filter((each) => each === 'offline'),
      [],
    );
  });

  it('sends messages again when it is refused, and only those that were not handled', async () => {
    let [sent, again, resume] = ['', '', ''];
    const entity = await begin([
      async (session) => {
        await authenticate(session);
        await enable(session);
        [sent] = await session.expect(/[\s\S]*type="get"[\s\S]*<\/iq>/);
        session.socket.destroy();
      },
      async (session) => {
        await authenticate(session);
        [resume] = await session.expect(/<resume [^>]*\/>/);
        session.send(REFUSED(" h='2'")); // presence and the first message
        await enable(session, "id='second' resume='true'");
        [again] = await session.expect(/[\s\S]*<end xmlns="test"\/><\/message>/);
      },
    ]);
    entity.send(message('one'));
    entity.send(message('two'));
    entity.send(xml('message', { to: 'bob@localhost', type: 'error' }, xml('q', { xmlns: 'test' }, 'error')));
    const answer = entity.request({
      to: parseJid('bob@localhost'),
      type: 'get',
      payload: xml('p', { xmlns: 'test' }),
    });
    await assert.rejects(answer, OfflineError);
    await until('online');
    assert.deepEqual(events, ['online', 'offline', 'online']);
    assert.equal(entity.jid, 'alice@localhost/desk');
    entity.send(xml('message', { to: 'bob@localhost' }, xml('end', { xmlns: 'test' })));
    await eventually(
      () => again,
      (text) => text !== '',
    );
    assert.match(resume, /previd="first"/);
    assert.match(resume, /h="0"/);
    const idOf = (text: string, of: string) =>
      new RegExp(`<message [^>]*id="([^"]*)"[^>]*><q xmlns="test">${of}<`).exec(text)?.[1];
    assert.doesNotMatch(again, /one|error|<p /);
    assert.match(again, /<delay xmlns="urn:xmpp:delay" from="alice@localhost\/desk" stamp="\d{4}-/);
    assert.equal(idOf(again, 'two'), idOf(sent, 'two'));
    assert.equal(again.split('two').length, 2);
  });

  it('resends nothing old, and nothing from an address that is not ours any more', async () => {
    let again = '';
    const entity = await begin([
      async (session) => {
        await authenticate(session);
        await enable(session);
        await session.expect(/old/);
        session.socket.destroy();
      },
      async (session) => {
        await authenticate(session, ''); // it has no stream management any more
        const [, id] = await session.expect(/<iq [^>]*id="([^"]*)"[\s\S]*<\/iq>/);
        session.send(
          `<iq id='${id}' type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>alice@localhost/other</jid></bind></iq>`,
        );
        [again] = await session.expect(/[\s\S]*<q xmlns="test">new<[\s\S]*<\/message>/);
      },
    ]);
    entity.send(message('old'));
    await until('online');
    assert.equal(entity.jid, 'alice@localhost/other');
    entity.send(message('new'));
    await eventually(
      () => again,
      (text) => text !== '',
    );
    assert.doesNotMatch(again, /old|<enable/);
  });

  it('ends a stream whose server acknowledges what was never sent, and begins a new session', async () => {
    let error = '';
    await begin([
      async (session) => {
        await authenticate(session);
        await enable(session);
        session.send(`<a ${SM} h='9'/>`);
        [error] = await session.expect(/<stream:error[\s\S]*<\/stream:error>/);
      },
      async (session) => {
        await authenticate(session);
        await enable(session);
      },
    ]);
    await until('online');
    assert.deepEqual(events, ['online', 'offline', 'online']);
    assert.match(error, /<handled-count-too-high xmlns="urn:xmpp:sm:3" h="9" send-count="1"\/>/);
  });

  for (const [what, element] of [
    ['out of turn', `<resumed ${SM} h='0' previd='first'/>`],
    ['as only clients do', `<enable ${SM}/>`],
    ['without a count', `<a ${SM}/>`],
    ['in words unknown', `<nothing ${SM}/>`],
  ] as const) {
    it(`begins a new session when the server speaks of it ${what}`, async () => {
      await begin([
        async (session) => {
          await authenticate(session);
          await enable(session);
          session.send(element);
        },
        async (session) => {
          await authenticate(session);
          await enable(session);
        },
      ]);
      await until('online');
      assert.deepEqual(events, ['online', 'offline', 'online']);
    });
  }

  it('does without where the server refuses, or only acknowledges', async () => {
    let seen = '';
    const entity = await begin([
      async (session) => {
        await authenticate(session);
        await bind(session);
        await session.expect(/<enable [^>]*\/>/);
        session.send(REFUSED(''));
        await session.expect(/<presence[^>]*\/>/);
        session.socket.destroy();
      },
      async (session) => {
        await authenticate(session);
        await enable(session, '');
        session.socket.destroy();
      },
      async (session) => {
        await authenticate(session);
        [seen] = await session.expect(/<(resume|iq) /);
        session.socket.destroy();
      },
    ]);
    await eventually(
      () => seen,
      (text) => text !== '',
    );
    assert.equal(seen, '<iq ');
    assert.deepEqual(events.slice(0, 4), ['online', 'offline', 'online', 'offline']);
    assert.ok(!entity.online);
  });

  it('gives a session up when its time is over, and says so once', async () => {
    const entity = await begin(
      [
        async (session) => {
          await authenticate(session);
          await enable(session, "id='first' resume='true' max='1'");
          session.socket.destroy();
        },
      ],
      { times: { maxSuspendedMs: 200 } },
    );
    await server?.stop();
    await until('offline');
    assert.ok(!entity.online);
    assert.throws(() => entity.send(message('too late')), OfflineError);
    assert.deepEqual(events, ['online', 'offline']);
  });

  it('keeps a session through attempts to resume it that come to nothing', async () => {
    const entity = await begin([
      async (session) => {
        await authenticate(session);
        await enable(session);
        session.socket.destroy();
      },
    ]);
    // The script is over: those after it are hung up on.
    await eventually(
      () => server?.connections ?? 0,
      (count) => count >= 5,
    );
    assert.ok(entity.online, 'the session may still be resumed');
    assert.deepEqual(events, ['online']);
  });

  it('is offline from the refusal to resume on, and says nothing before there is an address', async () => {
    let [said, isBound] = ['', false];
    let goOn: () => void = () => undefined;
    const checked = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const entity = await begin([
      async (session) => {
        await authenticate(session);
        await enable(session);
        session.socket.destroy();
      },
      async (session) => {
        await authenticate(session);
        await session.expect(/<resume [^>]*\/>/);
        session.send(REFUSED(''));
        const [, id] = await session.expect(/<iq [^>]*id="([^"]*)"[^>]*><bind[\s\S]*?<\/iq>/);
        isBound = true;
        await checked;
        session.send(
          `<iq id='${id}' type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>alice@localhost/desk</jid></bind></iq>`,
        );
        [said] = await session.expect(/[\s\S]*<enable [^>]*\/>/);
        await eventually(
          () => entity.online,
          (online) => !online,
        );
        assert.throws(() => entity.send(message('while it is being managed')), OfflineError);
        session.send(`<enabled ${SM}/>`);
      },
    ]);
    await eventually(
      () => isBound,
      (bound) => bound,
    );
    assert.deepEqual([entity.online, events], [false, ['online', 'offline']]);
    assert.throws(() => entity.send(message('too early')), OfflineError);
    goOn();
    await until('online');
    assert.deepEqual(events, ['online', 'offline', 'online']);
    assert.doesNotMatch(said, /message/);
  });

  it('is resumed by nobody who has not shown who they are: what comes before encryption offers only that', async () => {
    let said = '';
    await begin(
      [
        async (session) => {
          await authenticate(session);
          await enable(session);
          session.socket.destroy();
        },
        async (session) => {
          await session.expect(/<stream:stream[^>]*>/);
          session.send(
            `${HEADER}<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm ${SM}/></stream:features>`,
          );
          [said] = await session.expect(/<(starttls|resume|iq) /);
        },
      ],
      {},
      'allowed',
    );
    await eventually(
      () => said,
      (text) => text !== '',
    );
    assert.equal(said, '<starttls ');
  });

  it('speaks of its session to nobody before it has logged in, whatever is offered', async () => {
    let said = '';
    await begin([
      async (session) => {
        await authenticate(session);
        await enable(session);
        session.socket.destroy();
      },
      async (session) => {
        await session.expect(/<stream:stream[^>]*>/);
        session.send(
          `${HEADER}<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm ${SM}/></stream:features>`,
        );
        [said] = await session.expect(/<(auth|resume|iq) /);
      },
    ]);
    await eventually(
      () => said,
      (text) => text !== '',
    );
    assert.equal(said, '<auth ');
  });
});
