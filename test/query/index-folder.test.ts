import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import fc from 'fast-check';
import { RealDataFolder } from '../../src/fs/real-data-folder.js';
import { PackedTextIndex } from '../../src/index/packed-text-index.js';
import type { DocumentSource } from '../../src/index/text-index.js';
import type { SavedIndex } from '../../src/query/index-files.js';
import { IndexFolder } from '../../src/query/index-folder.js';
import { type Files, MemoryFolder } from '../support/memory-folder.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { finish, unhurried } from '../support/work.js';

const source: DocumentSource = {
  document: (id) => ({ name: `file ${id} of ${id % 7}`, path: 's/f', desc: '', type: 'text/plain' }),
};
const INIT = { maxSegmentDocuments: 64, mergeFactor: 2, maxExpandedTerms: 100 };

/** An index that changes, and what is in it. */
class Changing {
  readonly index = new PackedTextIndex(INIT);
  readonly ids = new Set<number>();

  change(added: readonly number[], removed: readonly number[]): void {
    const gone = removed.filter((id) => this.ids.delete(id));
    const news = [...new Set(added)].filter((id) => !this.ids.has(id));
    this.index.commit(finish(this.index.prepare(news, source, unhurried)), gone);
    for (const id of news) this.ids.add(id);
    while (finish(this.index.maintain(unhurried)));
  }

  saved(number: number): SavedIndex {
    return { number, segments: this.index.segments() };
  }
}

function idsOf({ segments }: SavedIndex): number[] {
  return segments
    .flatMap(({ segment, tombstones }) =>
      [...segment.ids].filter((_, ordinal) => {
        return !tombstones.has(ordinal);
      }),
    )
    .sort((one, other) => one - other);
}

function sorted(ids: Iterable<number>): number[] {
  return [...ids].sort((one, other) => one - other);
}

const step = fc.record({
  added: fc.array(fc.nat(120), { maxLength: 40 }),
  removed: fc.array(fc.nat(120), { maxLength: 20 }),
});
const part = fc.nat(1000).map((value) => value / 1000);

