/** A store of the catalogue in memory. What it was told is in its disk, which a later store may be given. */

import type { FileTable, NewFile } from '../../src/catalogue/file-table.js';
import { baseName, type FullPath, parentOf } from '../../src/catalogue/share-path.js';
import { type CatalogueStore, type StoredShares, StoreLockedError } from '../../src/catalogue/store.js';
import { AbortedError } from '../../src/errors.js';

interface Row extends NewFile {
  readonly bornAt: number;
}

export class MemoryDisk {
  readonly rows = new Map<number, Row>();
  readonly roots = new Map<string, string>();
  number = 0;
  isOpen = false;
}

export class MemoryStore implements CatalogueStore {
  readonly #disk: MemoryDisk;
  #unfollow: (() => void) | undefined;

  constructor(disk: MemoryDisk = new MemoryDisk()) {
    this.#disk = disk;
  }

  async start(): Promise<void> {
    if (this.#disk.isOpen) throw new StoreLockedError('memory');
    this.#disk.isOpen = true;
  }

  async stop(): Promise<void> {
    this.#unfollow?.();
    this.#disk.isOpen = false;
  }

  async load(table: FileTable, shares: StoredShares, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) throw new AbortedError('loading the store was stopped');
    for (const [slot, row] of this.#disk.rows) {
      const share = row.folder.split('/', 1)[0] ?? '';
      const isThere = shares.isThere(share, this.#disk.roots.get(share));
      if (isThere === 'unknown-share') this.#disk.rows.delete(slot);
      else if (isThere) table.restore(slot, { ...row, state: 'offered' }, row.bornAt);
      else table.restore(slot, { ...row, state: 'remembered' });
    }
    table.restored(this.#disk.number);
  }

  follow(table: FileTable): void {
    this.#unfollow = table.onBatch(({ number, touched, removed, added, dropped }) => {
      this.#disk.number = number;
      for (const slot of dropped) this.#disk.rows.delete(slot);
      for (const slot of [...touched, ...removed, ...added]) {
        const state = table.stateOf(slot);
        if (state === 'offered' || state === 'remembered')
          this.#disk.rows.set(slot, rowOf(table, slot, state));
        else this.#disk.rows.delete(slot);
      }
    });
  }

  async written(): Promise<void> {}

  async readRoot(share: string): Promise<string | undefined> {
    return this.#disk.roots.get(share);
  }

  async writeRoot(share: string, identity: string): Promise<void> {
    this.#disk.roots.set(share, identity);
  }
}

function rowOf(table: FileTable, slot: number, state: NewFile['state']): Row {
  const { columns } = table;
  const key: FullPath = columns.keyOf(slot);
  return {
    folder: parentOf(key),
    name: baseName(key),
    mediaType: columns.typeOf(slot),
    desc: columns.descOf(slot),
    stamp: table.stampOf(slot),
    sha256: columns.sha256Of(slot),
    state,
    bornAt: columns.bornAt.get(slot),
  };
}
