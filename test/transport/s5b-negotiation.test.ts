/** S5B negotiations, between two of ours and against scripted peers, on a network in memory. */
import assert from 'node:assert/strict';
import { type Duplex, duplexPair } from 'node:stream';
import fc from 'fast-check';
import { ParseError } from '../../src/errors.js';
import { NS } from '../../src/stanza/namespaces.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import { destinationAddress } from '../../src/stanza/xep0065-bytestreams.js';
import { type S5bCandidate, s5bDescriptionCodec, s5bInfoCodec } from '../../src/stanza/xep0260-jingle-s5b.js';
import type { Element } from '../../src/stanza/xml.js';
import { defaultS5bLimits } from '../../src/transport/limits.js';
import { acceptSocks5 } from '../../src/transport/socks5-server.js';
import { TransportFailedError } from '../../src/transport/transport.js';
import { elementOf } from '../support/codec-fixtures.js';
import { settle } from '../support/virtual-clock.js';
import { contextOf } from './negotiate.js';
import { assertJoined, direct, juliet, proxy, romeo, S5bRig } from './s5b-rig.js';

describe('S5bNegotiation', () => {
  let rig: S5bRig;
  const setUp = () => {
    rig = new S5bRig();
  };
  beforeEach(setUp);
  afterEach(() => rig.tearDown());

  it('joins both sides where each reaches the other', async () => {
    await assertJoined(
      await rig.outcomes(
        await rig.both(await rig.side(romeo, '10.0.0.1'), await rig.side(juliet, '10.0.0.2')),
      ),
    );
    assert.equal(rig.tcp.openStreams, 2);
  });

  for (const reachable of ['10.0.0.1', '10.0.0.2']) {
    it(`joins them where only ${reachable} can be reached`, async () => {
      const negotiated = await rig.both(
        await rig.side(romeo, '10.0.0.1'),
        await rig.side(juliet, '10.0.0.2'),
      );
      rig.tcp.silence(reachable === '10.0.0.1' ? '10.0.0.2' : '10.0.0.1', 5000);
      await assertJoined(await rig.outcomes(negotiated));
    });
  }

  it('fails on both sides where neither reaches the other', async () => {
    const negotiated = await rig.both(await rig.side(romeo, '10.0.0.1'), await rig.side(juliet, '10.0.0.2'));
    rig.tcp.silence('10.0.0.1', 5000);
    rig.tcp.silence('10.0.0.2', 5000);
    assert.deepEqual(await rig.outcomes(negotiated), ['TransportFailedError', 'TransportFailedError']);
  });

  it('goes through our proxy where nothing else works', async () => {
    await rig.startProxy();
    const negotiated = await rig.both(
      await rig.side(romeo, '10.0.0.1', [proxy]),
      await rig.side(juliet, '10.0.0.2'),
    );
    rig.tcp.silence('10.0.0.1', 5000);
    rig.tcp.silence('10.0.0.2', 5000);
    await assertJoined(await rig.outcomes(negotiated));
  });

  it("does not offer the peer's proxy back to it", async () => {
    await rig.startProxy();
    const negotiated = await rig.both(
      await rig.side(romeo, '10.0.0.1', [proxy]),
      await rig.side(juliet, '10.0.0.2', [proxy]),
    );
    const answered = s5bDescriptionCodec.fromXml(await negotiated.answerer.describe());
    assert.deepEqual(
      answered.candidates.map(({ host }) => host),
      ['10.0.0.2'],
    );
    rig.tcp.silence('10.0.0.1', 5000);
    rig.tcp.silence('10.0.0.2', 5000);
    await assertJoined(await rig.outcomes(negotiated));
  });

  it('fails on both sides where the proxy does not relay', async () => {
    await rig.startProxy('fails');
    const negotiated = await rig.both(
      await rig.side(romeo, '10.0.0.1'),
      await rig.side(juliet, '10.0.0.2', [proxy]),
    );
    rig.tcp.silence('10.0.0.1', 5000);
    rig.tcp.silence('10.0.0.2', 5000);
    assert.deepEqual(await rig.outcomes(negotiated), ['TransportFailedError', 'TransportFailedError']);
  });

  it('has both sides agree, whoever reaches whom and however slowly', async () => {
    const path = fc.record({ open: fc.boolean(), delayMs: fc.nat(6000) });
    await fc.assert(
      fc
        .asyncProperty(path, path, fc.boolean(), async (toRomeo, toJuliet, withProxy) => {
          if (withProxy) await rig.startProxy();
          const negotiated = await rig.both(
            await rig.side(romeo, '10.0.0.1', withProxy ? [proxy] : []),
            await rig.side(juliet, '10.0.0.2'),
          );
          if (!toRomeo.open) rig.tcp.silence('10.0.0.1', 5000);
          if (!toJuliet.open) rig.tcp.silence('10.0.0.2', 5000);
          rig.tcp.delay('10.0.0.1', 5000, toRomeo.delayMs);
          rig.tcp.delay('10.0.0.2', 5000, toJuliet.delayMs);
          const found = await rig.outcomes(negotiated);
          if (found.every((each) => typeof each === 'object')) await assertJoined(found);
          else assert.deepEqual(found, ['TransportFailedError', 'TransportFailedError']);
          const reached = [toRomeo, toJuliet].some(({ open, delayMs }) => open && delayMs < 5000);
          assert.equal(typeof found[0] === 'object', reached || withProxy);
        })
        .beforeEach(setUp)
        .afterEach(() => rig.tearDown()),
      { numRuns: 60 },
    );
  });

  it('connects nowhere before it is told to', async () => {
    const transport = await rig.side(romeo, '10.0.0.1');
    const { sendInfo } = contextOf(romeo, juliet, 'responder', () => undefined);
    const offer = s5bDescriptionCodec.toXml({ sid: 's', candidates: [direct('10.0.0.2')] });
    const negotiation = transport.answer({ self: romeo, peer: juliet, role: 'responder', sendInfo }, offer);
    rig.negotiations.push(negotiation);
    await negotiation.describe();
    await rig.clock.advance(60_000);
    assert.deepEqual(rig.tcp.attempts, []);
  });

  it('takes candidate-used before the answer (Libervia)', async () => {
    const peer = await rig.againstScript(await rig.side(romeo, '10.0.0.1'));
    const theirs = await rig.dialOurs(peer.offer);
    peer.info({ type: 'candidate-used', cid: peer.offer.candidates[0]?.cid ?? '' });
    peer.answer({ candidates: [direct('10.0.0.2', { priority: 1 })] });
    const connected = peer.connecting();
    await rig.clock.advance(0);
    await assertJoined([await connected, theirs]);
    assert.deepEqual(
      peer.said.map(({ type }) => type),
      ['candidate-error'],
    );
    assert.ok(!rig.tcp.attempts.includes('10.0.0.2:5000'), 'nothing better is left to try');
  });

  it("uses a peer's candidate without jid and type, and the hash that follows from both addresses (Psi)", async () => {
    const peer = await rig.againstScript(await rig.side(romeo, '10.0.0.1'));
    const served = rig.serveScript('10.0.0.2');
    peer.answer({ candidates: [direct('fe80::1%eth0', { priority: 9_000_000 }), direct('10.0.0.2')] });
    const connected = peer.connecting();
    await rig.clock.advance(1);
    assert.deepEqual(served.asked, [destinationAddress(peer.offer.sid, juliet, romeo)]);
    peer.info({ type: 'candidate-error' });
    await assertJoined([await connected, served.streams[0]]);
  });

  it("uses a peer's dstaddr where it gives one", async () => {
    const peer = await rig.againstScript(await rig.side(romeo, '10.0.0.1'));
    const served = rig.serveScript('10.0.0.2');
    const dstaddr = '1a12fb7bc625e55f3ed5b29a53dbe0e4aa7d80ba';
    peer.answer({ dstaddr, candidates: [direct('10.0.0.2')] });
    peer.connecting().catch(() => undefined);
    await rig.clock.advance(10);
    assert.deepEqual(served.asked, [dstaddr]);
  });

  const lateProxy: S5bCandidate = { cid: 'late', ...proxy, type: 'proxy', priority: 655_360 };
  it('uses a proxy that comes later, by itself (Psi)', async () => {
    const peer = await rig.againstScript(await rig.side(romeo, '10.0.0.1'));
    const [ours, theirs] = duplexPair();
    rig.streams.push(ours, theirs);
    rig.tcp.silence('10.0.0.2', 5000);
    rig.tcp.listen(proxy.host, proxy.port, (stream) => {
      acceptSocks5(stream, () => 'taken', { clock: rig.clock, timeoutMs: 1000 }).then(
        () => {
          stream.pipe(ours);
          ours.pipe(stream);
        },
        () => undefined,
      );
    });
    peer.answer({ candidates: [direct('10.0.0.2')] });
    const connected = peer.connecting();
    await rig.clock.advance(100);
    peer.info({ type: 'candidates', candidates: [lateProxy] });
    peer.info({ type: 'candidate-error' });
    await rig.clock.advance(10_000);
    assert.deepEqual(
      peer.said.map((info) => (info.type === 'candidate-used' ? info.cid : info.type)),
      ['late'],
    );
    peer.info({ type: 'activated', cid: 'late' });
    await assertJoined([await connected, theirs]);
  });

  it('takes data through a proxy for its activation', async () => {
    const peer = await rig.againstScript(await rig.side(romeo, '10.0.0.1'));
    const served: Duplex[] = [];
    rig.tcp.listen(proxy.host, proxy.port, (stream) => {
      served.push(stream);
      rig.streams.push(stream);
      acceptSocks5(stream, () => 'taken', { clock: rig.clock, timeoutMs: 1000 }).catch(() => undefined);
    });
    peer.answer({ candidates: [lateProxy] });
    const connected = peer.connecting();
    await rig.clock.advance(1000);
    peer.info({ type: 'candidate-error' });
    served[0]?.write('first bytes');
    const stream = await connected;
    assert.equal(String(stream.read()), 'first bytes');
  });

  it('fails when the peer cannot use its proxy, or the proxy hangs up', async () => {
    for (const end of ['proxy-error', 'hang-up'] as const) {
      const peer = await rig.againstScript(await rig.side(`${end}.example`, `10.0.1.${end.length}`));
      const served: Duplex[] = [];
      rig.tcp.listen(proxy.host, proxy.port, (stream) => {
        served.push(stream);
        acceptSocks5(stream, () => 'taken', { clock: rig.clock, timeoutMs: 1000 }).catch(() => undefined);
      });
      peer.answer({ candidates: [lateProxy] });
      const failed = assert.rejects(peer.connecting(), TransportFailedError);
      await rig.clock.advance(1000);
      peer.info({ type: 'candidate-error' });
      if (end === 'proxy-error') peer.info({ type: 'proxy-error' });
      else served[0]?.destroy();
      await settle();
      await failed;
    }
  });

  it('fails when the peer never says how its search ended', async () => {
    const peer = await rig.againstScript(await rig.side(romeo, '10.0.0.1'));
    rig.serveScript('10.0.0.2');
    peer.answer({ candidates: [direct('10.0.0.2')] });
    const failed = assert.rejects(peer.connecting(), TransportFailedError);
    await rig.clock.advance(defaultS5bLimits.negotiationTimeoutMs);
    await failed;
  });

  it('fails when the peer says that it is connected and is not', async () => {
    const peer = await rig.againstScript(await rig.side(romeo, '10.0.0.1'));
    peer.answer();
    const failed = assert.rejects(peer.connecting(), TransportFailedError);
    peer.info({ type: 'candidate-used', cid: peer.offer.candidates[0]?.cid ?? '' });
    await rig.clock.advance(defaultS5bLimits.negotiationTimeoutMs);
    await failed;
  });

  it('fails when the peer cannot be told', async () => {
    const transport = await rig.side(romeo, '10.0.0.1');
    const sendInfo = () => Promise.reject(new StanzaError('item-not-found'));
    const offer = s5bDescriptionCodec.toXml({ sid: 's', candidates: [direct('10.0.0.2')] });
    const negotiation = transport.answer({ self: romeo, peer: juliet, role: 'responder', sendInfo }, offer);
    rig.negotiations.push(negotiation);
    await negotiation.describe();
    const failed = assert.rejects(negotiation.connect(), TransportFailedError);
    await rig.clock.advance(10);
    await failed;
  });

  it('refuses what it cannot place, and goes on', async () => {
    const peer = await rig.againstScript(await rig.side(romeo, '10.0.0.1'));
    const refuses = (act: () => void, condition: string) =>
      assert.throws(act, (error) => error instanceof StanzaError && error.condition === condition);
    const raw = (inside: string) => () =>
      peer.negotiation.info(
        elementOf(`<transport xmlns='${NS.s5b}' sid='${peer.offer.sid}'>${inside}</transport>`),
      );
    refuses(() => peer.info({ type: 'candidate-used', cid: 'unknown' }), 'item-not-found');
    refuses(() => peer.info({ type: 'activated', cid: 'unknown' }), 'unexpected-request');
    refuses(() => peer.info({ type: 'proxy-error' }), 'unexpected-request');
    refuses(raw(''), 'bad-request');
    refuses(raw('<candidate-used/>'), 'bad-request');
    refuses(() => peer.negotiation.info(otherSid()), 'item-not-found');
    const theirs = await rig.dialOurs(peer.offer);
    const cid = peer.offer.candidates[0]?.cid ?? '';
    peer.info({ type: 'candidate-used', cid });
    refuses(() => peer.info({ type: 'candidate-used', cid }), 'unexpected-request');
    refuses(() => peer.info({ type: 'candidate-error' }), 'unexpected-request');
    peer.answer();
    const connected = peer.connecting();
    await rig.clock.advance(0);
    await assertJoined([await connected, theirs]);
    refuses(() => peer.info({ type: 'proxy-error' }), 'unexpected-request');
  });

  function otherSid(): Element {
    return s5bInfoCodec.toXml({ type: 'candidate-error', sid: 'another' });
  }

  it('refuses descriptions that are not an answer to its own', async () => {
    const peer = await rig.againstScript(await rig.side(romeo, '10.0.0.1'));
    assert.throws(() => peer.answer({ sid: 'another' }), ParseError);
    assert.throws(() => peer.answer({ mode: 'udp' }), TransportFailedError);
    assert.throws(
      () => peer.negotiation.remote(elementOf(`<transport xmlns='${NS.jingleIbb}'/>`)),
      ParseError,
    );
    peer.answer();
    assert.throws(() => peer.answer(), TransportFailedError);
  });

  it('refuses a sid that is in use already with the same peer', async () => {
    const transport = await rig.side(romeo, '10.0.0.1');
    const context = contextOf(romeo, juliet, 'responder', () => undefined);
    const offer = s5bDescriptionCodec.toXml({ sid: 's', candidates: [] });
    const first = transport.answer(context, offer);
    const second = transport.answer(context, offer);
    rig.negotiations.push(first, second);
    await first.describe();
    await assert.rejects(second.describe(), TransportFailedError);
  });
});
