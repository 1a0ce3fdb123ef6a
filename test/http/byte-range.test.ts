import assert from 'node:assert/strict';
import fc from 'fast-check';
import { byteRange } from '../../src/http/byte-range.js';

const size = fc.integer({ min: 0, max: 50 });
const position = fc.option(fc.oneof(fc.integer({ min: 0, max: 60 }), fc.constant(2 ** 53)), {
  nil: undefined,
});

describe('byteRange', () => {
  it('means the bytes that a count of them says', () => {
    fc.assert(
      fc.property(size, position, position, (bytes, first, last) => {
        const all = Array.from({ length: bytes }, (_, at) => at);
        const range = byteRange(`bytes=${first ?? ''}-${last ?? ''}`, bytes);
        const isValid = first === undefined ? last !== undefined : last === undefined || last >= first;
        if (!isValid) return assert.equal(range, 'all');
        const meant = all.filter((at) =>
          first === undefined ? at >= bytes - (last ?? 0) : at >= first && at <= (last ?? bytes),
        );
        if (range === 'none') return assert.deepEqual(meant, []);
        if (range === 'all') return assert.equal(bytes, 0);
        assert.ok(range.length > 0, 'a part is never empty');
        assert.deepEqual(meant, all.slice(range.offset, range.offset + range.length));
      }),
      { numRuns: 2000 },
    );
  });

  it('gives everything for what is no range, whatever it is', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!/^bytes=\d*-\d*$/i.test(text));
        assert.equal(byteRange(text, 10), 'all');
      }),
    );
    for (const each of [
      undefined,
      '',
      'bytes=0-1,2-3',
      'bytes=0x1-',
      'bytes=-1-',
      'bytes= 0-1',
      'bytes=+1-',
      'bytes=1e1-',
    ])
      assert.equal(byteRange(each, 10), 'all');
  });
});
