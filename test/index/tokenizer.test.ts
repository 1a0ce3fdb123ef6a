import assert from 'node:assert/strict';
import fc from 'fast-check';
import { hasUnspaced, tokensOf } from '../../src/index/tokenizer.js';

const termsOf = (text: string) => tokensOf(text).map((token) => token.term);

describe('tokenizer', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['Romeo and Juliet.epub', ['romeo', 'and', 'juliet', 'epub']],
    ['romeo_juliet-(act.2)', ['romeo', 'juliet', 'act', '2']],
    ['RomeoJuliet', ['romeo', 'juliet', 'romeojuliet']],
    ['HTMLParser', ['html', 'parser', 'htmlparser']],
    ['S01E02', ['s', '01', 'e', '02', 's01e02']],
    ['mp3', ['mp', '3', 'mp3']],
    ['Война и мир', ['воина', 'и', 'мир']],
    ['ВойнаМир', ['воина', 'мир', 'воинамир']],
    ['Beyonce\u0301', ['beyonce']],
    ['ＡＢＣ', ['abc']],
    ['東京', ['東', '東京', '京']],
    ['東京都2020', ['東', '東京', '京', '京都', '都', '2020']],
    ['ラーメン', ['ラ', 'ラー', 'ー', 'ーメ', 'メ', 'メン', 'ン']],
    ['서울역', ['서', '서울', '울', '울역', '역']],
    ['ไทย', ['ไ', 'ไท', 'ท', 'ทย', 'ย']],
    ['ألف ليلة', ['الف', 'ليلة']],
    ['हिन्दी', ['हिन्दी']],
    ['soft\u00adware', ['software']],
    ['caf\udce9.txt', ['caf', 'txt']],
    ['\u0301♥️ --', []],
    ['', []],
    ['constructor __proto__', ['constructor', 'proto']],
  ];
  for (const [text, expected] of cases) {
    it(`${JSON.stringify(text)} has ${JSON.stringify(expected)}`, () =>
      assert.deepEqual(termsOf(text), expected));
  }

  it('numbers the units over the whole text, whatever separates them', () => {
    assert.deepEqual(tokensOf('S01-東京'), [
      { term: 's', start: 0, end: 1 },
      { term: '01', start: 1, end: 2 },
      { term: 's01', start: 0, end: 2 },
      { term: '東', start: 2, end: 3 },
      { term: '東京', start: 2, end: 4 },
      { term: '京', start: 3, end: 4 },
    ]);
  });

  it('gives the same terms for a name in whatever normal form', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        assert.deepEqual(termsOf(text.normalize('NFC')), termsOf(text.normalize('NFD')));
      }),
    );
  });

  it('takes any name, valid or not, and leaves no term empty', () => {
    const unit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));
    fc.assert(
      fc.property(fc.array(unit), (units) => {
        assert.ok(tokensOf(units.join('')).every(({ term, start, end }) => term !== '' && start < end));
      }),
    );
  });

  it('knows scripts without spaces', () => {
    assert.equal(hasUnspaced('abc東'), true);
    assert.equal(hasUnspaced('Война، سلام'), false);
  });

  it('makes the same of ASCII as of any text', () => {
    const unit = fc.constantFrom(...'abzABZ019 ._-/'.split(''));
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 30 }), (text) => {
        // A word of another script behind it takes the text out of ASCII and is the last token.
        assert.deepEqual(tokensOf(text), tokensOf(`${text} ж`).slice(0, -1));
      }),
      { numRuns: 3000 },
    );
  });
});
