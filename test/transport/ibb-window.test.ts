import assert from 'node:assert/strict';
import fc from 'fast-check';
import { afterAck, afterBounce, type Congestion, initialCongestion } from '../../src/transport/ibb-window.js';

function times(count: number, step: (congestion: Congestion) => Congestion, from: Congestion): Congestion {
  let congestion = from;
  for (let each = 0; each < count; each += 1) congestion = step(congestion);
  return congestion;
}

const fast = (congestion: Congestion) => afterAck(congestion, 'fast');
const slow = (congestion: Congestion) => afterAck(congestion, 'slow');

describe('ibb window', () => {
  it('begins full, and stays so while answers are quick', () => {
    assert.equal(times(100, fast, initialCongestion(8)).window, 8);
  });

  it('halves where answers are late, once for all that were under way together', () => {
    const halved = slow(initialCongestion(8));
    assert.equal(halved.window, 4);
    assert.equal(times(3, slow, halved).window, 4);
    assert.equal(times(4, slow, halved).window, 2);
    assert.equal(times(1000, slow, halved).window, 1);
  });

  it('then grows by one a window', () => {
    const halved = slow(initialCongestion(16));
    assert.equal(times(8, fast, halved).window, 9);
    assert.equal(times(8 + 9, fast, halved).window, 10);
    assert.equal(times(1000, fast, halved).window, 16);
  });

  it('begins with one after a bounce, doubles to half of what it was, then grows by one a window', () => {
    const bounced = afterBounce(initialCongestion(16));
    assert.equal(bounced.window, 1);
    assert.equal(times(7, fast, bounced).window, 8);
    assert.equal(times(7 + 7, fast, bounced).window, 8);
    assert.equal(times(7 + 8, fast, bounced).window, 9);
  });

  it('stays between one and the most that was asked for, whatever happens', () => {
    const event = fc.constantFrom(fast, slow, afterBounce);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.array(event), (maxWindow, events) => {
        let congestion = initialCongestion(maxWindow);
        for (const step of events) {
          congestion = step(congestion);
          assert.ok(congestion.window >= 1 && congestion.window <= maxWindow);
        }
      }),
    );
  });
});
