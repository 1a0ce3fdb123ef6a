import assert from 'node:assert/strict';
import fc from 'fast-check';
import { silentLog } from '../../src/log.js';
import { FetchMemory } from '../../src/wishes/fetch-memory.js';
import { MemoryFolder } from '../support/memory-folder.js';
import { VirtualClock } from '../support/virtual-clock.js';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

async function memoryIn(folder: MemoryFolder, clock: VirtualClock): Promise<FetchMemory> {
  const memory = new FetchMemory({ folder, clock, log: silentLog, random: () => 0.5 });
  await memory.start();
  return memory;
}

describe('what a node remembers of its fetches', () => {
  it('is that what failed waits, twice as long each time, and a day at most', async () => {
    const memory = await memoryIn(new MemoryFolder(), new VirtualClock());
    const waits = Array.from({ length: 12 }, () => {
      memory.failed('x');
      return memory.waitMs('x') / MINUTE_MS;
    });
    assert.deepEqual(waits.slice(0, 4), [5, 10, 20, 40]);
    assert.equal(waits.at(-1), 24 * 60);
    assert.equal(memory.waitMs('y'), 0);
    await memory.stop();
  });

  it('is there after a restart, and bounded', async () => {
    const clock = new VirtualClock();
    const folder = new MemoryFolder();
    const memory = await memoryIn(folder, clock);
    for (let at = 0; at < 10_001; at += 1) memory.failed(`hash ${at}`);
    await memory.stop();
    const later = await memoryIn(new MemoryFolder(folder.killedAfter(folder.steps.length)), clock);
    assert.equal(later.waitMs('hash 0'), 0, 'the oldest is forgotten');
    assert.equal(later.waitMs('hash 1'), 5 * MINUTE_MS);
    assert.equal(later.triedAt('hash 10000'), clock.now());
    await later.stop();
    assert.equal(clock.pendingTimers, 0);
  });

  it('knows what is under way, whichever wish began it', async () => {
    const memory = await memoryIn(new MemoryFolder(), new VirtualClock());
    assert.ok(memory.begin('x'));
    assert.ok(!memory.begin('x'));
    memory.end('x');
    assert.ok(memory.begin('x'));
    await memory.stop();
  });

  it('is nothing where the file is damaged, or of a time to come', async () => {
    const clock = new VirtualClock();
    const far = [['x', { failures: 1, againAtMs: clock.now() + 10 * DAY_MS, triedAtMs: 0 }]];
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json(), fc.constant(JSON.stringify(far))), async (text) => {
        const memory = await memoryIn(
          new MemoryFolder(new Map([['fetches.json', Buffer.from(text)]])),
          clock,
        );
        assert.equal(memory.waitMs('x'), 0);
        await memory.stop();
      }),
    );
  });
});
