import { DiskStore } from '../../src/catalogue/disk-store.js';
import { RealDataFolder } from '../../src/fs/real-data-folder.js';
import { silentLog } from '../../src/log.js';
import { MemoryDisk, MemoryStore } from '../support/memory-store.js';
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
});
