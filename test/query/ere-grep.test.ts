/**
 * Compares with the real `grep -E` of this machine on random patterns and values. Left out, each
 * narrowly, is what grep itself gets wrong or means otherwise:
 *
 * - grep does not repeat a group with an anchor in it rightly (`(^a{1,1}){1,}` is not found in `a`),
 *   so the generator gives such groups no interval and no `+`; `ere-matcher.test.ts` compares those
 *   with RegExp. Nor does it see that nothing is both before and after an end: it finds `^$1$` in `1`.
 * - Under `-z` some anchors also match beside a newline: patterns with an anchor are not compared
 *   on values with a newline.
 * - C.UTF-8 has no order beyond ASCII and no letters equivalent to others: grep is asked for
 *   `[αβγ…]` instead of `[α-ω]`, and `[aàá…]` instead of `[[=a=]]`. Nor is it asked for ranges that
 *   begin with a letter and end beyond: with `-i` it takes `[a-~]` for `[A-~]`.
 * - With `-i`, grep does not see that K, Å and ẞ of their own (U+212A, U+212B, U+1E9E) are K, Å and
 *   ß, takes ı for I, and `[[:upper:]]` and `[[:lower:]]` for `[[:alpha:]]`. It loses its place in
 *   a value that has both ſ, which is shorter in upper case, and bytes that are not UTF-8.
 * - For some patterns with an anchor, grep's answer for one value depends on the values around it: a
 *   difference counts if it stands when grep is asked for that value alone.
 * - Changing bytes makes other characters, which grep's Unicode may not know yet: values are made
 *   only of characters that have long been known.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { compileEre } from '../../src/query/ere-matcher.js';
import { parseEre } from '../../src/query/ere-parse.js';
import { CHARACTER_CLASSES } from '../../src/query/ere-tree.js';
import {
  hasAnchor,
  pick,
  randomFrom,
  randomPattern,
  type Vocabulary,
  valueNear,
} from '../support/ere-generator.js';
import { grepMatches } from '../support/grep-oracle.js';

const PATTERNS = 300;
const VALUES = 250;
const unlimited = { check: () => undefined };

const CHARACTERS =
  'a b A B 0 1 . - _ é É e ß ſ s S k K я Я ё 物 語 😀 \u0301 İ i I Σ σ ς Å å ǅ ǆ 𐐀 𐐨 ] \\ ^ * ( { } / :'.split(
    ' ',
  );
const NOT_WITHOUT_CASE = ['\u212a', '\u212b', '\u1e9e', 'ı'];
const BRACKETS = [
  ...[
    '[ab]',
    '[^a]',
    '[a-z]',
    '[A-Z]',
    '[0-9]',
    '[^0-9a-z]',
    '[]a]',
    '[^]a]',
    '[a\\]',
    '[.]',
    '[a-]',
    '[^-a]',
  ],
  ...['[s]', '[ſ]', '[k]', '[σ]', '[é]', '[^é]', '[ß]', '[İi]', '[物語]', '[^😀]', '[[.-.]a]', '[[.a.]-c]'],
  ...CHARACTER_CLASSES.flatMap((name) => [`[[:${name}:]]`, `[^[:${name}:]]`]),
  ...['[α-ω]', '[^а-я]', '[a-я]', '[[=a=]]'],
];
const CLASSES_OF_CASE = ['[[:upper:]]', '[[:lower:]]', '[^[:upper:]]', '[^[:lower:]]'];

/** How grep has to be asked. */
const FOR_GREP: readonly (readonly [ours: string, greps: string])[] = [
  ['[α-ω]', `[${charactersFrom('α', 'ω')}]`],
  ['[^а-я]', `[^${charactersFrom('а', 'я')}]`],
  ['[a-я]', `[${charactersFrom('a', 'я')}]`],
  [
    '[[=a=]]',
    `[${everyCharacter()
      .filter((each) => /^a\p{M}*$/u.test(each.normalize('NFD')))
      .join('')}]`,
  ],
];

const vocabularies: Record<'sensitive' | 'insensitive', Vocabulary> = {
  sensitive: vocabulary([...CHARACTERS, ...NOT_WITHOUT_CASE], BRACKETS),
  insensitive: vocabulary(
    CHARACTERS,
    BRACKETS.filter((each) => !CLASSES_OF_CASE.includes(each)),
  ),
};

