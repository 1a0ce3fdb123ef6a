/**
 * All files that are known, in columns (`file-columns.ts`) that other threads read: by folder and name, by
 * hash, and folder by folder. One thread writes; the scan decides what. A file is a slot, and is *shown* when
 * searches may find it.
 *
 * Changes are made one by one and told in batches. What readers can see of a shown file never changes, but
 * for its hash, which comes once: another size, date or description is another slot. A slot is given to
 * another file only when all followers have released the batch with which it went.
 */
import { Buffer } from 'node:buffer';
import { Column } from '../columns/column.js';
import { SlotChains } from '../columns/slot-chains.js';
import { SlotSet } from '../columns/slot-set.js';
import { StringTable } from '../columns/string-table.js';
import { type Move, TextWriter } from '../columns/text-pieces.js';
import { FileColumns, FileFlag, SHA256_BYTES, type Slot } from './file-columns.js';
import { flagsOf, hashOfName } from './file-name.js';
import { type FileRows, RowFlag } from './file-rows.js';
import type { FileStamp } from './file-stamp.js';
import { FileTotals, type ShareTotals, type TableTotals } from './file-totals.js';
import { GrowthNews, type TextKind } from './growth-news.js';
import { toBytes } from './share-path.js';
import type { TableBatch, TableState } from './table-feed.js';
import { TableFolders } from './table-folders.js';

/** What the scan knows a file as; see `scan/known-file.ts`. Only files that are `offered` are shown. */
export const FileState = ['remembered', 'settling', 'offered', 'unreadable'] as const;
export type FileState = (typeof FileState)[number];

export interface NewFile {
  /** Share and folders, without the name: `share/folder`. */
  readonly folder: string;
  readonly name: string;
  readonly mediaType: string;
  readonly desc?: string | undefined;
  readonly stamp: FileStamp;
  /** Base64. */
  readonly sha256?: string | undefined;
  readonly state: FileState;
}

/** Who reads the columns from another thread. */
export interface TableFollower {
  /** All there was when following began; what comes later comes in batches. */
  readonly state: TableState;
  /** Nobody looks at states before this batch any more. */
  release(number: number): void;
  end(): void;
}

/** Slots and texts that go when the batch is released. */
interface Leaving {
  readonly number: number;
  readonly slots: readonly Slot[];
  readonly moves: readonly (Move & { readonly kind: TextKind })[];
}

