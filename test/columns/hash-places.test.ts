import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { HashPlaces } from '../../src/columns/hash-places.js';

/** Few first bytes and few keys, close together and at both ends, so that places are fought for. */
const crowded = fc
  .tuple(fc.constantFrom(0, 255), fc.constantFrom(0, 1, 127, 255), fc.integer({ min: 0, max: 40 }))
  .map(([table, high, low]) => {
    const edge = high === 255 ? 255 - low : low;
    return Uint8Array.from([table, high, high, high, edge, 7, 7, 7]);
  });

const hashOf = (value: number) => createHash('sha256').update(`${value}`).digest();

describe('places of hashes', () => {
  it('knows what a map would, whatever comes and goes', () => {
    const step = fc.record({ hash: crowded, number: fc.option(fc.nat(2 ** 32 - 2)) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const places = new HashPlaces();
        const model = new Map<string, { hash: Uint8Array; number: number }>();
        for (const { hash, number } of steps) {
          if (number === null) {
            places.delete(hash);
            model.delete(`${hash}`);
          } else {
            places.set(hash, number);
            model.set(`${hash}`, { hash, number });
          }
          assert.equal(places.get(hash), number ?? undefined);
        }
        assert.equal(places.size, model.size);
        for (const { hash, number } of model.values()) assert.equal(places.get(hash), number);
      }),
    );
  });

  it('finds each of many, and none that is not there', () => {
    const places = new HashPlaces();
    for (let value = 0; value < 20_000; value += 1) places.set(hashOf(value), value);
    for (let value = 0; value < 20_000; value += 1) assert.equal(places.get(hashOf(value)), value);
    for (let value = 20_000; value < 25_000; value += 1) assert.equal(places.get(hashOf(value)), undefined);
  });

  it('takes some ten bytes for each', () => {
    for (const expected of [0, 40_000]) {
      const places = new HashPlaces(expected);
      for (let value = 0; value < 40_000; value += 1) places.set(hashOf(value), value);
      assert.equal(places.size, 40_000);
      assert.ok(places.bytes / places.size < 12, `${places.bytes / places.size} bytes`);
    }
  });
});
