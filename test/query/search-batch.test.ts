import assert from 'node:assert/strict';
import type { Growth } from '../../src/catalogue/file-columns.js';
import type { TableBatch } from '../../src/catalogue/table-feed.js';
import type { NumberedPiece } from '../../src/columns/text-pieces.js';
import { WaitingBatches } from '../../src/query/search-batch.js';

function batch(number: number, { added = [] as number[], removed = [] as number[], ...growth }): TableBatch {
  const empty: Growth = {
    ...{ columns: [], names: [], descs: [], droppedNames: [], droppedDescs: [] },
    ...{ folders: [], droppedFolders: [], types: [] },
  };
  return {
    number,
    added: Uint32Array.from(added),
    removed: Uint32Array.from(removed),
    touched: new Uint32Array(0),
    dropped: new Uint32Array(0),
    growth: { ...empty, ...growth },
  };
}

function piece(at: number): NumberedPiece {
  const numbers = () => new Uint32Array(1);
  return {
    at,
    piece: { bytes: new Uint8Array(1), starts: numbers(), slots: numbers(), count: numbers() },
  };
}

function together(...batches: readonly TableBatch[]) {
  const waiting = new WaitingBatches();
  for (const each of batches) waiting.add(each);
  return waiting.take();
}

describe('WaitingBatches', () => {
  it('leave out what came and went, or went and came back', () => {
    const { number, added, removed } = together(
      batch(7, { added: [5, 40, 1000] }),
      batch(8, { removed: [40, 3, 70] }),
      batch(9, { added: [3], removed: [1000] }),
      batch(10, { added: [1000] }),
    );
    assert.equal(number, 10);
    assert.deepEqual([...added], [5, 1000]);
    assert.deepEqual([...removed], [70]);
  });

  it('have the last piece and the last text of each number, and drop what nothing has replaced', () => {
    const [first, second, third] = [piece(1), piece(1), piece(2)];
    const { growth } = together(
      batch(1, { names: [first, third], types: [[4, 'a']], folders: [piece(5)], descs: [piece(3)] }),
      batch(2, { droppedNames: [1, 2], droppedDescs: [9], types: [[4, 'b']], droppedFolders: [5] }),
      batch(3, { names: [second], droppedDescs: [3] }),
    );
    assert.deepEqual(
      growth.names.map(({ at, piece }) => [at, piece === second.piece]),
      [[1, true]],
    );
    assert.deepEqual(growth.droppedNames, [2]);
    assert.deepEqual(growth.descs, []);
    assert.deepEqual([...growth.droppedDescs].sort(), [3, 9]);
    assert.deepEqual(growth.types, [[4, 'b']]);
    assert.deepEqual([growth.folders, growth.droppedFolders], [[], [5]]);
  });
});
