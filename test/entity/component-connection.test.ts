import assert from 'node:assert/strict';
import { once } from 'node:events';
import { systemClock } from '../../src/clock.js';
import { componentConnection, componentLoss } from '../../src/entity/component-connection.js';
import type { ConnectionTimes } from '../../src/entity/connection-machine.js';
import { type Entity, OfflineError, RefusedError } from '../../src/entity/entity.js';
import { StanzaRouter } from '../../src/entity/stanza-router.js';
import { AbortedError } from '../../src/errors.js';
import { createLog, type Log, silentLog } from '../../src/log.js';
import { parseBareJid, parseJid } from '../../src/stanza/jid.js';
import { xml } from '../../src/stanza/xml.js';
import { eventually } from '../support/eventually.js';
import { freePorts } from '../support/free-ports.js';
import { ScriptedServer, type ScriptedSession } from '../support/scripted-server.js';
import { settle } from '../support/virtual-clock.js';

const FILES = parseBareJid('files.localhost');
const STREAM_ERROR = (condition: string) =>
  `<stream:error><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>`;

/** The times of the real thing, a hundred times as fast. */
const FAST: Partial<ConnectionTimes> = {
  connectTimeoutMs: 300,
  minBackoffMs: 10,
  maxBackoffMs: 50,
  stableMs: 300,
  pingIntervalMs: 60,
  pongTimeoutMs: 60,
};

/** Timers that keep the process alive. Ours never do, the library's would. */
function waitingTimeouts(): number {
  return process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;
}

