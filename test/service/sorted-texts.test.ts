import assert from 'node:assert/strict';
import fc from 'fast-check';
import { childrenOf, sortInSteps } from '../../src/service/sorted-texts.js';

const part = fc.constantFrom('a', 'b', 'a b', 'a!', 'a0', 'a/b', '\uDC80', '\uFFFF');
const paths = fc
  .array(fc.array(part, { minLength: 1, maxLength: 4 }), { maxLength: 40 })
  .map((all) => [...new Set(all.map((parts) => parts.join('/')))].sort());

describe('sorted texts', () => {
  it('are sorted in steps as at once', () => {
    const texts = fc.array(fc.string({ maxLength: 3 }), { maxLength: 3000, size: 'max' });
    fc.assert(
      fc.property(texts, (list) => {
        const sorted = [...list];
        for (const _ of sortInSteps(sorted)) assert.equal(sorted.length, list.length);
        assert.deepEqual(sorted, [...list].sort());
      }),
      { numRuns: 50 },
    );
  });

  it('have as children what is next on the way to each', () => {
    fc.assert(
      fc.property(paths, fc.constantFrom('', 'a', 'a b', 'a/b', 'none'), (all, folder) => {
        const prefix = folder === '' ? '' : `${folder}/`;
        const below = all.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
        const names = new Set(below.map((path) => path.split('/')[0]));
        assert.deepEqual([...new Set(childrenOf(all, folder))].sort(), [...names].sort());
      }),
    );
  });
});
