import assert from 'node:assert/strict';
import fc from 'fast-check';
import lunr from 'lunr';
import { ParseError } from '../../src/errors.js';
import { QueryParser } from '../../src/index/lunr-internals.js';
import { WordField } from '../../src/index/text-index.js';
import { typedWords } from '../../src/query/typed-words.js';

describe('typed words', () => {
  const rewritten: readonly (readonly [string, string])[] = [
    ['romeo  +juliet -audio', 'romeo +juliet -audio'],
    ['name:jul*~1^3', 'name:jul*~1^3'],
    ['Alien: Resurrection', 'Alien\\: Resurrection'],
    ['Romeo - Juliet', 'Romeo \\- Juliet'],
    ['foo-bar+baz', 'foo\\-bar\\+baz'],
    ['--x', '-\\-x'],
    ['backup~ 100^ a~1b', 'backup\\~ 100\\^ a\\~1b'],
    ['a\\*b*', 'a\\ b*'],
    ['name\\:x \\-y', 'name\\:x \\-y'],
    ['"two words*"^2 x', '"two\\ words\\ ^2 x'],
    ['say"x"', 'say "x'],
    ['\\"x', '\\ x'],
    ['romeo ~1', 'romeo \\ ~1'],
    ['end\\', 'end\\ '],
    ['', ''],
  ];
  for (const [text, query] of rewritten) {
    it(`gives lunr ${query} for ${text}`, () => assert.equal(typedWords(text, 'text').query, query));
  }

  it('knows where each character comes from', () => {
    const { query, positions } = typedWords(' a\\:b  "c d"~1', 'text');
    assert.equal(query, 'a\\:b "c\\ d~1');
    assert.deepEqual(positions, [1, 2, 2, 4, 7, 7, 8, 9, 9, 10, 12, 13]);
  });

  it('leaves nothing to lunr that it could not read, but for a field that there is not', () => {
    const special = fc.constantFrom(...'"\\*~^-+: 1aÉ東\ud800\u00a0'.split(''), 'name:', 'x:', '~1', '^2');
    let read = 0;
    fc.assert(
      fc.property(fc.array(special, { maxLength: 20, size: 'max' }), (parts) => {
        const text = parts.join('');
        try {
          const { query, positions } = typedWords(text, 'text');
          assert.equal(positions.length, query.length);
          assert.ok(positions.every((at) => at <= text.length));
          const parser = new QueryParser(query, new lunr.Query([...WordField]));
          const { clauses } = parser.parse();
          assert.equal(clauses.length, parser.lexemes.filter(({ type }) => type === 'TERM').length);
          read += 1;
        } catch (error) {
          if (error instanceof lunr.QueryParseError) assert.match(error.message, /^unrecognised field/);
          else assert.ok(error instanceof ParseError, String(error));
        }
      }),
      { numRuns: 3000 },
    );
    assert.ok(read > 500, `${read}`);
  });
});
