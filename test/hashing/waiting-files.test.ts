import assert from 'node:assert/strict';
import fc from 'fast-check';
import { WaitingFiles } from '../../src/hashing/waiting-files.js';

describe('waiting files', () => {
  it('are gone through once each, all of them, from where the last round ended', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(200)), fc.array(fc.nat(12), { minLength: 1 }), (slots, taken) => {
        const waiting = new WaitingFiles();
        for (const slot of slots) waiting.add(slot, slot);
        const seen: number[] = [];
        for (const count of [...taken, slots.length]) {
          let left = count;
          for (const slot of waiting.round()) {
            if (left === 0) break; // it is passed over, and comes first next time
            left -= 1;
            seen.push(slot);
            waiting.delete(slot, slot);
          }
          assert.equal(waiting.size, slots.length - seen.length);
        }
        assert.deepEqual(
          seen,
          [...slots].sort((one, other) => one - other),
        );
        assert.equal(waiting.bytes, 0);
      }),
    );
  });

  it('come round to those that were added behind', () => {
    const waiting = new WaitingFiles();
    for (const slot of [5, 70, 100]) waiting.add(slot, 1);
    for (const slot of waiting.round()) if (slot === 70) break;
    waiting.add(6, 1);
    assert.deepEqual([...waiting.round()], [70, 100, 5, 6]);
    assert.equal(waiting.size, 4);
  });
});
