import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Catalogue } from '../../src/catalogue/catalogue.js';
import { type FileEntry, keyOf } from '../../src/catalogue/file-entry.js';
import { fromBytes, type ShareRelativePath } from '../../src/catalogue/share-path.js';
import { ParseError } from '../../src/errors.js';
import {
  comparePositions,
  formatCursor,
  keyFor,
  type Position,
  parseCursor,
  pathFor,
} from '../../src/query/position.js';
import { type Order, OrderField } from '../../src/stanza/file-criteria.js';

const byte = fc.integer({ min: 1, max: 255 }).filter((each) => each !== 0x2f);
const name = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 255 }).map((bytes) => bytes.map((each) => each || 1)),
  fc.tuple(byte, fc.integer({ min: 1, max: 255 })).map(([each, length]) => new Uint8Array(length).fill(each)),
);
const path = fc
  .array(name, { minLength: 1, maxLength: 15 })
  .map((names) => names.map((bytes) => fromBytes(bytes).replaceAll('/', '_')).join('/') as ShareRelativePath);
const row = fc
  .record({ path, size: fc.maxSafeNat(), mtimeMs: fc.integer({ min: -1e12, max: 1e13 }) })
  .map((each): FileEntry => ({ share: 'books', mediaType: 'text/plain', ...each }));
const order: fc.Arbitrary<Order> = fc.record({
  field: fc.constantFrom(...OrderField),
  descending: fc.boolean(),
});

function positionOf(entry: FileEntry, { field }: Order, score: number): Position {
  const catalogue = new Catalogue();
  catalogue.apply([{ type: 'put', entry }]);
  const key = keyOf(entry);
  const slot = catalogue.slotOf(key) ?? Number.NaN;
  return { key: keyFor(catalogue.table.columns, slot, field, score), path: pathFor({ key }) };
}

describe('position', () => {
  it('goes into a cursor of bounded length and comes back the same', () => {
    fc.assert(
      fc.property(row, order, fc.nat(100_000), (file, by, score) => {
        const position = positionOf(file, by, score);
        const cursor = formatCursor(by, position);
        assert.ok(cursor.length <= 960, `${cursor.length}`);
        assert.deepEqual(parseCursor(cursor, by, 'after'), position);
      }),
      { numRuns: 500 },
    );
  });

  it('tells any two files apart, also those that differ after thousands of characters', () => {
    const deep = (end: string): FileEntry => ({
      share: 'books',
      path: `${'folder/'.repeat(500)}${end}` as ShareRelativePath,
      size: 1,
      mtimeMs: 1,
      mediaType: 'text/plain',
    });
    const by: Order = { field: 'size', descending: false };
    const [one, other] = [positionOf(deep('one'), by, 0), positionOf(deep('other'), by, 0)];
    assert.notEqual(comparePositions(by, one, other), 0);
    assert.equal(comparePositions(by, one, other), -comparePositions(by, other, one));
  });

  it('orders equal keys by path, in either direction', () => {
    const at = (key: number, file: string) => ({ key, path: file });
    for (const descending of [false, true]) {
      const by: Order = { field: 'size', descending };
      assert.ok(comparePositions(by, at(1, 'a'), at(1, 'b')) < 0);
      assert.equal(comparePositions(by, at(1, 'a'), at(2, 'a')) < 0, !descending);
    }
    const downwards: Order = { field: 'path', descending: true };
    assert.ok(comparePositions(downwards, { key: '', path: 'a' }, { key: '', path: 'b' }) > 0);
  });

  describe('a cursor', () => {
    const by: Order = { field: 'size', descending: false };
    const cursor = formatCursor(by, { key: 5, path: 'books/a' });
    const refuses = (text: string, given: Order = by) =>
      assert.throws(
        () => parseCursor(text, given, 'before'),
        (error) => error instanceof ParseError && error.field === 'before',
      );

    it('is refused when a character of it was altered', () => {
      for (let at = 0; at < cursor.length; at++) {
        const other = cursor[at] === 'A' ? 'B' : 'A';
        refuses(`${cursor.slice(0, at)}${other}${cursor.slice(at + 1)}`);
      }
    });

    it('is refused when it was cut, or never was one', () => {
      for (let length = 0; length < cursor.length; length++) refuses(cursor.slice(0, length));
      for (const text of ['x', `${cursor}=`, `${cursor} `, '☃', 'A'.repeat(5000), btoa('[]')]) refuses(text);
    });

    it('is refused in another order', () => {
      refuses(cursor, { field: 'size', descending: true });
      refuses(cursor, { field: 'date', descending: false });
      refuses(cursor, { field: 'path', descending: false });
    });
  });
});
