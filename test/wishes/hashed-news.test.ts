import assert from 'node:assert/strict';
import { FileTable } from '../../src/catalogue/file-table.js';
import type { TableBatch } from '../../src/catalogue/table-feed.js';
import { hashedIn } from '../../src/wishes/hashed-news.js';

const sha = (byte: number) => Buffer.alloc(32, byte).toString('base64');

describe('news of hashed files', () => {
  let table: FileTable;
  let told: number[][];
  const untold = new Set<number>();

  const file = (name: string, sha256?: string) => ({
    folder: 'books',
    name,
    mediaType: 'text/plain',
    stamp: { size: 1, mtimeMs: 0, ctimeMs: 0, birthtimeMs: 0, ino: 0 },
    sha256,
    state: 'offered' as const,
  });

  beforeEach(() => {
    table = new FileTable();
    told = [];
    untold.clear();
    table.onBatch((batch: TableBatch) => {
      const slots: number[] = [];
      hashedIn(
        batch,
        table,
        (slot) => untold.has(slot),
        (slot) => slots.push(slot),
      );
      told.push(slots);
    });
  });

  it('begin when a file that is shown gets its hash', () => {
    const slot = table.add(file('a'));
    table.show(slot);
    table.commit();
    table.setSha256(slot, sha(1));
    table.commit();
    assert.deepEqual(told, [[], [slot]]);
  });

  it('are no files that are not shown, and each file once', () => {
    const hidden = table.add(file('hidden', sha(1)));
    const shown = table.add(file('shown', sha(2)));
    table.show(shown);
    table.commit();
    assert.deepEqual(told, [[shown]]);
    table.show(hidden);
    table.commit();
    assert.deepEqual(told, [[shown], [hidden]]);
  });

  it('are no files that have another name or description from now on', () => {
    const before = table.add(file('before', sha(1)));
    table.show(before);
    table.commit();
    table.remove(before);
    table.show(table.add(file('after', sha(1))));
    const other = table.add(file('other', sha(2)));
    table.show(other);
    table.commit();
    assert.deepEqual(told, [[before], [other]]);
  });

  it('are files that were renamed before they were told', () => {
    const before = table.add(file('before', sha(1)));
    table.show(before);
    table.commit();
    untold.add(before);
    table.remove(before);
    const after = table.add(file('after', sha(1)));
    table.show(after);
    table.commit();
    assert.deepEqual(told, [[before], [after]]);
  });
});
