/** In-band bytestreams of ours against a peer that the test plays, stanza by stanza. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import type { Entity, IncomingIq } from '../../src/entity/entity.js';
import { ParseError } from '../../src/errors.js';
import { silentLog } from '../../src/log.js';
import { type Jid, parseJid } from '../../src/stanza/jid.js';
import { NS } from '../../src/stanza/namespaces.js';
import { StanzaError, type StanzaErrorCondition } from '../../src/stanza/stanza-error.js';
import { type IbbData, ibbCloseCodec, ibbDataCodec, ibbOpenCodec } from '../../src/stanza/xep0047-ibb.js';
import { jingleIbbAnswerCodec, jingleIbbOfferCodec } from '../../src/stanza/xep0261-jingle-ibb.js';
import { type Element, xml } from '../../src/stanza/xml.js';
import { IbbTransport } from '../../src/transport/ibb-transport.js';
import { defaultIbbLimits } from '../../src/transport/limits.js';
import { TransportFailedError, type TransportNegotiation } from '../../src/transport/transport.js';
import { elementOf } from '../support/codec-fixtures.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

const romeo = parseJid('romeo.example');
const juliet = parseJid('juliet.example');
const BLOCK = 16;

describe('IbbStream', () => {
  let clock: VirtualClock;
  let network: MemoryNetwork;
  let ours: Entity;
  let peer: Entity;
  let transport: IbbTransport;
  let streams: Duplex[];
  /** Seqs that the peer got, and what it answers them with. */
  let got: IbbData[];
  let onData: (data: IbbData) => Promise<undefined> | undefined;
  let opens: number[];
  let closes: number;
  let onOpen: () => undefined;

  beforeEach(async () => {
    clock = new VirtualClock();
    network = new MemoryNetwork({ clock });
    ours = network.component(romeo);
    peer = network.component(juliet);
    await ours.start();
    await peer.start();
    transport = new IbbTransport(
      { entity: ours, clock, log: silentLog },
      { ...defaultIbbLimits, blockSize: BLOCK, window: 3, maxUnreadBytes: 400_000 },
    );
    await transport.start();
    streams = [];
    got = [];
    opens = [];
    closes = 0;
    onData = () => undefined;
    onOpen = () => undefined;
    peer.handleIq('set', 'open', NS.ibb, (iq) => {
      opens.push(ibbOpenCodec.fromXml(iq.payload).blockSize);
      return onOpen();
    });
    peer.handleIq('set', 'data', NS.ibb, (iq: IncomingIq) => {
      const data = ibbDataCodec.fromXml(iq.payload);
      got.push(data);
      return onData(data);
    });
    peer.handleIq('set', 'close', NS.ibb, () => {
      closes += 1;
      return undefined;
    });
  });

  afterEach(async () => {
    for (const stream of streams) stream.destroy();
    await settle();
    await transport.stop();
    await ours.stop();
    await peer.stop();
    await settle();
    assert.equal(clock.pendingTimers, 0, 'timers are left');
  });

  const noInfo = { self: romeo, peer: juliet, sendInfo: () => Promise.resolve() };

  function accepted(offer: { sid: string; blockSize: number }): TransportNegotiation {
    const element = jingleIbbOfferCodec.toXml({ ...offer, stanza: 'iq' });
    return transport.answer({ ...noInfo, role: 'responder' }, element);
  }

  /** A stream of ours that the peer has opened, with sid `s`. */
  async function openedByPeer(blockSize = BLOCK): Promise<Duplex> {
    const negotiation = accepted({ sid: 's', blockSize });
    await negotiation.describe();
    const connecting = negotiation.connect();
    await ask(ibbOpenCodec.toXml({ sid: 's', blockSize, stanza: 'iq' }));
    const stream = await connecting;
    streams.push(stream);
    return stream;
  }

  /** A stream of ours that we opened. */
  async function openedByUs(): Promise<{ stream: Duplex; sid: string }> {
    const negotiation = transport.offer({ ...noInfo, role: 'initiator' });
    const { sid } = jingleIbbOfferCodec.fromXml(await negotiation.describe());
    negotiation.remote(jingleIbbAnswerCodec.toXml({ sid, blockSize: BLOCK, stanza: 'iq' }));
    const stream = await negotiation.connect();
    streams.push(stream);
    return { stream, sid };
  }

  function ask(payload: Element, from: Jid = juliet): Promise<Element> {
    return peer.request({ to: romeo, from, type: 'set', payload });
  }

  function data(seq: number, text = `block ${seq}.`, sid = 's'): Element {
    return ibbDataCodec.toXml({ sid, seq, bytes: Buffer.from(text) });
  }

  const raw = (seq: string, text: string) =>
    elementOf(`<data xmlns='${NS.ibb}' sid='s' seq='${seq}'>${text}</data>`);

  async function assertRefused(
    answer: Promise<Element>,
    condition: StanzaErrorCondition,
    type = 'cancel',
  ): Promise<void> {
    await assert.rejects(answer, (error) => {
      assert.ok(error instanceof StanzaError, String(error));
      assert.deepEqual([error.condition, error.type], [condition, type]);
      return true;
    });
  }

  /** Resolves with the error that ends the stream, once it has ended. */
  async function failure(stream: Duplex): Promise<Error | undefined> {
    if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve));
    return stream.errored ?? undefined;
  }

  describe('agrees on blocks', () => {
    it('no larger than the peer offers, nor than we take', async () => {
      for (const [offered, agreed] of [
        [4, 4],
        [BLOCK, BLOCK],
        [65_535, BLOCK],
      ] as const) {
        const negotiation = accepted({ sid: `s${offered}`, blockSize: offered });
        const answer = jingleIbbOfferCodec.fromXml(await negotiation.describe());
        assert.equal(answer.blockSize, agreed);
        negotiation.close();
      }
    });

    for (const [what, answer, agreed] of [
      ['smaller', { blockSize: 4 }, 4],
      ['larger than offered', { blockSize: 1_000_000 }, BLOCK],
      ['not at all', {}, BLOCK],
    ] as const) {
      it(`that the peer answers ${what}`, async () => {
        const negotiation = transport.offer({ ...noInfo, role: 'initiator' });
        await negotiation.describe();
        negotiation.remote(jingleIbbAnswerCodec.toXml({ ...answer, stanza: 'iq' }));
        const stream = await negotiation.connect();
        streams.push(stream);
        assert.deepEqual(opens, [agreed]);
        stream.write(Buffer.alloc(40));
        await clock.advance(0);
        assert.equal(got[0]?.bytes.length, agreed);
      });
    }

    it('and on nothing that is no answer', async () => {
      const negotiation = transport.offer({ ...noInfo, role: 'initiator' });
      await negotiation.describe();
      const other = jingleIbbAnswerCodec.toXml({ sid: 'another', stanza: 'iq' });
      assert.throws(() => negotiation.remote(other), ParseError);
      assert.throws(
        () => negotiation.remote(elementOf(`<transport xmlns='${NS.s5b}' sid='a'/>`)),
        ParseError,
      );
      assert.throws(() => negotiation.info(other), StanzaError);
      negotiation.close();
    });
  });

  describe('opening', () => {
    it('is refused for a bytestream that nobody agreed on', async () => {
      await assertRefused(
        ask(ibbOpenCodec.toXml({ sid: 's', blockSize: 1, stanza: 'iq' })),
        'not-acceptable',
        'modify',
      );
    });

    it('is refused before we have accepted, and from others than the peer', async () => {
      const open = ibbOpenCodec.toXml({ sid: 's', blockSize: BLOCK, stanza: 'iq' });
      const negotiation = accepted({ sid: 's', blockSize: BLOCK });
      await assertRefused(ask(open), 'not-acceptable', 'modify');
      await negotiation.describe();
      await assertRefused(ask(open, parseJid('mallory@juliet.example/x')), 'not-acceptable', 'modify');
      await ask(open);
      negotiation.close();
    });

    it('is refused with larger blocks than agreed, and may be tried again', async () => {
      const negotiation = accepted({ sid: 's', blockSize: BLOCK });
      await negotiation.describe();
      const open = (blockSize: number) => ask(ibbOpenCodec.toXml({ sid: 's', blockSize, stanza: 'iq' }));
      await assertRefused(open(BLOCK + 1), 'resource-constraint', 'modify');
      await open(BLOCK);
      streams.push(await negotiation.connect());
    });

    it('is left to the initiator where the responder proposes the bytestream', async () => {
      const negotiation = transport.offer({ ...noInfo, role: 'responder' });
      const { sid } = jingleIbbOfferCodec.fromXml(await negotiation.describe());
      negotiation.remote(jingleIbbAnswerCodec.toXml({ sid, blockSize: BLOCK, stanza: 'iq' }));
      const connecting = negotiation.connect();
      await settle();
      assert.deepEqual(opens, []);
      await ask(ibbOpenCodec.toXml({ sid, blockSize: BLOCK, stanza: 'iq' }));
      streams.push(await connecting);
    });

    it('is accepted from a peer that thinks it is to open what we opened', async () => {
      const { sid } = await openedByUs();
      await ask(ibbOpenCodec.toXml({ sid, blockSize: BLOCK, stanza: 'iq' }));
    });

    it('fails the negotiation when the peer refuses', async () => {
      onOpen = () => {
        throw new StanzaError('not-acceptable');
      };
      await assert.rejects(openedByUs(), TransportFailedError);
    });

    it('fails the negotiation when the peer never does', async () => {
      const negotiation = accepted({ sid: 's', blockSize: BLOCK });
      await negotiation.describe();
      const failed = assert.rejects(negotiation.connect(), TransportFailedError);
      await clock.advance(defaultIbbLimits.openTimeoutMs);
      await failed;
      await assertRefused(
        ask(ibbOpenCodec.toXml({ sid: 's', blockSize: BLOCK, stanza: 'iq' })),
        'not-acceptable',
        'modify',
      );
    });

    it('needs no answer where data is there already', async () => {
      network.drop((stanza) => stanza.attrs.type === 'result' && stanza.attrs.to === romeo);
      const negotiation = transport.offer({ ...noInfo, role: 'initiator' });
      const { sid } = jingleIbbOfferCodec.fromXml(await negotiation.describe());
      negotiation.remote(jingleIbbAnswerCodec.toXml({ sid, stanza: 'iq' }));
      const connecting = negotiation.connect();
      await settle();
      await ask(data(0, 'early', sid));
      const stream = await connecting;
      streams.push(stream);
      assert.equal(String(stream.read()), 'early');
    });
  });

  describe('receiving', () => {
    it('delivers blocks, in iqs or in messages', async () => {
      const stream = await openedByPeer();
      await ask(data(0, 'by iq, '));
      peer.send(xml('message', { to: romeo }, data(1, 'by message')));
      await settle();
      assert.equal(String(stream.read()), 'by iq, by message');
    });

    it('takes nothing from anybody else', async () => {
      const stream = await openedByPeer();
      const mallory = parseJid('mallory@juliet.example/x');
      await assertRefused(ask(data(0), mallory), 'item-not-found');
      await assertRefused(ask(ibbCloseCodec.toXml({ sid: 's' }), mallory), 'item-not-found');
      peer.send(xml('message', { to: romeo, from: mallory }, data(0)));
      await ask(data(0, 'mine'));
      assert.equal(String(stream.read()), 'mine');
    });

    const faults: [string, () => Element, StanzaErrorCondition][] = [
      ['a seq that was used already', () => data(0), 'unexpected-request'],
      ['a seq that was left out', () => data(2), 'unexpected-request'],
      ['a block larger than agreed', () => data(1, 'x'.repeat(BLOCK + 1)), 'bad-request'],
      ['what is not base64', () => raw('1', '=AAA'), 'bad-request'],
      ['a seq out of range', () => raw('65536', 'AAAA'), 'bad-request'],
    ];
    for (const [what, fault, condition] of faults) {
      it(`closes on ${what}`, async () => {
        const stream = await openedByPeer();
        await ask(data(0));
        await assertRefused(ask(fault()), condition);
        assert.ok((await failure(stream)) instanceof TransportFailedError);
        await settle();
        assert.equal(closes, 1);
        await assertRefused(ask(data(1)), 'item-not-found');
      });
    }

    it('closes on the same faults in messages', async () => {
      const stream = await openedByPeer();
      peer.send(xml('message', { to: romeo }, data(7)));
      assert.ok((await failure(stream)) instanceof TransportFailedError);
      await settle();
      assert.equal(closes, 1);
    });

    it('holds acknowledgements back while nobody reads', async () => {
      const stream = await openedByPeer();
      let acknowledged = 0;
      const enough = 131_072 / BLOCK + 3;
      for (let seq = 0; seq < enough; seq += 1) {
        ask(data(seq, 'x'.repeat(BLOCK))).then(
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
      const stream = await openedByPeer();
      let seq = 0;
      while (!stream.destroyed && seq < 100_000) {
        peer.send(xml('message', { to: romeo }, data(seq, 'x'.repeat(BLOCK))));
        seq += 1;
        if (seq % 1000 === 0) await settle();
      }
      assert.ok(stream.destroyed);
      assert.ok(stream.errored instanceof TransportFailedError);
    });

    it('fails when the stream to the server is a new one', async () => {
      const stream = await openedByPeer();
      network.cut(romeo);
      network.restore(romeo);
      assert.ok((await failure(stream)) instanceof TransportFailedError);
    });
  });

  describe('sending', () => {
    it('keeps a window of blocks under way', async () => {
      const { stream } = await openedByUs();
      const release: (() => void)[] = [];
      onData = () =>
        new Promise((resolve) => {
          release.push(() => resolve(undefined));
        });
      stream.write(Buffer.alloc(10 * BLOCK));
      await settle();
      assert.deepEqual(
        got.map(({ seq }) => seq),
        [0, 1, 2],
      );
      release[0]?.();
      await settle();
      assert.equal(got.length, 4);
      for (let turn = 0; turn < 20; turn += 1) {
        for (const go of release.splice(0)) go();
        await settle();
      }
      assert.equal(got.length, 10);
    });

    it('closes after the last block is acknowledged, not before', async () => {
      const { stream } = await openedByUs();
      let release: () => void = () => undefined;
      onData = () =>
        new Promise((resolve) => {
          release = () => resolve(undefined);
        });
      stream.end('last');
      await settle();
      assert.equal(closes, 0);
      release();
      await once(stream, 'finish');
      await settle();
      assert.equal(closes, 1);
      stream.resume();
      await once(stream, 'close');
    });

    for (const condition of [
      'recipient-unavailable',
      'remote-server-timeout',
      'resource-constraint',
    ] as const) {
      it(`survives ${condition} by slowing down`, async () => {
        const { stream } = await openedByUs();
        let bounces = 2;
        const taken: string[] = [];
        onData = ({ bytes }) => {
          if (bounces > 0) {
            bounces -= 1;
            throw new StanzaError(condition, undefined, { type: 'wait' });
          }
          taken.push(String(bytes));
          return undefined;
        };
        stream.write('one');
        await clock.advance(defaultIbbLimits.retryDelayMs - 1);
        assert.equal(got.length, 1);
        await clock.advance(1);
        assert.equal(got.length, 2);
        await clock.advance(2 * defaultIbbLimits.retryDelayMs);
        stream.write('two');
        await settle();
        assert.deepEqual(taken, ['one', 'two']);
      });
    }

    it('gives up when it never gets better', async () => {
      const { stream } = await openedByUs();
      onData = () => {
        throw new StanzaError('recipient-unavailable');
      };
      stream.write('one');
      await clock.advance(3_600_000);
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
        const { stream } = await openedByUs();
        onData = () => {
          throw new StanzaError(condition, undefined, { type });
        };
        stream.write('one');
        assert.ok((await failure(stream)) instanceof TransportFailedError);
        await settle();
        assert.equal(closes, 1);
      });
    }

    it('fails when no answer comes', async () => {
      const { stream } = await openedByUs();
      onData = () => new Promise(() => undefined);
      stream.write('one');
      await clock.advance(defaultIbbLimits.ackTimeoutMs);
      assert.ok((await failure(stream)) instanceof TransportFailedError);
      await clock.advance(defaultIbbLimits.ackTimeoutMs);
    });

    it('tells the writer when the peer has closed', async () => {
      const stream = await openedByPeer();
      stream.resume();
      const answered = ask(ibbCloseCodec.toXml({ sid: 's' }));
      await clock.advance(defaultIbbLimits.lingerMs);
      await answered;
      const failed = new Promise((resolve) => {
        stream.write('too late', resolve);
      });
      assert.ok((await failed) instanceof TransportFailedError);
    });
  });

  describe('closing', () => {
    it('answers the close when our own data is through', async () => {
      const stream = await openedByPeer();
      stream.resume();
      let release: () => void = () => undefined;
      onData = () =>
        new Promise((resolve) => {
          release = () => resolve(undefined);
        });
      stream.end('ours');
      await settle();
      let answered = false;
      const answer = ask(ibbCloseCodec.toXml({ sid: 's' })).then(() => {
        answered = true;
      });
      await settle();
      assert.ok(!answered);
      release();
      await answer;
      assert.equal(closes, 0, 'one close is enough');
    });

    it('answers the close once the stream is destroyed', async () => {
      const stream = await openedByPeer();
      stream.resume();
      const answer = ask(ibbCloseCodec.toXml({ sid: 's' }));
      await once(stream, 'end');
      stream.destroy();
      await answer;
    });

    it('answers a second close that there is nothing to close', async () => {
      const stream = await openedByPeer();
      stream.resume();
      const first = ask(ibbCloseCodec.toXml({ sid: 's' }));
      await settle();
      await assertRefused(ask(ibbCloseCodec.toXml({ sid: 's' })), 'item-not-found');
      await clock.advance(defaultIbbLimits.lingerMs);
      await first;
      await assertRefused(ask(ibbCloseCodec.toXml({ sid: 's' })), 'item-not-found');
    });

    it('ends when both close at the same time', async () => {
      const stream = await openedByPeer();
      stream.resume();
      stream.end();
      await Promise.all([ask(ibbCloseCodec.toXml({ sid: 's' })), once(stream, 'close')]);
    });

    it('says so when a stream is destroyed, and forgets it', async () => {
      const stream = await openedByPeer();
      stream.destroy();
      await settle();
      assert.equal(closes, 1);
      await assertRefused(ask(data(0)), 'item-not-found');
    });

    it('is over even if the peer does not know of it', async () => {
      network.drop((stanza) => stanza.getChild('close') !== undefined && stanza.attrs.type === 'set');
      const { stream } = await openedByUs();
      stream.resume();
      stream.end('all');
      await once(stream, 'finish');
      await clock.advance(defaultIbbLimits.ackTimeoutMs);
      assert.ok(stream.readableEnded);
    });
  });
});
