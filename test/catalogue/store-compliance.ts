/** What every {@link CatalogueStore} has to do. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type FullPath, fromBytes } from '../../src/catalogue/share-path.js';
import type { CatalogueStore, StoreChange, StoredFile } from '../../src/catalogue/store.js';

const key = fc
  .uint8Array({ minLength: 1, maxLength: 6, min: 1 })
  .map((bytes) => `share/${fromBytes(bytes).replaceAll('/', '_')}` as FullPath);
const stamp = fc.record({
  size: fc.nat(),
  mtimeMs: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  ctimeMs: fc.double({ min: 0, max: 2e12, noNaN: true }),
  birthtimeMs: fc.nat(),
  ino: fc.maxSafeNat(),
});
const file: fc.Arbitrary<StoredFile> = fc.record({
  key,
  stamp,
  mediaType: fc.constantFrom('text/plain', 'audio/x-flac'),
  sha256: fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((bytes) => Buffer.from(bytes).toString('base64')),
});

export async function loadAll(store: CatalogueStore): Promise<Map<FullPath, StoredFile>> {
  const files = new Map<FullPath, StoredFile>();
  for await (const batch of store.load()) for (const each of batch) files.set(each.key, each);
  return files;
}

/** `open` gives a started store; called again after `stop` it gives the same one anew. */
export function describeStore(open: () => Promise<CatalogueStore>): void {
  it('holds what was written, over a restart, whatever the bytes of a path', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(file, { maxLength: 20 }), fc.func(fc.boolean()), async (files, isRemoved) => {
        const store = await open();
        const model = new Map<FullPath, StoredFile>();
        const before: StoreChange[] = [...(await loadAll(store)).keys()].map((old) => ({
          type: 'remove',
          key: old,
        }));
        await store.write([...before, ...files.map((each) => ({ type: 'put' as const, file: each }))]);
        for (const each of files) model.set(each.key, each);
        const removed = [...model.keys()].filter((each) => isRemoved(each));
        await store.write(removed.map((each) => ({ type: 'remove', key: each })));
        for (const each of removed) model.delete(each);
        await store.stop();
        const again = await open();
        const found = await loadAll(again);
        await again.stop();
        assert.deepEqual(new Set(found.keys()), new Set(model.keys()));
        for (const [each, expected] of model)
          assert.deepEqual(JSON.stringify(found.get(each)), JSON.stringify(expected));
      }),
      { numRuns: 25 },
    );
  });

  it('loads more rows than fit into a batch', async () => {
    const store = await open();
    const rows = Array.from({ length: 2500 }, (_, index): StoreChange => {
      const [sample] = fc.sample(file, { numRuns: 1, seed: index });
      assert.ok(sample);
      return { type: 'put', file: { ...sample, key: `many/${index}` as FullPath } };
    });
    await store.write(rows);
    const keys = [...(await loadAll(store)).keys()].filter((each) => each.startsWith('many/'));
    assert.equal(keys.length, 2500);
    await store.stop();
  });

  it('remembers which folder a share was', async () => {
    const store = await open();
    assert.equal(await store.readRoot('books'), undefined);
    await store.writeRoot('books', '1 2 3');
    await store.stop();
    const again = await open();
    assert.equal(await again.readRoot('books'), '1 2 3');
    assert.equal(await again.readRoot('other'), undefined);
    await again.stop();
  });
}
