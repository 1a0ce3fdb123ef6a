import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { Catalogue } from '../../src/catalogue/catalogue.js';
import { LimitError } from '../../src/errors.js';
import { compileEre } from '../../src/query/ere-matcher.js';
import { parseEre } from '../../src/query/ere-parse.js';
import { FolderTexts } from '../../src/query/folder-texts.js';
import { PathMatcher } from '../../src/query/path-matcher.js';
import { put } from '../support/file-entries.js';

const unlimited = { check: () => undefined };
const letters = fc.constantFrom('a', 'b', 'é', '物', 'x', '1', ' ');
const part = fc.array(letters, { minLength: 1, maxLength: 8 }).map((all) => all.join(''));
const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const PATTERNS = [
  ...[
    'a',
    '/',
    'a/b',
    '^s/a',
    'b$',
    '^s/[^/]*$',
    '(a|b)/.*x',
    '^.*[ab]{2}.*/.*[é物].*$',
    '.*',
    '[^a]$',
    '1 ?/',
  ],
  ...['([[:alpha:]].{1,8}){4}x', '(a.{0,6}){3}b', '((a|b).{2,5}){2}[^ab]'],
];

describe('PathMatcher', () => {
  it('finds in folders and names what is found in whole paths, however few states are kept', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(path, { minLength: 1, maxLength: 40 }),
        fc.constantFrom(...PATTERNS),
        fc.constantFrom(1, 3, 8, 40, 1024),
        (paths, pattern, maxStates) => {
          const catalogue = new Catalogue();
          catalogue.apply(paths.map((each) => put(`s/${each}`)));
          const { columns } = catalogue.table;
          const tree = parseEre(pattern);
          const matcher = compileEre(tree, { caseSensitive: true, maxStates });
          const inParts = new PathMatcher(matcher, new FolderTexts(columns, 'plain'));
          const asWhole = compileEre(tree, { caseSensitive: true });
          for (const slot of catalogue.table.shown()) {
            const name = columns.names.bytesAt(columns.nameAt.get(slot));
            const whole = Buffer.from(columns.keyOf(slot));
            assert.equal(
              inParts.matches(columns.folder.get(slot), name, 0, name.length, unlimited),
              asWhole.matches(whole, 0, whole.length, unlimited),
              `${pattern} in ${whole}`,
            );
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  it('ends when the budget does, and can be used again', () => {
    const catalogue = new Catalogue();
    catalogue.apply([put(`s/${'a'.repeat(200)}/${'a'.repeat(200)}`)]);
    const { columns } = catalogue.table;
    const matcher = compileEre(parseEre('(a.{1,30}){10}[xy]'), { caseSensitive: true, maxStates: 64 });
    const paths = new PathMatcher(matcher, new FolderTexts(columns, 'plain'));
    const [slot = 0] = catalogue.table.shown();
    const name = columns.names.bytesAt(columns.nameAt.get(slot));
    const over = {
      check: () => {
        throw new LimitError('queryDeadlineMs', 'over');
      },
    };
    const run = (budget: { check: () => void }) =>
      paths.matches(columns.folder.get(slot), name, 0, name.length, budget);
    assert.throws(() => run(over), LimitError);
    assert.equal(run(unlimited), false);
  });
});
