import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { toBytes } from '../../src/catalogue/share-path.js';
import { LimitError } from '../../src/errors.js';
import { foldCase } from '../../src/query/ere-case.js';
import { type Budget, compileEre } from '../../src/query/ere-matcher.js';
import { parseEre } from '../../src/query/ere-parse.js';
import { pick, type Random, randomFrom, randomPattern, valueNear } from '../support/ere-generator.js';

const unlimited: Budget = { check: () => undefined };

/** In a value `\udc80` to `\udcff` stand for a byte that is not UTF-8, as in the names of files. */
function found(
  pattern: string,
  value: string,
  options: { caseSensitive?: boolean; maxStates?: number } = {},
): boolean {
  const bytes = toBytes(value);
  return compileEre(parseEre(pattern), { caseSensitive: true, ...options }).matches(
    bytes,
    0,
    bytes.length,
    unlimited,
  );
}

function countingBudget(): Budget & { checks: number } {
  return {
    checks: 0,
    check() {
      this.checks += 1;
    },
  };
}

function seedOf(test: Mocha.Context): number {
  const seed = Number(process.env.SHOAL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  if (test.test) test.test.title += ` (SHOAL_TEST_SEED=${seed})`;
  return seed;
}

describe('compileEre', () => {
  const cases: [pattern: string, yes: string[], no: string[]][] = [
    ['b', ['b', 'abc'], ['', 'ac', 'B']],
    ['^b', ['b', 'bc'], ['ab', 'a\nb']],
    ['b$', ['b', 'ab'], ['bc', 'b\n', 'b\nc']],
    ['^$', [''], ['a', '\n', '\udcff']],
    ['$^', [''], ['a']],
    ['a^b|c$d', [], ['ab', 'a^b', 'cd', 'c$d', 'a\nb']],
    ['(^|x)a', ['a', 'xa', 'bxa'], ['ba', 'b']],
    ['a($|x)', ['a', 'ax', 'ba'], ['ab', '']],
    ['(^a)*b', ['b', 'ab', 'cb'], ['a']],
    ['(^a){2}', [], ['aa', 'a']],
    ['^(a|$)+$', ['', 'a', 'aa'], ['ab']],
    ['(a*)*b', ['b', 'aab'], ['aaa']],
    ['(a*)+$', ['', 'b', 'ba'], []],
    ['^(a*)*$', ['', 'aaa'], ['ab']],
    ['^x{2}$', ['xx'], ['x', 'xxx']],
    ['^x{2,}$', ['xx', 'xxx'], ['', 'x']],
    ['^x{1,}$', ['x', 'xxx'], ['']],
    ['^x{0,2}$', ['', 'x', 'xx'], ['xxx']],
    ['^x{0}y{0,0}$', [''], ['x', 'y']],
    ['^(ab){2,3}$', ['abab', 'ababab'], ['ab', 'abababab', 'aba']],
    ['^([ab]{2}c){2}$', ['abcbac'], ['abcab']],
    ['^(romeo|juliet).*\\.(epub|pdf)$', ['romeo & co.epub', 'juliet.pdf'], ['Romeo.pdf', 'juliet.pdf.part']],
    ['^a.b$', ['axb', 'aéb', 'a物b', 'a😀b', 'a\nb'], ['ab', 'axxb', 'a\udcffb', 'a\udce7\udc89b']],
    ['^a[^x]b$', ['ayb', 'a物b', 'a\nb'], ['axb', 'a\udcffb']],
    ['^[^é]$', ['e', 'è', '😀'], ['é', 'e\u0301', '\udcc3', '\udca9']],
    ['b', ['\udcffb', '\udce7b', '\udce7\udc89b', '\udcf0\udc9f\udc98b', 'b\udcc3'], ['\udcff', '\udcc3']],
    ['物', ['\udce7物', '\udce7\udc89物', '\udc89物\udce7'], ['\udce7\udc89\udcff']],
    ['a$', ['a'], ['a\udcff', 'a\udce7', 'a\udce7\udc89']],
    ['[α-ω]{2}', ['xλόγος', 'πι'], ['π', 'ΠΙ']],
    ['[\\d]', ['d', '\\'], ['1']],
    ['[a\\]b]', ['ab]', '\\b]'], [']', 'b']],
    ['^[[:alpha:]]+$', ['abc', 'é', 'война', '物語', '١٢'], ['a1', 'a b', '']],
    ['^[[:digit:]]+$', ['0123456789'], ['١', '１', 'a']],
    ['^[[:space:]]$', [' ', '\t', '\n', '\u3000', '\u2003'], ['\u00a0', 'a']],
    ['^[[:punct:]]$', ['!', '«', '。', '😀', '$'], ['a', ' ', '1']],
    ['^[[:upper:]][[:lower:]]$', ['Ab', 'Жж', 'ǅa', 'Aǅ'], ['ab', 'AB', '物a']],
    ['^[[=e=]]+$', ['eéèêëēẽệ'], ['E', 'f', 'é'.normalize('NFD')]],
    ['^[[=É=]]+$', ['EÉÊ'], ['e', 'é']],
    ['^[[=가=]]$', ['가'], ['각', '나']],
    ['^[[.space.][.A.]]+$', ['A A'], ['a']],
  ];
  for (const [pattern, yes, no] of cases) {
    it(`finds ${pattern} where it is, and nowhere else`, () => {
      for (const maxStates of [undefined, 1, 2, 5]) {
        const options = maxStates === undefined ? {} : { maxStates };
        for (const value of yes)
          assert.ok(found(pattern, value, options), `${JSON.stringify(value)} ${maxStates}`);
        for (const value of no)
          assert.ok(!found(pattern, value, options), `${JSON.stringify(value)} ${maxStates}`);
      }
    });
  }

  const caseless: [pattern: string, yes: string[], no: string[]][] = [
    ['romeo', ['Romeo', 'ROMEO', 'romeo'], ['rome']],
    ['^ROMEO$', ['romeo'], ['romeos']],
    ['^k$', ['k', 'K', '\u212a'], []],
    ['^\u212a$', ['k', 'K', '\u212a'], []],
    ['^s$', ['S', 's', 'ſ'], ['ß']],
    ['^Σ$', ['σ', 'ς', 'Σ'], []],
    ['^å$', ['Å', 'å', '\u212b'], ['a']],
    ['^ß$', ['ß', 'ẞ'], ['ss', 'SS']],
    ['^ǆ$', ['ǅ', 'Ǆ', 'ǆ'], []],
    ['^i$', ['i', 'I'], ['ı', 'İ']],
    ['^İ$', ['İ'], ['i', 'I', 'ı']],
    ['^война$', ['ВОЙНА', 'Война'], []],
    ['^𐐨$', ['𐐀', '𐐨'], []],
    ['^[a-c]$', ['A', 'c'], ['d', 'D']],
    ['^[^a-c]$', ['d', 'D'], ['a', 'B']],
    ['^[^s]$', ['t'], ['s', 'S', 'ſ']],
    ['^[[:upper:]]$', ['a', 'A', 'ж', 'ſ'], ['1', '物']],
    ['^[^[:lower:]]$', ['1', '物'], ['a', 'A']],
    ['^[[=e=]]$', ['É', 'ê'], ['f']],
    ['^a', ['A\udcff'], ['\udcffA']],
  ];
  for (const [pattern, yes, no] of caseless) {
    it(`ignores case in ${pattern}`, () => {
      for (const value of yes) assert.ok(found(pattern, value, { caseSensitive: false }), value);
      for (const value of no) assert.ok(!found(pattern, value, { caseSensitive: false }), value);
    });
  }

  it('takes nothing from outside the range that it is given', () => {
    const bytes = Buffer.from('xaby物z');
    const search = (pattern: string, from: number, to: number) =>
      compileEre(parseEre(pattern), { caseSensitive: true }).matches(bytes, from, to, unlimited);
    assert.ok(search('^ab$', 1, 3));
    assert.ok(!search('x', 1, 3));
    assert.ok(!search('y', 1, 3));
    assert.ok(!search('物', 4, 6));
    assert.ok(!search('.', 5, 7));
    assert.ok(search('^$', 3, 3));
  });

  it('knows all of UTF-8 and nothing else', () => {
    const any = compileEre(parseEre('^.$'), { caseSensitive: true });
    const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const isCharacter = (bytes: Uint8Array) => {
      try {
        return [...utf8.decode(bytes)].length === 1;
      } catch {
        return false;
      }
    };
    const edges = [0x01, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf];
    edges.push(0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff);
    const follow = [0x41, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc3];
    for (const first of edges) {
      for (const second of [[], ...follow.map((byte) => [byte])]) {
        for (const third of second.length === 0 ? [[]] : [[], [0x80], [0xbf], [0x41]]) {
          for (const fourth of third.length === 0 ? [[]] : [[], [0x80], [0xe7]]) {
            const bytes = Uint8Array.from([first, ...second, ...third, ...fourth]);
            assert.equal(
              any.matches(bytes, 0, bytes.length, unlimited),
              isCharacter(bytes),
              Buffer.from(bytes).toString('hex'),
            );
          }
        }
      }
    }
  });
});

describe('an ERE matcher', () => {
  it('finds the same with a table of any size, and with none', function () {
    const random = randomFrom(seedOf(this));
    for (let round = 0; round < 300; round += 1) {
      const pattern = randomPattern(random, WORDS);
      const tree = parseEre(pattern);
      const [plain, ...bounded] = [4096, 1, 3, 20].map((maxStates) =>
        compileEre(tree, { caseSensitive: true, maxStates }),
      );
      for (let each = 0; each < 20; each += 1) {
        const value = valueNear(random, tree.root, WORDS);
        const expected = plain?.matches(value, 0, value.length, unlimited);
        for (const matcher of bounded) {
          assert.equal(
            matcher.matches(value, 0, value.length, unlimited),
            expected,
            `${pattern} on ${value.toString('hex')}`,
          );
        }
      }
    }
  });

  it('finds what a RegExp finds, repeated anchors too', function () {
    const random = randomFrom(seedOf(this));
    for (let round = 0; round < 500; round += 1) {
      const pattern = randomPattern(random, JAVASCRIPT_WORDS);
      const tree = parseEre(pattern);
      const matcher = compileEre(tree, { caseSensitive: true });
      const expression = new RegExp(pattern, 'su');
      for (let each = 0; each < 20; each += 1) {
        const value = Array.from({ length: Math.floor(random() * 8) }, () =>
          pick(random, JAVASCRIPT_WORDS.characters),
        ).join('');
        const bytes = Buffer.from(value);
        assert.equal(
          matcher.matches(bytes, 0, bytes.length, unlimited),
          expression.test(value),
          `${pattern} on ${value}`,
        );
      }
    }
  });

  it('finds the same in a folded value when it ignores case', function () {
    const random = randomFrom(seedOf(this));
    for (let round = 0; round < 300; round += 1) {
      const pattern = randomPattern(random, WORDS);
      const tree = parseEre(pattern);
      const matcher = compileEre(tree, { caseSensitive: false });
      for (let each = 0; each < 10; each += 1) {
        const value = valueNear(random, tree.root, WORDS).toString();
        const [plain, folded] = [Buffer.from(value), Buffer.from(foldCase(value))];
        const expected = matcher.matches(plain, 0, plain.length, unlimited);
        assert.equal(
          matcher.matches(folded, 0, folded.length, unlimited),
          expected,
          `${pattern} on ${value}`,
        );
      }
    }
  });

  it('takes time in proportion to the value, whatever the pattern', () => {
    const hostile: [pattern: string, value: (length: number) => string][] = [
      ['(x+x+)+y', (length) => 'x'.repeat(length)],
      ['^(([a-z])+.)+[A-Z]([a-z])+$', (length) => 'a'.repeat(length)],
      ['(a|a|a)*b', (length) => 'a'.repeat(length)],
      ['(a{0,9}){99}b', (length) => 'a'.repeat(length)],
    ];
    for (const [pattern, value] of hostile) {
      const matcher = compileEre(parseEre(pattern), { caseSensitive: true });
      const checksFor = (length: number) => {
        const budget = countingBudget();
        const bytes = Buffer.from(value(length));
        assert.ok(!matcher.matches(bytes, 0, bytes.length, budget));
        return budget.checks;
      };
      checksFor(1e5);
      const [short, long] = [checksFor(1e6), checksFor(4e6)];
      assert.ok(long <= 5 * short + 5, `${pattern}: ${short} checks, then ${long}`);
    }
  });

  it('asks for its budget every few milliseconds at most, and ends when that is over', function () {
    this.timeout(30_000);
    const random = randomFrom(7);
    const names = Array.from({ length: 2000 }, () => Buffer.from(randomName(random)));
    const patterns = [
      '([[:alpha:]].{1,30}){10}x',
      '(x+x+)+y',
      '((a{0,30}){99})b',
      '(.{1,99}[[:alpha:]]){45}x',
      '.*[^a]{255}(b.{200})+',
    ];
    for (const pattern of patterns) {
      const gaps: number[] = [];
      let last = performance.now();
      const budget: Budget = {
        check: () => {
          const now = performance.now();
          gaps.push(now - last);
          last = now;
          if (gaps.length > 500) throw new LimitError('queryDeadlineMs', 'enough');
        },
      };
      const matcher = compileEre(parseEre(pattern), { caseSensitive: false });
      last = performance.now();
      try {
        for (const name of names) matcher.matches(name, 0, name.length, budget);
      } catch (error) {
        assert.ok(error instanceof LimitError);
        assert.ok(gaps.length > 500);
      }
      // Other programs may take the processor for longer than we do, but not each time.
      const usual = gaps.sort((a, b) => a - b)[Math.floor(gaps.length * 0.9)] ?? 0;
      assert.ok(usual < 5, `${pattern}: ${usual} ms`);
      // What was interrupted goes on as if nothing had been.
      const text = Buffer.from('a');
      assert.equal(matcher.matches(text, 0, 1, unlimited), false, pattern);
    }
  });

  it('is built under the budget of the first value, and anew when that was over', () => {
    const pattern = Array.from(
      { length: 60 },
      (_, at) => `[[:alpha:]${String.fromCodePoint(0x2190 + at)}]`,
    ).join('');
    const matcher = compileEre(parseEre(pattern), { caseSensitive: false });
    const value = Buffer.from('é'.repeat(60));
    const spent: Budget = {
      check: () => {
        throw new LimitError('queryDeadlineMs', 'over');
      },
    };
    assert.throws(() => matcher.matches(value, 0, value.length, spent), LimitError);
    assert.ok(matcher.matches(value, 0, value.length, unlimited));
    assert.ok(!matcher.matches(value, 0, value.length - 2, unlimited));
  });

  it('keeps to its states, and still finds what is there', () => {
    const matcher = compileEre(parseEre('(a|b)*a(a|b){12}c'), { caseSensitive: true, maxStates: 50 });
    const random = randomFrom(3);
    const noise = Array.from({ length: 20_000 }, () => (random() < 0.5 ? 'a' : 'b')).join('');
    const [without, within] = [Buffer.from(noise), Buffer.from(`${noise}abbbbbbbbbbbbc`)];
    assert.ok(!matcher.matches(without, 0, without.length, unlimited));
    assert.ok(matcher.matches(within, 0, within.length, unlimited));
  });
});

const WORDS = {
  characters: ['a', 'b', 'A', 'k', '\u212a', 's', 'ſ', 'é', 'É', '物', '😀', '.', '\n', ' '],
  brackets: ['[ab]', '[^a]', '[a-z]', '[[:alpha:]]', '[^[:alpha:]]', '[é物]', '[[=e=]]', '[^😀]'],
} as const satisfies { characters: readonly [string, ...string[]]; brackets: readonly [string, ...string[]] };

const JAVASCRIPT_WORDS = {
  characters: ['a', 'b', 'c', 'é', '😀'],
  brackets: ['[ab]', '[^a]', '[a-c]', '[^é😀]'],
} as const satisfies { characters: readonly [string, ...string[]]; brackets: readonly [string, ...string[]] };

function randomName(random: Random): string {
  const length = 20 + Math.floor(random() * 200);
  return Array.from({ length }, () => pick(random, ['a', 'b', 'x', 'Q', 'é', '物', ' ', '1', '.'])).join('');
}
