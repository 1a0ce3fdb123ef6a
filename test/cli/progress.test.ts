import assert from 'node:assert/strict';
import { widthOf } from '../../src/cli/printable.js';
import { progressFacts, progressLine, RateMeter } from '../../src/cli/progress.js';

describe('progress', () => {
  it('shows how much, how fast and how long still', () => {
    assert.equal(
      progressLine(
        { name: 'romeo.txt', receivedBytes: 1_220_000, totalBytes: 2_000_000, bytesPerSecond: 840_000 },
        80,
      ),
      'romeo.txt  [########---]   61 %  1.2 MB of 2.0 MB  840 kB/s  0:01 left'.replace(
        '[########---]',
        bar(61, 80),
      ),
    );
  });

  function bar(percent: number, columns: number): string {
    const facts = ' 61 %  1.2 MB of 2.0 MB  840 kB/s  0:01 left';
    const width = Math.min(40, columns - 'romeo.txt'.length - facts.length - 6);
    return `[${'#'.repeat(Math.floor((percent / 100) * width)).padEnd(width, '-')}]`;
  }

  it('says 100 % only when all is there', () => {
    const facts = (receivedBytes: number, totalBytes: number) =>
      progressFacts({ name: 'x', receivedBytes, totalBytes, bytesPerSecond: undefined });
    assert.match(facts(999_999, 1_000_000), /^ 99 %/);
    assert.match(facts(1_000_000, 1_000_000), /^100 %/);
    assert.match(facts(0, 0), /^100 %/);
  });

  it('does without a total and without a rate', () => {
    assert.equal(progressFacts({ name: 'x', receivedBytes: 5, bytesPerSecond: undefined }), '5 B');
    assert.equal(
      progressFacts({ name: 'x', receivedBytes: 5, totalBytes: 9, bytesPerSecond: 0 }),
      ' 55 %  5 B of 9 B  0 B/s',
    );
  });

  it('fits every terminal, and shows no control characters', () => {
    for (let columns = 1; columns < 150; columns += 1) {
      const line = progressLine(
        { name: `\x1b[31m日本${'x'.repeat(100)}`, receivedBytes: 5e9, totalBytes: 9e9, bytesPerSecond: 1e6 },
        columns,
      );
      assert.ok(widthOf(line) <= columns, `${columns}: ${line}`);
      assert.doesNotMatch(line, /\p{Cc}/u);
    }
  });

  it('measures the rate of the last seconds', () => {
    const meter = new RateMeter();
    assert.equal(meter.bytesPerSecond, undefined);
    for (let at = 0; at <= 10_000; at += 10) meter.add(at, at * 100);
    assert.equal(Math.round(meter.bytesPerSecond ?? 0), 100_000);
    for (let at = 10_010; at <= 20_000; at += 10) meter.add(at, 1_000_000);
    assert.equal(meter.bytesPerSecond, 0);
  });

  it('does not count what was there before, and begins anew when the bytes do', () => {
    const meter = new RateMeter();
    meter.add(0, 5e9);
    assert.equal(meter.bytesPerSecond, undefined);
    meter.add(1000, 5e9 + 1000);
    assert.equal(meter.bytesPerSecond, 1000);
    meter.add(2000, 0);
    assert.equal(meter.bytesPerSecond, undefined);
    meter.add(3000, 500);
    assert.equal(meter.bytesPerSecond, 500);
  });
});
