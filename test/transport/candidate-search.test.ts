import assert from 'node:assert/strict';
import { silentLog } from '../../src/log.js';
import { parseJid } from '../../src/stanza/jid.js';
import type { CandidateType, S5bCandidate } from '../../src/stanza/xep0260-jingle-s5b.js';
import { AddressPolicy } from '../../src/transport/address-policy.js';
import { CandidateSearch, type Found } from '../../src/transport/candidate-search.js';
import { ConnectBudget } from '../../src/transport/connect-budget.js';
import { defaultConnectBudget } from '../../src/transport/limits.js';
import { MemoryListener, MemoryTcp } from '../support/memory-tcp.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

const DSTADDR = '972b7bf47291ca609517f67f86b5081086052dad';
const limits = {
  maxCandidates: 4,
  staggerMs: 200,
  proxyStaggerMs: 500,
  attemptTimeoutMs: 5000,
};
const LATE_CANDIDATES_MS = 1000;

describe('CandidateSearch', () => {
  let clock: VirtualClock;
  let tcp: MemoryTcp;
  let ends: (Found | undefined)[];
  let search: CandidateSearch;
  let gate: ConnectBudget;

  beforeEach(() => {
    clock = new VirtualClock();
    tcp = new MemoryTcp(clock);
    ends = [];
    gate = new ConnectBudget({ clock }, defaultConnectBudget);
    search = another();
  });

  afterEach(async () => {
    search.stop();
    for (const found of ends) found?.stream.destroy();
    await settle();
    assert.equal(clock.pendingTimers, 0);
  });

  /** One more, with the same budget. */
  function another(): CandidateSearch {
    return new CandidateSearch(
      {
        clock,
        log: silentLog,
        connector: tcp,
        policy: new AddressPolicy({ allowPrivate: true, allowLoopback: false }),
        gate,
      },
      { ...limits, peer: parseJid('romeo@montague.lit/orchard'), onEnd: (found) => ends.push(found) },
    );
  }

  function candidate(host: string, priority: number, type: CandidateType = 'direct'): S5bCandidate {
    return { cid: host, host, port: 5000, priority, type };
  }

  function begin(...candidates: readonly S5bCandidate[]): void {
    search.add(candidates, DSTADDR);
    search.start({ waitMs: candidates.length === 0 ? LATE_CANDIDATES_MS : 0 });
  }

  function serve(host: string): void {
    const listener = new MemoryListener(tcp, clock, [host], 5000);
    listener.expect(DSTADDR, { admit: () => true, take: () => undefined });
  }

  const results = () => ends.map((found) => found?.candidate.host);

  it('tries by priority, one after the other', async () => {
    for (const host of ['10.0.0.1', '10.0.0.2', '10.0.0.3']) tcp.silence(host, 5000);
    begin(candidate('10.0.0.2', 2), candidate('10.0.0.3', 3), candidate('10.0.0.1', 1));
    await clock.advance(0);
    assert.deepEqual(tcp.attempts, ['10.0.0.3:5000']);
    await clock.advance(200);
    assert.deepEqual(tcp.attempts, ['10.0.0.3:5000', '10.0.0.2:5000']);
    await clock.advance(200);
    assert.equal(tcp.attempts.length, 3);
  });

  it('goes on at once where a candidate refuses', async () => {
    serve('10.0.0.1');
    begin(candidate('10.0.0.2', 2), candidate('10.0.0.1', 1));
    await clock.advance(10);
    assert.deepEqual(results(), ['10.0.0.1']);
  });

  it('gives direct candidates a longer lead on proxies', async () => {
    tcp.silence('10.0.0.2', 5000);
    serve('10.0.0.1');
    begin(candidate('10.0.0.2', 2), candidate('10.0.0.1', 1, 'proxy'));
    await clock.advance(499);
    assert.equal(tcp.attempts.length, 1);
    await clock.advance(1);
    assert.deepEqual(results(), ['10.0.0.1']);
  });

  it('takes the first that answers and closes the others', async () => {
    for (const host of ['10.0.0.1', '10.0.0.2']) serve(host);
    tcp.delay('10.0.0.2', 5000, 300);
    begin(candidate('10.0.0.2', 2), candidate('10.0.0.1', 1));
    await clock.advance(1000);
    assert.deepEqual(results(), ['10.0.0.1']);
    assert.equal(tcp.openStreams, 2);
  });

  it('ends without a result when none answers', async () => {
    tcp.silence('10.0.0.1', 5000);
    begin(candidate('10.0.0.1', 1), candidate('10.0.0.2', 2));
    await clock.advance(4999);
    assert.deepEqual(results(), []);
    await clock.advance(1);
    assert.deepEqual(results(), [undefined]);
  });

  it('gives up on a streamhost that connects and says nothing', async () => {
    tcp.listen('10.0.0.1', 5000, () => undefined);
    begin(candidate('10.0.0.1', 1));
    await clock.advance(5000);
    assert.deepEqual(results(), [undefined]);
    assert.equal(tcp.openStreams, 0);
  });

  it('leaves out what policy forbids', async () => {
    begin(candidate('127.0.0.1', 3), { ...candidate('10.0.0.1', 2), port: 22 }, candidate('fe80::1%eth0', 1));
    await clock.advance(0);
    assert.deepEqual(results(), [undefined]);
    assert.deepEqual(tcp.attempts, []);
  });

  it('tries no more candidates than configured, however they come', async () => {
    const many = Array.from({ length: 50 }, (_, index) => candidate(`10.0.0.${index + 1}`, index));
    begin(...many.slice(0, 3));
    search.add(many.slice(3), DSTADDR);
    await clock.advance(60_000);
    assert.equal(tcp.attempts.length, 4);
  });

  it('waits a while for candidates of a peer that gave none', async () => {
    serve('10.0.0.1');
    begin();
    await clock.advance(900);
    assert.deepEqual(results(), []);
    search.add([candidate('10.0.0.1', 1)], DSTADDR);
    await clock.advance(0);
    assert.deepEqual(results(), ['10.0.0.1']);
  });

  it('does not wait for ever', async () => {
    begin();
    await clock.advance(1000);
    assert.deepEqual(results(), [undefined]);
  });

  it('drops what is not above the candidate that the peer uses', async () => {
    for (const host of ['10.0.0.1', '10.0.0.2', '10.0.0.3']) tcp.silence(host, 5000);
    begin(
      candidate('10.0.0.3', 3),
      candidate('10.0.0.2', 2),
      candidate('10.0.0.4', 2),
      candidate('10.0.0.1', 1),
    );
    await clock.advance(200);
    search.narrow(2);
    await clock.advance(4799);
    assert.deepEqual(tcp.attempts, ['10.0.0.3:5000', '10.0.0.2:5000']);
    assert.deepEqual(results(), []);
    await clock.advance(1);
    assert.deepEqual(results(), [undefined]);
  });

  it('ends at once when nothing above is left', async () => {
    tcp.silence('10.0.0.1', 5000);
    begin(candidate('10.0.0.1', 1));
    await clock.advance(10);
    search.narrow(1);
    assert.deepEqual(results(), [undefined]);
  });

  it('does not wait for candidates of a peer that is connected already', async () => {
    search.narrow(5);
    begin();
    assert.deepEqual(results(), [undefined]);
  });

  it('gives a peer the start that it is told to, unless the peer has ended it', async () => {
    serve('10.0.0.1');
    search.add([candidate('10.0.0.1', 1)], DSTADDR);
    search.start({ waitMs: 5 });
    await clock.advance(4);
    assert.deepEqual(tcp.attempts, []);
    search.narrow(1);
    assert.deepEqual(results(), [undefined]);
    await clock.advance(10);
    assert.deepEqual(tcp.attempts, []);
  });

  it('still tries an address that it has given up on in ten sessions because the peer was quicker', async () => {
    tcp.silence('10.0.0.1', 5000);
    for (let session = 0; session < 10; session += 1) {
      const loser = another();
      loser.add([candidate('10.0.0.1', 1)], DSTADDR);
      loser.start({ waitMs: 0 });
      await clock.advance(10);
      loser.narrow(1);
      await settle();
    }
    assert.equal(tcp.attempts.length, 10);
    begin(candidate('10.0.0.1', 1));
    await clock.advance(0);
    assert.equal(tcp.attempts.length, 11);
  });

  it('says nothing once it was stopped', async () => {
    serve('10.0.0.1');
    begin(candidate('10.0.0.1', 1));
    search.stop();
    await clock.advance(10_000);
    assert.deepEqual(results(), []);
    assert.equal(tcp.openStreams, 0);
  });
});
