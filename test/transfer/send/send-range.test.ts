import assert from 'node:assert/strict';
import { ParseError } from '../../../src/errors.js';
import type { Range } from '../../../src/stanza/xep0234-file-transfer.js';
import { resolveRange } from '../../../src/transfer/send/send-range.js';

describe('resolveRange', () => {
  const cases: readonly [Range | undefined, number, [number, number] | undefined][] = [
    [undefined, 10, [0, 10]],
    [undefined, 0, [0, 0]],
    [{ offset: 0 }, 10, [0, 10]],
    [{ offset: 3 }, 10, [3, 7]],
    [{ offset: 3, length: 7 }, 10, [3, 7]],
    [{ offset: 3, length: 0 }, 10, [3, 0]],
    [{ offset: 10 }, 10, [10, 0]],
    [{ offset: 0 }, 0, [0, 0]],
    [{ offset: 11 }, 10, undefined],
    [{ offset: 3, length: 8 }, 10, undefined],
    [{ offset: -1 }, 10, undefined],
    [{ offset: 0, length: -1 }, 10, undefined],
    [{ offset: 1.5 }, 10, undefined],
    [{ offset: Number.NaN }, 10, undefined],
    [{ offset: 1, length: Number.MAX_SAFE_INTEGER }, 10, undefined],
    [{ offset: Number.MAX_SAFE_INTEGER, length: Number.MAX_SAFE_INTEGER }, 10, undefined],
  ];
  for (const [range, size, expected] of cases) {
    it(`${JSON.stringify(range)} of ${size} bytes is ${expected ? expected.join(' + ') : 'refused'}`, () => {
      if (!expected) assert.throws(() => resolveRange(range, size), ParseError);
      else assert.deepEqual(resolveRange(range, size), { offset: expected[0], length: expected[1] });
    });
  }
});
