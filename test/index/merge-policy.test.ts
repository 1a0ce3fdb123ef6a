import assert from 'node:assert/strict';
import { chooseMerge, type SegmentSize } from '../../src/index/merge-policy.js';

const LIMITS = { maxDocuments: 512, mergeFactor: 8 };
const full = (live: number): SegmentSize => ({ documents: live, live });

/** Merges until all is well; says how many documents were rebuilt. */
function settle(segments: SegmentSize[]): { segments: SegmentSize[]; rebuilt: number } {
  let rebuilt = 0;
  let present = segments;
  for (let rounds = 0; ; rounds++) {
    assert.ok(rounds < 1000, 'merging comes to no end');
    const chosen = chooseMerge(present, LIMITS);
    if (chosen.length === 0) return { segments: present, rebuilt };
    const live = chosen.reduce((sum, at) => sum + (present[at]?.live ?? 0), 0);
    rebuilt += live;
    present = present.filter((_, at) => !chosen.includes(at));
    if (live > 0) present.push(full(live));
  }
}

describe('merge policy', () => {
  it('keeps segments few and rebuilds a document a few times only, when files come one by one', () => {
    let segments: SegmentSize[] = [];
    let rebuilt = 0;
    for (let count = 1; count <= 5000; count++) {
      const settled = settle([...segments, full(1)]);
      segments = settled.segments;
      rebuilt += settled.rebuilt;
      assert.ok(segments.every(({ documents }) => documents <= LIMITS.maxDocuments));
      assert.ok(segments.length <= (2 * count) / LIMITS.maxDocuments + 4 * LIMITS.mergeFactor);
    }
    assert.ok(rebuilt <= 5 * 5000, `${rebuilt}`);
  });

  it('drops a segment of nothing but tombstones, and rebuilds one that is mostly tombstones', () => {
    assert.deepEqual(chooseMerge([full(300), { documents: 9, live: 0 }], LIMITS), [1]);
    assert.deepEqual(chooseMerge([full(300), { documents: 400, live: 199 }], LIMITS), [1]);
    assert.deepEqual(chooseMerge([full(300), { documents: 400, live: 200 }], LIMITS), []);
  });
});
