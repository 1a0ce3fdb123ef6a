import assert from 'node:assert/strict';
import { DiskStore } from '../../src/catalogue/disk-store.js';
import { FileTable } from '../../src/catalogue/file-table.js';
import { RealDataFolder } from '../../src/fs/real-data-folder.js';
import { silentLog } from '../../src/log.js';
import { MemoryFolder } from '../support/memory-folder.js';
import { MemoryDisk, MemoryStore } from '../support/memory-store.js';
import { change } from '../support/table-changes.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { describeStore } from './store-compliance.js';

describe('store in memory', () => {
  describeStore(async () => {
    const disk = new MemoryDisk();
    return { make: () => new MemoryStore(disk), cleanUp: async () => undefined };
  });
});

describe('store on disk', () => {
  for (const smallestFullLogBytes of [1, 1000, 1 << 20]) {
    describe(`with a snapshot after ${smallestFullLogBytes} bytes of log`, () => {
      describeStore(async () => {
        const folder = await temporaryFolder();
        const components = { log: silentLog, clock: new VirtualClock() };
        return {
          make: () =>
            new DiskStore(
              { ...components, folder: new RealDataFolder(`${folder.path}/catalogue`) },
              { smallestFullLogBytes },
            ),
          cleanUp: () => folder.remove(),
        };
      });
    });
  }

  it('has what was made of lost batches forgotten before the table can go on', async () => {
    const folder = new MemoryFolder();
    const clock = new VirtualClock();
    const forgotten: (readonly [batch: number, restored: number])[] = [];
    let table = new FileTable();
    const derived = {
      async forgetAfter(batch: number) {
        forgotten.push([batch, table.number]);
      },
    };
    for (let life = 0; life < 3; life++) {
      const store = new DiskStore({ folder, clock, log: silentLog, derived });
      await store.start();
      table = new FileTable();
      await store.load(table, { isThere: () => true });
      assert.equal(forgotten.length, life + 1);
      store.follow(table);
      change(table, { type: 'put', folder: 's', name: `${life}`, value: life });
      table.commit();
      await store.stop();
    }
    assert.deepEqual(forgotten, [
      [0, 0],
      [1, 1],
      [2, 2],
    ]);
  });
});
