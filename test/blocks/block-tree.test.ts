import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { blockBytesOf, MIN_BLOCK_BYTES } from '../../src/blocks/block-size.js';
import {
  BLOCK_HASH_BYTES,
  type BlockTree,
  blockListOf,
  isSameTree,
  rangeOfBlock,
  rootOf,
} from '../../src/blocks/block-tree.js';

/** The tree as RFC 6962 §2.1 defines it, without its marks. */
function modelRoot(leaves: readonly Buffer[]): Buffer {
  const [only, second] = leaves;
  if (only === undefined) throw new TypeError('no leaves');
  if (second === undefined) return only;
  let left = 1;
  while (left * 2 < leaves.length) left *= 2;
  const children = [modelRoot(leaves.slice(0, left)), modelRoot(leaves.slice(left))];
  return createHash('sha256').update(Buffer.concat(children)).digest();
}

const hashLists = fc
  .integer({ min: 1, max: 70 })
  .map((count) => Array.from({ length: count }, (_, at) => createHash('sha256').update(`${at}`).digest()));

function treeOver(hashes: Uint8Array, blockBytes = MIN_BLOCK_BYTES): BlockTree {
  const root = Buffer.from(rootOf(hashes)).toString('base64');
  return { algo: 'sha-256', blockBytes, count: hashes.length / BLOCK_HASH_BYTES, root };
}

describe('block tree', () => {
  it('has the shape of RFC 6962', () => {
    fc.assert(
      fc.property(hashLists, (leaves) => {
        assert.deepEqual(Buffer.from(rootOf(Buffer.concat(leaves))), modelRoot(leaves));
      }),
    );
  });

  it('leaves the hashes as they are', () => {
    const hashes = createHash('sha512').update('two').digest();
    const before = Buffer.from(hashes);
    rootOf(hashes);
    assert.deepEqual(hashes, before);
  });

  it('accepts the hashes it stands for, and shows where their blocks are', () => {
    fc.assert(
      fc.property(hashLists, fc.integer({ min: 1, max: MIN_BLOCK_BYTES }), (leaves, last) => {
        const fileBytes = (leaves.length - 1) * MIN_BLOCK_BYTES + last;
        const tree = treeOver(Buffer.concat(leaves), blockBytesOf(fileBytes));
        const list = blockListOf(tree, fileBytes, Buffer.concat(leaves));
        assert.ok(list !== undefined && isSameTree(list, tree));
        leaves.forEach((leaf, index) => {
          assert.deepEqual(Buffer.from(list.hashOf(index)), leaf);
        });
        assert.deepEqual(rangeOfBlock(list, leaves.length - 1), {
          offset: (leaves.length - 1) * MIN_BLOCK_BYTES,
          length: last,
        });
        for (const index of [-1, leaves.length, 0.5 + leaves.length, Number.NaN]) {
          assert.throws(() => list.hashOf(index), RangeError);
        }
      }),
    );
  });

  it('refuses any other hashes', () => {
    fc.assert(
      fc.property(hashLists, fc.nat(), fc.integer({ min: 1, max: 255 }), (leaves, at, bits) => {
        const hashes = Buffer.concat(leaves);
        const tree = treeOver(hashes);
        const fileBytes = leaves.length * MIN_BLOCK_BYTES;
        const changed = Buffer.from(hashes);
        const place = at % changed.length;
        changed[place] = (changed[place] ?? 0) ^ bits;
        assert.equal(blockListOf(tree, fileBytes, changed), undefined);
        assert.equal(blockListOf(tree, fileBytes, hashes.subarray(BLOCK_HASH_BYTES)), undefined);
        assert.equal(blockListOf(tree, fileBytes, hashes.subarray(1)), undefined);
        assert.equal(blockListOf(tree, fileBytes, Buffer.concat([hashes, hashes])), undefined);
        assert.equal(blockListOf(tree, fileBytes + 1, hashes), undefined);
      }),
    );
  });

  it('takes no inner node for a leaf: the number of blocks is fixed', () => {
    const hashes = createHash('sha512').update('any').digest(); // two leaves
    const tree = treeOver(hashes);
    const inner = createHash('sha256').update(hashes).digest();
    assert.equal(blockListOf(tree, 2 * MIN_BLOCK_BYTES, inner), undefined);
    assert.equal(blockListOf({ ...tree, count: 1 }, 2 * MIN_BLOCK_BYTES, inner), undefined);
  });
});
