import assert from 'node:assert/strict';
import { RateEstimate } from '../../../src/transfer/fetch/rate-estimate.js';

/** Bytes every 50 ms from one time to another. */
function feed(rate: RateEstimate, bytesPerMs: number, fromMs: number, toMs: number): void {
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += 50) rate.add(bytesPerMs * 50, nowMs);
}

function isNear(actual: number | undefined, expected: number): void {
  assert.ok(
    actual !== undefined && Math.abs(actual - expected) <= expected / 20,
    `${actual}, not ${expected}`,
  );
}

describe('an estimate of a rate', () => {
  it('is not made of the first bytes, and soon right after', () => {
    const rate = new RateEstimate();
    rate.add(1_000_000, 0);
    assert.equal(rate.at(10), undefined);
    feed(rate, 10, 50, 250);
    isNear(rate.at(250), 10);
  });

  it('follows a change within seconds', () => {
    const rate = new RateEstimate();
    feed(rate, 10, 0, 10_000);
    feed(rate, 40, 10_050, 16_000);
    isNear(rate.at(16_000), 40);
  });

  it('falls when nothing comes, and not while nothing is expected', () => {
    const rate = new RateEstimate();
    feed(rate, 10, 0, 5000);
    rate.pause(5000);
    isNear(rate.at(60_000), 10);
    rate.add(500, 60_000);
    assert.ok((rate.at(70_000) ?? 10) < 1);
  });
});
