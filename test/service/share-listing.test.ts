import assert from 'node:assert/strict';
import fc from 'fast-check';
import { allowAll, type View } from '../../src/access/access-policy.js';
import { Catalogue } from '../../src/catalogue/catalogue.js';
import { keyOf } from '../../src/catalogue/file-entry.js';
import { toDisplay } from '../../src/catalogue/share-path.js';
import { type Listed, type ListedPage, pageResultOf, ShareListing } from '../../src/service/share-listing.js';
import { parseJid } from '../../src/stanza/jid.js';
import { put, remove } from '../support/file-entries.js';
import { VirtualClock } from '../support/virtual-clock.js';

const ALL = allowAll.viewOf({ jid: parseJid('juliet@capulet.lit') });

/** Only what does not hold the letter `x`. */
const WITHOUT_X: View = {
  key: 'without x',
  maySee: (file) => !`${file.share}/${file.path}`.includes('x'),
  mayTake: () => false,
  verdict: (folder) => (folder.includes('x') ? 'none' : 'some'),
};

function nameOf(item: Listed): string {
  return item.type === 'folder' ? `${item.path}/` : keyOf(item.entry);
}

describe('ShareListing', () => {
  let catalogue: Catalogue;
  let listing: ShareListing;

  beforeEach(async () => {
    catalogue = new Catalogue();
    listing = new ShareListing({ catalogue, clock: new VirtualClock() });
    await listing.start();
  });
  afterEach(() => listing.stop());

  const names = async (folder: string, view = ALL, page: object = {}) =>
    (await listing.list(view, folder, { max: 100, ...page }))?.items.map(nameOf);

  it('has the shares at the top, folders before files, and nothing where nothing is', async () => {
    catalogue.apply([put('b/z.txt'), put('b/c/d/e.txt'), put('b/c d/f.txt'), put('a/1.txt')]);
    assert.deepEqual(await names(''), ['a/', 'b/']);
    assert.deepEqual(await names('b'), ['b/c/', 'b/c d/', 'b/z.txt']);
    assert.deepEqual(await names('b/c'), ['b/c/d/']);
    for (const folder of ['c', 'b/', 'b/z.txt', 'b//c', '/', '..', 'b/..', 'b/c/d/e.txt']) {
      assert.equal(await names(folder), undefined, folder);
    }
  });

  it('shows neither files nor folders that one may not see, and says of them what it says of nothing', async () => {
    catalogue.apply([put('x/1'), put('a/x/1'), put('a/b/x1'), put('a/c/2'), put('a/c/x2')]);
    assert.deepEqual(await names('', WITHOUT_X), ['a/']);
    assert.deepEqual(await names('a', WITHOUT_X), ['a/c/']);
    assert.deepEqual(await names('a/c', WITHOUT_X), ['a/c/2']);
    for (const folder of ['x', 'a/x', 'a/b']) assert.equal(await names(folder, WITHOUT_X), undefined);
    assert.equal(await listing.fileAt(WITHOUT_X, 'a/c/x2'), undefined);
    assert.equal(keyOf((await listing.fileAt(WITHOUT_X, 'a/c/2')) ?? assert.fail()), 'a/c/2');
    assert.deepEqual(await names('a', ALL), ['a/b/', 'a/c/', 'a/x/']);
  });

  it('finds by what it looks like a name that is no valid UTF-8', async () => {
    catalogue.apply([put('a/b\uDC80/c\uDCFF.txt')]);
    const [folder] = (await names('a')) ?? [];
    assert.equal(folder, 'a/b\uFFFD/');
    assert.equal((await names('a/b\uFFFD'))?.length, 1);
    assert.ok(await listing.fileAt(ALL, 'a/b\uFFFD/c\uFFFD.txt'));
  });

  it('goes on where a page ended although what was there is gone', async () => {
    catalogue.apply(['1', '2', '3', '4', '5'].map((name) => put(`a/${name}`)));
    const first = (await listing.list(ALL, 'a', { max: 2 })) as ListedPage;
    const { last } = pageResultOf(first);
    assert.ok(last !== undefined);
    catalogue.apply([remove('a/2'), remove('a/3')]);
    assert.deepEqual(await names('a', ALL, { max: 2, after: last }), ['a/4', 'a/5']);
    assert.deepEqual(await names('a', ALL, { max: 2, before: '' }), ['a/4', 'a/5']);
    assert.deepEqual(await names('a', ALL, { max: 2, before: last }), ['a/1']);
    await assert.rejects(names('a', ALL, { after: 'fnonsense?' }), { condition: 'item-not-found' });
  });

  const manyBelow = (folder: string) => Array.from({ length: 1001 }, (_, at) => put(`${folder}/${at}/x`));

  it('shows what came while very much else came and folders were being looked at', async () => {
    catalogue.apply([put('a/1')]);
    const begun = names('');
    catalogue.apply(manyBelow('c'));
    await begun;
    catalogue.apply([put('new/file')]);
    assert.deepEqual(await names(''), ['a/', 'c/', 'new/']);
  });

  it('shows what came while more looked at once than are remembered', async () => {
    const views = Array.from({ length: 40 }, (_, at): View => ({ ...ALL, key: `${at}` }));
    catalogue.apply([put('a/1')]);
    await Promise.all(views.map((view) => names('', view)));
    catalogue.apply([put('new/file')]);
    for (const view of views) assert.deepEqual(await names('', view), ['a/', 'new/'], view.key);
  });

  it('shows what came to a folder when very much else had changed', async () => {
    catalogue.apply([put('a/1'), put('b/1')]);
    assert.deepEqual([await names('a'), await names('b')], [['a/1'], ['b/1']]);
    catalogue.apply(manyBelow('c'));
    catalogue.apply([put('a/new')]);
    assert.deepEqual([await names('a'), await names('b')], [['a/1', 'a/new'], ['b/1']]);
  });

  it('looks into large folders in slices, and says what they took', async () => {
    let nowMs = 0;
    const tick = () => (nowMs += 0.05);
    const clock = Object.assign(new VirtualClock(), { monotonic: tick });
    catalogue.apply(Array.from({ length: 20_000 }, (_, at) => put(`a/${at}`)));
    const own = new ShareListing({ catalogue, clock });
    await own.start();
    let workMs = 0;
    await own.list(ALL, '', { max: 1 });
    const beforeMs = nowMs;
    let slices = 0;
    const onWork = (ms: number) => {
      slices += 1;
      workMs += ms;
    };
    assert.equal((await own.list(ALL, 'a', { max: 1 }, onWork))?.total, 20_000);
    assert.ok(slices > 10, `${slices}`);
    assert.ok(workMs > 0.9 * (nowMs - beforeMs), `${workMs} of ${nowMs - beforeMs}`);
    workMs = 0;
    assert.equal((await own.list(ALL, 'a', { max: 1 }, onWork))?.total, 20_000);
    assert.equal(workMs, 0, 'what is remembered costs nothing');
    await own.stop();
  });

  it('keeps the folders of some kinds of askers', async () => {
    catalogue.apply([put('a/1'), put('b/c/1')]);
    let looks = 0;
    const kinds = Array.from({ length: 8 }, (_, at): View => {
      const verdict = () => {
        looks += 1;
        return 'all' as const;
      };
      return { ...ALL, key: `${at}`, verdict };
    });
    for (const view of kinds) await names('', view);
    looks = 0;
    for (const view of [...kinds, ...kinds]) assert.deepEqual(await names('', view), ['a/', 'b/']);
    assert.equal(looks, 0);
  });

  it('shows after any changes what a plain walk shows', async () => {
    const part = fc.constantFrom('a', 'b', 'x', 'a b', 'a!', 'a\uDC80');
    const path = fc.array(part, { minLength: 2, maxLength: 5 }).map((parts) => parts.join('/'));
    const step = fc.record({
      path,
      there: fc.boolean(),
      view: fc.constantFrom(ALL, WITHOUT_X),
      folder: path,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const offered = new Set<string>();
        const own = new Catalogue();
        const listed = new ShareListing({ catalogue: own, clock: new VirtualClock() });
        await listed.start();
        for (const { path: full, there, view, folder } of steps) {
          // A file is no folder.
          const clashes = [...offered].some(
            (each) => each.startsWith(`${full}/`) || full.startsWith(`${each}/`),
          );
          if (!clashes && there !== offered.has(full)) {
            own.apply([there ? put(full) : remove(full)]);
            if (there) offered.add(full);
            else offered.delete(full);
          }
          const seen = [...offered].filter((each) => view === ALL || !each.includes('x'));
          for (const of of ['', folder]) {
            const page = await listed.list(view, of, { max: 100 });
            assert.deepEqual(page?.items.map(nameOf), walked(seen, of));
          }
        }
        await listed.stop();
      }),
      { numRuns: 60 },
    );
  });
});

function walked(paths: readonly string[], folder: string): string[] | undefined {
  const prefix = folder === '' ? '' : `${folder}/`;
  const below = paths
    .filter((path) => path.startsWith(prefix))
    .map((path) => path.slice(prefix.length).split('/'));
  if (below.length === 0 && folder !== '') return undefined;
  const folders = new Set(below.filter((parts) => parts.length > 1).map((parts) => `${prefix}${parts[0]}`));
  const files = below.filter((parts) => parts.length === 1).map((parts) => `${prefix}${parts[0]}`);
  return [...[...folders].sort().map((each) => `${toDisplay(each)}/`), ...files.sort()];
}
