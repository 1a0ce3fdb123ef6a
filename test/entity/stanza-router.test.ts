import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Entity, OfflineError, StanzaTooLargeError } from '../../src/entity/entity.js';
import { MAX_STANZA_BYTES } from '../../src/entity/stanza-router.js';
import { AbortedError, LimitError, ParseError, TimeoutError } from '../../src/errors.js';
import { parseJid } from '../../src/stanza/jid.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import { Element, xml } from '../../src/stanza/xml.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

const FILES = parseJid('files.example.org');
const JULIET = parseJid('juliet@example.org/pda');
const ROMEO = parseJid('romeo@example.net/orchard');
/** Three and more of them may wait for one account. */
const PENDING = 32;
const question = () => xml('q', { xmlns: 'test' });

describe('StanzaRouter', () => {
  let clock: VirtualClock;
  let net: MemoryNetwork;
  let files: Entity;
  let juliet: Entity;
  let delivered: Element[];

  beforeEach(async () => {
    clock = new VirtualClock();
    net = new MemoryNetwork({ clock });
    delivered = [];
    net.watch((stanza) => delivered.push(stanza));
    files = net.component(FILES, { maxPendingIqs: PENDING, maxConcurrentIqs: 6, maxConcurrentIqsPerPeer: 3 });
    juliet = net.client(JULIET);
    await files.start();
    await juliet.start();
  });

  afterEach(async () => {
    await juliet.stop();
    await files.stop();
    assert.equal(clock.pendingTimers, 0);
  });

  const ask = (options = {}) => files.request({ to: JULIET, type: 'get', payload: question(), ...options });
  const condition = (name: string) => (error: unknown) =>
    error instanceof StanzaError && error.condition === name;

  describe('answers to us', () => {
    it('takes no iq result from somebody who was not asked (forged iq results)', async () => {
      let finish: (answer: Element) => void = () => {};
      juliet.handleIq('get', 'q', 'test', () => new Promise((resolve) => (finish = resolve)));
      const asked = ask();
      await settle();
      const id = delivered[0]?.attrs.id;
      for (const from of [ROMEO, 'juliet@example.org', 'juliet@example.org/other', 'example.org', FILES]) {
        net.inject(xml('iq', { from, to: FILES, id, type: 'result' }, xml('forged')));
        net.inject(xml('iq', { from, to: FILES, id, type: 'error' }));
      }
      await settle();
      finish(xml('honest', { xmlns: 'test' }));
      assert.ok((await asked).getChild('honest', 'test'));
    });

    it('takes no answer that is for another of our addresses', async () => {
      const asked = ask({ from: parseJid('files.example.org/a'), timeoutMs: 1000 });
      asked.catch(() => {});
      net.drop((stanza) => stanza.attrs.type === 'error');
      await settle();
      net.inject(
        xml('iq', { from: JULIET, to: 'files.example.org/b', id: delivered[0]?.attrs.id, type: 'result' }),
      );
      await clock.advance(1000);
      await assert.rejects(asked, TimeoutError);
    });

    it('asks with ids that nobody can guess', async () => {
      net.drop((stanza) => stanza.getName() === 'iq');
      const seen: string[] = [];
      net.drop((stanza) => stanza.getName() === 'message' && seen.push(String(stanza.attrs.id)) > 0);
      for (let n = 0; n < 1000; n++) files.send(xml('message', { to: JULIET }));
      await settle();
      assert.equal(new Set(seen).size, 1000);
      for (const id of seen) assert.ok(Buffer.from(id, 'base64url').length >= 15, id);
    });

    it('throws the error that the peer answered', async () => {
      juliet.handleIq('get', 'q', 'test', () => {
        throw new StanzaError('not-allowed', 'not today');
      });
      await assert.rejects(ask(), (error: StanzaError) => error.message === 'not-allowed: not today');
    });

    it('gives up after a time, at its owner’s wish, or when it is already withdrawn', async () => {
      net.drop((stanza) => stanza.attrs.to === JULIET);
      const late = assert.rejects(ask({ timeoutMs: 500 }), TimeoutError);
      const usual = assert.rejects(ask(), TimeoutError);
      const controller = new AbortController();
      const withdrawn = assert.rejects(ask({ signal: controller.signal }), AbortedError);
      await clock.advance(500);
      await late;
      controller.abort();
      await withdrawn;
      await assert.rejects(ask({ signal: controller.signal }), AbortedError);
      await clock.advance(29_500);
      await usual;
    });

    it('rejects what waits when the stream is lost (pending iqs at a disconnect)', async () => {
      net.drop((stanza) => stanza.attrs.to === JULIET);
      const waiting = [ask(), ask(), ask()].map((each) => assert.rejects(each, OfflineError));
      net.cut(FILES);
      await Promise.all(waiting);
    });

    it('bounds how many of our requests wait', async () => {
      net.drop((stanza) => stanza.attrs.to === JULIET);
      net.drop((stanza) => stanza.attrs.to === 'example.org');
      const waiting = Array.from({ length: PENDING }, () =>
        assert.rejects(ask({ to: parseJid('example.org') }), OfflineError),
      );
      await assert.rejects(ask(), LimitError);
      await files.stop();
      await Promise.all(waiting);
    });

    it('lets no account and no service that answers nothing use them up', async () => {
      const node = net.component('node.example.org', { maxPendingIqs: 16 });
      await node.start();
      net.drop((stanza) => stanza.attrs.type === 'get');
      const waiting: Promise<void>[] = [];
      const asked = (to: string) => {
        const answer = node.request({ to: parseJid(to), type: 'get', payload: question() });
        waiting.push(assert.rejects(answer));
        return answer;
      };
      const isFull = (error: unknown) =>
        error instanceof LimitError && error.bound === 'pending-iqs-per-peer';
      for (const resource of ['a', 'b']) void asked(`${ROMEO.split('/')[0]}/${resource}`);
      await assert.rejects(asked(ROMEO), isFull);
      for (let each = 0; each < 4; each += 1) void asked('pubsub.example.net');
      await assert.rejects(asked('pubsub.example.net'), isFull);
      for (let each = 0; each < 10; each += 1) void asked('example.org');
      await node.stop();
      await Promise.all(waiting);
    });
  });

  describe('requests to us', () => {
    it('answers service-unavailable where there is no handler, for get and set alike', async () => {
      juliet.handleIq('get', 'other', 'test', () => undefined);
      await assert.rejects(ask(), condition('service-unavailable'));
      await assert.rejects(ask({ type: 'set' }), condition('service-unavailable'));
      await assert.rejects(
        ask({ payload: xml('other', { xmlns: 'foreign' }) }),
        condition('service-unavailable'),
      );
    });

    it('calls no handler any more after its registration is cancelled', async () => {
      const cancel = juliet.handleIq('get', 'q', 'test', () => undefined);
      assert.throws(() => juliet.handleIq('get', 'q', 'test', () => undefined), TypeError);
      await ask();
      cancel();
      await assert.rejects(ask(), condition('service-unavailable'));
    });

    for (const [what, thrown, expected] of [
      [
        'a ParseError as bad-request',
        new ParseError('size-min is odd', { field: 'size-min' }),
        'bad-request',
      ],
      ['a LimitError as resource-constraint', new LimitError('queries', 'full'), 'resource-constraint'],
      ['anything else as internal-server-error', new Error('/srv/secret/path'), 'internal-server-error'],
    ] as const) {
      it(`answers ${what}`, async () => {
        juliet.handleIq('get', 'q', 'test', () => {
          throw thrown;
        });
        await assert.rejects(ask(), condition(expected));
        assert.ok(!String(delivered.at(-1)).includes('/srv/secret'));
      });
    }

    it('answers an answer that is too large to send with an error', async () => {
      juliet.handleIq('get', 'q', 'test', () => xml('a', { xmlns: 'test' }, 'x'.repeat(MAX_STANZA_BYTES)));
      await assert.rejects(ask(), condition('internal-server-error'));
    });

    it('answers exactly once each, and never an answer or an error (error loops)', async () => {
      const before = delivered.length;
      const make = (type: string, ...payload: Element[]) =>
        net.inject(xml('iq', { from: JULIET, to: FILES, id: 'x1', type }, ...payload));
      make('result');
      make('error', xml('error', { type: 'cancel' }));
      net.inject(xml('iq', { from: JULIET, to: FILES, type: 'get' }, question()));
      net.inject(xml('message', { from: JULIET, to: FILES, type: 'error' }, question()));
      net.inject(xml('presence', { from: JULIET, to: FILES, type: 'probe' }));
      await settle();
      assert.equal(delivered.length - before, 5, 'nothing came back');
      make('get', question(), question());
      make('get');
      make('strange', question());
      await settle();
      const answers = delivered.filter((stanza) => stanza.attrs.from === FILES);
      assert.equal(answers.length, 3);
      for (const answer of answers) assert.ok(answer.getChild('error')?.getChild('bad-request'));
    });

    it('answers from the address that was asked', async () => {
      files.handleIq('get', 'q', 'test', () => undefined);
      const to = parseJid('files.example.org/desk');
      assert.equal((await juliet.request({ to, type: 'get', payload: question() })).attrs.from, to);
    });

    it('bounds the requests it works on, by peer and in all (inbound flood)', async () => {
      let running = 0;
      let most = 0;
      const finish: (() => void)[] = [];
      files.handleIq('get', 'q', 'test', async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise<void>((resolve) => finish.push(resolve));
        running -= 1;
        return undefined;
      });
      const flood = (from: string, count: number) => {
        for (let n = 0; n < count; n++) {
          net.inject(xml('iq', { from, to: FILES, id: `${n}`, type: 'get' }, question()));
        }
      };
      flood('juliet@example.org/pda', 50);
      flood('juliet@example.org/phone', 50);
      await settle();
      assert.equal(running, 3, 'one account counts once, however many resources it has');
      for (const peer of ['a@x.org/r', 'b@x.org/r', 'c@x.org/r', 'd@x.org/r']) flood(peer, 2);
      await settle();
      assert.equal(most, 6);
      const refused = delivered.filter((stanza) => stanza.getChild('error')?.getChild('resource-constraint'));
      assert.equal(refused.length, 100 + 8 - 6);
      for (const each of finish) each();
      await settle();
      const asked = juliet.request({ to: FILES, type: 'get', payload: question() });
      await settle();
      finish.at(-1)?.();
      await asked;
    });

    it('tells a handler when nobody can hear its answer any more', async () => {
      let signal: AbortSignal | undefined;
      files.handleIq('get', 'q', 'test', (_iq, given) => {
        signal = given;
        return new Promise(() => {});
      });
      juliet.request({ to: FILES, type: 'get', payload: question() }).catch(() => {});
      await settle();
      assert.equal(signal?.aborted, false);
      net.cut(FILES);
      assert.equal(signal?.aborted, true);
    });

    it('goes on after a stanza with an address that is none', async () => {
      files.handleIq('get', 'q', 'test', () => undefined);
      net.inject(xml('message', { from: 'a b@@x', to: FILES }, question()));
      await settle();
      await juliet.request({ to: FILES, type: 'get', payload: question() });
    });
  });

  describe('messages', () => {
    it('go to every handler of a child, once each, and one that throws harms nobody', async () => {
      const seen: string[] = [];
      files.handleMessage('q', 'test', () => {
        throw new Error('mine');
      });
      files.handleMessage('q', 'test', ({ type, from }) => seen.push(`${type} ${from}`));
      files.handleMessage('q', 'other', () => seen.push('never'));
      juliet.send(xml('message', { to: FILES }, question(), question()));
      await settle();
      assert.deepEqual(seen, [`normal ${JULIET}`]);
    });
  });

  describe('what is sent', () => {
    it('throws while offline and queues nothing (sending while offline)', async () => {
      net.cut(FILES);
      assert.throws(() => files.send(xml('message', { to: JULIET })), OfflineError);
      await assert.rejects(ask(), OfflineError);
      net.restore(FILES);
      await settle();
      assert.deepEqual(delivered, []);
    });

    it('is no stanza over 64 KiB, counted in bytes', async () => {
      const overhead =
        Buffer.byteLength(`${xml('message', { to: JULIET, from: FILES, id: '0' }, xml('b', {}, '字'))}`) - 3;
      const message = (bytes: number) =>
        xml('message', { to: JULIET, from: FILES, id: '0' }, xml('b', {}, 'x'.repeat(bytes - overhead)));
      files.send(message(MAX_STANZA_BYTES));
      assert.throws(
        () => files.send(message(MAX_STANZA_BYTES + 1)),
        (error: unknown) => {
          assert.ok(error instanceof StanzaTooLargeError);
          assert.equal(error.bytes, MAX_STANZA_BYTES + 1);
          return true;
        },
      );
      const wide = xml('message', { to: JULIET }, xml('b', {}, '字'.repeat(MAX_STANZA_BYTES / 2)));
      assert.throws(() => files.send(wide), StanzaTooLargeError);
      await assert.rejects(
        ask({ payload: xml('q', { xmlns: 'test' }, 'x'.repeat(70_000)) }),
        StanzaTooLargeError,
      );
      await settle();
      assert.equal(delivered.length, 1);
    });

    it('has no character that XML 1.0 forbids, however the element was built', async () => {
      await fc.assert(
        fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
          delivered = [];
          const element = new Element('message', { to: JULIET, subject: `${text}\u0000\uD800` });
          element.c('body').t(`${text}\uFFFE\u0008\uDC00`);
          files.send(element);
          await settle();
          const [message] = delivered;
          assert.match(String(message?.attrs.subject), /\uFFFD\uFFFD$/);
          assert.doesNotMatch(String(message), /[\0-\x08\x0B\x0C\x0E-\x1F\uFFFE\uFFFF]|\p{Cs}/u);
        }),
        { numRuns: 100 },
      );
    });

    it('comes from no address but our own (a foreign from ends the whole stream)', () => {
      assert.throws(() => files.send(xml('message', { from: ROMEO, to: JULIET })), TypeError);
      assert.throws(() => files.send(xml('message', { from: 'x.files.example.org', to: JULIET })), TypeError);
      files.send(xml('message', { from: 'anyone@files.example.org/x', to: JULIET }));
    });
  });

  describe('presence', () => {
    const seen: string[] = [];
    beforeEach(() => {
      seen.length = 0;
      files.handlePresence(({ from, type }) => seen.push(`${from} ${type}`));
      files.onEvent((event) => seen.push(event.type === 'peer-gone' ? `${event.jid} gone` : event.type));
    });
    const inject = (from: string, type?: string) => net.inject(xml('presence', { from, to: FILES, type }));

    it('is handed on, errors and what nobody knows left out', async () => {
      inject(ROMEO);
      inject(ROMEO, 'subscribe');
      inject(ROMEO, 'error');
      inject(ROMEO, 'nothing-known');
      await settle();
      assert.deepEqual(seen, [`${ROMEO} available`, `${ROMEO} subscribe`]);
    });

    it('tells who is gone: clients and components, not accounts, which may be there unseen', async () => {
      inject(ROMEO, 'unavailable');
      inject('other.example.net', 'unavailable');
      inject('romeo@example.net', 'unavailable');
      await settle();
      assert.deepEqual(
        seen.filter((each) => each.endsWith('gone')),
        [`${ROMEO} gone`, 'other.example.net gone'],
      );
    });

    it('that takes leave does not end what is asked of others', async () => {
      juliet.handleIq('get', 'q', 'test', () => undefined);
      const asked = ask();
      inject(ROMEO, 'unavailable');
      await asked;
    });
  });

  it('knows its own addresses', () => {
    for (const ours of [FILES, 'files.example.org/x', 'a@files.example.org'])
      assert.ok(files.isOurs(parseJid(ours)));
    for (const other of [JULIET, 'example.org', 'x.files.example.org'])
      assert.ok(!files.isOurs(parseJid(other)));
    assert.ok(juliet.isOurs(JULIET) && juliet.isOurs(parseJid('juliet@example.org')));
    assert.ok(!juliet.isOurs(parseJid('juliet@example.org/other')));
  });

  it('tells every listener of events, also when one throws, until it is cancelled', async () => {
    const seen: string[] = [];
    files.onEvent(() => {
      throw new Error('mine');
    });
    const cancel = files.onEvent((event) => seen.push(event.type));
    net.cut(FILES);
    net.restore(FILES);
    cancel();
    net.cut(FILES);
    assert.deepEqual(seen, ['offline', 'online']);
  });
});
