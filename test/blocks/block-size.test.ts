import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  blockBytesOf,
  blockCountOf,
  blockRange,
  isBlockBytes,
  MAX_BLOCKS,
  MIN_BLOCK_BYTES,
} from '../../src/blocks/block-size.js';

const fileSizes = fc.oneof(
  fc.integer({ min: 0, max: 8 * MIN_BLOCK_BYTES }),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  fc
    .tuple(fc.integer({ min: 18, max: 52 }), fc.integer({ min: -2, max: 2 }))
    .map(([log, off]) => 2 ** log + off),
);

describe('block size', () => {
  it('is the smallest that gives a list of bounded length', () => {
    fc.assert(
      fc.property(fileSizes, (fileBytes) => {
        const blockBytes = blockBytesOf(fileBytes);
        assert.ok(isBlockBytes(blockBytes));
        assert.ok(blockCountOf(fileBytes, blockBytes) <= MAX_BLOCKS);
        assert.ok(blockBytes === MIN_BLOCK_BYTES || blockCountOf(fileBytes, blockBytes / 2) > MAX_BLOCKS);
      }),
    );
  });

  it('cuts a file into blocks that follow one another', () => {
    fc.assert(
      fc.property(fileSizes, (fileBytes) => {
        const blockBytes = blockBytesOf(fileBytes);
        const count = blockCountOf(fileBytes, blockBytes);
        let end = 0;
        for (let index = 0; index < count; index += 1) {
          const { offset, length } = blockRange(fileBytes, blockBytes, index);
          assert.equal(offset, end);
          assert.ok(length > 0 || fileBytes === 0);
          end += length;
        }
        assert.equal(end, fileBytes);
      }),
    );
  });
});
