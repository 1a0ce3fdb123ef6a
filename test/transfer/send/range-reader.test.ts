import assert from 'node:assert/strict';
import { type OpenFile, RangeReader } from '../../../src/transfer/send/range-reader.js';

describe('RangeReader', () => {
  it('gives out and shows nothing more once it is destroyed, though it was reading', async () => {
    let goOn: () => void = () => undefined;
    const file: OpenFile = {
      size: 10,
      mtimeMs: 0,
      read: (buffer) =>
        new Promise((resolve) => {
          goOn = () => resolve(buffer.length);
        }),
      unchanged: async () => true,
      close: async () => undefined,
    };
    const shown: number[] = [];
    const reader = new RangeReader(file, {
      range: { offset: 0, length: 10 },
      chunkBytes: 10,
      onChunk: (_, position) => shown.push(position),
    });
    const next = reader[Symbol.asyncIterator]().next();
    reader.destroy();
    goOn();
    assert.equal((await next).done, true);
    assert.deepEqual(shown, []);
  });
});
