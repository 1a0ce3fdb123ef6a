import assert from 'node:assert/strict';
import fc from 'fast-check';
import { toDisplay } from '../../src/catalogue/share-path.js';
import { Lookalikes } from '../../src/service/lookalikes.js';

const part = fc.constantFrom('a', 'b', 'a\uDC80', 'a\uDC81', '\uDCFF', 'a\uFFFD');
const folder = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));

describe('folders by what they look like', () => {
  it('are found as if all were gone through', () => {
    fc.assert(
      fc.property(fc.array(folder, { maxLength: 30 }), folder, (steps, asked) => {
        const odd = new Lookalikes();
        const there = new Set<string>();
        for (const each of steps) {
          if (there.delete(each)) odd.remove(each);
          else odd.add(there.add(each) && each);
        }
        const looks = toDisplay(asked);
        const ways = [...there].flatMap((each) => {
          const parts = each.split('/');
          return parts.map((_, at) => parts.slice(0, at + 1).join('/'));
        });
        const [first] = ways.filter((way) => !way.isWellFormed() && toDisplay(way) === looks).sort();
        assert.equal(odd.find(looks), first);
      }),
      { numRuns: 500 },
    );
  });
});
