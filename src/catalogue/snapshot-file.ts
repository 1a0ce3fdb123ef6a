/**
 * The whole table as a file. It is written while the table changes: its blocks are as many moments old as they
 * are apart, and right only together with the log that was begun before the first of them. The last block is
 * empty and names the batch up to which that log has to be there.
 */
import type { Buffer } from 'node:buffer';
import { encodeHeader, framed, LAYOUT } from './block-file.js';
import type { DataWriter } from './data-folder.js';
import { encodeRows } from './file-rows.js';
import type { FileTable } from './file-table.js';

export interface WrittenSnapshot {
  readonly bytes: number;
  /** Changes of this batch, if not all of them, are in it. */
  readonly batch: number;
}

export interface SnapshotInit {
  /** The log that belongs to it was begun after this batch. */
  readonly after: number;
  /** Asked now and then; when it is not, nothing comes of it. */
  readonly isWanted: () => boolean;
  readonly blockRows: number;
}

/** Rejects with Node's errors of writing. */
export async function writeSnapshot(
  components: { readonly table: FileTable; readonly file: DataWriter },
  { after, isWanted, blockRows }: SnapshotInit,
): Promise<WrittenSnapshot | undefined> {
  const { table, file } = components;
  const header = encodeHeader({ layout: LAYOUT, kind: 'snapshot', batch: after, slots: table.slotCount });
  await file.append([header]);
  let bytes = header.byteLength;
  const append = async (blocks: Iterable<Buffer>) => {
    for (const block of blocks) {
      const pieces = framed(block);
      await file.append(pieces);
      for (const { byteLength } of pieces) bytes += byteLength;
    }
  };
  for (let from = 0; from < table.slotCount; from += blockRows) {
    if (!isWanted()) return undefined;
    const length = Math.min(blockRows, table.slotCount - from);
    const slots = Uint32Array.from({ length }, (_, at) => from + at);
    await append(encodeRows(table, slots, { batch: table.number, maxRows: blockRows }));
  }
  const batch = table.number + (table.isCommitted ? 0 : 1);
  await append(encodeRows(table, [], { batch, maxRows: blockRows }));
  return { bytes, batch };
}
