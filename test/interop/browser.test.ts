/** A browser follows a link: Chromium keeps the file under its own name, byte for byte. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { LinkHarness } from '../support/link-harness.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';
import { Chromium } from './chromium.js';

const BYTES = randomBytes(5_000_001);
/** A page, which must be kept and never shown: it would be the node's own. */
const PAGE = Buffer.from('<script>document.title = "run"</script>');

describe('a browser', function () {
  this.timeout(60_000);
  let folder: TemporaryFolder;
  let harness: LinkHarness;
  let chromium: Chromium;

  before(async () => {
    folder = await temporaryFolder();
    await folder.write('downloads/.here');
    harness = new LinkHarness();
    await harness.server.start();
    chromium = await Chromium.start(folder.path, path.join(folder.path, 'downloads'));
  });

  after(async () => {
    await chromium?.stop();
    await harness.end();
    await folder.remove();
  });

  for (const [name, content] of [
    ['Ünïcode & sons – 1.bin', BYTES],
    ['page.html', PAGE],
  ] as const) {
    it(`keeps ${name}`, async () => {
      const entry = harness.files.offer(`books/${name}`, content);
      assert.equal(await chromium.download(harness.here(harness.link(entry))), name);
      assert.ok(content.equals(await readFile(path.join(folder.path, 'downloads', name))), 'byte for byte');
    });
  }
});
