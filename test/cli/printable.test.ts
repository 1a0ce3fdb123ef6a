import assert from 'node:assert/strict';
import fc from 'fast-check';
import { cut, pad, printable, unprintable, widthOf } from '../../src/cli/printable.js';

describe('text on a terminal', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['romeo.txt', 'romeo.txt'],
    ['\x1b[2Jgone\x07', '\\x1b[2Jgone\\x07'],
    ['two\nlines\ttab', 'two\\x0alines\\x09tab'],
    ['\u009b31mred', '\\x9b31mred'],
    ['gpj.\u202etxt', 'gpj.\\u{202e}txt'],
    ['zero\u200bwidth\ufeff', 'zero\\u{200b}width\\u{feff}'],
    ['lone\udc80', 'lone\\u{dc80}'],
    ['日本 война é café\u0301 👩‍👧', '日本 война é café\u0301 👩‍👧'],
  ];
  for (const [text, shown] of cases) {
    it(`shows ${JSON.stringify(text)}`, () => assert.equal(printable(text), shown));
  }

  it('is taken back as it was shown', () => {
    for (const [text, shown] of cases) assert.equal(unprintable(shown), text);
    for (const text of ['\\x41', '\\u{110000}', '\\u{61}', '\\x1', '\\n'])
      assert.equal(unprintable(text), text);
  });

  it('never holds a character that a terminal obeys', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        (text) => !/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(printable(text)),
      ),
    );
  });

  it('knows how many cells it takes', () => {
    assert.equal(widthOf('abc'), 3);
    assert.equal(widthOf('日本'), 4);
    assert.equal(widthOf('e\u0301'), 1);
    assert.equal(widthOf('ｱ'), 1);
  });

  it('is cut and padded to exactly its cells', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }).map(printable),
        fc.integer({ min: 0, max: 40 }),
        (text, width) => {
          const short = cut(text, width);
          assert.ok(widthOf(short) <= width);
          assert.equal(widthOf(pad(short, width)), width);
          if (widthOf(text) <= width) assert.equal(short, text);
        },
      ),
    );
    assert.equal(cut('日本語', 4), '日…');
  });
});
