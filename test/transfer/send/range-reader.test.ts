import assert from 'node:assert/strict';
import { FileChangedError } from '../../../src/jingle/file-session.js';
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
      isUnwritten: () => true,
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

  for (const [when, looked] of [
    ['at once', (is: boolean) => is],
    ['where a disk takes its time', async (is: boolean) => is],
  ] as const) {
    it(`gives out nothing that was read after the file was written to: ${when}`, async () => {
      let reads = 0;
      const file: OpenFile = {
        size: 40,
        mtimeMs: 0,
        read: async (buffer) => {
          reads += 1;
          return buffer.length;
        },
        isUnwritten: () => looked(reads < 2),
        unchanged: async () => reads < 2,
        close: async () => undefined,
      };
      const reader = new RangeReader(file, { range: { offset: 0, length: 40 }, chunkBytes: 10 });
      let chunks = 0;
      await assert.rejects(async () => {
        for await (const _ of reader) chunks += 1;
      }, FileChangedError);
      assert.deepEqual([chunks, reads], [1, 2]);
    });
  }
});
