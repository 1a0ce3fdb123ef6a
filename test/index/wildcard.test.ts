import assert from 'node:assert/strict';
import fc from 'fast-check';
import { matchesPieces } from '../../src/index/wildcard.js';

const word = (max: number) => fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: max });
const pieces = fc.array(word(2), { minLength: 2, maxLength: 5 });

describe('wildcard', () => {
  it('matches what the same regular expression matches', () => {
    fc.assert(
      fc.property(pieces, word(8), (parts, term) => {
        assert.equal(matchesPieces(parts, term), new RegExp(`^${parts.join('.*')}$`).test(term));
      }),
      { numRuns: 3000 },
    );
  });
});
