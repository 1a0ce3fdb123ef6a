import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { blockRange, MIN_BLOCK_BYTES } from '../../src/blocks/block-size.js';
import { blockListOf } from '../../src/blocks/block-tree.js';
import { BlockHasher } from '../../src/hashing/block-hasher.js';

const content = Buffer.alloc(6 * MIN_BLOCK_BYTES, 'a file of several blocks that are not alike');

describe('block hasher', () => {
  it('gives the hash of each block, however the file is read', () => {
    const pieces = fc.array(fc.integer({ min: 1, max: 2 * MIN_BLOCK_BYTES }), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: content.length }), pieces, (fileBytes, lengths) => {
        const hasher = new BlockHasher(fileBytes);
        for (let at = 0, piece = 0; at < fileBytes; piece += 1) {
          const end = Math.min(fileBytes, at + (lengths[piece % lengths.length] ?? 1));
          hasher.update(content.subarray(at, end));
          at = end;
        }
        const { tree, hashes } = hasher.end();
        const list = blockListOf(tree, fileBytes, hashes);
        assert.ok(list);
        for (let index = 0; index < tree.count; index += 1) {
          const { offset, length } = blockRange(fileBytes, tree.blockBytes, index);
          const expected = createHash('sha256')
            .update(content.subarray(offset, offset + length))
            .digest();
          assert.deepEqual(Buffer.from(list.hashOf(index)), expected);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('does not take a part of a file for the file', () => {
    const hasher = new BlockHasher(MIN_BLOCK_BYTES + 1);
    hasher.update(content.subarray(0, MIN_BLOCK_BYTES));
    assert.throws(() => hasher.end(), TypeError);
  });
});
