import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { chmod, rm } from 'node:fs/promises';
import { MIN_BLOCK_BYTES } from '../../src/blocks/block-size.js';
import type { ShareRelativePath } from '../../src/catalogue/share-path.js';
import { blockingFileSystem } from '../../src/fs/blocking-file-system.js';
import type { BlockingFileSystem } from '../../src/fs/file-system.js';
import { type BlockLanes, OwnLanes } from '../../src/hashing/block-lane.js';
import { createHasher, type HashJob } from '../../src/hashing/hash-job.js';
import { asOrdinaryUser } from '../support/ordinary-user.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

describe('hash job', () => {
  let folder: TemporaryFolder;
  let read = 0;

  beforeEach(async () => {
    folder = await temporaryFolder();
    read = 0;
  });
  afterEach(() => folder.remove());

  function jobFor(path: string): HashJob {
    const stamp = blockingFileSystem.statusOf(`${folder.path}/${path}`);
    assert.ok(stamp);
    return { share: { path: folder.path, followSymlinks: false }, path: path as ShareRelativePath, stamp };
  }

  const hasher = (fs: BlockingFileSystem = blockingFileSystem) =>
    createHasher({ fs }, (bytes) => {
      read += bytes;
    });

  it('hashes files of every size around that of a read', async () => {
    const sizes = [0, 1, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 1_000_000];
    const jobs: HashJob[] = [];
    for (const size of sizes) {
      await folder.write(`f${size}`, Buffer.alloc(size, size % 251));
      jobs.push(jobFor(`f${size}`));
    }
    const results = hasher().hash(jobs);
    for (const [at, size] of sizes.entries()) {
      const content = Buffer.alloc(size, size % 251);
      const result = results[at];
      assert.ok(result?.type === 'hashed');
      assert.equal(result.sha256, sha256(content).toString('base64'));
      const blocks = [];
      for (let from = 0; from < size; from += MIN_BLOCK_BYTES)
        blocks.push(sha256(content.subarray(from, from + MIN_BLOCK_BYTES)));
      // Of one block the hash is that of the file: there is nothing else to say.
      if (blocks.length < 2) assert.equal(result.blocks, undefined);
      else assert.deepEqual(Buffer.from(result.blocks?.hashes ?? []), Buffer.concat(blocks));
    }
    assert.equal(
      read,
      sizes.reduce((sum, size) => sum + size),
    );
  });

  it('gives no hash of a file that is another than was found', async () => {
    for (const name of ['grown', 'replaced', 'gone']) await folder.write(name);
    const jobs = ['grown', 'replaced', 'gone'].map(jobFor);
    await folder.write('grown', 'longer than it was');
    await rm(folder.at('replaced'));
    await folder.write('other', 'takes the inode');
    await folder.write('replaced');
    await rm(folder.at('gone'));
    assert.deepEqual(hasher().hash(jobs), [{ type: 'changed' }, { type: 'changed' }, { type: 'changed' }]);
  });

  it('gives no hash of a file that changes while it is read', async () => {
    await folder.write('file', Buffer.alloc(600_000));
    const job = jobFor('file');
    const meddling: BlockingFileSystem = {
      ...blockingFileSystem,
      open(path, links) {
        const file = blockingFileSystem.open(path, links);
        const read = file.read.bind(file);
        file.read = (buffer) => {
          appendFileSync(path, '!');
          return read(buffer);
        };
        return file;
      },
    };
    assert.deepEqual(hasher(meddling).hash([job]), [{ type: 'changed' }]);
  });

  it('says why a file cannot be read, and goes on with the next', async () => {
    await folder.write('shut');
    await folder.write('open');
    const jobs = ['shut', 'open'].map(jobFor);
    await chmod(folder.at('shut'), 0o000);
    const [shut, open] = await asOrdinaryUser(async () => hasher().hash(jobs));
    assert.ok(shut?.type === 'unreadable' && shut.why.includes('EACCES'), JSON.stringify(shut));
    assert.equal(open?.type, 'hashed');
  });

  it('lets go of what hashes blocks whatever becomes of the file, and does without where it fails', async () => {
    const content = Buffer.alloc(2 * MIN_BLOCK_BYTES, 'x');
    await folder.write('large', content);
    const job = jobFor('large');
    const own = new OwnLanes();
    const outcomes: string[] = [];
    const lanes: BlockLanes = {
      begin: (fileBytes) => {
        const lane = own.begin(fileBytes);
        return {
          ...lane,
          end: () => {
            outcomes.push('ended');
            return undefined;
          },
          giveUp: () => void outcomes.push('given up'),
        };
      },
    };
    const failing: BlockingFileSystem = {
      ...blockingFileSystem,
      open(path, links) {
        const file = blockingFileSystem.open(path, links);
        return {
          status: () => file.status(),
          realPath: () => file.realPath(),
          close: () => file.close(),
          read() {
            throw new Error('EIO');
          },
        };
      },
    };
    const hash = (fs: BlockingFileSystem) => createHasher({ fs, lanes }, () => undefined).hash([job])[0];
    assert.deepEqual(hash(failing), { type: 'unreadable', why: 'EIO' });
    const result = hash(blockingFileSystem);
    assert.ok(result?.type === 'hashed' && result.blocks?.tree.count === 2);
    await folder.write('large', Buffer.concat([content, content]));
    assert.deepEqual(hash(blockingFileSystem), { type: 'changed' });
    assert.deepEqual(outcomes, ['given up', 'ended']);
  });
});
