import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { LinkHarness } from '../support/link-harness.js';
import { sha256 } from '../support/memory-files.js';

describe('LinkServer', () => {
  let harness: LinkHarness;

  beforeEach(async () => {
    harness = new LinkHarness();
    await harness.server.start();
  });

  afterEach(async () => {
    await harness.server.stop();
    assert.equal(harness.uploads.uploads, 0, 'slots are left taken');
    assert.equal(harness.files.openFiles, 0, 'files are left open');
  });

  it('serves a file to curl', async () => {
    const bytes = randomBytes(1_000_000);
    const entry = harness.files.offer('plays/romeo.epub', bytes, { mediaType: 'application/epub+zip' });
    const got = await harness.curl(harness.link(entry));
    assert.equal(got.status, 200);
    assert.ok(got.body.equals(bytes));
    const { headers } = got;
    assert.equal(headers['content-type'], 'application/epub+zip');
    assert.equal(headers['content-length'], '1000000');
    assert.equal(headers['content-disposition'], 'attachment; filename="romeo.epub"');
    assert.equal(headers['accept-ranges'], 'bytes');
    assert.equal(headers.etag, `"${sha256(bytes)}"`);
    assert.equal(headers.digest, `sha-256=${sha256(bytes)}`);
    assert.equal(headers['repr-digest'], `sha-256=:${sha256(bytes)}:`);
    assert.equal(headers['last-modified'], 'Tue, 14 Nov 2023 22:13:20 GMT');
  });
});
