import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Catalogue } from '../../src/catalogue/catalogue.js';
import { type CatalogueChange, type FileEntry, keyOf } from '../../src/catalogue/file-entry.js';
import { mediaTypeOf } from '../../src/catalogue/media-type.js';
import type { FullPath, ShareRelativePath } from '../../src/catalogue/share-path.js';

const entry = fc
  .record({
    path: fc.constantFrom('a', 'b', 'c/d', 'c/e'),
    size: fc.nat(100),
    hash: fc.option(fc.constantFrom('x', 'y')),
  })
  .map(
    ({ path, size, hash }): FileEntry => ({
      share: 's',
      path: path as ShareRelativePath,
      size,
      mtimeMs: 0,
      mediaType: 'text/plain',
      ...(hash === null ? {} : { sha256: hash }),
    }),
  );
const change: fc.Arbitrary<CatalogueChange> = fc.oneof(
  entry.map((put) => ({ type: 'put' as const, entry: put })),
  entry.map((removed) => ({ type: 'remove' as const, key: keyOf(removed) })),
);

describe('catalogue', () => {
  it('is after any changes what a plain map would be', () => {
    fc.assert(
      fc.property(fc.array(fc.array(change)), (batches) => {
        const catalogue = new Catalogue();
        const model = new Map<FullPath, FileEntry>();
        let told = 0;
        catalogue.onChange((changes) => {
          told += changes.length;
        });
        for (const changes of batches) {
          catalogue.apply(changes);
          for (const each of changes) {
            if (each.type === 'put') model.set(keyOf(each.entry), each.entry);
            else model.delete(each.key);
          }
        }
        const all = [...model.values()];
        const hashed = all.filter(({ sha256 }) => sha256 !== undefined);
        const bytes = (entries: FileEntry[]) => entries.reduce((sum, { size }) => sum + size, 0);
        assert.deepEqual(new Set(catalogue.entries()), new Set(all));
        assert.deepEqual(catalogue.totals, {
          files: all.length,
          bytes: bytes(all),
          hashedFiles: hashed.length,
          hashedBytes: bytes(hashed),
        });
        for (const hash of ['x', 'y']) {
          const keys = hashed.filter(({ sha256 }) => sha256 === hash).map(keyOf);
          assert.deepEqual(catalogue.withHash(hash).map(keyOf), keys.sort());
        }
        assert.equal(told, batches.flat().length);
      }),
    );
  });

  it('tells nobody who has gone, and nothing of no changes', () => {
    const catalogue = new Catalogue();
    let told = 0;
    const stop = catalogue.onChange(() => {
      told += 1;
    });
    catalogue.apply([]);
    stop();
    catalogue.apply([{ type: 'remove', key: 'a' as FullPath }]);
    assert.equal(told, 0);
  });
});

describe('media type', () => {
  it('goes by the extension', () => {
    assert.equal(mediaTypeOf('a/Song.FLAC'), 'audio/x-flac');
    assert.equal(mediaTypeOf('notes.txt'), 'text/plain');
    for (const path of ['mp3', 'a/README', '.mp3', 'x.unheard-of', 'x.']) {
      assert.equal(mediaTypeOf(path), 'application/octet-stream', path);
    }
  });
});
