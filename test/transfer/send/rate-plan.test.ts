import assert from 'node:assert/strict';
import { ratesAt } from '../../../src/transfer/send/rate-plan.js';

const at = (hours: number, minutes = 0) => new Date(2026, 10, 23, hours, minutes).getTime();
const time = (hours: number, minutes = 0) => hours * 60 + minutes;

describe('rate plan', () => {
  const plan = {
    bytesPerSecond: 1000,
    times: [
      { from: time(22), to: time(6, 30), bytesPerSecond: 9000 },
      { from: time(12), to: time(13), bytesPerSecondPerPeer: 100 },
      { from: time(12, 30), to: time(14), bytesPerSecond: 1 },
    ],
  };

  it('has the bounds of the first period that fits, over midnight too', () => {
    assert.equal(ratesAt(plan, at(21, 59)).bytesPerSecond, 1000);
    for (const now of [at(22), at(23, 59), at(0), at(6, 29)])
      assert.equal(ratesAt(plan, now).bytesPerSecond, 9000);
    assert.equal(ratesAt(plan, at(6, 30)).bytesPerSecond, 1000);
    assert.equal(ratesAt(plan, at(12, 45)).bytesPerSecond, undefined);
    assert.equal(ratesAt(plan, at(12, 45)).bytesPerSecondPerPeer, 100);
    assert.equal(ratesAt(plan, at(13)).bytesPerSecond, 1);
  });

  it('takes a period that begins when it ends for the whole day', () => {
    assert.equal(ratesAt({ times: [{ from: 60, to: 60, bytesPerSecond: 5 }] }, at(0)).bytesPerSecond, 5);
  });
});
