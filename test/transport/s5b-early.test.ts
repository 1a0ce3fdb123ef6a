/** Who connects first in an S5B negotiation, what is nominated before both have reported, and what becomes of the rest. */
import assert from 'node:assert/strict';
import {
  candidatePriority,
  type S5bCandidate,
  type S5bDescription,
  s5bDescriptionCodec,
  s5bInfoCodec,
} from '../../src/stanza/xep0260-jingle-s5b.js';
import { settle } from '../support/virtual-clock.js';
import { contextOf } from './negotiate.js';
import { assertJoined, direct, juliet, romeo, S5bRig } from './s5b-rig.js';

describe('S5bNegotiation, and who connects', () => {
  let rig: S5bRig;
  beforeEach(() => {
    rig = new S5bRig();
  });
  afterEach(() => rig.tearDown());

  /** Our side as the responder that has decided, against an initiator with this candidate. */
  async function answering(candidate: S5bCandidate, more: Partial<S5bDescription> = { early: true }) {
    const transport = await rig.side(romeo, '10.0.0.1');
    const said: string[] = [];
    const context = contextOf(romeo, juliet, 'responder', (info) =>
      said.push(s5bInfoCodec.fromXml(info).type),
    );
    const offer = s5bDescriptionCodec.toXml({ sid: 's', candidates: [candidate], ...more });
    const negotiation = transport.answer(context, offer);
    rig.negotiations.push(negotiation);
    negotiation.reach();
    const answer = s5bDescriptionCodec.fromXml(await negotiation.describe());
    return { negotiation, answer, said };
  }
  const bestOfTheirs = direct('10.0.0.2', { priority: candidatePriority('direct', 41_000) });

  it('as the responder, uses what it has reached of an initiator without waiting for its report', async () => {
    const served = rig.serveScript('10.0.0.2');
    const { negotiation, said } = await answering(bestOfTheirs);
    await rig.clock.advance(1);
    assert.equal(served.asked.length, 1, 'connected while the answer is made');
    assert.deepEqual(said, [], 'nothing is said before the answer');
    const connected = negotiation.connect();
    await settle();
    await assertJoined([await connected, served.streams[0]]);
    rig.streams.push(await connected);
    assert.deepEqual(said, ['candidate-used']);
    negotiation.info(s5bInfoCodec.toXml({ type: 'candidate-error', sid: 's' }));
  });

  // Libervia 0.9 closed the connection: it had not reported, and the file came by a second session five seconds later, or never.
  it('as the responder, gives no bytes to an initiator that does not expect them yet', async () => {
    const served = rig.serveScript('10.0.0.2');
    const { negotiation, said } = await answering(bestOfTheirs, {});
    let isConnected = false;
    const connected = negotiation.connect().then((stream) => {
      isConnected = true;
      return stream;
    });
    await rig.clock.advance(1);
    assert.deepEqual(said, ['candidate-used']);
    assert.ok(!isConnected);
    negotiation.info(s5bInfoCodec.toXml({ type: 'candidate-error', sid: 's' }));
    await assertJoined([await connected, served.streams[0]]);
    rig.streams.push(await connected);
  });

  it('closes what it has reached for an answer that is never given', async () => {
    const served = rig.serveScript('10.0.0.2');
    const { negotiation } = await answering(bestOfTheirs);
    await rig.clock.advance(1);
    negotiation.close();
    await settle();
    assert.ok(served.streams[0]?.destroyed);
  });

  it('says that it reached nothing where the connection is gone before the answer', async () => {
    const served = rig.serveScript('10.0.0.2');
    const { negotiation, said } = await answering(bestOfTheirs);
    await rig.clock.advance(1);
    served.streams[0]?.destroy();
    await settle();
    negotiation.connect().catch(() => undefined);
    await settle();
    assert.deepEqual(said, ['candidate-error']);
  });

  it('does not keep an initiator that has reached it waiting for a firewall', async () => {
    rig.tcp.silence('10.0.0.2', 5000);
    const { negotiation, answer, said } = await answering(bestOfTheirs);
    const connected = negotiation.connect();
    await rig.clock.advance(50);
    const theirs = await rig.dialOurs(answer);
    const [candidate] = answer.candidates;
    assert.ok(candidate && candidate.priority < bestOfTheirs.priority);
    negotiation.info(s5bInfoCodec.toXml({ type: 'candidate-used', sid: 's', cid: candidate.cid }));
    await settle();
    rig.streams.push(await connected);
    await assertJoined([await connected, theirs]);
    assert.deepEqual(said, ['candidate-error']);
  });

  it('takes what comes through a connection of the peer for its nomination: the report is slower', async () => {
    const peer = await rig.againstScript(await rig.side(romeo, '10.0.0.1'));
    const theirs = await rig.dialOurs(peer.offer);
    theirs.write('there');
    await settle();
    peer.answer();
    const connected = peer.connecting();
    await settle();
    assert.equal(String((await connected).read()), 'there');
    assert.deepEqual(
      peer.said.map(({ type }) => type),
      ['candidate-error'],
      'it is told how our search ended all the same (§2.3)',
    );
    peer.info({ type: 'candidate-used', cid: peer.offer.candidates[0]?.cid ?? '' });
  });

  it('leaves it to a peer with lower priorities to connect, where that is quick', async () => {
    const peer = await rig.againstScript(await rig.side(romeo, '10.0.0.1'));
    const theirs = await rig.dialOurs(peer.offer);
    rig.serveScript('10.0.0.2');
    peer.answer({ candidates: [direct('10.0.0.2')] });
    const connected = peer.connecting();
    await rig.clock.advance(1);
    peer.info({ type: 'candidate-used', cid: peer.offer.candidates[0]?.cid ?? '' });
    await assertJoined([await connected, theirs]);
    assert.deepEqual(rig.tcp.attempts, ['10.0.0.1:5000'], 'only the peer has connected');
  });

  // Gajim 1.7.3 ended its session: for it, the transfer had broken off.
  it('closes a connection that is not nominated when the peer can know of it', async () => {
    const peer = await rig.againstScript(await rig.side(romeo, '10.0.0.1'), 'responder');
    const served = rig.serveScript('10.0.0.2');
    const theirs = await rig.dialOurs(peer.offer);
    peer.answer({ candidates: [direct('10.0.0.2', { priority: 9_000_000 })] });
    const connected = peer.connecting();
    peer.info({ type: 'candidate-used', cid: peer.offer.candidates[0]?.cid ?? '' });
    await rig.clock.advance(10);
    await assertJoined([await connected, served.streams[0]]);
    assert.ok(!theirs.destroyed);
    await rig.clock.advance(2000);
    assert.ok(theirs.destroyed);
  });
});
