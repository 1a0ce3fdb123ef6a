import assert from 'node:assert/strict';
import type { BlockTree } from '../../../src/blocks/block-tree.js';
import { parseJid } from '../../../src/stanza/jid.js';
import { LayoutPlan } from '../../../src/transfer/fetch/layout-plan.js';
import type { PartLayout } from '../../../src/transfer/fetch/part-store.js';
import type { WantedFile } from '../../../src/transfer/fetch/range-source.js';
import { SourcePool } from '../../../src/transfer/fetch/source-pool.js';

const KIB = 1024;
const FILE: WantedFile = {
  hash: { algo: 'sha-256', value: Buffer.alloc(32, 1).toString('base64') },
  size: 10 * 1024 * KIB,
};
const tree = (root: string): BlockTree => ({ algo: 'sha-256', blockBytes: 256 * KIB, count: 40, root });

/** With a source for each name; `x: 'r'` vouches for the blocks of `r`, and an empty root for none. */
function planOf(roots: Readonly<Record<string, string>>) {
  const pool = new SourcePool({ maxSources: 9, maxFailures: 3, retryDelayMs: 1000, isPatient: false });
  const sources = Object.entries(roots).map(([name, root]) => {
    const found = pool.found({ jid: parseJid(`${name}.x`) }, root === '' ? undefined : tree(root), 0);
    return found ?? assert.fail();
  });
  const plan = new LayoutPlan(pool, { file: FILE, pieceBytes: 1024 * KIB, maxMixtures: 2 });
  const choose = (): PartLayout => plan.choose(undefined) ?? assert.fail();
  const rootOf = ({ tree: its }: PartLayout) => its?.root ?? 'pieces';
  return { plan, sources, choose, next: () => rootOf(choose()) };
}

describe('the plan of how a file is fetched', () => {
  it('begins with what most vouch for, and leaves out what has proved wrong', () => {
    const { plan, sources, choose, next } = planOf({ a: 'r', b: 'r', c: 's', d: '' });
    const [a, b, c] = sources;
    assert.equal(next(), 'r');
    assert.deepEqual(plan.condemn(choose()), [a, b]);
    assert.equal(next(), 's');
    assert.deepEqual(plan.condemn(choose()), [c]);
    assert.equal(next(), 'pieces');
  });

  it('comes back to what was left when there is nothing else', () => {
    const { plan, choose, next } = planOf({ a: 'r', b: 's' });
    assert.equal(plan.leave(choose()), 'keep');
    assert.equal(next(), 's');
    plan.leave(choose());
    assert.equal(next(), 'r');
  });

  it('gives another its turn, once', () => {
    const { plan, choose, next } = planOf({ a: 'r', b: 'r', c: 's' });
    const first = choose();
    const [other = assert.fail()] = plan.othersThan(first, () => true);
    plan.giveTurn(other);
    assert.equal(next(), 's');
    assert.equal(next(), 'r');
  });

  it('blames who gave all of a file, unless something was there before', () => {
    const { plan, sources, choose } = planOf({ a: '' });
    const [a = assert.fail()] = sources;
    assert.equal(plan.condemnPieces([a], false), undefined);
    assert.equal(plan.onlySource(choose()), a);
    assert.equal(plan.condemnPieces([a], true), a);
    assert.equal(plan.onlySource(choose()), undefined);
  });

  it('asks each alone when several gave something wrong together, and begins anew for each', () => {
    const { plan, sources, choose } = planOf({ a: '', b: '', c: '' });
    const [a = assert.fail(), b = assert.fail(), c = assert.fail()] = sources;
    assert.equal(plan.condemnPieces([a, b, c], true), undefined);
    const layout = choose();
    assert.equal(plan.onlySource(layout), a);
    const ofB = plan.othersThan(layout, () => true).find((key) => key.endsWith(' b.x')) ?? assert.fail();
    plan.giveTurn(ofB);
    assert.equal(plan.leave(layout), 'begin-anew');
    assert.equal(plan.onlySource(choose()), b);
    assert.equal(plan.condemnPieces([b], true), b, 'it is to blame');
    assert.equal(plan.onlySource(choose()), c);
    plan.condemnPieces([a, c], true);
    assert.throws(() => plan.condemnPieces([a, c], true), { code: 'hash-mismatch' });
  });
});
