import assert from 'node:assert/strict';
import { LayoutTurns } from '../../../src/transfer/fetch/layout-turns.js';

const SIZE = 1e9;

describe('turns of layouts', () => {
  it('end after half a minute when little came and there are others, then after a minute', () => {
    const turns = new LayoutTurns();
    turns.begin(0);
    turns.received(1000);
    assert.equal(
      turns.next('a', () => ['b'], SIZE, 29_999),
      undefined,
    );
    assert.equal(
      turns.next('a', () => ['b'], SIZE, 30_000),
      'b',
    );
    turns.begin(30_000);
    assert.equal(
      turns.next('b', () => ['a'], SIZE, 60_000),
      'a',
      'it gave more',
    );
    turns.begin(60_000);
    assert.equal(
      turns.next('a', () => ['b'], SIZE, 119_999),
      undefined,
    );
    assert.equal(
      turns.next('a', () => ['b'], SIZE, 120_000),
      'b',
    );
  });

  it('go on when nobody else can give anything, or all is here soon', () => {
    const turns = new LayoutTurns();
    turns.begin(0);
    assert.equal(
      turns.next('a', () => [], SIZE, 30_000),
      undefined,
    );
    turns.received(SIZE / 4);
    assert.equal(
      turns.next('a', () => ['b'], SIZE, 90_000),
      undefined,
      'four minutes are left',
    );
  });

  it('say that one would take for days, when it had one', () => {
    const turns = new LayoutTurns();
    turns.begin(0);
    assert.equal(turns.isHopeless('a', SIZE), false);
    turns.received(30_000);
    turns.next('a', () => [], SIZE, 30_000);
    assert.equal(turns.isHopeless('a', 86_400_000), false);
    assert.equal(turns.isHopeless('a', 86_400_001), true);
  });
});
