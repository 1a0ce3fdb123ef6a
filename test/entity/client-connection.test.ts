import assert from 'node:assert/strict';
import {
  clientLoss,
  clientLossOfError,
  isLoopback,
  mechanismOf,
} from '../../src/entity/client-connection.js';
import { clientEntity } from '../../src/entity/client-entity.js';
import { RefusedError } from '../../src/entity/entity.js';
import { parseJid } from '../../src/stanza/jid.js';
import { ENTITY_COMPONENTS } from '../support/attached.js';
import { eventually } from '../support/eventually.js';
import { freePorts } from '../support/free-ports.js';
import { ScriptedServer, type ScriptedSession } from '../support/scripted-server.js';

const HEADER =
  "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' version='1.0'>";

async function features(session: ScriptedSession, content: string): Promise<void> {
  await session.expect(/<stream:stream[^>]*>/);
  session.send(`${HEADER}<stream:features>${content}</stream:features>`);
}

const mechanisms = (...names: string[]) =>
  `<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${names.map((each) => `<mechanism>${each}</mechanism>`).join('')}</mechanisms>`;

describe('client connection', () => {
  it('prefers a mechanism that does not show the password', () => {
    assert.equal(mechanismOf(['PLAIN', 'SCRAM-SHA-1'], true), 'SCRAM-SHA-1');
    assert.equal(mechanismOf(['SCRAM-SHA-1', 'PLAIN'], false), 'SCRAM-SHA-1');
    assert.equal(mechanismOf(['PLAIN'], true), 'PLAIN');
  });

  it('takes a broken policy and faults of TLS for what may pass, and says which it was', () => {
    const fault = (code: string) => Object.assign(new Error('test'), { code });
    const account = parseJid('alice@localhost');
    const violation = clientLoss({ condition: 'policy-violation', text: undefined }, 'localhost', account);
    const expired = clientLossOfError(fault('CERT_HAS_EXPIRED'), 'localhost');
    const damaged = clientLossOfError(fault('ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC'), 'localhost');
    for (const loss of [violation, expired, damaged]) assert.ok(loss.type === 'refused' && loss.passing);
    assert.match(expired.error.message, /does not prove/);
    assert.doesNotMatch(damaged.error.message, /prove/);
    const unauthorized = clientLoss({ condition: 'not-authorized', text: undefined }, 'localhost', account);
    assert.ok(unauthorized.type === 'refused' && !unauthorized.passing);
  });

  it('never sends the password in the clear where others can listen', () => {
    assert.throws(() => mechanismOf(['PLAIN'], false), RefusedError);
    assert.throws(() => mechanismOf(['PLAIN', 'ANONYMOUS'], false), /password in the clear/);
    assert.throws(() => mechanismOf(['ANONYMOUS'], true), RefusedError);
  });

  it('knows what this machine is', () => {
    for (const here of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1'])
      assert.ok(isLoopback(here), here);
    for (const elsewhere of ['', '10.0.0.1', '::2', '127.0.0.1.example.org', '::ffff:10.0.0.1']) {
      assert.ok(!isLoopback(elsewhere), elsewhere);
    }
  });

  describe('to a scripted server', () => {
    let server: ScriptedServer | undefined;
    const login = (port: number, tls: 'required' | 'allowed' | 'off') =>
      clientEntity(ENTITY_COMPONENTS, {
        jid: parseJid('alice@localhost'),
        password: 'alicepw',
        server: { host: '127.0.0.1', port },
        tls,
      });

    async function refused(tls: 'required' | 'allowed' | 'off', words: RegExp): Promise<void> {
      assert.ok(server);
      const alice = login(server.port, tls);
      await assert.rejects(alice.start(), (error: unknown) => {
        assert.ok(error instanceof RefusedError, String(error));
        assert.match(error.message, words);
        return true;
      });
      await alice.stop();
    }

    afterEach(async () => {
      await server?.stop();
      server = undefined;
    });

    it('sends nothing of a login to a server without encryption where that is required', async () => {
      let seen = '';
      server = await ScriptedServer.start(async (session) => {
        await features(session, mechanisms('PLAIN', 'SCRAM-SHA-1'));
        await session.expect(/<never\/>/).catch(() => {
          seen = session.received;
        });
      });
      await refused('required', /offers no encryption/);
      assert.doesNotMatch(seen, /<auth/);
    });

    it('gives up when encryption is offered and then refused', async () => {
      server = await ScriptedServer.start(async (session) => {
        await features(session, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
        await session.expect(/<starttls[^>]*>/);
        session.send("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>");
      });
      await refused('allowed', /offers encryption and then refuses it/);
    });

    it('does not work itself to death for a server that asks for it (SCRAM iterations)', async () => {
      server = await ScriptedServer.start(async (session) => {
        await features(session, mechanisms('SCRAM-SHA-1'));
        const [, first = ''] = await session.expect(/<auth[^>]*>([^<]*)<\/auth>/);
        const nonce = /r=([^,]*)/.exec(Buffer.from(first, 'base64').toString())?.[1];
        const challenge = Buffer.from(`r=${nonce}x,s=c2FsdA==,i=2000000000`).toString('base64');
        session.send(`<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${challenge}</challenge>`);
      });
      await refused('off', /iterations/);
    });

    it('does not let the library use what it would use unasked: stream management, XEP-0388', async () => {
      let asked = '';
      server = await ScriptedServer.start(async (session) => {
        await features(
          session,
          `${mechanisms('PLAIN')}<authentication xmlns='urn:xmpp:sasl:2'><mechanism>PLAIN</mechanism></authentication>`,
        );
        await session.expect(/<auth [^>]*>[^<]*<\/auth>/);
        session.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
        await features(
          session,
          "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/>",
        );
        const [, id] = await session.expect(/<iq [^>]*id="([^"]*)"[\s\S]*<\/iq>/);
        session.send(
          `<iq id='${id}' type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>alice@localhost/r</jid></bind></iq>`,
        );
        const [enable] = await session.expect(/<enable[^>]*>/);
        session.send("<failed xmlns='urn:xmpp:sm:3'/>");
        const [all] = await session.expect(/[\s\S]*<\/stream:stream>/);
        asked = enable + all;
      });
      const alice = login(server.port, 'off');
      await alice.start();
      assert.equal(alice.jid, 'alice@localhost/r');
      await alice.stop();
      assert.match(
        asked,
        /^<enable xmlns="urn:xmpp:sm:3" resume="true" max="300"\/><presence\/><\/stream:stream>$/,
      );
    });

    it('takes nothing for a stanza that came before the server had let it in', async () => {
      const message = (body: string) =>
        `<message from='juliet@localhost'><q xmlns='test'>${body}</q></message>`;
      server = await ScriptedServer.start(async (session) => {
        await features(session, mechanisms('PLAIN'));
        await session.expect(/<auth [^>]*>[^<]*<\/auth>/);
        // Whoever sits on the line could slip this in before the line is encrypted.
        session.send(
          `${message('forged')}<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>${message('forged too')}`,
        );
        await features(session, "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>");
        const [, id] = await session.expect(/<iq [^>]*id="([^"]*)"[\s\S]*<\/iq>/);
        session.send(
          `<iq id='${id}' type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>alice@localhost/r</jid></bind></iq>${message('true')}`,
        );
      });
      const alice = login(server.port, 'off');
      const heard: string[] = [];
      alice.handleMessage('q', 'test', ({ stanza }) =>
        heard.push(stanza.getText() || String(stanza.getChildText('q'))),
      );
      await alice.start();
      await eventually(
        () => heard.length,
        (count) => count > 0,
      );
      await alice.stop();
      assert.deepEqual(heard, ['true']);
    });

    it('fails at once where nobody is there: somebody waits', async () => {
      const [port] = await freePorts(1);
      const alice = login(port, 'off');
      await assert.rejects(alice.start(), /ECONNREFUSED/);
      await alice.stop();
    });
  });
});
