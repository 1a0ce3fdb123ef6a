import assert from 'node:assert/strict';
import { closeOverCase, foldCase, foldCodePoint } from '../../src/query/ere-case.js';
import { contains } from '../../src/query/ere-charset.js';

describe('foldCase', () => {
  it('makes equal what differs in case only', () => {
    assert.equal(foldCase('ÉTÉ К\u212aſΣς'), foldCase('été кksσσ'));
    assert.equal(foldCase('abc'), 'abc');
    assert.equal(foldCase('ABC.MP3'), 'abc.mp3');
    assert.equal(foldCase('Ж😀物'), 'ж😀物');
  });

  it('leaves bytes that are not UTF-8', () => {
    assert.equal(foldCase('A\udcffÉ'), 'a\udcffé');
  });

  it('agrees with the simple case folding of the running Unicode', () => {
    // A RegExp that ignores case compares characters by simple case folding (ECMA-262 Canonicalize).
    const differences: string[] = [];
    for (let codePoint = 0x41; codePoint < 0x20000; codePoint += 1) {
      if (codePoint >= 0xd800 && codePoint <= 0xdfff) continue;
      const text = String.fromCodePoint(codePoint);
      for (const other of new Set([text.toLowerCase(), text.toUpperCase(), foldCase(text)])) {
        if (other === text || [...other].length !== 1) continue;
        const same = new RegExp(`^\\u{${codePoint.toString(16)}}$`, 'iu').test(other);
        const ours = foldCodePoint(other.codePointAt(0) ?? 0) === foldCodePoint(codePoint);
        if (same !== ours) differences.push(`${text} ${other}`);
      }
    }
    assert.deepEqual(differences, []);
  }).timeout(20_000);
});

describe('closeOverCase', () => {
  it('adds all characters that are the same, and no others', () => {
    const set = closeOverCase([0x6a, 0x6b, 0x3c3, 0x3c3]);
    for (const inside of 'jJkK\u212aΣσς') assert.ok(contains(set, inside.codePointAt(0) ?? 0), inside);
    for (const outside of 'iIlLρτ') assert.ok(!contains(set, outside.codePointAt(0) ?? 0), outside);
  });
});
