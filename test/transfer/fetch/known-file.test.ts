import assert from 'node:assert/strict';
import { parseJid } from '../../../src/stanza/jid.js';
import type { Range } from '../../../src/stanza/xep0234-file-transfer.js';
import {
  isContinued,
  type KnownFile,
  knownFile,
  mayFollow,
  type Told,
  targetHash,
  targetSize,
} from '../../../src/transfer/fetch/known-file.js';
import { sha256 } from '../../support/memory-sources.js';

const x = sha256(Buffer.from('x'));
const y = sha256(Buffer.from('y'));
const a = { jid: parseJid('a.example') };
const b = { jid: parseJid('b.example') };

describe('knownFile', () => {
  it('takes a range that is the whole file for no range', () => {
    const request = { file: { size: 10 }, sources: [], target: '/t', overwrite: 'refuse' } as const;
    assert.equal(knownFile({ ...request, range: { offset: 0 } }).range, undefined);
    assert.equal(knownFile({ ...request, range: { offset: 0, length: 10 } }).range, undefined);
    assert.deepEqual(knownFile({ ...request, range: { offset: 0, length: 9 } }).range, {
      offset: 0,
      length: 9,
    });
  });
});

describe('targetSize', () => {
  const cases: readonly (readonly [
    size: number | undefined,
    range: Range | undefined,
    expected: number | undefined,
  ])[] = [
    [100, undefined, 100],
    [undefined, undefined, undefined],
    [100, { offset: 30 }, 70],
    [100, { offset: 30, length: 10 }, 10],
    [100, { offset: 95, length: 10 }, 5],
    [100, { offset: 100, length: 10 }, 0],
    [undefined, { offset: 30, length: 10 }, 10],
    [undefined, { offset: 30 }, undefined],
  ];
  for (const [size, range, expected] of cases) {
    it(`is ${expected} for ${JSON.stringify(range) ?? 'all'} of ${size} bytes`, () => {
      const known = { ...(size !== undefined && { askedSize: size }), ...(range && { range }) };
      assert.equal(targetSize(known), expected);
    });
  }
});

describe('mayFollow', () => {
  const told = (change: Partial<Told> = {}): Told => ({ hashes: [], source: a, ...change });
  const dated = { size: 5, dateMs: 7 };
  const cases: readonly (readonly [says: string, known: KnownFile, offered: Told, expected: boolean])[] = [
    ['the first bytes follow nothing', {}, told(), true],
    [
      'the hash asked for decides in the end',
      { asked: x, told: told({ size: 5 }) },
      told({ size: 6, source: b }),
      true,
    ],
    ['the same hash', { told: told({ hashes: [x] }) }, told({ hashes: [x], source: b }), true],
    ['another hash', { told: told({ hashes: [x] }) }, told({ hashes: [y] }), false],
    ['another size', { told: told({ hashes: [x], size: 5 }) }, told({ hashes: [x], size: 6 }), false],
    ['the same size and date there', { told: told(dated) }, told(dated), true],
    ['the same size and date elsewhere', { told: told(dated) }, told({ ...dated, source: b }), false],
    ['the same size, no date', { told: told({ size: 5 }) }, told({ size: 5 }), false],
    ['nothing said', { told: told() }, told(), false],
    [
      'a range of the file asked for',
      { asked: x, range: { offset: 1 }, told: told({ hashes: [x] }) },
      told({ hashes: [x], source: b }),
      true,
    ],
  ];
  for (const [says, known, offered, expected] of cases) {
    it(`${expected}: ${says}`, () => assert.equal(mayFollow(known, offered), expected));
  }
});

describe('isContinued', () => {
  const cases: readonly (readonly [says: string, kept: KnownFile, wanted: KnownFile, expected: boolean])[] = [
    ['the same hash', { asked: x }, { asked: x }, true],
    ['the same hash under another name', { asked: x, name: 'p' }, { asked: x, name: 'q' }, true],
    ['another hash', { asked: x }, { asked: y }, false],
    [
      'begun by name, its hash told by the source',
      { name: 'p', told: { hashes: [x], source: a } },
      { asked: x },
      true,
    ],
    ['begun by name, no hash told', { name: 'p', told: { hashes: [], source: a } }, { asked: x }, false],
    ['the same name', { name: 'p' }, { name: 'p' }, true],
    ['another name', { name: 'p' }, { name: 'q' }, false],
    ['no names', {}, {}, false],
    ['another size', { asked: x, askedSize: 4 }, { asked: x, askedSize: 5 }, false],
    ['another range', { asked: x, range: { offset: 1 } }, { asked: x }, false],
    ['the same range', { asked: x, range: { offset: 1 } }, { asked: x, range: { offset: 1 } }, true],
  ];
  for (const [says, kept, wanted, expected] of cases) {
    it(`${expected}: ${says}`, () => assert.equal(isContinued(kept, wanted), expected));
  }
});

describe('targetHash', () => {
  it('is the one asked for, else the best that the source told, and none for a range', () => {
    const weak = { algo: 'sha-1', value: x.value } as const;
    const other = { algo: 'blake2b-256', value: x.value } as const;
    const told = (...hashes: Told['hashes']): Told => ({ hashes, source: a });
    assert.equal(targetHash({ asked: x, told: told(y) }), x);
    assert.equal(targetHash({ told: told(weak, other, y) }), y);
    assert.equal(targetHash({ told: told(weak, other) }), other);
    assert.equal(targetHash({ told: told(weak) }), weak);
    assert.equal(targetHash({}), undefined);
    assert.equal(targetHash({ asked: x, range: { offset: 1 } }), undefined);
  });
});
