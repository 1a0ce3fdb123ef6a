import assert from 'node:assert/strict';
import { LimitError, ParseError } from '../../src/errors.js';
import { parseCriteria } from '../../src/query/criteria.js';
import type { FileCriteria } from '../../src/stanza/file-criteria.js';

const contains = (value: string) => ({ type: 'contains', value }) as const;
const regex = (pattern: string) => ({ type: 'regex', pattern }) as const;

describe('criteria', () => {
  const refused: readonly (readonly [string, FileCriteria, { field?: string; position?: number }])[] = [
    ['no field at all', {}, {}],
    ['nothing but a mode', { caseSensitive: true }, {}],
    ['empty lists', { name: [], text: [] }, {}],
    ['an empty text', { name: [contains('')] }, { field: 'name' }],
    ['a text that is too long', { path: [contains('x'.repeat(5000))] }, { field: 'path' }],
    ['too many values', { ext: Array.from({ length: 101 }, (_, at) => `e${at}`) }, { field: 'ext' }],
    ['a pattern that does not parse', { name: [regex('ab(c')] }, { field: 'name', position: 2 }],
    ['a pattern that means nothing', { desc: [regex('a\\d')] }, { field: 'desc', position: 1 }],
    ['an empty range of sizes', { sizeMin: 10, sizeMax: 9 }, { field: 'size-min' }],
    ['an empty range of dates', { dateFromMs: 10, dateBeforeMs: 10 }, { field: 'date-min' }],
    ['words only left out', { text: ['romeo', '-audio'] }, { field: 'text' }],
    ['words that do not parse', { text: ['"open'] }, { field: 'text', position: 0 }],
    ['an extension with a slash', { ext: ['a/b'] }, { field: 'ext' }],
    ['an extension of nothing', { ext: ['.'] }, { field: 'ext' }],
    ['half a media type', { mediaType: ['audio'] }, { field: 'media-type' }],
    ['a wild media type', { mediaType: ['*/flac'] }, { field: 'media-type' }],
  ];
  for (const [what, asked, where] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => parseCriteria(asked),
        (error) =>
          error instanceof ParseError && error.field === where.field && error.position === where.position,
      );
    });
  }

  it('tells a person where a pattern is wrong', () => {
    assert.throws(
      () => parseCriteria({ name: [regex('ab(c')] }),
      /'name' is not an extended regular expression at character 3: /,
    );
  });

  it('names the bound of a pattern that is too large', () => {
    assert.throws(
      () => parseCriteria({ name: [regex('(a{255}){255}')] }),
      (error) => error instanceof LimitError && error.bound === 'states' && /'name'/.test(error.message),
    );
  });

  it('names the bound when there are too many patterns', () => {
    const patterns = ['a', 'b', 'c', 'd', 'e'].map(regex);
    assert.throws(
      () => parseCriteria({ name: patterns, path: patterns }),
      (error) => error instanceof LimitError && error.bound === 'patterns',
    );
  });

  it('takes words that are only left out when something else says what to find', () => {
    assert.equal(parseCriteria({ text: ['-audio'], ext: ['flac'] }).text.length, 1);
  });

  it('brings values into the form in which they are compared', () => {
    const criteria = parseCriteria({
      name: [contains('Beyonce\u0301 STRAẞE')],
      ext: ['.FLAC', 'tar.gz'],
      mediaType: ['Audio/FLAC', 'video/*'],
    });
    assert.deepEqual(criteria.name, [contains('beyoncé strasse')]);
    assert.deepEqual(criteria.ext, ['flac', 'tar.gz']);
    assert.deepEqual(criteria.mediaType, [
      { type: 'audio', subtype: 'flac' },
      { type: 'video', subtype: '*' },
    ]);
    const exact = parseCriteria({ name: [contains('Beyonce\u0301')], caseSensitive: true });
    assert.deepEqual(exact.name, [contains('Beyoncé')]);
  });

  it('are read once, however often they are asked for, and refused each time', () => {
    const asked = { text: ['delmirgan'] };
    assert.equal(parseCriteria(asked), parseCriteria(asked));
    const wrong = { text: ['"not closed'] };
    for (let times = 0; times < 2; times++) assert.throws(() => parseCriteria(wrong), ParseError);
  });

  it('can be sent to a worker', () => {
    const criteria = parseCriteria({
      text: ['romeo -audio jul* "a phrase" fuzzy~1'],
      name: [regex('^(a|[[:alpha:]]{2,3})+\\.[^x]$'), contains('a')],
      hash: [{ algo: 'sha-256', value: 'x' }],
      date: [{ fromMs: 0, beforeMs: 1 }],
    });
    assert.deepEqual(structuredClone(criteria), criteria);
  });
});
