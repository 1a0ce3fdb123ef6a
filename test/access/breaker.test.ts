import assert from 'node:assert/strict';
import { Breaker } from '../../src/access/breaker.js';
import { silentLog } from '../../src/log.js';
import { VirtualClock } from '../support/virtual-clock.js';

/** Its timers come late. */
class LateClock extends VirtualClock {
  lateMs = 0;

  override after(delayMs: number, callback: () => void) {
    return super.after(delayMs + this.lateMs, callback);
  }
}

describe('breaker', () => {
  let clock: LateClock;
  let active: number;
  let breaker: Breaker;

  beforeEach(async () => {
    clock = new LateClock();
    active = 0;
    breaker = new Breaker(
      { clock, log: silentLog, active: () => active },
      { busyDelayMs: 300, overloadDelayMs: 1000, maxActive: 100 },
    );
    await breaker.start();
  });

  afterEach(async () => {
    await breaker.stop();
    assert.equal(clock.pendingTimers, 0);
  });

  it('does not mind a moment', async () => {
    await clock.advance(1000);
    clock.lateMs = 1000;
    await clock.advance(200); // the next look is made with this
    clock.lateMs = 0;
    await clock.advance(1500);
    assert.equal(breaker.load, 'calm');
  });

  it('sees that everything is late, more and less, and waits for calm', async () => {
    clock.lateMs = 500;
    await clock.advance(10_000);
    assert.equal(breaker.load, 'busy');
    clock.lateMs = 2000;
    await clock.advance(20_000);
    assert.equal(breaker.load, 'overloaded');
    clock.lateMs = 0;
    await clock.advance(3000);
    assert.notEqual(breaker.load, 'calm');
    await clock.advance(6000);
    assert.equal(breaker.load, 'calm');
  });

  it('is soon over a long sleep of the machine', async () => {
    clock.lateMs = 8 * 3_600_000;
    await clock.advance(200);
    await clock.advance(8 * 3_600_000);
    clock.lateMs = 0;
    await clock.advance(8 * 3_600_000);
    await clock.advance(10_000);
    assert.equal(breaker.load, 'calm');
  });

  it('sees questions that pile up', async () => {
    active = 49;
    await clock.advance(1000);
    assert.equal(breaker.load, 'calm');
    active = 50;
    await clock.advance(200);
    assert.equal(breaker.load, 'busy');
    active = 95;
    await clock.advance(200);
    assert.equal(breaker.load, 'overloaded');
    active = 0;
    await clock.advance(3000);
    assert.equal(breaker.load, 'calm');
  });
});
