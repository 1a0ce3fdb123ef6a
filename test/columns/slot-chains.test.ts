import assert from 'node:assert/strict';
import fc from 'fast-check';
import { SlotChains } from '../../src/columns/slot-chains.js';

describe('SlotChains', () => {
  it('knows who has a hash, as a map of sets does', () => {
    const hash = fc.oneof(
      fc.nat(5),
      fc.constantFrom(0xffffffff, 0x80000000),
      fc.integer({ min: 0, max: 0xffffffff }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(100), hash), { maxLength: 400, size: 'max' }), (steps) => {
        const model = new Map<number, number>();
        const chains = new SlotChains((slot) => model.get(slot) ?? Number.NaN);
        for (const [slot, hash] of steps) {
          if (model.has(slot)) {
            chains.remove(slot);
            model.delete(slot);
          } else {
            model.set(slot, hash);
            chains.add(slot, hash);
          }
        }
        for (const hash of new Set(steps.map(([, each]) => each))) {
          const slots: number[] = [];
          chains.find(hash, (slot) => {
            if (model.get(slot) === hash) slots.push(slot);
            return false;
          });
          const expected = [...model].filter(([, each]) => each === hash).map(([slot]) => slot);
          assert.deepEqual(slots.sort(), expected.sort());
        }
      }),
    );
  });

  it('takes many slots with one hash, and gives them up, in no time', () => {
    const chains = new SlotChains(() => 42);
    for (let slot = 0; slot < 200_000; slot++) chains.add(slot, 42);
    for (let slot = 0; slot < 200_000; slot++) chains.remove(slot);
    assert.equal(
      chains.find(42, () => true),
      undefined,
    );
  });
});
