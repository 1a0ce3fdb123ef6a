import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isPathGlob, MAX_GLOB_PARTS, PathGlob } from '../../src/catalogue/path-glob.js';
import { ParseError } from '../../src/errors.js';
import { fits, globs, ruledFiles } from '../support/access-oracle.js';

function holdsFor(glob: string, path: string): boolean {
  const pattern = new PathGlob(glob);
  let state = pattern.start;
  for (const part of path.normalize('NFC').split('/')) state = pattern.next(state, part);
  return pattern.fits(state);
}

describe('PathGlob', () => {
  const cases: readonly (readonly [glob: string, fitting: readonly string[], others: readonly string[]])[] = [
    ['books', ['books/a', 'books/a/b'], ['books2/a', 'book/a', 'Books/a']],
    ['books/plays', ['books/plays/a', 'books/plays/a/b'], ['books/a', 'books/plays2/a']],
    [
      'books/*.pdf',
      ['books/a.pdf', 'books/.pdf', 'books/scans.pdf/1.png'],
      ['books/a/b.pdf', 'books/a.pdf2'],
    ],
    ['books/**/*.pdf', ['books/a.pdf', 'books/a/b/c.pdf'], ['books/a/b', 'music/a.pdf']],
    ['**/secret', ['secret/a', 'books/secret', 'books/a/secret/b'], ['books/secrets']],
    ['**', ['a/b', 'a'], []],
    ['*/*/a?c', ['x/y/abc', 'x/y/a💿c/z'], ['x/abc', 'x/y/ac', 'x/y/abbc']],
    ['m/*a*b*', ['m/ab', 'm/xaybz', 'm/aab'], ['m/ba', 'm/a']],
    ['m/caf\u00e9', ['m/cafe\u0301/x'], ['m/cafe/x']],
    ['m/(a|b)[c]{d}.', ['m/(a|b)[c]{d}.'], ['m/a', 'm/bc']],
  ];
  for (const [glob, fitting, others] of cases) {
    it(`'${glob}' holds for what it names and what lies below it`, () => {
      assert.deepEqual(
        [...fitting, ...others].filter((path) => holdsFor(glob, path)),
        fitting,
      );
    });
  }

  it('is no pattern with parts that no path has', () => {
    for (const glob of ['', '/', '/a', 'a/', 'a//b', '.', 'a/../b', 'a/./b']) {
      assert.equal(isPathGlob(glob), false, glob);
      assert.throws(() => new PathGlob(glob), ParseError);
    }
    assert.equal(isPathGlob(Array(MAX_GLOB_PARTS).fill('**').join('/')), true);
    assert.equal(
      isPathGlob(
        Array(MAX_GLOB_PARTS + 1)
          .fill('a')
          .join('/'),
      ),
      false,
    );
  });

  it('says as much as a plain reading of the pattern, for any path', () => {
    fc.assert(
      fc.property(globs, ruledFiles, (glob, { share, path }) => {
        const parts = `${share}/${path}`.normalize('NFC').split('/');
        const expected = parts.some((_, at) =>
          fits(glob.normalize('NFC').split('/'), parts.slice(0, at + 1)),
        );
        assert.equal(holdsFor(glob, parts.join('/')), expected);
      }),
      { numRuns: 3000 },
    );
  });

  it('takes a character for one, however it is written, in any order of wildcards', () => {
    const piece = fc.constantFrom('*', '?', 'a', 'b', '💿', 'é');
    const letter = fc.constantFrom('a', 'b', '💿', '💾', 'é');
    const texts = (each: fc.Arbitrary<string>) =>
      fc.array(each, { minLength: 1, maxLength: 6 }).map((all) => all.join(''));
    fc.assert(
      fc.property(texts(piece), texts(letter), (pattern, name) => {
        fc.pre(!/^\*\*$/.test(pattern));
        assert.equal(holdsFor(`m/${pattern}`, `m/${name}`), fits(['m', pattern], ['m', name]));
      }),
      { numRuns: 20_000 },
    );
  });

  it('takes no longer for patterns and names made to get it lost', () => {
    const glob = Array(MAX_GLOB_PARTS - 1)
      .fill('**')
      .join('/');
    assert.equal(holdsFor(`${glob}/b`, Array(2000).fill('a').join('/')), false);
    assert.equal(holdsFor(`x/${'*a'.repeat(100)}b`, `x/${'a'.repeat(255)}`), false);
  });
});
