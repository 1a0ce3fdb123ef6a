import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FileAbsentError } from '../../src/fs/shared-file.js';
import { type LibraryHarness, libraryHarness } from '../support/library-harness.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

describe('other shares of a library', () => {
  let base: TemporaryFolder;
  let harness: LibraryHarness;

  beforeEach(async () => {
    base = await temporaryFolder();
    for (const path of ['a/1', 'a/x/2', 'b/3', 'c/4']) await base.write(path);
    harness = await libraryHarness({ shares: [share('a'), share('b')] });
    await harness.hashed(3);
  });
  afterEach(async () => {
    await harness.cleanUp();
    await base.remove();
  });

  function share(name: string, also: { path?: string; exclude?: string[] } = {}) {
    const { path = name, exclude = [] } = also;
    return { name, path: join(base.path, path), exclude, followSymlinks: false, hidden: false };
  }

  it('come, go, and stay with their hashes', async () => {
    const { library } = harness;
    const before = harness.filesHashed();
    await library.setShares([share('a'), share('c')], async () => {
      assert.deepEqual(harness.keys(), ['a/1', 'a/x/2'], 'what goes goes first, what comes comes last');
    });
    await harness.offers(['a/1', 'a/x/2', 'c/4']);
    await harness.hashed(3);
    assert.equal(harness.filesHashed(), before + 1);
    assert.deepEqual(
      library.progress().shares.map(({ share: name }) => name),
      ['a', 'c'],
    );
    await library.setShares([share('b')], async () => undefined);
    await harness.offers(['b/3']);
    assert.equal(harness.filesHashed(), before + 1, 'what was known is known');
  });

  it('are watched and scanned as the first ones', async () => {
    await harness.library.setShares([share('c')], async () => undefined);
    await base.write('c/new/5');
    await base.write('a/6');
    await harness.offers(['c/4', 'c/new/5']);
    await harness.library.rescan();
    assert.deepEqual(harness.keys(), ['c/4', 'c/new/5']);
  });

  it('have no file of another folder, or that is excluded now, for a moment', async () => {
    await mkdir(join(base.path, 'a2'));
    await base.write('a2/1', 'another');
    const [entry] = [...harness.library.catalogue.entries()].filter(({ path }) => path === '1');
    await harness.library.setShares(
      [share('a', { path: 'a2' }), share('b', { exclude: ['3'] })],
      async () => {
        assert.deepEqual(harness.keys(), []);
        await assert.rejects(harness.library.openFile(entry ?? assert.fail()), FileAbsentError);
      },
    );
    await harness.offers(['a/1']);
    await harness.hashed(1);
    assert.equal(harness.sha256('a/1'), await hashOf('a2/1'));
  });

  it('stay as they were where what comes between fails', async () => {
    await assert.rejects(
      harness.library.setShares([share('a'), share('b'), share('c')], async () => {
        throw new Error('no');
      }),
      /no/,
    );
    await base.write('a/x/7');
    await harness.offers(['a/1', 'a/x/2', 'a/x/7', 'b/3']);
  });

  it('end with the library, also in the middle', async () => {
    const setting = harness.library.setShares([share('c')], async () => undefined).catch(() => undefined);
    await harness.stop();
    await setting;
    await assert.rejects(harness.library.setShares([share('a')], async () => undefined));
  });

  async function hashOf(path: string): Promise<string> {
    const { createHash } = await import('node:crypto');
    const { readFile } = await import('node:fs/promises');
    return createHash('sha256')
      .update(await readFile(base.at(path)))
      .digest('base64');
  }
});
