import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { eventually } from '../support/eventually.js';
import { libraryHarness } from '../support/library-harness.js';

describe('a share of ten thousand files', () => {
  it('is scanned and hashed while the event loop goes on, and a new file is found within 3 s', async () => {
    const delay = monitorEventLoopDelay({ resolution: 5 });
    const harness = await libraryHarness({ quietMs: 1000 }, async (folder) => {
      for (let d = 0; d < 100; d += 1) {
        await mkdir(folder.at(`d${d}`));
        await Promise.all(
          Array.from({ length: 100 }, (_, i) => writeFile(folder.at(`d${d}/f${i}`), `${d} ${i}`)),
        );
      }
      delay.enable();
    });
    try {
      await harness.hashed(10_000);
      delay.disable();
      const began = performance.now();
      await harness.folder.write('d7/new');
      await eventually(
        () => harness.sha256('share/d7/new'),
        (hash) => hash !== undefined,
      );
      const foundMs = performance.now() - began;
      assert.ok(foundMs < 3000, `${foundMs} ms`);
      const maxMs = delay.max / 1e6;
      console.log(
        `      event loop delay: mean ${(delay.mean / 1e6).toFixed(1)} ms, max ${maxMs.toFixed(1)} ms; new file after ${Math.round(foundMs)} ms`,
      );
      assert.ok(maxMs < 1000, `the event loop stood still for ${maxMs} ms`);
    } finally {
      delay.disable();
      await harness.cleanUp();
    }
  }).timeout(60_000);
});
