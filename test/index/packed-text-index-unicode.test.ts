/** Names in many scripts and forms, as the index finds them for what people type. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { TextDocument } from '../../src/index/text-index.js';
import { parseWordQuery } from '../../src/query/word-query.js';
import { PackedObjectIndex } from '../support/object-index.js';
import { finish, hurried, unhurried } from '../support/work.js';

function indexOf(names: readonly string[]): PackedObjectIndex<TextDocument> {
  const index = new PackedObjectIndex<TextDocument>();
  const documents = names.map((name) => ({ name, path: 'share', desc: '', type: '' }));
  index.commit(finish(index.prepare(documents, unhurried)), []);
  return index;
}

/** The best first. */
function search(index: PackedObjectIndex<TextDocument>, text: string): string[] {
  const scores = finish(index.searcher().search([parseWordQuery(text)], hurried));
  return [...scores].sort(([, one], [, other]) => other - one).map(([{ name }]) => name);
}

describe('PackedTextIndex, in all scripts', () => {
  const cases: readonly {
    readonly name: string;
    readonly by: readonly string[];
    readonly not?: readonly string[];
  }[] = [
    // A name as macOS writes it and one as everybody else does.
    { name: 'Cafe\u0301 del Mar.mp3', by: ['café', 'CAFE\u0301', 'cafe', 'caf*', '"café del"', 'cafè~1'] },
    { name: 'Ångström.txt', by: ['A\u030angstro\u0308m', 'ångström', 'angstrom', '\u212bngström', '*ström'] },
    { name: '파일 이름.txt', by: ['파일'.normalize('NFD'), '이름', '"파일 이름"'], not: ['일파'] },
    // Full case folding.
    { name: 'Straße nach Süden.epub', by: ['STRASSE', 'strasse', 'straße', 'STRAẞE', 'straß*', 'strasse~1'] },
    { name: 'MASSE.txt', by: ['maße', 'masse'], not: ['mase'] },
    {
      name: 'İstanbul Hatırası.flac',
      by: ['istanbul', 'ISTANBUL', 'İSTANBUL', 'i\u0307stanbul', 'hatirasi'],
    },
    { name: 'DİYARBAKIR.jpg', by: ['diyarbakir', 'diyarbakır', 'DIYARBAKIR'] },
    { name: 'Ο Οδυσσεύς.epub', by: ['ΟΔΥΣΣΕΥΣ', 'οδυσσευσ', 'Ὀδυσσεύς', 'οδυσσε*', '*σευς'] },
    { name: 'ΣΊΣΥΦΟΣ.epub', by: ['σίσυφος', 'σισυφοσ', 'Σίσυφος'] },
    { name: 'ＦＵＬＬ ﬁle №5.txt', by: ['full', 'file', 'ﬁle', 'ＦＩＬＥ'] },
    // Cyrillic.
    {
      name: 'Война и мир.fb2',
      by: ['война', 'ВОЙНА МИР', 'воина', 'вой*', '*ойна', 'вайна~1'],
      not: ['вой'],
    },
    { name: 'Ёлка.mp3', by: ['елка', 'ЁЛКА', 'ёлка'.normalize('NFD')] },
    { name: 'ВойнаМир.txt', by: ['войнамир', '"война мир"', 'ВойнаМир'], not: ['"мир война"'] },
    // Words in an unspaced run.
    {
      name: '源氏物語絵巻.pdf',
      by: ['物語', '源氏', '絵巻', '源氏物語', '語', '*物語*', '物*'],
      not: ['物絵', '語物'],
    },
    { name: '红楼梦第3回.txt', by: ['红楼梦', '楼梦', '第3回', '梦第'], not: ['红梦'] },
    { name: 'ﾗｰﾒﾝ日記.txt', by: ['ラーメン', 'ﾗｰﾒﾝ', '日記', 'メン'], not: ['ンメ'] },
    { name: 'がくせい.txt', by: ['がく', 'か\u3099くせい'], not: ['かく'] },
    { name: 'ภาษาไทย.txt', by: ['ไทย', 'ภาษา'] },
    // Arabic and Hebrew, with and without vowel signs, stretched or not.
    {
      name: 'ألف ليلة وليلة.epub',
      by: ['ليلة', 'الف', 'أَلْف', 'ليـــلة', '"الف ليلة"', 'ليل*'],
      not: ['"ليلة الف"'],
    },
    { name: 'مُحَمَّد.txt', by: ['محمد', 'مُحَمَّد'] },
    { name: 'שָׁלוֹם.mp3', by: ['שלום'] },
    { name: 'हिन्दी गीत.mp3', by: ['हिन्दी', 'गीत'], not: ['हनद'] },
    { name: 'broken\udce9 name.txt', by: ['broken', 'name'] },
  ];
  const index = indexOf(cases.map(({ name }) => name));
  for (const { name, by, not = [] } of cases) {
    it(`finds ${JSON.stringify(name)}`, () => {
      for (const text of by) assert.ok(search(index, text).includes(name), `by ${text}`);
      for (const text of not) assert.ok(!search(index, text).includes(name), `not by ${text}`);
    });
  }

  it('finds a name in whatever normal form it is and whatever is asked, the same files each time', () => {
    const words = [
      'Café',
      'Ångström',
      'Война',
      'Ёлка',
      '서울역',
      'がくせい',
      'Ελλάς',
      'naïve',
      'Łódź',
      'ﬁle',
    ];
    const form = fc.constantFrom('NFC', 'NFD', 'NFKC', 'NFKD');
    const spelled = fc.tuple(fc.constantFrom(...words), form, fc.boolean());
    fc.assert(
      fc.property(fc.array(spelled, { minLength: 1, maxLength: 20 }), spelled, (names, asked) => {
        const write = ([word, as, upper]: readonly [string, string, boolean]) =>
          (upper ? word.toUpperCase() : word.toLowerCase()).normalize(as);
        const found = search(indexOf(names.map((each, at) => `${write(each)} ${at}`)), write(asked));
        assert.equal(found.length, names.filter(([word]) => word === asked[0]).length);
      }),
      { numRuns: 300 },
    );
  });

  it('ranks what is written as it was asked above what differs in marks', () => {
    const halos = indexOf(['Beyoncé - Halo.flac', 'Beyonce - A Halo, Live at Some Place.mp3']);
    assert.deepEqual(search(halos, 'beyonce'), [
      'Beyonce - A Halo, Live at Some Place.mp3',
      'Beyoncé - Halo.flac',
    ]);
    assert.deepEqual(search(halos, 'BEYONCE\u0301'), [
      'Beyoncé - Halo.flac',
      'Beyonce - A Halo, Live at Some Place.mp3',
    ]);
    assert.deepEqual(search(halos, 'beyonce halo'), search(halos, 'beyonce'));
    const trees = indexOf(['Ёлка.mp3', 'Елка в лесу.mp3']);
    assert.deepEqual(search(trees, 'елка'), ['Елка в лесу.mp3', 'Ёлка.mp3']);
    assert.deepEqual(search(trees, 'ёлка'), ['Ёлка.mp3', 'Елка в лесу.mp3']);
  });
});
