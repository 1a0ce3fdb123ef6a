import assert from 'node:assert/strict';
import type { DownloadOrder } from '../../src/node/asker.js';
import { downloadDoubted } from '../../src/node/doubted-size.js';
import { FetchError, type FetchErrorCode } from '../../src/transfer/fetch/fetch-request.js';

const ORDERS = [3, 2, 1].map(
  (size): DownloadOrder => ({
    file: { hash: { algo: 'sha-256', value: 'x' }, size },
    sources: [],
    target: 'x',
    overwrite: 'refuse',
    waitMs: 1000,
    audience: { channels: [], nodes: [] },
  }),
);

/** Downloads what has this size, and fails otherwise; says what it was asked for. */
async function downloaded(size: number, code: FetchErrorCode) {
  const asked: string[] = [];
  const asker = {
    async *download({ file, waitMs, isDoubted }: DownloadOrder) {
      asked.push(`${file.size} ${waitMs} ${isDoubted ?? false}`);
      if (file.size !== size) throw new FetchError(code, 'no');
      yield { type: 'verifying' } as const;
    },
  };
  try {
    for await (const { type } of downloadDoubted(asker, ORDERS)) asked.push(type);
  } catch (error) {
    asked.push(error instanceof FetchError ? error.code : String(error));
  }
  return asked;
}

describe('a file of which several sizes are told', () => {
  it('is looked for with each, and waited for with the last', async () => {
    for (const code of ['no-source-left', 'hash-mismatch', 'exists'] as const) {
      assert.deepEqual(await downloaded(2, code), ['3 0 true', '2 0 true', 'verifying']);
      assert.deepEqual(await downloaded(9, code), ['3 0 true', '2 0 true', '1 1000 false', code]);
    }
  });

  it('is given up where no other size can help', async () => {
    assert.deepEqual(await downloaded(2, 'no-space'), ['3 0 true', 'no-space']);
  });
});
