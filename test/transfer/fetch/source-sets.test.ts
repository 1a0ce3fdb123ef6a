import assert from 'node:assert/strict';
import { blockCountOf, MAX_BLOCKS } from '../../../src/blocks/block-size.js';
import type { BlockTree } from '../../../src/blocks/block-tree.js';
import { formatHead, readJournal } from '../../../src/transfer/fetch/block-journal.js';
import type { WantedFile } from '../../../src/transfer/fetch/range-source.js';
import {
  chooseLayout,
  isSoundTree,
  layoutKey,
  pieceBytesOf,
  setsOf,
} from '../../../src/transfer/fetch/source-sets.js';

const KIB = 1024;
const SIZE = 10 * 1024 * KIB;
const HASH = { algo: 'sha-256' as const, value: Buffer.alloc(32, 1).toString('base64') };
const FILE: WantedFile = { hash: HASH, size: SIZE };

function tree(root: string, change: Partial<BlockTree> = {}): BlockTree {
  return { algo: 'sha-256', blockBytes: 256 * KIB, count: 40, root, ...change };
}

describe('sets of sources', () => {
  it('are those that name the same blocks, the largest first', () => {
    const sources = [{ tree: tree('x') }, {}, { tree: tree('y') }, { tree: tree('y') }];
    assert.deepEqual(
      setsOf(sources).map((set) => [set.tree.root, set.members.length]),
      [
        ['y', 2],
        ['x', 1],
      ],
    );
  });

  it('are believed in only with the blocks that a file of the size has', () => {
    assert.equal(isSoundTree(tree('x'), FILE), true);
    for (const change of [
      { count: 39 },
      { count: 41 },
      { blockBytes: 512 * KIB, count: 20 },
      { blockBytes: 128 * KIB, count: 80 },
      { blockBytes: 2 ** 40, count: 1 },
    ]) {
      assert.equal(isSoundTree(tree('x', change), FILE), false);
    }
    const large = { hash: HASH, size: 2048 * 256 * KIB + 1 };
    assert.equal(isSoundTree(tree('x', { blockBytes: 512 * KIB, count: 1025 }), large), true);
    assert.equal(isSoundTree(tree('x', { count: 2049 }), large), false);
  });

  it('of one block have the hash of the file', () => {
    const small = { hash: HASH, size: 100 };
    assert.equal(isSoundTree(tree(HASH.value, { count: 1 }), small), true);
    assert.equal(isSoundTree(tree('x', { count: 1 }), small), false);
    const sha1 = { hash: { algo: 'sha-1' as const, value: 'x' }, size: 100 };
    assert.equal(isSoundTree(tree('x', { count: 1 }), sha1), true);
  });
});

describe('how a file is fetched', () => {
  const x = { file: FILE, blockBytes: 256 * KIB, tree: tree('x') };
  const pieces = { file: FILE, blockBytes: 1024 * KIB };
  const base = {
    file: FILE,
    sources: [{ tree: tree('x') }, {}],
    kept: undefined,
    without: new Set<string>(),
    pieceBytes: 1024 * KIB,
  };

  it('is as it was begun, before all else', () => {
    const y = { ...x, tree: tree('y') };
    assert.equal(chooseLayout({ ...base, kept: y }), y);
    assert.equal(chooseLayout({ ...base, sources: [], kept: y }), y);
    assert.deepEqual(chooseLayout({ ...base, kept: y, without: new Set([layoutKey(y)]) }), x);
  });

  it('is by the layout whose turn it is, when somebody can give it', () => {
    const y = { ...x, tree: tree('y') };
    assert.deepEqual(chooseLayout({ ...base, kept: y, next: layoutKey(x) }), x);
    assert.deepEqual(chooseLayout({ ...base, kept: y, next: layoutKey(pieces) }), pieces);
    assert.deepEqual(chooseLayout({ ...base, next: layoutKey(y) }), x);
  });

  it('is by the blocks that most vouch for; in pieces where nobody does, or they were false', () => {
    assert.deepEqual(chooseLayout(base), x);
    assert.deepEqual(chooseLayout({ ...base, without: new Set([layoutKey(x)]) }), pieces);
    assert.deepEqual(chooseLayout({ ...base, sources: [{}] }), pieces);
    assert.equal(chooseLayout({ ...base, sources: [] }), undefined);
  });

  it('cuts no file into more pieces than its journal takes', () => {
    assert.equal(pieceBytesOf(SIZE), 1024 * KIB);
    for (const size of [0, 2 ** 31, 2 ** 31 + 1, 300 * 2 ** 30, 2 ** 53 - 1]) {
      const layout = { file: { hash: HASH, size }, blockBytes: pieceBytesOf(size) };
      assert.ok(blockCountOf(size, layout.blockBytes) <= MAX_BLOCKS);
      assert.deepEqual(readJournal(formatHead(layout, 'boot'), 'boot')?.layout, layout);
    }
  });
});
