/** In-band bytestreams of ours against a peer that the test plays. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { parseJid } from '../../src/stanza/jid.js';
import { NS } from '../../src/stanza/namespaces.js';
import { StanzaError, type StanzaErrorCondition } from '../../src/stanza/stanza-error.js';
import { ibbCloseCodec, ibbDataCodec, ibbOpenCodec } from '../../src/stanza/xep0047-ibb.js';
import { PingElement, pingCodec } from '../../src/stanza/xep0199-ping.js';
import { jingleIbbOfferCodec } from '../../src/stanza/xep0261-jingle-ibb.js';
import { type Element, xml } from '../../src/stanza/xml.js';
import { defaultIbbLimits } from '../../src/transport/limits.js';
import { TransportFailedError } from '../../src/transport/transport.js';
import { settle } from '../support/virtual-clock.js';
import { assertRefused, BLOCK, data, failure, IbbRig, juliet, rawData, romeo } from './ibb-rig.js';

describe('IbbStream', () => {
  let rig: IbbRig;

  beforeEach(async () => {
    rig = new IbbRig();
    await rig.start();
  });

  afterEach(() => rig.stop());

  describe('receiving', () => {
    it('delivers blocks, in iqs or in messages', async () => {
      const stream = await rig.openedByPeer();
      await rig.ask(data(0, 'by iq, '));
      rig.peer.send(xml('message', { to: romeo }, data(1, 'by message')));
      await settle();
      assert.equal(String(stream.read()), 'by iq, by message');
    });

    it('takes nothing from anybody else', async () => {
      const stream = await rig.openedByPeer();
      const mallory = parseJid('mallory@juliet.example/x');
      await assertRefused(rig.ask(data(0), mallory), 'item-not-found');
      await assertRefused(rig.ask(ibbCloseCodec.toXml({ sid: 's' }), mallory), 'item-not-found');
      rig.peer.send(xml('message', { to: romeo, from: mallory }, data(0)));
      await rig.ask(data(0, 'mine'));
      assert.equal(String(stream.read()), 'mine');
    });

    const faults: [string, () => Element, StanzaErrorCondition][] = [
      ['a seq that was used already', () => data(0), 'unexpected-request'],
      ['a seq that was left out', () => data(2), 'unexpected-request'],
      ['a block larger than agreed', () => data(1, 'x'.repeat(BLOCK + 1)), 'bad-request'],
      ['what is not base64', () => rawData('1', '=AAA'), 'bad-request'],
      ['a seq out of range', () => rawData('65536', 'AAAA'), 'bad-request'],
    ];
    for (const [what, fault, condition] of faults) {
      it(`closes on ${what}`, async () => {
        const stream = await rig.openedByPeer();
        await rig.ask(data(0));
        await assertRefused(rig.ask(fault()), condition);
        assert.ok((await failure(stream)) instanceof TransportFailedError);
        await settle();
        assert.equal(rig.closes, 1);
        await assertRefused(rig.ask(data(1)), 'item-not-found');
      });
    }

    it('closes on the same faults in messages', async () => {
      const stream = await rig.openedByPeer();
      rig.peer.send(xml('message', { to: romeo }, data(7)));
      assert.ok((await failure(stream)) instanceof TransportFailedError);
      await settle();
      assert.equal(rig.closes, 1);
    });

    it('holds acknowledgements back while nobody reads', async () => {
      const stream = await rig.openedByPeer();
      let acknowledged = 0;
      const enough = 131_072 / BLOCK + 3;
      for (let seq = 0; seq < enough; seq += 1) {
        rig.ask(data(seq, 'x'.repeat(BLOCK))).then(
          () => {
            acknowledged += 1;
          },
          () => undefined,
        );
        if (seq % 100 === 0) await settle();
      }
      await settle();
      assert.ok(acknowledged < enough && acknowledged > enough - 10, String(acknowledged));
      stream.resume();
      await settle();
      assert.equal(acknowledged, enough);
    });

    it('cuts off a peer that sends on and on in messages while nobody reads', async () => {
      const stream = await rig.openedByPeer();
      let seq = 0;
      while (!stream.destroyed && seq < 100_000) {
        rig.peer.send(xml('message', { to: romeo }, data(seq, 'x'.repeat(BLOCK))));
        seq += 1;
        if (seq % 1000 === 0) await settle();
      }
      assert.ok(stream.destroyed);
      assert.ok(stream.errored instanceof TransportFailedError);
    });

    it('fails when the stream to the server is a new one', async () => {
      const stream = await rig.openedByPeer();
      rig.network.cut(romeo);
      rig.network.restore(romeo);
      assert.ok((await failure(stream)) instanceof TransportFailedError);
    });
  });

  describe('sending', () => {
    it('keeps a window of blocks under way', async () => {
      const { stream } = await rig.openedByUs();
      const release: (() => void)[] = [];
      rig.onData = () =>
        new Promise((resolve) => {
          release.push(() => resolve(undefined));
        });
      stream.write(Buffer.alloc(10 * BLOCK));
      await settle();
      assert.deepEqual(
        rig.got.map(({ seq }) => seq),
        [0, 1, 2],
      );
      release[0]?.();
      await settle();
      assert.equal(rig.got.length, 4);
      for (let turn = 0; turn < 20; turn += 1) {
        for (const go of release.splice(0)) go();
        await settle();
      }
      assert.equal(rig.got.length, 10);
    });

    it('sends no block larger than the peer opened it for, though it had agreed to larger ones', async () => {
      const negotiation = rig.accepted({ sid: 's', blockSize: BLOCK });
      await negotiation.describe();
      const connecting = negotiation.connect();
      await rig.ask(ibbOpenCodec.toXml({ sid: 's', blockSize: 5, stanza: 'iq' }));
      const stream = await connecting;
      rig.streams.push(stream);
      stream.write(Buffer.alloc(BLOCK));
      await settle();
      assert.deepEqual(
        rig.got.map(({ bytes }) => bytes.length),
        [5, 5, 5, 1],
      );
    });

    it('closes after the last block is acknowledged, not before', async () => {
      const { stream } = await rig.openedByUs();
      let release: () => void = () => undefined;
      rig.onData = () =>
        new Promise((resolve) => {
          release = () => resolve(undefined);
        });
      stream.end('last');
      await settle();
      assert.equal(rig.closes, 0);
      release();
      await once(stream, 'finish');
      await settle();
      assert.equal(rig.closes, 1);
      stream.resume();
      await once(stream, 'close');
    });

    for (const condition of [
      'recipient-unavailable',
      'remote-server-timeout',
      'resource-constraint',
    ] as const) {
      it(`survives ${condition} by slowing down`, async () => {
        const { stream } = await rig.openedByUs();
        let bounces = 2;
        const taken: string[] = [];
        rig.onData = ({ bytes }) => {
          if (bounces > 0) {
            bounces -= 1;
            throw new StanzaError(condition, undefined, { type: 'wait' });
          }
          taken.push(String(bytes));
          return undefined;
        };
        stream.write('one');
        await rig.clock.advance(defaultIbbLimits.retryDelayMs - 1);
        assert.equal(rig.got.length, 1);
        await rig.clock.advance(1);
        assert.equal(rig.got.length, 2);
        await rig.clock.advance(2 * defaultIbbLimits.retryDelayMs);
        stream.write('two');
        await settle();
        assert.deepEqual(taken, ['one', 'two']);
      });
    }

    it('waits where too many requests of ours wait for an answer already', async () => {
      const { stream } = await rig.openedByUs();
      const restore = rig.network.drop((stanza) => stanza.getChild('ping') !== undefined);
      const waiting = Array.from({ length: 5000 }, () =>
        rig.ours
          .request({ to: juliet, type: 'get', payload: pingCodec.toXml({}), timeoutMs: 10_000 })
          .catch(() => undefined),
      );
      stream.end('patience');
      await settle();
      assert.equal(rig.got.length, 0);
      await rig.clock.advance(60_000);
      await Promise.all(waiting);
      restore();
      assert.equal(rig.got.map(({ bytes }) => String(bytes)).join(''), 'patience');
    });

    it('gives up when it never gets better', async () => {
      const { stream } = await rig.openedByUs();
      rig.onData = () => {
        throw new StanzaError('recipient-unavailable');
      };
      stream.write('one');
      await rig.clock.advance(3_600_000);
      assert.ok((await failure(stream)) instanceof TransportFailedError);
    });

    for (const [condition, type] of [
      ['unexpected-request', 'cancel'],
      ['unexpected-request', 'wait'],
      ['item-not-found', 'cancel'],
      ['bad-request', 'cancel'],
      ['not-acceptable', 'modify'],
    ] as const) {
      it(`closes on ${condition} of type ${type}`, async () => {
        const { stream } = await rig.openedByUs();
        rig.onData = () => {
          throw new StanzaError(condition, undefined, { type });
        };
        stream.write('one');
        assert.ok((await failure(stream)) instanceof TransportFailedError);
        await settle();
        assert.equal(rig.closes, 1);
      });
    }

    it('fails when no answer comes', async () => {
      const { stream } = await rig.openedByUs();
      rig.onData = () => new Promise(() => undefined);
      stream.write('one');
      await rig.clock.advance(defaultIbbLimits.ackTimeoutMs);
      assert.ok((await failure(stream)) instanceof TransportFailedError);
      await rig.clock.advance(defaultIbbLimits.ackTimeoutMs);
    });

    it('narrows its window where answers take long, and widens it again', async () => {
      const { stream } = await rig.openedByUs();
      let answerMs = 0;
      let underWay = 0;
      let most = 0;
      rig.onData = async () => {
        underWay += 1;
        most = Math.max(most, underWay);
        if (answerMs > 0) await new Promise<void>((resolve) => rig.clock.after(answerMs, resolve));
        underWay -= 1;
        return undefined;
      };
      const mostWhileSending = async (blocks: number): Promise<number> => {
        most = 0;
        const done = new Promise((resolve) => stream.write(Buffer.alloc(blocks * BLOCK), resolve));
        await rig.clock.advance(blocks * 10_000);
        await done;
        return most;
      };
      answerMs = 100;
      assert.equal(await mostWhileSending(6), 3);
      answerMs = 3000;
      await mostWhileSending(4);
      assert.equal(await mostWhileSending(6), 1);
      answerMs = 100;
      await mostWhileSending(6);
      assert.equal(await mostWhileSending(6), 3);
    });

    it('opens with smaller blocks where the peer wants that', async () => {
      rig.onOpen = () => {
        if ((rig.opens.at(-1) ?? 0) > 5) throw new StanzaError('resource-constraint');
        return undefined;
      };
      const { stream } = await rig.openedByUs();
      assert.deepEqual(rig.opens, [BLOCK, BLOCK / 2, BLOCK / 4]);
      stream.write(Buffer.alloc(BLOCK));
      await settle();
      assert.deepEqual(
        rig.got.map(({ bytes }) => bytes.length),
        [4, 4, 4, 4],
      );
    });

    it('goes on where the connection is resumed, with every block once and in order', async () => {
      const { stream } = await rig.openedByUs();
      stream.write('before');
      await settle();
      rig.suspendable.suspend();
      stream.write('meanwhile');
      stream.write('and more of it, in several blocks');
      await rig.clock.advance(20_000);
      assert.equal(rig.got.length, 1);
      rig.suspendable.resume();
      await rig.clock.advance(0);
      assert.equal(
        rig.got.map(({ bytes }) => String(bytes)).join(''),
        'beforemeanwhileand more of it, in several blocks',
      );
      assert.deepEqual(
        rig.got.map(({ seq }) => seq),
        rig.got.map((_, index) => index),
      );
    });

    it('says how many bytes the peer has when the connection is lost', async () => {
      const { stream, negotiation } = await rig.openedByUs();
      let answered = 0;
      rig.onData = () => {
        answered += 1;
        return answered > 2 ? new Promise(() => undefined) : undefined;
      };
      stream.write(Buffer.alloc(10 * BLOCK));
      await settle();
      rig.network.cut(romeo);
      rig.network.restore(romeo);
      const error = await failure(stream);
      const sent = { handedOverBytes: 5 * BLOCK, receivedBytes: 2 * BLOCK };
      assert.ok(error instanceof TransportFailedError);
      assert.deepEqual(error.sent, sent);
      assert.deepEqual(negotiation.sent(), sent);
    });

    it('says that the peer has everything when it is closed in good order', async () => {
      const { stream, negotiation } = await rig.openedByUs();
      stream.end(Buffer.alloc(5 * BLOCK + 3));
      await once(stream, 'finish');
      const bytes = 5 * BLOCK + 3;
      assert.deepEqual(negotiation.sent(), { handedOverBytes: bytes, receivedBytes: bytes });
    });

    describe('by messages, where the peer wants that', () => {
      const got: string[] = [];
      let pings: number;

      async function byMessage(): Promise<Duplex> {
        got.length = 0;
        pings = 0;
        rig.peer.handleMessage('data', NS.ibb, ({ stanza }) => {
          const payload = stanza.getChild('data');
          assert.ok(payload);
          const block = ibbDataCodec.fromXml(payload);
          assert.equal(block.seq, got.length);
          got.push(String(block.bytes));
        });
        const negotiation = rig.accepted({ sid: 's', blockSize: BLOCK, stanza: 'message' });
        assert.equal(jingleIbbOfferCodec.fromXml(await negotiation.describe()).stanza, 'message');
        const connecting = negotiation.connect();
        await rig.ask(ibbOpenCodec.toXml({ sid: 's', blockSize: BLOCK, stanza: 'message' }));
        const stream = await connecting;
        rig.streams.push(stream);
        return stream;
      }

      function answerPings(answer: () => Promise<undefined> | undefined): void {
        rig.peer.handleIq('get', PingElement.name, PingElement.ns, () => {
          pings += 1;
          return answer();
        });
      }

      it('sends no more than a window before the peer has answered a ping', async () => {
        const stream = await byMessage();
        let release: () => void = () => undefined;
        answerPings(
          () =>
            new Promise((resolve) => {
              release = () => resolve(undefined);
            }),
        );
        stream.write(Buffer.alloc(10 * BLOCK));
        await settle();
        assert.deepEqual([got.length, pings], [3, 1]);
        release();
        await settle();
        assert.deepEqual([got.length, pings], [6, 2]);
      });

      it('takes any answer of the peer to the ping', async () => {
        const stream = await byMessage();
        answerPings(() => {
          throw new StanzaError('feature-not-implemented');
        });
        stream.end('all of it, whatever it is, is there');
        await once(stream, 'finish');
        assert.equal(got.join(''), 'all of it, whatever it is, is there');
      });

      it('fails where the peer is gone, since nobody knows what it got', async () => {
        const stream = await byMessage();
        answerPings(() => {
          throw new StanzaError('recipient-unavailable', undefined, { type: 'wait' });
        });
        stream.write('lost');
        assert.ok((await failure(stream)) instanceof TransportFailedError);
      });
    });

    it('tells the writer when the peer has closed', async () => {
      const stream = await rig.openedByPeer();
      stream.resume();
      const answered = rig.ask(ibbCloseCodec.toXml({ sid: 's' }));
      await rig.clock.advance(defaultIbbLimits.lingerMs);
      await answered;
      const failed = new Promise((resolve) => {
        stream.write('too late', resolve);
      });
      assert.ok((await failed) instanceof TransportFailedError);
    });
  });

  describe('closing', () => {
    it('answers the close when our own data is through', async () => {
      const stream = await rig.openedByPeer();
      stream.resume();
      let release: () => void = () => undefined;
      rig.onData = () =>
        new Promise((resolve) => {
          release = () => resolve(undefined);
        });
      stream.end('ours');
      await settle();
      let answered = false;
      const answer = rig.ask(ibbCloseCodec.toXml({ sid: 's' })).then(() => {
        answered = true;
      });
      await settle();
      assert.ok(!answered);
      release();
      await answer;
      assert.equal(rig.closes, 0, 'one close is enough');
    });

    it('answers the close once the stream is destroyed', async () => {
      const stream = await rig.openedByPeer();
      stream.resume();
      const answer = rig.ask(ibbCloseCodec.toXml({ sid: 's' }));
      await once(stream, 'end');
      stream.destroy();
      await answer;
    });

    it('answers a second close that there is nothing to close', async () => {
      const stream = await rig.openedByPeer();
      stream.resume();
      const first = rig.ask(ibbCloseCodec.toXml({ sid: 's' }));
      await settle();
      await assertRefused(rig.ask(ibbCloseCodec.toXml({ sid: 's' })), 'item-not-found');
      await rig.clock.advance(defaultIbbLimits.lingerMs);
      await first;
      await assertRefused(rig.ask(ibbCloseCodec.toXml({ sid: 's' })), 'item-not-found');
    });

    it('ends when both close at the same time', async () => {
      const stream = await rig.openedByPeer();
      stream.resume();
      stream.end();
      await Promise.all([rig.ask(ibbCloseCodec.toXml({ sid: 's' })), once(stream, 'close')]);
    });

    it('says so when a stream is destroyed, and forgets it', async () => {
      const stream = await rig.openedByPeer();
      stream.destroy();
      await settle();
      assert.equal(rig.closes, 1);
      await assertRefused(rig.ask(data(0)), 'item-not-found');
    });

    it('is over even if the peer does not know of it', async () => {
      rig.network.drop((stanza) => stanza.getChild('close') !== undefined && stanza.attrs.type === 'set');
      const { stream } = await rig.openedByUs();
      stream.resume();
      stream.end('all');
      await once(stream, 'finish');
      await rig.clock.advance(defaultIbbLimits.ackTimeoutMs);
      assert.ok(stream.readableEnded);
    });
  });
});
