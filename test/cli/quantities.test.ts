import assert from 'node:assert/strict';
import { parseSize } from '../../src/cli/quantities.js';
import { UsageError } from '../../src/cli/usage-error.js';
import { formatBytes, formatDay, formatDuration } from '../../src/quantities.js';

describe('quantities', () => {
  const sizes: readonly (readonly [number, string])[] = [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [1234, '1.2 kB'],
    [99_949, '99.9 kB'],
    [99_950, '100 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [5e9, '5.0 GB'],
    [Number.MAX_SAFE_INTEGER, '9.0 PB'],
  ];
  for (const [bytes, text] of sizes) it(`shows ${bytes} bytes`, () => assert.equal(formatBytes(bytes), text));

  it('shows times', () => {
    assert.deepEqual([0, 6400, 750_000, 11_100_000].map(formatDuration), [
      '0:00',
      '0:07',
      '12:30',
      '3:05:00',
    ]);
    assert.equal(formatDay(Date.UTC(2026, 10, 23, 23, 59)), '2026-11-23');
    assert.equal(formatDay(8.7e15), '');
  });

  it('reads sizes with a unit', () => {
    const read = ['0', '5000000', '5M', '1.5GB', '4KiB', '2k', '7b'].map((text) =>
      parseSize(text, 'size-min'),
    );
    assert.deepEqual(read, [0, 5_000_000, 5_000_000, 1_500_000_000, 4096, 2000, 7]);
  });

  for (const text of ['', '-1', '5X', '5 M', '1e9', '99999999999T', 'M', '0x10']) {
    it(`refuses '${text}' as a size, naming the option`, () => {
      assert.throws(
        () => parseSize(text, 'size-min'),
        (error: unknown) => error instanceof UsageError && error.message.startsWith('--size-min must be'),
      );
    });
  }
});
