import assert from 'node:assert/strict';
import fc from 'fast-check';
import { RangeSet } from '../../../src/transfer/fetch/range-set.js';

const SIZE = 40;
const bound = fc.integer({ min: 0, max: SIZE });

const step = fc.record({
  type: fc.constantFrom('add' as const, 'remove' as const),
  start: bound,
  end: bound,
});

describe('RangeSet', () => {
  it('is a set of numbers, whatever is added and removed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), bound, bound, (steps, from, to) => {
        const set = new RangeSet();
        const model = new Set<number>();
        for (const { type, start, end } of steps) {
          set[type](start, end);
          for (let value = start; value < end; value++) {
            if (type === 'add') model.add(value);
            else model.delete(value);
          }
        }
        assert.equal(set.size, model.size);
        for (let value = 0; value < SIZE; value++) assert.equal(set.has(value), model.has(value));
        const spans = [...set];
        for (const [i, { start, end }] of spans.entries()) {
          assert.ok(start < end, 'an empty span');
          assert.ok((spans[i - 1]?.end ?? -1) < start, 'spans that touch or overlap');
        }
        const missing = new RangeSet(set.missing(from, to));
        for (let value = from; value < to; value++) assert.equal(missing.has(value), !model.has(value));
        assert.equal(
          missing.size,
          [...Array(Math.max(0, to - from)).keys()].filter((i) => !model.has(from + i)).length,
        );
        const first = [...model].filter((value) => value >= from).sort((a, b) => a - b)[0];
        assert.equal(set.firstFrom(from)?.start, first);
        const copy = set.copy();
        copy.add(0, SIZE);
        assert.equal(set.size, model.size, 'a copy is the set itself');
      }),
    );
  });

  it('puts together spans that touch, and cuts those that are removed in the middle', () => {
    const set = new RangeSet([
      { start: 0, end: 2 },
      { start: 4, end: 6 },
    ]);
    set.add(2, 4);
    assert.deepEqual([...set], [{ start: 0, end: 6 }]);
    set.remove(2, 3);
    assert.deepEqual(set.spans, [
      { start: 0, end: 2 },
      { start: 3, end: 6 },
    ]);
    assert.deepEqual(set.missing(1, 8), [
      { start: 2, end: 3 },
      { start: 6, end: 8 },
    ]);
  });
});
