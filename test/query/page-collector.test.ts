import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Catalogue } from '../../src/catalogue/catalogue.js';
import { keyOf } from '../../src/catalogue/file-entry.js';
import type { ShareRelativePath } from '../../src/catalogue/share-path.js';
import { PageCollector } from '../../src/query/page-collector.js';
import { comparePositions, keyFor, parseCursor, pathFor } from '../../src/query/position.js';
import type { SearchRequest } from '../../src/query/query-engine.js';
import { type Order, OrderField } from '../../src/stanza/file-criteria.js';

/** Folders below folders, names that go on where others end, and paths that only a digest tells apart. */
const part = fc.constantFrom(
  'a',
  'b',
  'a b',
  'a!',
  'A',
  'é',
  '物',
  'a\u0001',
  `${'deep '.repeat(20)}x`,
  'ö'.repeat(120),
);
const path = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'));
const file = fc.record({ path, size: fc.nat(2), mtimeMs: fc.nat(2), score: fc.nat(2) });
const order: fc.Arbitrary<Order> = fc.record({
  field: fc.constantFrom(...OrderField),
  descending: fc.boolean(),
});

describe('PageCollector', () => {
  it('takes the page that sorting everything gives, from any place in either direction', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(file, { selector: (each) => each.path, maxLength: 120 }),
        order,
        fc.integer({ min: 0, max: 6 }),
        fc.option(fc.tuple(fc.nat(), fc.constantFrom('after' as const, 'before' as const)), {
          nil: undefined,
        }),
        (files, by, max, from) => {
          const catalogue = new Catalogue();
          catalogue.apply(
            files.map(({ path, size, mtimeMs }) => ({
              type: 'put',
              entry: { share: 's', path: path as ShareRelativePath, size, mtimeMs, mediaType: 'a/b' },
            })),
          );
          const { columns } = catalogue.table;
          const scores = new Map(files.map(({ path, score }) => [`s/${path}`, score]));
          const sorted = [...catalogue.table.shown()]
            .map((slot) => {
              const name = columns.keyOf(slot);
              const score = scores.get(name) ?? 0;
              return {
                slot,
                name,
                score,
                key: keyFor(columns, slot, by.field, score),
                path: pathFor({ key: name }),
              };
            })
            .sort((one, other) => comparePositions(by, one, other));
          const collect = (page: SearchRequest['page']) => {
            const collector = new PageCollector(columns, by, page, 1000);
            for (const { slot, score } of sorted.toSorted((one, other) => one.slot - other.slot))
              collector.add(slot, score);
            return collector.finish();
          };
          const all = collect({ max: 1000 });
          assert.deepEqual(
            all.entries.map(({ entry }) => keyOf(entry)),
            sorted.map(({ name }) => name),
          );
          for (const [at, { cursor }] of all.entries.entries()) {
            const position = parseCursor(cursor, by, 'after');
            assert.deepEqual(position, { key: sorted[at]?.key, path: sorted[at]?.path });
          }
          const at = from === undefined || sorted.length === 0 ? 0 : from[0] % sorted.length;
          const cursor = all.entries[at]?.cursor;
          const isFrom = from !== undefined && cursor !== undefined;
          const page = collect({ max, ...(isFrom && { [from[1]]: cursor }) });
          const [begin, end] = !isFrom
            ? [0, max]
            : from[1] === 'after'
              ? [at + 1, at + 1 + max]
              : [Math.max(0, at - max), at];
          const names = page.entries.map(({ entry }) => keyOf(entry));
          assert.deepEqual(
            names,
            sorted.slice(begin, end).map(({ name }) => name),
          );
          assert.equal(page.total, sorted.length);
          assert.equal(page.offset, isFrom && from[1] === 'before' && max === 0 ? at : begin);
        },
      ),
      { numRuns: 300 },
    );
  });
});