describe('index folder', () => {
  it('gives back what was saved last, from the real disk, and keeps no other files', async () => {
    const place = await temporaryFolder();
    const folder = new RealDataFolder(`${place.path}/index`);
    const changing = new Changing();
    const files = new IndexFolder({ folder });
    assert.equal(await files.load(1000), undefined);
    for (let number = 1; number < 12; number++) {
      const added = Array.from({ length: 20 }, (_, at) => number * 20 + at);
      changing.change(added, [number * 17, number * 19]);
      await files.save(changing.saved(number));
      const found = await new IndexFolder({ folder }).load(number);
      assert.ok(found);
      assert.equal(found.number, number);
      assert.deepEqual(idsOf(found), sorted(changing.ids));
      for (const { tombstones } of found.segments) {
        const bits = [...tombstones.bits].map((word) => word.toString(2).replaceAll('0', '').length);
        assert.equal(
          tombstones.count,
          bits.reduce((sum, count) => sum + count, 0),
        );
      }
      const names = (await readdir(folder.location)).sort();
      assert.deepEqual(names.length, found.segments.length + 1, names.join());
    }
    await place.remove();
  });

  it('writes a segment once', async () => {
    const folder = new MemoryFolder();
    const files = new IndexFolder({ folder });
    const changing = new Changing();
    changing.change(
      Array.from({ length: 60 }, (_, at) => at),
      [],
    );
    await files.save(changing.saved(1));
    const created = () =>
      folder.steps.filter((each) => each.type === 'create' && each.name.startsWith('seg-')).length;
    const before = created();
    changing.change([], [3, 4, 5]);
    await files.save(changing.saved(2));
    assert.equal(created(), before);
    const again = new IndexFolder({ folder });
    const found = await again.load(2);
    assert.ok(found);
    await again.save({ ...found, number: 3 });
    assert.equal(created(), before);
  });

  it('is the old one or the new one at whatever moment it is killed or loses its power', async () => {
    const life = fc.record({
      steps: fc.array(step, { minLength: 1, maxLength: 6 }),
      when: part,
      half: part,
      kept: part,
      isCut: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 4 }), async (lives) => {
        let disk: Files = new Map();
        let number = 0;
        let expected = { number: 0, ids: [] as number[] };
        for (const { steps, when, half, kept, isCut } of lives) {
          const folder = new MemoryFolder(disk);
          const files = new IndexFolder({ folder });
          const found = await files.load(number);
          assert.deepEqual(
            found ? { number: found.number, ids: idsOf(found) } : { number: 0, ids: [] },
            expected,
          );
          const changing = new Changing();
          if (found) {
            const saved = found.segments.map(({ segment, tombstones }) => ({
              segment,
              dead: (ordinal: number) => tombstones.has(ordinal),
            }));
            finish(changing.index.adopt(saved, unhurried));
            for (const id of expected.ids) changing.ids.add(id);
          }
          const states = [{ ...expected, from: 0, to: Number.POSITIVE_INFINITY }];
          for (const { added, removed } of steps) {
            changing.change(added, removed);
            number += 1;
            const from = folder.steps.length;
            await files.save(changing.saved(number));
            const renamed = folder.steps.findLastIndex(({ type }) => type === 'rename');
            assert.ok(renamed >= from);
            (states.at(-1) as (typeof states)[number]).to = renamed;
            states.push({
              number,
              ids: sorted(changing.ids),
              from: renamed + 1,
              to: Number.POSITIVE_INFINITY,
            });
          }
          const end = Math.floor(when * folder.steps.length);
          disk = isCut ? folder.cutAfter(end, () => kept) : folder.killedAfter(end, half);
          const state = states.find(({ from, to }) => end >= from && end <= to);
          assert.ok(state);
          expected = { number: state.number, ids: state.ids };
        }
      }),
      { numRuns: 100 },
    );
  }).timeout(30_000);

  it('forgets an index of batches that are lost, for good', async () => {
    const folder = new MemoryFolder();
    const changing = new Changing();
    changing.change([1, 2, 3], []);
    await new IndexFolder({ folder }).save(changing.saved(10));
    await new IndexFolder({ folder }).forgetAfter(10);
    assert.ok((await new IndexFolder({ folder }).load(10))?.segments.length);
    await new IndexFolder({ folder }).forgetAfter(9);
    for (const number of [9, 10, 1000]) {
      const found = await new IndexFolder({ folder }).load(number);
      assert.deepEqual(found, { number: 0, segments: [] });
    }
    assert.deepEqual(await folder.list(), ['manifest']);
    const lost = new IndexFolder({ folder });
    await lost.save(changing.saved(20));
    assert.equal(await new IndexFolder({ folder }).load(19), undefined);
    assert.deepEqual(await folder.list(), ['manifest']);
  });

  it('rejects what has become something else, and is saved again over it', async () => {
    const whole = new MemoryFolder();
    const changing = new Changing();
    for (let at = 0; at < 5; at++) changing.change([at * 3, at * 3 + 1, 100 + at], [at * 3]);
    await new IndexFolder({ folder: whole }).save(changing.saved(1));
    await fc.assert(
      fc.asyncProperty(
        fc.nat(20),
        fc.nat(1 << 20),
        fc.integer({ min: 1, max: 255 }),
        fc.constantFrom('flip', 'cut', 'remove'),
        async (file, at, by, how) => {
          const files = whole.killedAfter(whole.steps.length);
          const name = [...files.keys()][file % files.size] as string;
          const bytes = Buffer.from(files.get(name) as Uint8Array);
          const place = at % bytes.length;
          bytes[place] = (bytes[place] as number) ^ by;
          if (how === 'remove') files.delete(name);
          else files.set(name, how === 'flip' ? bytes : bytes.subarray(0, place));
          const folder = new MemoryFolder(files);
          const index = new IndexFolder({ folder });
          await index.forgetAfter(1);
          if (how === 'remove' && name === 'manifest') assert.equal(await index.load(1), undefined);
          else await assert.rejects(index.load(1), /damaged|no saved segment/);
          await index.save(changing.saved(2));
          const found = await new IndexFolder({ folder }).load(2);
          assert.ok(found);
          assert.deepEqual(idsOf(found), sorted(changing.ids));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('leaves the index of before when the disk is full', async () => {
    const folder = new MemoryFolder();
    const changing = new Changing();
    const files = new IndexFolder({ folder });
    changing.change([1, 2, 3], []);
    await files.save(changing.saved(1));
    changing.change([4, 5, 6], [1]);
    for (let fails = 0; fails < 6; fails++) {
      let left = fails;
      folder.fault = ({ type }) => {
        if (type !== 'remove' && left-- === 0) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
      };
      await assert.rejects(files.save(changing.saved(2)), /ENOSPC/);
      folder.fault = () => undefined;
      const found = await new IndexFolder({ folder }).load(2);
      assert.ok(found);
      assert.deepEqual([found.number, idsOf(found)], [1, [1, 2, 3]]);
    }
    await files.save(changing.saved(2));
    const found = await new IndexFolder({ folder }).load(2);
    assert.ok(found);
    assert.deepEqual([found.number, idsOf(found)], [2, [2, 3, 4, 5, 6]]);
    assert.equal((await folder.list()).length, found.segments.length + 1);
  });
});
