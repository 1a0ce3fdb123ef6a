import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MAX_BLOCKS } from '../../src/blocks/block-size.js';
import { BLOCK_HASH_BYTES } from '../../src/blocks/block-tree.js';
import { blocksPageCodec, blocksRequestCodec, blockTreeCodec } from '../../src/stanza/block-hashes.js';
import { describeFixtures, elementOf } from '../support/codec-fixtures.js';

describe('hashes of blocks', () => {
  describeFixtures('file-discovery', blocksRequestCodec, 'blocks-request');
  describeFixtures('file-discovery', blockTreeCodec, 'blocks-tree');
  describeFixtures('file-discovery', blocksPageCodec, 'blocks-page');

  it('come back as they were sent', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 31 }), (count, log) => {
        const page = {
          tree: {
            algo: 'sha-256',
            blockBytes: 2 ** 18 * 2 ** (log % 10),
            count: count + 1,
            root: Buffer.alloc(BLOCK_HASH_BYTES, log).toString('base64'),
          },
          hashes: new Uint8Array(count * BLOCK_HASH_BYTES).fill(log),
          page: { first: '0', index: 0, last: `${count}`, count: count + 1 },
        } as const;
        assert.deepEqual(blocksPageCodec.fromXml(elementOf(blocksPageCodec.toXml(page).toString())), page);
      }),
    );
  });

  it('of the longest page fit into an answer', () => {
    const page = {
      tree: {
        algo: 'sha-256',
        blockBytes: 2 ** 42,
        count: MAX_BLOCKS,
        root: Buffer.alloc(BLOCK_HASH_BYTES, 255).toString('base64'),
      },
      hashes: new Uint8Array(1024 * BLOCK_HASH_BYTES).fill(255),
      page: { first: '1024', index: 1024, last: '2047', count: 2048 },
    } as const;
    assert.ok(blocksPageCodec.toXml(page).toString().length < 48_000);
  });
});