describe('grep -E agrees with an ERE matcher', () => {
  for (const [name, words] of Object.entries(vocabularies)) {
    const caseSensitive = name === 'sensitive';
    it(`on ${PATTERNS} × ${VALUES} patterns and values, case ${name}`, async function () {
      this.timeout(60_000);
      const seed = Number(process.env.SHOAL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
      if (this.test) this.test.title += ` (SHOAL_TEST_SEED=${seed})`;
      const random = randomFrom(seed);
      const patterns = Array.from({ length: PATTERNS }, () =>
        randomPattern(random, words, { anchors: 'simple' }),
      );
      const valueWords = vocabulary([...words.characters, ' ', '\n'], words.brackets);
      const trees = nonEmpty(patterns.map((pattern) => parseEre(pattern)));
      const values: Buffer[] = [Buffer.alloc(0), Buffer.from('\n'), Buffer.from('a\nb')];
      while (values.length < VALUES) {
        const value = valueNear(random, pick(random, trees).root, valueWords);
        if (isFair(value, words, { caseSensitive })) values.push(value);
      }
      const answers = await grepMatches(patterns.map(forGrep), values, { caseSensitive });

      const differences: Difference[] = [];
      let compared = 0;
      let found = 0;
      trees.forEach((tree, number) => {
        const answer = answers[number];
        if (!answer || answer === 'none') return;
        const matcher = compileEre(tree, { caseSensitive });
        const anchored = hasAnchor(tree.pattern);
        values.forEach((value, at) => {
          if (anchored && value.includes('\n')) return;
          compared += 1;
          const greps = answer.has(at);
          if (greps) found += 1;
          if (matcher.matches(value, 0, value.length, unlimited) === greps) return;
          differences.push({ pattern: tree.pattern, value, greps });
        });
      });
      const standing: string[] = [];
      for (const difference of differences.slice(0, 50)) {
        if (await stands(difference, { caseSensitive })) standing.push(shown(difference));
      }
      assert.deepEqual(standing, [], `of ${differences.length} differences`);
      assert.ok(compared > PATTERNS * VALUES * 0.75, `only ${compared} pairs compared`);
      assert.ok(found > compared * 0.05 && found < compared * 0.95, `${found} of ${compared} found`);
    });
  }

  it('on what each character class holds, in scripts that Unicode has long had', async () => {
    const values = everyCharacter().filter((each) => SETTLED.test(each));
    const bytes = values.map((value) => Buffer.from(value));
    const patterns = CHARACTER_CLASSES.map((name) => `[[:${name}:]]`);
    const answers = await grepMatches(patterns, bytes, { caseSensitive: true });
    patterns.forEach((pattern, number) => {
      const matcher = compileEre(parseEre(pattern), { caseSensitive: true });
      const answer = answers[number];
      assert.ok(answer && answer !== 'none');
      const differences = values.filter((_, at) => {
        const value = bytes[at] as Buffer;
        return matcher.matches(value, 0, value.length, unlimited) !== answer.has(at);
      });
      assert.deepEqual(differences, [], pattern);
    });
  });
});

/** Blocks without gaps that later versions of Unicode fill. */
const SETTLED =
  /[\x01-\u0294\u0296-\u02ff\u0391-\u03a1\u03a3-\u03e1\u0400-\u052f\u05d0-\u05ea\u0621-\u064a\u0660-\u0669\u0966-\u096f\u1e00-\u1f15\u1f80-\u1faf\u2000-\u2027\u2030-\u205e\u3000-\u3029\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fa5\uac00-\ud7a3\uff01-\uff5a\u{10400}-\u{1044f}\u{1f600}-\u{1f64f}]/u;

interface Difference {
  readonly pattern: string;
  readonly value: Buffer;
  readonly greps: boolean;
}

/** Whether grep says the same when it is asked about this value alone. */
async function stands(
  { pattern, value, greps }: Difference,
  options: { caseSensitive: boolean },
): Promise<boolean> {
  const [answer] = await grepMatches([forGrep(pattern)], [value], options);
  return answer !== undefined && answer !== 'none' && answer.has(0) === greps;
}

function shown({ pattern, value, greps }: Difference): string {
  return `${pattern} on ${JSON.stringify(value.toString())} ${value.toString('hex')}: grep ${greps}`;
}

function isFair(value: Buffer, words: Vocabulary, options: { caseSensitive: boolean }): boolean {
  const text = value.toString();
  const known = [...text].every(
    (each) => each === '\ufffd' || SETTLED.test(each) || words.characters.includes(each),
  );
  return known && (options.caseSensitive || !(text.includes('ſ') && text.includes('\ufffd')));
}

function forGrep(pattern: string): string {
  return FOR_GREP.reduce((text, [ours, greps]) => text.replaceAll(ours, greps), pattern);
}

function everyCharacter(): string[] {
  const all: string[] = [];
  for (let codePoint = 1; codePoint < 0x20000; codePoint += 1) {
    if (codePoint < 0xd800 || codePoint > 0xdfff) all.push(String.fromCodePoint(codePoint));
  }
  return all;
}

function charactersFrom(first: string, last: string): string {
  const from = first.codePointAt(0) ?? 0;
  const to = last.codePointAt(0) ?? 0;
  return Array.from({ length: to - from + 1 }, (_, at) => String.fromCodePoint(from + at)).join('');
}

function vocabulary(characters: readonly string[], brackets: readonly string[]): Vocabulary {
  return { characters: nonEmpty(characters), brackets: nonEmpty(brackets) };
}

function nonEmpty<T>(all: readonly T[]): readonly [T, ...T[]] {
  const [first, ...others] = all;
  assert.ok(first !== undefined);
  return [first, ...others];
}
