import assert from 'node:assert/strict';
import { LoopDelay } from '../../src/node/loop-delay.js';
import { eventually } from '../support/eventually.js';

const BLOCKED_MS = 120;

function block(): void {
  const until = performance.now() + BLOCKED_MS;
  while (performance.now() < until);
}

/** One whole turn of the event loop, timers and all, and what is left of this one. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise(setImmediate);
}

describe('the delay of the event loop', () => {
  let delay: LoopDelay;

  beforeEach(async () => {
    delay = new LoopDelay();
    await delay.start();
  });

  afterEach(() => delay.stop());

  /** All that came until something was seen, taken together. */
  async function taken() {
    return eventually(
      () => delay.take(),
      ({ max }) => max > 0,
    );
  }

  it('is seen when something keeps the loop from turning', async () => {
    await taken(); // it looks from now on
    await taken();
    for (let times = 0; times < 2; times += 1) {
      block(); // the first look after it was told only begins to count
      await turns();
    }
    const { p50, p99, max } = delay.take();
    assert.ok(max >= BLOCKED_MS / 2, `${max}`);
    assert.ok(p50 <= p99 && p99 <= max * 1.01, JSON.stringify({ p50, p99, max }));
  });

  it('is that of the time since it was asked for', async () => {
    await taken();
    block();
    delay.take(); // the turn in which it is asked does not count
    const after = await taken();
    assert.ok(after.max < BLOCKED_MS, JSON.stringify(after));
  });

  it('is nothing before the start and after the stop', async () => {
    const nothing = { p50: 0, p99: 0, max: 0 };
    assert.deepEqual(new LoopDelay().take(), nothing);
    await delay.stop();
    assert.deepEqual(delay.take(), nothing);
  });
});
