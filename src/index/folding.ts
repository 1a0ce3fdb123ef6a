/**
 * What makes two spellings the same: Unicode normal forms, case folding, and letters with and
 * without their marks. JavaScript has no case folding of its own; here it is lower, upper and lower
 * case in turn, which gives the full folding of Unicode (ß and ẞ are ss, ς is σ, K is k) but for
 * the dotted and the dotless i of Turkish, which are i here: askers rarely have them on their keys.
 */

const ASCII = /^[\0-\x7f]*$/;

/** `text` in NFC with case folded: equal for two texts that differ in case or normal form only. */
export function caseless(text: string): string {
  return ASCII.test(text) ? text.toLowerCase() : fold(text.normalize('NFC')).normalize('NFC');
}

/** As {@link caseless}, and compatibility forms (full width, ligatures, superscripts) are plain letters: for words. */
export function caselessWords(text: string): string {
  return ASCII.test(text) ? text.toLowerCase() : fold(text.normalize('NFKC')).normalize('NFKC');
}

function fold(text: string): string {
  const folded = text.toLowerCase().toUpperCase().toLowerCase();
  // U+0307 is what lower case leaves of İ. At the end of a word lower case of Σ is ς.
  return folded.replaceAll('i\u0307', 'i').replaceAll('ς', 'σ');
}

// Only where a mark is an ornament to people of other languages. In Devanagari, Thai or Japanese it is
// a vowel or makes another consonant, and without it a word would be another word.
const MARKED = /([\p{sc=Latin}\p{sc=Greek}\p{sc=Cyrillic}\p{sc=Arabic}\p{sc=Hebrew}])\p{Mn}+/gu;
const TATWEEL = /\u0640/g; // stretches an Arabic word and says nothing

/** Letters that Unicode does not take apart, and what people type instead. */
const PLAIN: Readonly<Record<string, string>> = {
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ħ: 'h',
  ŧ: 't',
  ð: 'd',
  þ: 'th',
  æ: 'ae',
  œ: 'oe',
};
const NOT_PLAIN = new RegExp(`[${Object.keys(PLAIN).join('')}]`, 'g');

/** A word from {@link caselessWords} without diacritics: `beyoncé` → `beyonce`. Never empty when `word` is not. */
export function withoutMarks(word: string): string {
  if (ASCII.test(word)) return word;
  const bare = word
    .normalize('NFD')
    .replace(MARKED, '$1')
    .replace(TATWEEL, '')
    .normalize('NFC')
    .replace(NOT_PLAIN, (letter) => PLAIN[letter] ?? letter);
  return bare === '' ? word : bare;
}
