import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { threadWholeHash } from '../../../src/transfer/fetch/thread-whole-hash.js';
import { inlineWholeHash } from '../../../src/transfer/fetch/whole-hash.js';
import { bytesOf } from '../../support/download/simulated-download.js';

const SIZE = 1_000_003;

describe('the hash of the whole', () => {
  const content = bytesOf(SIZE, 4);
  let folder = '';

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shoal-whole-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function partOf(name: string) {
    const path = join(folder, name);
    await writeFile(path, content);
    const hash = { algo: 'sha-256' as const, value: '' };
    return {
      path,
      layout: { file: { hash, size: SIZE }, blockBytes: SIZE },
      async read(buffer: Uint8Array, position: number) {
        buffer.set(content.subarray(position, position + buffer.length));
      },
    };
  }

  for (const [name, hashing] of Object.entries({ inline: inlineWholeHash, thread: threadWholeHash })) {
    it(`is that of all bytes, however they come (${name})`, async () => {
      const whole = hashing(await partOf(name), 'sha-256');
      for (const end of [1, 1, 300_000, 299_999, 999_999]) whole.extend(end);
      const expected = (end: number) =>
        createHash('sha256').update(content.subarray(0, end)).digest('base64');
      assert.equal((await whole.value()).value, expected(999_999));
      whole.extend(SIZE);
      assert.deepEqual(await whole.value(), { algo: 'sha-256', value: expected(SIZE) });
      await whole.close();
    });

    it(`can be given up in the middle (${name})`, async () => {
      const whole = hashing(await partOf(name), 'sha-256');
      whole.extend(SIZE);
      await whole.close();
    });
  }

  it('is computed all the same when the thread can not read the file', async () => {
    const part = await partOf('gone');
    await unlink(part.path);
    const whole = threadWholeHash(part, 'sha3-256');
    whole.extend(SIZE);
    const expected = createHash('sha3-256').update(content).digest('base64');
    assert.deepEqual(await whole.value(), { algo: 'sha3-256', value: expected });
    await whole.close();
  });

  it('fails with what the part fails with', async () => {
    const part = await partOf('broken');
    const broken = { ...part, read: () => Promise.reject(new Error('the disk is gone')) };
    const whole = inlineWholeHash(broken, 'sha-256');
    whole.extend(SIZE);
    await assert.rejects(whole.value(), /the disk is gone/);
    await whole.close();
  });
});
