import assert from 'node:assert/strict';
import { limitOptions } from '../../src/config/limits.js';
import type { Limits } from '../../src/config/options.js';
import { silentLog } from '../../src/log.js';
import { NodeGuard } from '../../src/node/node-guard.js';
import { type Jid, parseBareJid, parseJid } from '../../src/stanza/jid.js';
import { MemoryFolder } from '../support/memory-folder.js';
import { VirtualClock } from '../support/virtual-clock.js';

const limits = Object.fromEntries(
  Object.entries(limitOptions).map(([key, option]) => [key.replace('limits.', ''), option.default]),
) as unknown as Limits;
const MALLORY = parseBareJid('mallory@example.org');

describe('NodeGuard', () => {
  it('keeps bans over a restart that nobody prepared for, and ends sessions', async () => {
    const clock = new VirtualClock();
    const folder = new MemoryFolder();
    const ended: Jid[] = [];
    const peers = [parseJid('mallory@example.org/x'), parseJid('juliet@example.org/y')];
    const sessions = () => ({
      isInSession: () => false,
      dismiss: (isMeant: (peer: Jid) => boolean) => void ended.push(...peers.filter(isMeant)),
    });
    const components = { clock, log: silentLog, folder, sessions };
    const before = new NodeGuard(components, limits);
    await before.start();
    await before.ban(MALLORY, { forMs: 7_200_000, reason: 'flooded us' });
    assert.deepEqual(ended, ['mallory@example.org/x']);

    const after = new NodeGuard(components, limits);
    await after.start();
    assert.deepEqual(after.bans(), before.bans());
    assert.throws(() => after.queries.charge('mallory@example.org'), { bound: 'banned' });
    assert.equal(after.status().bans, 1);
    assert.equal(await after.unban(MALLORY), true);
    after.queries.charge('mallory@example.org');
    await after.stop();
    await before.stop();
    assert.equal(clock.pendingTimers, 0);
  });

  it('takes other limits while it runs, and gives nobody what was used up', async () => {
    const clock = new VirtualClock();
    const sessions = () => ({ isInSession: () => false, dismiss: () => undefined });
    const guard = new NodeGuard({ clock, log: silentLog, folder: new MemoryFolder(), sessions }, limits);
    const asked = (who: string) => {
      for (let count = 0; ; count += 1) {
        try {
          guard.queries.charge(who);
        } catch {
          return count;
        }
      }
    };
    assert.equal(asked('a@x'), 120);
    guard.setLimits({ limits: { ...limits, queriesPerAskerPerMinute: 30 } });
    assert.equal(asked('a@x'), 0);
    assert.equal(asked('b@x'), 30);
    guard.setLimits({ limits: { ...limits, queriesPerAskerPerMinute: 600 } });
    assert.equal(asked('b@x'), 570);
    await clock.advance(1000);
    assert.equal(asked('b@x'), 10);
  });
});
