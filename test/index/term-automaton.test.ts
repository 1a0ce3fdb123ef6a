import assert from 'node:assert/strict';
import fc from 'fast-check';
import '../support/lunr/sound-token-sets.js';
import lunr from 'lunr';
import { PackedVocabulary } from '../../src/index/packed-vocabulary.js';
import { TermAutomaton } from '../../src/index/term-automaton.js';
import { matchesPieces } from '../../src/index/wildcard.js';
import { finish, hurried, unhurried } from '../support/work.js';

/** The part of lunr that its types leave out. */
interface TokenSet {
  intersect(other: TokenSet): TokenSet;
  toArray(): string[];
}
const { TokenSet } = lunr as unknown as {
  readonly TokenSet: {
    fromArray(sorted: readonly string[]): TokenSet;
    fromString(pattern: string): TokenSet;
    fromFuzzyString(word: string, distance: number): TokenSet;
  };
};

const word = (least: number, most: number) =>
  fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd'), minLength: least, maxLength: most });
const vocabularies = fc
  .uniqueArray(word(1, 8), { minLength: 1, maxLength: 200, size: 'max' })
  .map((words) => words.sort());

/** In lunr's own way: an automaton of the vocabulary and another of the word, as far as both go. */
function expected(sorted: readonly string[], asked: TokenSet): string[] {
  return TokenSet.fromArray(sorted).intersect(asked).toArray().sort();
}

function found(sorted: readonly string[], automaton: TermAutomaton, pace = unhurried): string[] {
  const vocabulary = PackedVocabulary.of(sorted);
  return finish(automaton.matches(vocabulary, pace)).map((at) => vocabulary.term(at));
}

describe('term automaton', () => {
  it('takes the same words for misspelled ones as lunr', () => {
    fc.assert(
      fc.property(
        vocabularies,
        word(1, 6),
        fc.constantFrom<1 | 2>(1, 2),
        fc.constantFrom(hurried, unhurried),
        (sorted, asked, distance, pace) => {
          const theirs = expected(sorted, TokenSet.fromFuzzyString(asked, distance));
          assert.deepEqual(found(sorted, TermAutomaton.fuzzy(asked, distance), pace), theirs);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('takes the same words for what a wildcard stands for as lunr', () => {
    const pieces = fc
      .array(word(1, 3), { minLength: 1, maxLength: 4 })
      .chain((inner) => fc.constantFrom(['', ...inner], [...inner, ''], ['', ...inner, ''], [...inner]))
      .filter((each) => each.length > 1);
    let count = 0;
    fc.assert(
      fc.property(vocabularies, pieces, (sorted, parts) => {
        const ours = found(sorted, TermAutomaton.wildcard(parts));
        count += ours.length;
        assert.deepEqual(ours, expected(sorted, TokenSet.fromString(parts.join('*'))));
        assert.deepEqual(
          ours,
          sorted.filter((term) => matchesPieces(parts, term)),
        );
      }),
      { numRuns: 3000 },
    );
    assert.ok(count > 3000, `the wildcards stand for something: ${count}`);
  });

  it('tells letters of all scripts apart, those outside of the first plane too', () => {
    const sorted = ['naive', 'война', 'воины', '東京', '𐐨𐐩', '𐐨𐐪'].sort();
    assert.deepEqual(found(sorted, TermAutomaton.wildcard(['во', ''])), ['воины', 'война']);
    assert.deepEqual(found(sorted, TermAutomaton.wildcard(['', '京'])), ['東京']);
    assert.deepEqual(found(sorted, TermAutomaton.wildcard(['𐐨', ''])), ['𐐨𐐩', '𐐨𐐪']);
    assert.deepEqual(found(sorted, TermAutomaton.fuzzy('воина', 1)), ['воины', 'война']);
    assert.deepEqual(found(sorted, TermAutomaton.fuzzy('x東', 2)), ['東京']);
  });

  it('uses one automaton for many vocabularies', () => {
    const automaton = TermAutomaton.fuzzy('romeo', 1);
    assert.deepEqual(found(['rome', 'romeo', 'xomeo'], automaton), ['rome', 'romeo', 'xomeo']);
    assert.deepEqual(found([], automaton), []);
    assert.deepEqual(found(['rmoeo', 'romoeo', 'rxxeo'], automaton), ['rmoeo', 'romoeo']);
  });

  it('looks at the time, and takes no longer for a wildcard made to be slow', () => {
    const sorted = Array.from(
      { length: 2000 },
      (_, at) => 'a'.repeat(200) + String(at).padStart(4, '0'),
    ).sort();
    const automaton = TermAutomaton.wildcard(['', 'a'.repeat(100), 'a'.repeat(100), 'a', 'b']);
    let looks = 0;
    const due = () => {
      looks += 1;
      return true;
    };
    const work = automaton.matches(PackedVocabulary.of(sorted), { due });
    assert.deepEqual(finish(work), []);
    assert.ok(looks >= 7, `${looks}`);
  });
});
