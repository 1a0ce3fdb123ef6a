import assert from 'node:assert/strict';
import { PollTimes } from '../../src/wishes/poll-times.js';

describe('the times of polls', () => {
  const init = { firstMs: 1000, longestMs: 5000 };
  const first = (count: number, random: () => number) => {
    const times = new PollTimes(init, random);
    return Array.from({ length: count }, () => times.next());
  };

  it('double up to the longest', () => {
    assert.deepEqual(
      first(5, () => 0.5),
      [1000, 2000, 4000, 5000, 5000],
    );
  });

  it('differ by a fifth at most', () => {
    assert.deepEqual(
      first(2, () => 0),
      [800, 1600],
    );
    assert.deepEqual(
      first(2, () => 1),
      [1200, 2400],
    );
  });

  it('begin again when they are told to', () => {
    const times = new PollTimes(init, () => 0.5);
    times.next();
    times.reset();
    assert.equal(times.next(), 1000);
  });
});
