import assert from 'node:assert/strict';
import { caseless, caselessWords, withoutMarks } from '../../src/index/folding.js';

describe('folding', () => {
  const same: readonly (readonly [string, string])[] = [
    ['ROMEO', 'romeo'],
    ['Straße', 'STRASSE'],
    ['STRAẞE', 'strasse'],
    ['İstanbul', 'istanbul'],
    ['ISPARTA', 'ısparta'],
    ['ΟΔΥΣΣΕΥΣ', 'οδυσσευς'],
    ['ὈΔΥΣΣΕΎΣ', 'ὀδυσσεύς'],
    ['Война и Мир', 'ВОЙНА И МИР'],
    ['Beyonce\u0301', 'BEYONCÉ'],
    ['\u212Aelvin', 'kelvin'],
    ['ﬃ', 'FFI'],
    ['がぎ', 'か\u3099き\u3099'],
    ['한글', '한글'],
    ['a\udcff\ud800b', 'A\udcff\ud800B'],
  ];
  for (const [one, other] of same) {
    it(`${JSON.stringify(one)} is ${JSON.stringify(other)}`, () =>
      assert.equal(caseless(one), caseless(other)));
  }

  it('keeps apart what only people of other languages take for the same', () => {
    assert.notEqual(caseless('Beyoncé'), caseless('Beyonce'));
    assert.notEqual(caseless('Мир'), caseless('Мыр'));
  });

  it('agrees on both cases and both normal forms of every character, and folding twice changes nothing', () => {
    const wrong: string[] = [];
    for (let code = 0; code <= 0x1ffff; code++) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      const character = String.fromCodePoint(code);
      const folded = caseless(character);
      const forms = [character.toUpperCase(), character.toLowerCase(), character.normalize('NFD'), folded];
      if (forms.some((form) => caseless(form) !== folded)) wrong.push(code.toString(16));
    }
    assert.deepEqual(wrong, []);
  });

  it('reads compatibility forms as plain letters in words only', () => {
    assert.equal(caselessWords('ＲＯＭＥＯ①'), 'romeo1');
    assert.equal(caseless('①'), '①');
  });

  const bare: readonly (readonly [string, string])[] = [
    ['beyoncé', 'beyonce'],
    ['ångström', 'angstrom'],
    ['røyksopp', 'royksopp'],
    ['łódź', 'lodz'],
    ['ёлка', 'елка'],
    ['ὀδυσσεύσ', 'οδυσσευσ'],
    ['مُحَمَّد', 'محمد'],
    ['سـلام', 'سلام'],
    ['がくせい', 'がくせい'],
    ['हिन्दी', 'हिन्दी'],
    ['ไทย', 'ไทย'],
    ['ـ', 'ـ'],
  ];
  for (const [word, expected] of bare) {
    it(`${word} without marks is ${expected}`, () => assert.equal(withoutMarks(word), expected));
  }
});
