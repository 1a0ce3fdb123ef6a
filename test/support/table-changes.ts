/** Changes of a table of files as fast-check makes them, and what of a table is stored. */
import fc from 'fast-check';
import type { FileTable } from '../../src/catalogue/file-table.js';
import { fromBytes } from '../../src/catalogue/share-path.js';

const NAMES = ['a', 'b.txt', 'c', 'é', 'e\u0301', 'война', fromBytes(Buffer.of(0x61, 0xff)), 'x'.repeat(255)];
const FOLDERS = ['one', 'one/f', 'one/é/g', 'two', 'two/f'];

const KINDS = [
  'put',
  'put',
  'put',
  'put',
  'hash',
  'hash',
  'remove',
  'withdraw',
  'hide',
  'show',
  'stamp',
] as const;

export interface TableChange {
  readonly type: (typeof KINDS)[number];
  readonly folder: string;
  readonly name: string;
  readonly value: number;
}

/** `spread` is how many more names there are. */
export function tableChange(spread = 0): fc.Arbitrary<TableChange> {
  const name = fc.oneof(
    fc.constantFrom(...NAMES),
    fc.nat(spread).map((number) => `file ${number}`),
  );
  return fc.record({
    type: fc.constantFrom(...KINDS),
    folder: fc.constantFrom(...FOLDERS),
    name,
    value: fc.nat(1000),
  });
}

export function change(table: FileTable, { type, folder, name, value }: TableChange): void {
  const slot = table.find(folder, name);
  if (type === 'put') {
    if (slot !== undefined) table.remove(slot);
    const made = table.add({
      folder,
      name,
      mediaType: value % 3 === 0 ? 'text/plain' : 'audio/x-flac',
      desc: value % 4 === 0 ? `words ${value}` : undefined,
      stamp: { size: value, mtimeMs: value + 0.25, ctimeMs: value / 3, birthtimeMs: 0, ino: 2 ** 40 + value },
      sha256: value % 2 === 0 ? sha256Of(value) : undefined,
      state: 'offered',
    });
    table.show(made);
  } else if (slot === undefined) {
    return;
  } else if (type === 'remove') {
    table.remove(slot);
  } else if (type === 'withdraw' || type === 'hide') {
    table.hide(slot);
    table.setState(slot, type === 'hide' ? 'remembered' : 'settling');
  } else if (type === 'show') {
    table.setState(slot, 'offered');
    table.show(slot);
  } else if (type === 'hash') {
    if (!table.columns.hasHash(slot)) table.setSha256(slot, sha256Of(value));
  } else {
    table.setStamp(slot, { ...table.stampOf(slot), ctimeMs: value, ino: value });
  }
}

export function sha256Of(value: number): string {
  return Buffer.alloc(32, value % 251).toString('base64');
}

export interface StoredRow {
  readonly slot: number;
  readonly key: string;
  readonly bornAt: number | undefined;
  readonly [what: string]: unknown;
}

/** What a store has of the table, by slot; `bornAt` of what is shown. */
export function storedOf(table: FileTable): StoredRow[] {
  const { columns } = table;
  return [...table.all()]
    .filter((slot) => ['offered', 'remembered'].includes(table.stateOf(slot) ?? ''))
    .map((slot) => ({
      slot,
      key: columns.keyOf(slot),
      type: columns.typeOf(slot),
      desc: columns.descOf(slot),
      stamp: table.stampOf(slot),
      sha256: columns.sha256Of(slot),
      bornAt: table.isShown(slot) ? columns.bornAt.get(slot) : undefined,
    }));
}

/** The same after a restart, at which everything that is stored is shown. */
export function withoutBirth(rows: readonly StoredRow[]): Omit<StoredRow, 'bornAt'>[] {
  return rows.map(({ bornAt: _, ...row }) => row);
}
