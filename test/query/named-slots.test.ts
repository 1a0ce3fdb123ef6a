import assert from 'node:assert/strict';
import { Catalogue } from '../../src/catalogue/catalogue.js';
import { withNamedSlots } from '../../src/query/named-slots.js';
import { put } from '../support/file-entries.js';
import { request } from './query-engine-compliance.js';

const HASH = Buffer.alloc(32, 7).toString('base64');
const EMPTY = Buffer.alloc(32, 8).toString('base64');
const hash = (...values: string[]) => ({
  hash: values.map((value) => ({ algo: 'sha-256' as const, value })),
});

describe('withNamedSlots', () => {
  const catalogue = new Catalogue();
  const { table } = catalogue;
  before(() => {
    catalogue.apply([put('a/one', { sha256: HASH }), put('a/two', { sha256: HASH }), put('a/three')]);
    catalogue.apply(Array.from({ length: 1500 }, (_, at) => put(`empty/${at}`, { sha256: EMPTY })));
  });

  it('names the files with a hash, each once', () => {
    const { named } = withNamedSlots(table, request(hash(HASH, HASH)));
    assert.deepEqual([...(named ?? [])].map((slot) => table.columns.nameOf(slot)).sort(), ['one', 'two']);
  });

  it('names none for a hash that nobody has', () => {
    const unknown = Buffer.alloc(32, 9).toString('base64');
    assert.equal(withNamedSlots(table, request(hash(unknown))).named?.length, 0);
  });

  it('leaves it to the worker where they are many, and where no hash is asked for', () => {
    assert.equal(withNamedSlots(table, request(hash(EMPTY))).named, undefined);
    assert.equal(withNamedSlots(table, request({ size: [1] })).named, undefined);
  });
});
