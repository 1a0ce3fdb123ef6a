import assert from 'node:assert/strict';
import { FoundRows } from '../../src/cli/found-rows.js';
import { widthOf } from '../../src/cli/printable.js';
import { rowLines } from '../../src/cli/row-table.js';
import { foundFile } from './found-files.js';

function rowsOf(...files: Parameters<FoundRows['add']>[0][]) {
  const rows = new FoundRows();
  for (const file of files) rows.add(file);
  return rows.rows;
}

describe('the table of found files', () => {
  it('has aligned columns, wide characters included', () => {
    const lines = rowLines(
      rowsOf(
        foundFile('romeo.txt', 'a.x', { size: 1234 }),
        foundFile('日本.txt', 'b.x', { size: 12 }),
        foundFile('romeo.txt', 'b.x', { size: 1234 }),
      ),
      { withHash: false },
    );
    assert.deepEqual(lines, [
      ' 1.2 kB  2026-11-23  share/romeo.txt  a.x, b.x',
      '   12 B  2026-11-23  share/日本.txt   b.x',
    ]);
  });

  it('shows the hash where it is wanted', () => {
    const [row] = rowsOf(foundFile('r', 'a.x'));
    assert.ok(row !== undefined);
    assert.ok(rowLines([row], { withHash: true })[0]?.includes(`sha-256:${row.hashes[0]?.value}`));
  });

  it('cuts no hash on a terminal of the usual width, for half of one can’t be fetched', () => {
    const [row] = rowsOf(foundFile('long '.repeat(60), `${'node'.repeat(30)}.x`));
    assert.ok(row !== undefined);
    for (const columns of [52, 61, 80, 100]) {
      const lines = rowLines([row], { columns, withHash: true });
      assert.equal(lines[1]?.trim(), `sha-256:${row.hashes[0]?.value}`);
    }
  });

  it('never is wider than the terminal, nor obeyed by it', () => {
    const rows = rowsOf(
      foundFile(`${'long '.repeat(60)}.txt`, `${'node'.repeat(30)}.x`),
      foundFile('\x1b[31mred', 'b.x'),
      { ...foundFile('bare', 'c.x'), hashes: [], path: 'p' },
    );
    for (const columns of [5, 20, 40, 80, 200]) {
      for (const withHash of [true, false]) {
        for (const line of rowLines(rows, { columns, withHash })) {
          assert.ok(widthOf(line) <= columns, `${columns}: ${line}`);
          assert.doesNotMatch(line, /\p{Cc}/u);
        }
      }
    }
  });

  it('is not cut where there is no terminal', () => {
    const name = `${'long '.repeat(60)}.txt`;
    assert.ok(rowLines(rowsOf(foundFile(name, 'a.x')), { withHash: false })[0]?.includes(name));
  });
});
