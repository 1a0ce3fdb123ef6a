import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type CatalogueChange, type FileEntry, keyOf } from '../../src/catalogue/file-entry.js';
import { PackedTextIndex } from '../../src/index/packed-text-index.js';
import { FileTable } from '../../src/query/file-table.js';
import type { FileView } from '../../src/query/file-view.js';
import { parseWordQuery } from '../../src/query/word-query.js';
import { entryOf, put, remove } from '../support/file-entries.js';
import { finish, hurried, unhurried } from '../support/work.js';

const HASHES = [
  Buffer.alloc(32, 7).toString('base64'),
  Buffer.alloc(32, 8).toString('base64'),
  'odd',
  undefined,
];

function entriesOf(view: FileView): Map<string, FileEntry> {
  return new Map([...view.slots].map((slot) => [view.file(slot).key, view.file(slot).entry]));
}

/** Paths found by a word, and by a hash. */
function found(view: FileView, text: string): string[] {
  const parts = finish(view.words.search([parseWordQuery(text)], view, unhurried));
  return parts.flatMap(({ ids }) => [...ids].map((slot) => view.file(slot).key)).sort();
}

describe('FileTable', () => {
  it('is what was put into it, whatever came, changed and went, and views stay as they were', () => {
    const key = fc
      .tuple(fc.constantFrom('a', 'a/deep/folder', 'ü'), fc.nat(12))
      .map(([folder, at]) => `${folder}/romeo ${at}${at % 5 === 0 ? ' \ud83d broken \udce9' : ''}.txt`);
    const change = fc.oneof(
      { weight: 3, arbitrary: fc.tuple(key, fc.nat(3), fc.nat(3), fc.nat(2)) },
      { weight: 1, arbitrary: key },
    );
    const round = fc.tuple(fc.array(change, { maxLength: 10 }), fc.boolean(), fc.boolean());
    fc.assert(
      fc.property(fc.array(round, { maxLength: 15 }), (rounds) => {
        const table = new FileTable(
          new PackedTextIndex({ maxSegmentDocuments: 16, mergeFactor: 3, maxExpandedTerms: 100 }),
        );
        const model = new Map<string, FileEntry>();
        const views: { readonly view: FileView; readonly expected: Map<string, FileEntry> }[] = [];
        const check = ({ view, expected }: (typeof views)[number]) => {
          assert.deepEqual(entriesOf(view), expected);
          assert.deepEqual(found(view, 'romeo'), [...expected.keys()].sort());
          for (const desc of ['juliet', 'tybalt']) {
            const having = [...expected.values()].filter((entry) => entry.desc === desc);
            assert.deepEqual(found(view, `desc:${desc}`), having.map(keyOf).sort());
          }
        };
        for (const [asked, looks, closes] of rounds) {
          const changes = asked.map((each): CatalogueChange => {
            if (typeof each === 'string') return remove(each);
            const [path, size, hash, desc] = each;
            const words = [undefined, 'juliet', 'tybalt'][desc];
            const sha256 = HASHES[hash];
            return put(path, { size, ...(sha256 && { sha256 }), ...(words && { desc: words }) });
          });
          const work = table.apply(changes, hurried);
          work.next();
          if (looks) views.push({ view: table.view(), expected: new Map(model) });
          finish(work);
          for (const each of changes) {
            if (each.type === 'put') model.set(keyOf(each.entry), each.entry);
            else model.delete(each.key);
          }
          const now = { view: table.view(), expected: model };
          check(now);
          assert.equal(table.size, model.size);
          for (const hash of HASHES) {
            if (hash === undefined) continue;
            const having = [...model.values()].filter(({ sha256 }) => sha256 === hash).map(keyOf);
            const slots = now.view.withHash(hash);
            assert.deepEqual(slots.map((slot) => now.view.file(slot).key).sort(), having.sort());
          }
          now.view.close();
          views.forEach(check);
          if (closes) views.shift()?.view.close();
          while (finish(table.maintain(unhurried)));
        }
        views.forEach(check);
      }),
      { numRuns: 150 },
    );
  });

  it('finds files by key among a great many', () => {
    const table = new FileTable(new PackedTextIndex());
    const entries = Array.from({ length: 20_000 }, (_, at) =>
      entryOf(`share/${at % 77}/${at}`, { size: at }),
    );
    finish(
      table.apply(
        entries.map((entry) => ({ type: 'put', entry })),
        unhurried,
      ),
    );
    finish(
      table.apply(
        entries.filter(({ size }) => size % 2 === 0).map((entry) => remove(keyOf(entry))),
        unhurried,
      ),
    );
    finish(table.apply([put('share/1/1', { size: -1 })], unhurried));
    assert.equal(table.size, 10_000);
    const view = table.view();
    assert.equal(entriesOf(view).get('share/1/1')?.size, -1);
    view.close();
  });
});
