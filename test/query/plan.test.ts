import assert from 'node:assert/strict';
import { parseCriteria } from '../../src/query/criteria.js';
import { areFew, chooseDriver, planFields, workerFor } from '../../src/query/plan.js';
import type { FileCriteria } from '../../src/stanza/file-criteria.js';

const HASH = { algo: 'sha-256', value: Buffer.alloc(32).toString('base64') } as const;
const contains = { type: 'contains', value: 'x' } as const;
const regex = { type: 'regex', pattern: 'x+' } as const;

describe('plan', () => {
  const plans: readonly (readonly [FileCriteria, string, driver: string, worker: string])[] = [
    [{ hash: [HASH], text: ['a'], sizeMin: 1, name: [regex] }, 'hash words size name', 'hash', 'words'],
    [{ name: [contains], text: ['a'], ext: ['b'] }, 'words ext name', 'words', 'words'],
    [
      { name: [contains], ext: ['b'], sizeMax: 1, dateFromMs: 1, mediaType: ['a/b'] },
      'type size date ext name',
      'column',
      'scan',
    ],
    [{ path: [contains], name: [regex], desc: [regex] }, 'path desc name', 'scan', 'scan'],
    [{ path: [regex], name: [contains, regex], desc: [contains] }, 'desc name path', 'scan', 'scan'],
    [{ text: ['-a'], date: [{ fromMs: 1, beforeMs: 2 }] }, 'date words', 'column', 'words'],
    [{ text: ['a', '-b'], ext: ['c'] }, 'ext words', 'scan', 'words'],
    [{ size: [1] }, 'size', 'column', 'scan'],
  ];
  for (const [asked, fields, driver, worker] of plans) {
    it(`looks at ${fields}, driven by ${driver}`, () => {
      const criteria = parseCriteria(asked);
      assert.equal(planFields(criteria).join(' '), fields);
      assert.equal(chooseDriver(criteria), driver);
      assert.equal(workerFor(criteria), worker);
    });
  }

  it('tests few files one by one, and many in a row', () => {
    assert.ok(areFew(100, 1_000_000));
    assert.ok(!areFew(500_000, 1_000_000));
    assert.ok(!areFew(1, 1));
  });
});
