import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseJid } from '../../src/stanza/jid.js';
import { ConnectBudget, type ConnectLeave } from '../../src/transport/connect-budget.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

const romeo = parseJid('romeo@montague.example/orchard');
const init = {
  failuresPerAddressPerMinute: 4,
  failuresPerPeerPerMinute: 10,
  failuresPerMinute: 30,
  concurrentUnproven: 2,
};

describe('ConnectBudget', () => {
  let clock: VirtualClock;
  let budget: ConnectBudget;

  beforeEach(() => {
    clock = new VirtualClock();
    budget = new ConnectBudget({ clock }, init);
  });

  const enter = (host: string, more: { peer?: typeof romeo; port?: number; signal?: AbortSignal } = {}) =>
    budget.enter({ peer: romeo, host, port: 5000, signal: new AbortController().signal, ...more });

  /** How many of so many attempts are made, where all fail. */
  async function failing(attempts: number, host: (index: number) => string, peer = romeo): Promise<number> {
    let made = 0;
    for (let index = 0; index < attempts; index += 1) {
      const leave = await enter(host(index), { peer, port: 2000 + index });
      if (!leave) continue;
      made += 1;
      leave.settle('failed');
    }
    return made;
  }

  it('knocks a few times at an address that does not answer, whatever the port and the peer', async () => {
    assert.equal(await failing(100, () => '192.0.2.1'), 4);
    const others = await Promise.all(
      ['a@x.example', 'b@y.example'].map((peer) => failing(100, () => '192.0.2.1', parseJid(peer))),
    );
    assert.deepEqual(others, [0, 0]);
    await clock.advance(30_000);
    assert.equal(await failing(100, () => '192.0.2.1'), 2);
  });

  it('knows an address in each of its spellings', async () => {
    const spellings = ['2001:db8::1', '2001:DB8::1', '2001:db8:0:0::1', '2001:0db8::0001', '2001:db8::0:1'];
    assert.equal(await failing(5, (index) => spellings[index] ?? ''), 4);
    const mapped = ['192.0.2.9', '::ffff:192.0.2.9', '::FFFF:c000:209', '0::ffff:192.0.2.9', '192.0.2.9'];
    assert.equal(await failing(5, (index) => mapped[index] ?? ''), 4);
  });

  it('knows an address under each of its names', async () => {
    let permitted = 0;
    for (let index = 0; index < 10; index += 1) {
      const leave = await enter(`name-${index}.example`);
      if (leave?.permits('192.0.2.1')) permitted += 1;
      leave?.settle('failed');
    }
    assert.equal(permitted, 4);
  });

  it('gives one peer so much, and everybody together so much', async () => {
    assert.equal(await failing(100, (index) => `192.0.2.${index}`), 10);
    const resource = parseJid('romeo@montague.example/elsewhere');
    assert.equal(await failing(10, (index) => `198.51.100.${index}`, resource), 0);
    let all = 10;
    for (let peer = 0; peer < 10; peer += 1) {
      all += await failing(10, (index) => `203.0.113.${peer * 10 + index}`, parseJid(`p${peer}.example`));
    }
    assert.equal(all, 30);
  });

  it('lets any number go where somebody has answered, until that fails', async () => {
    (await enter('192.0.2.1'))?.settle('answered');
    assert.equal(await failing(100, (index) => `198.51.100.${index}`), 10);
    const leaves = await Promise.all(Array.from({ length: 500 }, () => enter('192.0.2.1')));
    assert.ok(leaves.every((leave) => leave !== undefined));
    assert.equal(await enter('192.0.2.1', { port: 6000 }), undefined, 'that port has not answered');
    leaves[0]?.settle('failed');
    assert.equal(await enter('192.0.2.1'), undefined);
  });

  /** How many of so many attempts are made, where something else is always reached first. */
  async function withdrawing(attempts: number, host: string): Promise<number> {
    let made = 0;
    for (let index = 0; index < attempts; index += 1) {
      const leave = await enter(host);
      leave?.settle('withdrawn');
      if (leave) made += 1;
    }
    return made;
  }

  it('goes on trying where sessions did not need the address, and yet not without end', async () => {
    const made = await withdrawing(1000, '192.0.2.1');
    assert.ok(made >= 20, `${made} at an address`);
    assert.ok(made <= 8 * init.failuresPerAddressPerMinute, `${made} at an address`);
  });

  it('holds nothing against an address that has answered when a session does not need it', async () => {
    (await enter('192.0.2.1'))?.settle('answered');
    assert.equal(await withdrawing(1000, '192.0.2.1'), 1000);
  });

  it('tries a new address a few at a time, and lets all go once it has answered', async () => {
    const leaves: (ConnectLeave | undefined)[] = [];
    for (let index = 0; index < 50; index += 1) {
      void enter('192.0.2.1').then((leave) => leaves.push(leave));
    }
    await settle();
    assert.equal(leaves.length, 2);
    leaves[0]?.settle('answered');
    await settle();
    assert.equal(leaves.length, 50);
    assert.ok(leaves.every((leave) => leave !== undefined));
  });

  it('turns those away who waited for an address that does not answer', async () => {
    const leaves: (ConnectLeave | undefined)[] = [];
    for (let index = 0; index < 50; index += 1) {
      void enter('192.0.2.1').then((leave) => leaves.push(leave));
    }
    for (let turn = 0; turn < 10; turn += 1) {
      await settle();
      for (const leave of leaves) leave?.settle('failed');
    }
    assert.equal(leaves.length, 50);
    assert.equal(leaves.filter((leave) => leave !== undefined).length, 4);
  });

  it('forgets those who stop waiting', async () => {
    const held = await Promise.all([enter('192.0.2.1'), enter('192.0.2.1')]);
    const abort = new AbortController();
    const waiting = enter('192.0.2.1', { signal: abort.signal });
    abort.abort();
    assert.equal(await waiting, undefined);
    for (const leave of held) leave?.settle('failed');
    assert.ok(await enter('192.0.2.1'));
  });

  it('lets no more attempts fail than it has, in any order of events, where nobody has answered', async () => {
    const event = fc.record({
      address: fc.nat(9),
      peer: fc.nat(5),
      outcome: fc.constantFrom('failed', 'failed', 'failed', 'answered', 'hold'),
      waitMs: fc.constantFrom(0, 0, 0, 100, 5000),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 300 }), async (events) => {
        clock = new VirtualClock();
        budget = new ConnectBudget({ clock }, init);
        const held: ConnectLeave[] = [];
        const answered = new Set<number>();
        let knocks = 0;
        for (const { address, peer, outcome, waitMs } of events) {
          const abort = new AbortController();
          const entering = enter(`192.0.2.${address}`, {
            peer: parseJid(`p${peer}.example`),
            signal: abort.signal,
          });
          await Promise.resolve();
          await Promise.resolve();
          abort.abort();
          const leave = await entering;
          if (leave && outcome === 'hold') held.push(leave);
          else if (leave && outcome === 'failed') {
            if (!answered.delete(address)) knocks += 1;
            leave.settle('failed');
          } else if (leave) {
            answered.add(address);
            leave.settle('answered');
          }
          if (waitMs > 0) await clock.advance(waitMs);
        }
        const minutes = clock.monotonic() / 60_000;
        assert.ok(knocks <= init.failuresPerMinute * (1 + minutes), `${knocks} in ${minutes} minutes`);
        for (const leave of held) leave.settle('failed');
      }),
      { numRuns: 100 },
    );
  });
});
