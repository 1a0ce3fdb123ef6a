import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ParseError } from '../../src/errors.js';
import {
  formatDateInterval,
  formatDateTime,
  formatExactDateTime,
  formatLastBefore,
  parseDateInterval,
  parseDateTime,
} from '../../src/stanza/xep0082-date-time.js';

const millisecond = fc.integer({ min: 0, max: Date.UTC(2200, 0) });

describe('XEP-0082 dates', () => {
  it('reads what the specification shows', () => {
    assert.equal(parseDateTime('1969-07-21T02:56:15Z'), Date.UTC(1969, 6, 21, 2, 56, 15));
    assert.equal(parseDateTime('1969-07-20T21:56:15-05:00'), Date.UTC(1969, 6, 21, 2, 56, 15));
    assert.equal(parseDateTime('2026-11-23T01:02:03.123456Z'), Date.UTC(2026, 10, 23, 1, 2, 3, 123));
  });

  it('reads a time without a zone, as Psi writes it, as UTC', () => {
    assert.equal(parseDateTime('2026-11-23T01:02:03'), Date.UTC(2026, 10, 23, 1, 2, 3));
  });

  it('takes a date alone for that UTC day and a time for its second', () => {
    const day = Date.UTC(2026, 10, 23);
    assert.deepEqual(parseDateInterval('2026-11-23'), { fromMs: day, beforeMs: day + 86_400_000 });
    assert.deepEqual(parseDateInterval('2026-11-23T00:00:00Z'), { fromMs: day, beforeMs: day + 1000 });
  });

  for (const wrong of [
    '',
    'now',
    '2026-13-01',
    '2026-02-30',
    '2026-11-23T25:00:00Z',
    '20261123T00:00:00',
    '2026-11-23 00:00:00',
  ]) {
    it(`refuses '${wrong}'`, () => assert.throws(() => parseDateInterval(wrong, 'date-min'), ParseError));
  }

  it('writes what it reads', () => {
    fc.assert(
      fc.property(millisecond, (ms) => {
        assert.equal(parseDateTime(formatExactDateTime(ms)), ms);
        assert.equal(parseDateTime(formatDateTime(ms)), ms - (ms % 1000));
        const interval = parseDateInterval(formatExactDateTime(ms));
        assert.deepEqual(parseDateInterval(formatDateInterval(interval)), interval);
        assert.equal(parseDateInterval(formatLastBefore(ms)).beforeMs, ms);
      }),
    );
  });
});
