import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { ClassicLevel } from 'classic-level';
import { LevelStore } from '../../src/catalogue/level-store.js';
import type { FullPath } from '../../src/catalogue/share-path.js';
import { StoreLockedError, StoreUnusableError } from '../../src/catalogue/store.js';
import { silentLog } from '../../src/log.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';
import { describeStore, loadAll } from './store-compliance.js';

describe('level store', () => {
  let folder: TemporaryFolder;
  const store = () => new LevelStore({ log: silentLog }, { location: `${folder.path}/store` });

  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => folder.remove());

  describeStore(async () => {
    const started = store();
    await started.start();
    return started;
  });

  it('says that another node has the data folder', async () => {
    const first = store();
    await first.start();
    const second = store();
    await assert.rejects(second.start(), (error: unknown) => {
      assert.ok(error instanceof StoreLockedError);
      assert.match(error.message, /another node uses this data folder/);
      return true;
    });
    await second.stop();
    await first.stop();
  });

  it('says what to do about a store that is broken, of another layout, or no store', async () => {
    const first = store();
    await first.start();
    await first.stop();
    await writeFile(`${folder.path}/store/CURRENT`, 'garbage');
    await assert.rejects(store().start(), StoreUnusableError);

    const other = new ClassicLevel(`${folder.path}/other`);
    await other.put('v', '99');
    await other.close();
    const newer = new LevelStore({ log: silentLog }, { location: `${folder.path}/other` });
    await assert.rejects(newer.start(), /layout 99.*Move it away and start again/);

    await writeFile(`${folder.path}/file`, '');
    const noStore = new LevelStore({ log: silentLog }, { location: `${folder.path}/file` });
    await assert.rejects(noStore.start(), StoreUnusableError);
    await noStore.stop();
  });

  it('leaves out rows that cannot be read', async () => {
    const first = store();
    await first.start();
    const stamp = { size: 1, mtimeMs: 2, ctimeMs: 3, birthtimeMs: 4, ino: 5 };
    const sha256 = Buffer.alloc(32).toString('base64');
    await first.write([
      { type: 'put', file: { key: 's/good' as FullPath, stamp, mediaType: 'text/plain', sha256 } },
    ]);
    await first.stop();
    const level = new ClassicLevel(`${folder.path}/store`);
    await level.put('fs/bad', '[1, 2');
    await level.put('fs/short', '[1,2,3,4,5,"text/plain","AAAA"]');
    await level.close();
    const again = store();
    await again.start();
    assert.deepEqual([...(await loadAll(again)).keys()], ['s/good']);
    await again.stop();
  });
});