export class FileTable {
  readonly columns: FileColumns<TextWriter>;
  readonly #news = new GrowthNews();
  readonly #folders: TableFolders;
  readonly #types = new StringTable();
  readonly #ctimeMs = new Column((length) => new Float64Array(length));
  readonly #birthtimeMs = new Column((length) => new Float64Array(length));
  readonly #ino = new Column((length) => new Float64Array(length));
  /** One more than the place in {@link FileState}; 0 where there is no file. */
  readonly #state = new Column((length) => new Uint8Array(length));
  readonly #byKey = new SlotChains((slot) =>
    hashOfName(this.columns.folder.get(slot), this.columns.names.bytesAt(this.columns.nameAt.get(slot))),
  );
  readonly #byHash = new SlotChains((slot) => chainOfHash(this.columns.sha256Bytes(slot)));
  readonly #shown = new SlotSet();
  readonly #free: Slot[] = [];
  #slots = 0;
  readonly #totals: FileTotals;
  #number = 0;
  #restored = 0;
  #added = new Set<Slot>();
  #removed = new Set<Slot>();
  #touched = new Set<Slot>();
  #dropped: Slot[] = [];
  #leaving: Leaving[] = [];
  /** By follower, the batch that it has released. */
  readonly #released = new Map<object, number>();
  readonly #listeners = new Set<(batch: TableBatch) => void>();

  constructor() {
    const text = (kind: TextKind) =>
      new TextWriter({
        onPiece: (piece) => this.#news.text(kind, piece),
        onDrop: (at) => this.#news.dropped(kind, at),
      });
    this.columns = new FileColumns(text('name'), text('desc'), text('folder'), {
      onPiece: (column, piece) => this.#news.column(column, piece),
    });
    this.#totals = new FileTotals(this);
    this.#folders = new TableFolders(this, {
      onFolder: (number, text) => this.#totals.setFolder(number, text),
    });
  }

  /** Of what is shown. */
  get totals(): TableTotals {
    return this.#totals.all;
  }

  totalsOf(share: string): ShareTotals {
    return this.#totals.of(share);
  }

  /** The last batch that was told. */
  get number(): number {
    return this.#number;
  }

  /** Whether all changes have been told. */
  get isCommitted(): boolean {
    return this.#added.size + this.#removed.size + this.#touched.size + this.#dropped.length === 0;
  }

  /** One more than the highest slot in use. */
  get slotCount(): number {
    return this.#slots;
  }

  isShown(slot: Slot): boolean {
    return this.#shown.has(slot);
  }

  /** Ascending. Not to be changed meanwhile, but for slots passed already. */
  shown(): Iterable<Slot> {
    return this.#shown;
  }

  /** All files, shown or not, ascending. */
  *all(): Generator<Slot> {
    for (let slot = 0; slot < this.#slots; slot++) if (this.#state.get(slot) !== 0) yield slot;
  }

  find(folder: string, name: string): Slot | undefined {
    const number = this.#folders.find(folder);
    if (number === undefined) return undefined;
    const bytes = toBytes(name);
    return this.#byKey.find(hashOfName(number, bytes), (slot) => this.#isAt(slot, number, bytes));
  }

  /** All folders that hold files, each as `share/folder`. */
  folders(): Iterable<string> {
    return this.#folders.texts();
  }

  /** The files of a folder, but not of those below; the last added first. */
  *filesIn(folder: string): Generator<Slot> {
    const number = this.#folders.find(folder);
    if (number !== undefined) yield* this.#folders.filesIn(number);
  }

  /** Files with this content, shown or not, as far as `most` of them go. */
  withHash(sha256: string, most = Number.POSITIVE_INFINITY): Slot[] {
    return this.withHashBytes(Buffer.from(sha256, 'base64'), most);
  }

  withHashBytes(sha256: Uint8Array, most = Number.POSITIVE_INFINITY): Slot[] {
    const slots: Slot[] = [];
    if (sha256.length !== SHA256_BYTES) return slots;
    const bytes = Buffer.from(sha256.buffer, sha256.byteOffset, SHA256_BYTES);
    this.#byHash.find(chainOfHash(bytes), (slot) => {
      if (bytes.equals(this.columns.sha256Bytes(slot))) slots.push(slot);
      return slots.length >= most;
    });
    return slots;
  }

  stateOf(slot: Slot): FileState | undefined {
    return FileState[this.#state.get(slot) - 1];
  }

  stampOf(slot: Slot): FileStamp {
    return {
      size: this.columns.size.get(slot),
      mtimeMs: this.columns.mtimeMs.get(slot),
      ctimeMs: this.#ctimeMs.get(slot),
      birthtimeMs: this.#birthtimeMs.get(slot),
      ino: this.#ino.get(slot),
    };
  }

  /** A new file, which is not shown yet. There is none with its name in the folder. */
  add(file: NewFile): Slot {
    const slot = this.#free.pop() ?? this.#slots++;
    this.#write(slot, file);
    this.columns.bornAt.set(slot, this.#number + 1); // not as that of the file before it
    this.#touched.add(slot);
    return slot;
  }

  /**
   * Puts a file into a slot where there is none, as when what was stored is read, before anybody follows:
   * nobody is told. With `bornAt` it is shown, and has been since that batch.
   */
  restore(slot: Slot, file: NewFile, bornAt?: number): void {
    if (this.#state.get(slot) !== 0) throw new TypeError(`slot ${slot} is taken`);
    this.#slots = Math.max(this.#slots, slot + 1);
    this.#write(slot, file);
    if (bornAt === undefined) return;
    this.columns.bornAt.set(slot, bornAt);
    this.#shown.add(slot);
    this.#totals.count(slot, 1);
  }

  /** Makes room for so many slots, before the first {@link restore}. */
  reserve(slots: number): void {
    this.#byKey.reserve(slots);
    this.#byHash.reserve(slots);
  }

  /** The same for many; `how` is asked with the place of each row. Of slots that hold a file the rows are left out. */
  restoreRows(rows: FileRows, how: (row: number) => 'shown' | 'hidden' | 'left-out'): void {
    const { columns } = this;
    const folders = new Map<number, number>();
    const types = new Map<number, number>();
    const state = { shown: FileState.indexOf('offered') + 1, hidden: FileState.indexOf('remembered') + 1 };
    let hash = 0;
    for (let row = 0; row < rows.slots.length; row++) {
      const flags = rows.flags[row] as number;
      const hashAt = hash;
      if ((flags & FileFlag.hashed) !== 0) hash += SHA256_BYTES;
      const slot = rows.slots[row] as Slot;
      const as = this.#state.get(slot) === 0 ? how(row) : 'left-out';
      if (as === 'left-out') continue;
      this.#slots = Math.max(this.#slots, slot + 1);
      const folder = this.#held(folders, rows.folders, rows.folder[row] as number, (text) =>
        this.#folders.numberOf(text),
      );
      const type = this.#held(types, rows.types, rows.type[row] as number, (text) => this.#typeOf(text));
      const name = rows.names.subarray(row === 0 ? 0 : rows.nameEnds[row - 1], rows.nameEnds[row]);
      this.#place(slot, folder, type, name, flags & (FileFlag.wide | FileFlag.odd));
      if ((flags & RowFlag.described) !== 0) {
        const desc = rows.descs.subarray(row === 0 ? 0 : rows.descEnds[row - 1], rows.descEnds[row]);
        columns.descAt.set(slot, columns.descs.add(slot, desc));
      }
      columns.size.set(slot, rows.size[row] as number);
      columns.mtimeMs.set(slot, rows.mtimeMs[row] as number);
      this.#ctimeMs.set(slot, rows.ctimeMs[row] as number);
      this.#birthtimeMs.set(slot, rows.birthtimeMs[row] as number);
      this.#ino.set(slot, rows.ino[row] as number);
      columns.bornAt.set(slot, rows.bornAt[row] as number);
      this.#state.set(slot, state[as]);
      if (hash !== hashAt) this.#writeHashBytes(slot, rows.hashes.subarray(hashAt, hash));
      if (as === 'hidden') continue;
      this.#shown.add(slot);
      this.#totals.count(slot, 1);
    }
  }

  /** After the last {@link restore}: batches are numbered from `number`. */
  restored(number: number): void {
    this.#number = Math.max(this.#number, number);
    this.#restored = this.#number;
    this.#free.length = 0;
    for (let slot = this.#slots - 1; slot >= 0; slot--)
      if (this.#state.get(slot) === 0) this.#free.push(slot);
    this.#news.take();
  }

  setState(slot: Slot, state: FileState): void {
    this.#state.set(slot, FileState.indexOf(state) + 1);
    this.#touched.add(slot);
  }

  /** Size and modification time of a shown file stay as they are. */
  setStamp(slot: Slot, { size, mtimeMs, ctimeMs, birthtimeMs, ino }: FileStamp): void {
    if (!this.#shown.has(slot)) {
      this.columns.size.set(slot, size);
      this.columns.mtimeMs.set(slot, mtimeMs);
    } else if (this.columns.size.get(slot) !== size || this.columns.mtimeMs.get(slot) !== mtimeMs) {
      throw new TypeError('a file that is shown has the size and date it has');
    }
    this.#ctimeMs.set(slot, ctimeMs);
    this.#birthtimeMs.set(slot, birthtimeMs);
    this.#ino.set(slot, ino);
    this.#touched.add(slot);
  }

  /** The file has none yet. */
  setSha256(slot: Slot, sha256: string): void {
    this.#writeHash(slot, sha256);
    if (this.#shown.has(slot)) this.#totals.countHash(slot, 1);
    this.#touched.add(slot);
  }

  show(slot: Slot): void {
    if (this.#shown.has(slot)) return;
    this.#shown.add(slot);
    this.#totals.count(slot, 1);
    if (this.#removed.delete(slot)) return; // nobody saw it go
    this.columns.bornAt.set(slot, this.#number + 1);
    this.#added.add(slot);
  }

  hide(slot: Slot): void {
    if (!this.#shown.has(slot)) return;
    this.#shown.delete(slot);
    this.#totals.count(slot, -1);
    if (!this.#added.delete(slot)) this.#removed.add(slot);
  }

  remove(slot: Slot): void {
    this.hide(slot);
    this.#byKey.remove(slot);
    if (this.columns.hasHash(slot)) this.#byHash.remove(slot);
    this.#folders.remove(slot);
    this.#state.set(slot, 0);
    this.#touched.delete(slot);
    this.#dropped.push(slot);
  }

  /** Tells everybody of the changes since the last batch; undefined when there were none. */
  commit(): TableBatch | undefined {
    if (this.isCommitted) return undefined;
    const isThere = (slot: Slot) => this.#state.get(slot) !== 0;
    const moves = [
      ...this.columns.names.moveSome(isThere).map(moveOf('name')),
      ...this.columns.descs.moveSome(isThere).map(moveOf('desc')),
      ...this.columns.folders.moveSome((number) => this.#folders.holdsFiles(number)).map(moveOf('folder')),
    ];
    this.#number += 1;
    const batch: TableBatch = {
      number: this.#number,
      added: Uint32Array.from(this.#added),
      removed: Uint32Array.from(this.#removed),
      touched: Uint32Array.from(this.#touched),
      dropped: Uint32Array.from(this.#dropped),
      growth: this.#news.take(),
    };
    if (this.#dropped.length + moves.length > 0)
      this.#leaving.push({ number: this.#number, slots: this.#dropped, moves });
    this.#added = new Set();
    this.#removed = new Set();
    this.#touched = new Set();
    this.#dropped = [];
    for (const listener of this.#listeners) listener(batch);
    this.#letGo();
    return batch;
  }

  /** The listener, on this thread, hears of every later batch; it must not throw. Returns what ends that. */
  onBatch(listener: (batch: TableBatch) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** For a reader on another thread. Tells everybody of the changes so far: a state holds no half of a batch. */
  follow(take: (batch: TableBatch) => void): TableFollower {
    this.commit();
    const follower = {};
    const state = {
      number: this.#number,
      restored: this.#restored,
      shown: this.#shown.words.slice(),
      growth: this.columns.everything(),
    };
    this.#released.set(follower, this.#number);
    const unsubscribe = this.onBatch(take);
    return {
      state,
      release: (number) => {
        if (!this.#released.has(follower)) return;
        this.#released.set(follower, number);
        this.#letGo();
      },
      end: () => {
        unsubscribe();
        this.#released.delete(follower);
        this.#letGo();
      },
    };
  }

  #letGo(): void {
    const released = Math.min(this.#number, ...this.#released.values());
    while ((this.#leaving[0]?.number ?? Number.POSITIVE_INFINITY) <= released) {
      const leaving = this.#leaving.shift();
      for (const { kind, slot, from, to } of leaving?.moves ?? []) {
        this.columns[`${kind}At`].set(slot, to);
        this.columns[`${kind}s`].free(from);
      }
      for (const slot of leaving?.slots ?? []) this.#giveUp(slot);
    }
  }

  #giveUp(slot: Slot): void {
    const { columns } = this;
    for (const kind of ['name', 'desc'] as const) {
      const place = columns[`${kind}At`].get(slot);
      if (place !== 0) columns[`${kind}s`].free(place);
      columns[`${kind}At`].set(slot, 0);
    }
    this.#folders.giveUp(slot);
    this.#types.release(columns.type.get(slot));
    columns.flags.set(slot, 0);
    this.#free.push(slot);
  }

  #write(slot: Slot, file: NewFile): void {
    const { columns } = this;
    const folder = this.#folders.numberOf(file.folder);
    const type = this.#typeOf(file.mediaType);
    const name = toBytes(file.name);
    this.#place(slot, folder, type, name, flagsOf(file.name, name.length));
    if (file.desc !== undefined) columns.descAt.set(slot, columns.descs.add(slot, toBytes(file.desc)));
    columns.size.set(slot, file.stamp.size);
    columns.mtimeMs.set(slot, file.stamp.mtimeMs);
    this.#ctimeMs.set(slot, file.stamp.ctimeMs);
    this.#birthtimeMs.set(slot, file.stamp.birthtimeMs);
    this.#ino.set(slot, file.stamp.ino);
    this.#state.set(slot, FileState.indexOf(file.state) + 1);
    if (file.sha256 !== undefined) this.#writeHash(slot, file.sha256);
  }

  #place(slot: Slot, folder: number, type: number, name: Uint8Array, flags: number): void {
    const { columns } = this;
    this.#folders.add(slot, folder);
    columns.type.set(slot, type);
    this.#types.hold(type);
    columns.flags.set(slot, flags);
    columns.nameAt.set(slot, columns.names.add(slot, name));
    this.#byKey.add(slot, hashOfName(folder, name));
  }

  #writeHash(slot: Slot, sha256: string): void {
    const bytes = Buffer.from(sha256, 'base64');
    if (bytes.length !== SHA256_BYTES) throw new TypeError('a sha-256 has 32 bytes');
    if (this.columns.hasHash(slot)) throw new TypeError('the file has its hash');
    this.#writeHashBytes(slot, bytes);
  }

  #writeHashBytes(slot: Slot, bytes: Uint8Array): void {
    this.columns.setSha256(slot, bytes);
    this.#byHash.add(slot, chainOfHash(bytes));
  }

  /** The number of the type, new where there is none; to be held. */
  #typeOf(text: string): number {
    const known = this.#types.find(text);
    if (known !== undefined) return known;
    const number = this.#types.add(text);
    this.columns.setTypeText(number, text);
    this.#news.type(number, text);
    return number;
  }

  /** The number of one of these texts, of which `known` holds those that were asked for before. */
  #held(
    known: Map<number, number>,
    texts: readonly string[],
    at: number,
    numberOf: (text: string) => number,
  ): number {
    const before = known.get(at);
    if (before !== undefined) return before;
    const number = numberOf(texts[at] as string);
    known.set(at, number);
    return number;
  }

  #isAt(slot: Slot, folder: number, name: Uint8Array): boolean {
    const { columns } = this;
    return columns.folder.get(slot) === folder && columns.names.holds(columns.nameAt.get(slot), name);
  }
}

function moveOf(kind: TextKind) {
  return (move: Move) => ({ ...move, kind });
}

function chainOfHash(sha256: Uint8Array): number {
  let chain = 0;
  for (let at = 0; at < 4; at++) chain = (chain << 8) | (sha256[at] as number);
  return chain >>> 0;
}
