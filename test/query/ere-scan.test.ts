import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { LimitError } from '../../src/errors.js';
import { compileEre } from '../../src/query/ere-matcher.js';
import { parseEre } from '../../src/query/ere-parse.js';
import { findMatches, type PackedValues } from '../../src/query/ere-scan.js';

const unlimited = { check: () => undefined, isDue: false };

function pack(values: readonly string[]): PackedValues {
  const bytes = values.map((value) => Buffer.from(value));
  const starts = new Uint32Array(values.length + 1);
  bytes.forEach((each, at) => {
    starts[at + 1] = (starts[at] as number) + each.length;
  });
  return { utf8: Buffer.concat(bytes), starts };
}

function scan(pattern: string, values: readonly string[], from = 0, to = values.length): number[] {
  const found: number[] = [];
  const matcher = compileEre(parseEre(pattern), { caseSensitive: true });
  findMatches(matcher, pack(values), { from, to }, unlimited, (value) => found.push(value));
  return found;
}

describe('findMatches', () => {
  it('finds the values that match, with a literal and without', () => {
    const values = ['', 'abc', 'xabc', '', '', 'ab', 'c', 'abcabc', ''];
    assert.deepEqual(scan('^abc', values), [1, 7]);
    assert.deepEqual(scan('^[ab]+', values), [1, 5, 7]);
    assert.deepEqual(scan('^$', values), [0, 3, 4, 8]);
    assert.deepEqual(scan('c', values), [1, 2, 6, 7]);
  });

  it('sees no literal across the end of a value', () => {
    assert.deepEqual(scan('abc', ['ab', 'c', 'abc', 'xa', 'bc']), [2]);
    assert.deepEqual(scan('aa', ['a', 'aa', 'a', 'a']), [1]);
  });

  it('keeps to the range that it is given', () => {
    const values = ['ab', 'ab', 'x', 'ab', 'ab'];
    assert.deepEqual(scan('ab', values, 1, 4), [1, 3]);
    assert.deepEqual(scan('ab', values, 2, 3), []);
    assert.deepEqual(scan('a[b]?', values, 1, 4), [1, 3]);
    assert.deepEqual(scan('ab', values, 3, 3), []);
  });

  it('finds the same in many values, however common the literal is', () => {
    for (const every of [2, 3, 5, 100, 5000]) {
      const values = Array.from({ length: 20_000 }, (_, at) =>
        at % every === 0 ? `name ${at}.mp3` : `name ${at}.flac`,
      );
      const expected = values.flatMap((value, at) => (/7.*\.mp3$/.test(value) ? [at] : []));
      assert.deepEqual(scan('7.*\\.mp3$', values), expected);
    }
  });

  it('finds what lies across or beyond a window of the literal search', () => {
    const long = 'x'.repeat(700_000);
    const values = [long, long, `${long}needle${long}`, long, `${long}${long}`, 'needle', `${long}needle`];
    assert.deepEqual(scan('needle', values), [2, 5, 6]);
    assert.deepEqual(scan('needle$', values), [5, 6]);
  });

  it('ends when the budget does, though nothing has the literal', () => {
    const values = Array.from({ length: 100 }, () => 'x'.repeat(100_000));
    const matcher = compileEre(parseEre('needle'), { caseSensitive: true });
    let checks = 0;
    const budget = {
      isDue: false,
      check: () => {
        checks += 1;
        if (checks === 3) throw new LimitError('queryDeadlineMs', 'over');
      },
    };
    assert.throws(
      () => findMatches(matcher, pack(values), { from: 0, to: 100 }, budget, () => undefined),
      LimitError,
    );
  });
});
