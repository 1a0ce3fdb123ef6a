import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { View } from '../../src/access/access-policy.js';
import { Catalogue } from '../../src/catalogue/catalogue.js';
import { Slices } from '../../src/scan/slices.js';
import { ViewTotals } from '../../src/service/view-totals.js';
import { put } from '../support/file-entries.js';
import { VirtualClock } from '../support/virtual-clock.js';

const WITHOUT_X: View = {
  key: 'without x',
  maySee: (file) => !`${file.share}/${file.path}`.includes('x'),
  mayTake: () => false,
  verdict: (folder) => (folder.includes('x') ? 'none' : 'some'),
};

describe('ViewTotals', () => {
  const never = new AbortController().signal;

  it('counts what a view shows, whatever there is', async () => {
    const part = fc.constantFrom('a', 'b', 'x');
    const path = fc.array(part, { minLength: 2, maxLength: 4 }).map((parts) => parts.join('/'));
    const file = fc.record({ path, size: fc.nat(1000) });
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(file, { selector: (each) => each.path }), async (files) => {
        const catalogue = new Catalogue();
        const clock = new VirtualClock();
        const totals = new ViewTotals({ table: catalogue.table, slices: new Slices({ clock }), clock });
        catalogue.apply(files.map((each) => put(each.path, { size: each.size })));
        const seen = files.filter((each) => !each.path.includes('x'));
        const bytes = seen.reduce((sum, each) => sum + each.size, 0);
        assert.deepEqual(await totals.of(WITHOUT_X, never), { files: seen.length, bytes });
      }),
    );
  });

  it('counts again after a while, and not before', async () => {
    const catalogue = new Catalogue();
    const clock = new VirtualClock();
    const totals = new ViewTotals({ table: catalogue.table, slices: new Slices({ clock }), clock });
    catalogue.apply([put('a/1')]);
    assert.equal((await totals.of(WITHOUT_X, never)).files, 1);
    catalogue.apply([put('a/2')]);
    assert.equal((await totals.of(WITHOUT_X, never)).files, 1);
    await clock.advance(60_000);
    assert.equal((await totals.of(WITHOUT_X, never)).files, 2);
  });
});
