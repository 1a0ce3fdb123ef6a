import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { silentLog } from '../../src/log.js';
import type { Finding } from '../../src/scan/listing.js';
import { Walker } from '../../src/scan/walker.js';
import { eventually } from '../support/eventually.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';
import { VirtualClock } from '../support/virtual-clock.js';

/** Threads of this process. */
async function countThreads(): Promise<number> {
  return (await readdir('/proc/self/task')).length;
}

describe('walker', () => {
  let folder: TemporaryFolder;
  let walker: Walker;
  const clock = new VirtualClock();

  beforeEach(async () => {
    folder = await temporaryFolder();
    const share = { name: 's', path: folder.path, exclude: [], followSymlinks: false, hidden: false };
    walker = new Walker({ log: silentLog, clock }, { shares: [share] });
  });

  afterEach(async () => {
    await walker.stop();
    await folder.remove();
  });

  async function look(): Promise<string[]> {
    const found: Finding[] = [];
    const take = (findings: readonly Finding[]) => void found.push(...findings);
    await walker.look({ share: 0, directory: '', depth: 'below' }, 'soon', take);
    return found.flatMap((finding) => (finding.type === 'listing' ? finding.files : []));
  }

  it('keeps no thread where there is nothing to walk for long, and has another when there is', async () => {
    await folder.write('a/file');
    await walker.start();
    assert.deepEqual(await look(), ['file']);
    const threads = await countThreads();
    await clock.advance(2000);
    assert.deepEqual(await look(), ['file']);
    await clock.advance(2000);
    assert.equal(await countThreads(), threads);
    await clock.advance(1000);
    await eventually(countThreads, (count) => count < threads);
    await folder.write('b/other');
    assert.deepEqual((await look()).sort(), ['file', 'other']);
  });
});
