import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { HashPlaces } from '../../src/columns/hash-places.js';

/** Few that differ in little, so that buckets are shared. What comes after the fifth byte is not kept. */
const crowded = fc
  .tuple(fc.constantFrom(0, 7, 255), fc.constantFrom(0, 128, 255), fc.nat(255))
  .map(([first, high, low]) => Uint8Array.from([first, high, 0, 0, low, 1, 2, 3]));

const hashOf = (value: number) => createHash('sha256').update(`${value}`).digest();

describe('places of hashes', () => {
  it('knows what a map would, whatever comes and goes', () => {
    const step = fc.record({ hash: crowded, type: fc.constantFrom('set', 'set', 'set', 'delete') });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 3000, size: 'max' }), (steps) => {
        const places = new HashPlaces();
        const model = new Map<string, { hash: Uint8Array; number: number }>();
        steps.forEach(({ hash, type }, number) => {
          if (type === 'delete') {
            places.delete(hash);
            model.delete(`${hash}`);
          } else {
            places.set(hash, number);
            model.set(`${hash}`, { hash, number });
          }
          assert.equal(places.get(hash), model.get(`${hash}`)?.number);
        });
        assert.equal(places.size, model.size);
        for (const { hash, number } of model.values()) assert.equal(places.get(hash), number);
      }),
      { numRuns: 30 },
    );
  });

  it('finds each of many, and none that is not there', () => {
    const places = new HashPlaces();
    for (let value = 0; value < 20_000; value += 1) places.set(hashOf(value), value);
    for (let value = 0; value < 20_000; value += 1) assert.equal(places.get(hashOf(value)), value);
    for (let value = 20_000; value < 25_000; value += 1) assert.equal(places.get(hashOf(value)), undefined);
  });

  it('takes some ten bytes for each', () => {
    const places = new HashPlaces();
    for (let value = 0; value < 2 ** 16; value += 1) places.set(hashOf(value), value);
    assert.ok(places.bytes / places.size <= 10, `${places.bytes / places.size} bytes`);
  });
});