describe('component connection, to a scripted server', () => {
  let server: ScriptedServer | undefined;
  let entity: Entity | undefined;
  let events: string[];

  function attach(port: number, times: Partial<ConnectionTimes> = FAST, log: Log = silentLog): Entity {
    events = [];
    const components = { clock: systemClock, log };
    const init = { jid: FILES, host: '127.0.0.1', port, secret: 'secret', times };
    entity = new StanzaRouter({ ...components, connection: componentConnection(components, init) });
    entity.onEvent((event) => events.push(event.type));
    return entity;
  }

  async function play(
    script: (session: ScriptedSession, n: number) => Promise<void>,
  ): Promise<ScriptedServer> {
    let count = 0;
    server = await ScriptedServer.start((session) => script(session, ++count));
    return server;
  }

  afterEach(async () => {
    await entity?.stop();
    await server?.stop();
    entity = undefined;
    server = undefined;
  });

  it('keeps a character whole that comes in two packets (split UTF-8)', async () => {
    const text = '日本語の長い題名 𠮷 '.repeat(50);
    const { port } = await play(async (session) => {
      await session.acceptComponent();
      const stanza = `<message from='a@localhost/x' to='files.localhost'><q xmlns='test'>${text}</q></message>`;
      for (const byte of Buffer.from(stanza)) {
        session.socket.write(Buffer.of(byte));
        await new Promise(setImmediate);
      }
    });
    const got = new Promise<string | null>((resolve) => {
      attach(port, {}).handleMessage('q', 'test', ({ stanza }) => resolve(stanza.getChildText('q')));
    });
    await entity?.start();
    assert.equal(await got, text);
  });

  it('gets stanzas that come in the same packet as the end of the handshake', async () => {
    const { port } = await play(async (session) => {
      await session.expect(/<stream:stream[^>]*>/);
      session.send(
        "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='1'>",
      );
      await session.expect(/<\/handshake>/);
      session.send(
        "<handshake/><message from='a@localhost' to='files.localhost'><q xmlns='test'/></message>",
      );
    });
    const seen: string[] = [];
    const files = attach(port);
    files.onEvent((event) => seen.push(event.type));
    files.handleMessage('q', 'test', () => seen.push('message'));
    await files.start();
    await eventually(
      () => seen,
      (all) => all.length >= 2,
    );
    assert.deepEqual(seen, ['online', 'message']);
  });

  it('sends without waiting for acknowledgements of TCP (Nagle)', async () => {
    const { port } = await play(async (session) => {
      await session.acceptComponent();
      for (;;) {
        // Answering both at once, the server has nothing to send along with an early acknowledgement.
        const [, one, two] = await session.expect(
          /<iq [^>]*id="([^"]+)".*?<\/iq><iq [^>]*id="([^"]+)".*?<\/iq>/,
        );
        for (const id of [one, two]) {
          session.send(`<iq from='a@localhost/x' to='files.localhost' id='${id}' type='result'/>`);
        }
      }
    });
    const files = attach(port, {});
    await files.start();
    const from = performance.now();
    for (let n = 0; n < 50; n++) {
      const payload = xml('q', { xmlns: 'test' });
      const to = parseJid('a@localhost/x');
      const first = files.request({ to, type: 'get', payload });
      await new Promise(setImmediate); // a write of its own
      await Promise.all([first, files.request({ to, type: 'get', payload })]);
    }
    const each = (performance.now() - from) / 50;
    assert.ok(each < 20, `${each} ms for two requests; with Nagle it is more than 40`);
  });

  it('answers no iq twice: the library’s own layers are out of the way', async () => {
    let sent = '';
    const { port } = await play(async (session) => {
      await session.acceptComponent();
      session.send(
        "<iq from='a@localhost/x' to='files.localhost' id='1' type='get'><unknown xmlns='x'/></iq>",
      );
      session.send("<iq from='a@localhost/x' to='files.localhost' id='2' type='get'><q xmlns='test'/></iq>");
      await session.expect(/id="2"/);
      session.send("<iq from='a@localhost/x' to='files.localhost' id='3' type='get'><q xmlns='test'/></iq>");
      const [all] = await session.expect(/^[\s\S]*id="3"[\s\S]*?>/);
      sent = all;
    });
    const files = attach(port, {});
    let calls = 0;
    files.handleIq('get', 'q', 'test', () => {
      calls += 1;
      return undefined;
    });
    await files.start();
    await eventually(
      () => sent,
      (text) => text !== '',
    );
    assert.equal(calls, 2);
    assert.equal(sent.match(/<iq/g)?.length, 1, sent);
  });

  it('notices that nobody is at the other end (half-open TCP) and connects anew', async () => {
    let pings = 0;
    const { port } = await play(async (session, n) => {
      await session.acceptComponent();
      if (n === 1) return; // and never a word again
      for (;;) {
        const [, id] = await session.expect(
          /<iq [^>]*id="([^"]+)"[^>]*><ping xmlns="urn:xmpp:ping"\/><\/iq>/,
        );
        session.send(`<iq from='files.localhost' to='files.localhost' id='${id}' type='result'/>`);
        pings += 1;
      }
    });
    const files = attach(port);
    await files.start();
    const payload = xml('q', { xmlns: 'test' });
    await assert.rejects(files.request({ to: parseJid('a@localhost'), type: 'get', payload }), OfflineError);
    // On the second stream pings are answered, and it stays.
    await eventually(
      () => pings,
      (count) => count >= 4,
    );
    assert.deepEqual(events, ['online', 'offline', 'online']);
    assert.equal(server?.connections, 2);
  });

  it('does not wait for ever for a server that accepts and says nothing', async () => {
    const { port } = await play(async (session, n) => {
      if (n > 1) await session.acceptComponent();
    });
    await attach(port).start();
    assert.equal(server?.connections, 2);
  });

  it('goes on trying while nobody is there, and is let in when somebody comes', async () => {
    const [port] = await freePorts(1);
    const warnings: string[] = [];
    const log = createLog('warn', { write: (line) => warnings.push(line) });
    const started = attach(port, FAST, log).start();
    await eventually(
      () => warnings.length,
      (count) => count >= 3,
    );
    assert.match(warnings[0] ?? '', /ECONNREFUSED/);
    server = await ScriptedServer.start((session) => session.acceptComponent(), port);
    await started;
    assert.deepEqual(events, ['online']);
  });

  it('can be stopped while nobody is there', async () => {
    const [port] = await freePorts(1);
    const started = assert.rejects(attach(port).start(), AbortedError);
    await entity?.stop();
    await started;
    assert.deepEqual(events, []);
  });

  for (const [condition, words] of [
    ['not-authorized', /does not accept our secret for files\.localhost/],
    ['host-unknown', /knows no component files\.localhost/],
    ['invalid-namespace', /is not a port for components/],
  ] as const) {
    it(`gives up with a clear message on ${condition}, without trying again`, async () => {
      const { port } = await play(async (session) => {
        await session.expect(/<stream:stream[^>]*>/);
        session.send(
          "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='1'>" +
            STREAM_ERROR(condition),
        );
        session.socket.end();
      });
      const before = waitingTimeouts();
      await assert.rejects(attach(port).start(), (error: unknown) => {
        assert.ok(error instanceof RefusedError, String(error));
        assert.match(error.message, words);
        return true;
      });
      assert.deepEqual(events, ['failed']);
      assert.equal(server?.connections, 1);
      await settle(); // until the socket is closed, when the library would set its timer
      assert.ok(waitingTimeouts() <= before, 'nothing is left to try again');
    });
  }

  it('tries a conflict a bounded number of times', async () => {
    const { port } = await play(async (session) => {
      await session.expect(/<stream:stream[^>]*>/);
      session.send(
        "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='1'>",
      );
      await session.expect(/<\/handshake>/);
      session.send(STREAM_ERROR('conflict'));
      session.socket.end();
    });
    await assert.rejects(attach(port).start(), /another program is connected to .* as files\.localhost/);
    assert.equal(server?.connections, 6);
  });

  for (const [what, bytes] of [
    ['something else than XMPP', 'HTTP/1.1 400 Bad Request\r\n\r\n<html><body>&nbsp;</wrong>'],
    ['an entity that would raise an exception in the socket’s listener', '<message>&bomb;</message>'],
    ['a stanza that never ends', `<message>${'<a>x'.repeat(100)}`],
  ] as const) {
    it(`survives ${what}`, async () => {
      const { port } = await play(async (session, n) => {
        if (n === 1 && bytes.startsWith('HTTP')) session.send(bytes);
        else await session.acceptComponent();
        if (n === 1) session.send(bytes);
      });
      await attach(port).start();
      await eventually(
        () => server?.connections,
        (count) => count === 2,
      );
      await eventually(
        () => entity?.online,
        (online) => online === true,
      );
    });
  }

  it('connects again after a stream error that time may mend', async () => {
    const { port } = await play(async (session, n) => {
      await session.acceptComponent();
      if (n > 1) return;
      await session.expect(/<message/);
      session.send(STREAM_ERROR('system-shutdown'));
      session.socket.end();
    });
    const files = attach(port, { ...FAST, pingIntervalMs: 60_000 });
    await files.start();
    files.send(xml('message', { to: 'a@localhost' }));
    await eventually(
      () => events.length,
      (count) => count === 3,
    );
    assert.deepEqual(events, ['online', 'offline', 'online']);
  });

  it('does not follow a server that sends it elsewhere', async () => {
    let elsewhere = 0;
    const other = await ScriptedServer.start(async () => {
      elsewhere += 1;
    });
    try {
      const { port } = await play(async (session, n) => {
        await session.acceptComponent();
        if (n > 1) return;
        await session.expect(/<message/);
        session.send(
          "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>" +
            `127.0.0.1:${other.port}</see-other-host></stream:error></stream:stream>`,
        );
        session.socket.end();
      });
      const files = attach(port, { ...FAST, pingIntervalMs: 60_000 });
      await files.start();
      files.send(xml('message', { to: 'a@localhost' }));
      await eventually(
        () => events.length,
        (count) => count === 3,
      );
      assert.equal(elsewhere, 0);
    } finally {
      await other.stop();
    }
  });

  it('closes the stream before the socket when stopped, after what was sent', async () => {
    let ended = '';
    const { port } = await play(async (session) => {
      session.answersClose = false;
      await session.acceptComponent();
      const [all] = await session.expect(/[\s\S]*<\/stream:stream>/);
      ended = all;
      session.send('</stream:stream>');
      await once(session.socket, 'end');
      ended += ' then the socket';
      session.socket.end();
    });
    const files = attach(port, {});
    await files.start();
    files.send(xml('message', { to: 'a@localhost', id: 'last' }));
    await files.stop();
    await eventually(
      () => ended,
      (text) => text.endsWith('socket'),
    );
    assert.match(ended, /id="last".*<\/stream:stream> then the socket$/);
    assert.deepEqual(events, ['online', 'offline']);
  });

  it('stops within seconds when the server does not answer the close', async () => {
    let hungUp = false;
    const { port } = await play(async (session) => {
      session.answersClose = false;
      await session.acceptComponent();
      await session.expect(/<never\/>/).catch(() => {
        hungUp = true;
      });
    });
    const files = attach(port, {});
    await files.start();
    const from = performance.now();
    await files.stop();
    assert.ok(performance.now() - from < 4000);
    await eventually(
      () => hungUp,
      (value) => value,
    );
  });

  it('stops reading a server that floods it with requests and takes no answers (inbound flood)', async () => {
    let refused = false;
    const { port } = await play(async (session) => {
      await session.acceptComponent();
      session.socket.pause(); // answers pile up
      const request = `<iq from='a@localhost/x' to='files.localhost' id='1' type='get'><q xmlns='test'/></iq>`;
      // What the component has not read fills the buffers between us.
      for (let bytes = 0; bytes < 64_000_000; bytes += request.length * 1000) {
        if (!session.socket.write(request.repeat(1000)) && session.socket.writableLength > 8_000_000) {
          refused = true;
          break;
        }
        await new Promise(setImmediate);
      }
      session.socket.resume();
    });
    const files = attach(port, {});
    files.handleIq('get', 'q', 'test', () => xml('a', { xmlns: 'test' }, 'x'.repeat(2000)));
    await files.start();
    await eventually(
      () => refused,
      (value) => value,
    );
    // Once its answers are taken it goes on.
    const asked = files.request({
      to: parseJid('b@localhost'),
      type: 'get',
      payload: xml('q'),
      timeoutMs: 50,
    });
    await assert.rejects(asked, /no answer/);
    assert.ok(files.online);
  });

  it('is started once', async () => {
    const { port } = await play((session) => session.acceptComponent());
    const files = attach(port);
    await files.start();
    await assert.rejects(files.start(), AbortedError);
  });
});

describe('componentLoss', () => {
  it('takes what it does not know for something that time may mend', () => {
    const loss = componentLoss({ condition: 'reset', text: 'bye' }, 'host:1', FILES);
    assert.equal(loss.type, 'broken');
    assert.equal(loss.error.message, 'host:1 ended the stream: reset (bye)');
  });
});
