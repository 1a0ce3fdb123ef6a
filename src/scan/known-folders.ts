/**
 * What is known of folders, of all shares, in columns: each is a number and costs about a hundred bytes. There
 * are a tenth as many as files, and an object with a map each would take as much memory as all names of files.
 */
import { hashOfName } from '../catalogue/file-name.js';
import { fromBytes, toBytes } from '../catalogue/share-path.js';
import { Column } from '../columns/column.js';
import { SlotChains } from '../columns/slot-chains.js';
import { SlotLists } from '../columns/slot-lists.js';
import { TextWriter } from '../columns/text-pieces.js';
import type { FolderIdentity } from './listing.js';

/** Number of a folder; another one's some time after it is gone. */
export type KnownFolder = number;

export class KnownFolders {
  /** One more than the folder it is in; 0 for those of shares. */
  readonly #parent = Column.uint32();
  /** 0 where it has none. */
  readonly #nameAt = Column.uint32();
  readonly #names = new TextWriter({ onPiece: () => undefined, onDrop: () => undefined });
  readonly #byName = new SlotChains((folder) =>
    hashOfName(this.#parent.get(folder) - 1, this.#names.bytesAt(this.#nameAt.get(folder))),
  );
  readonly #below = new SlotLists();
  /** One more than the device; 0 where it has not been listed. */
  readonly #device = new Column((length) => new Float64Array(length));
  readonly #ino = new Column((length) => new Float64Array(length));
  readonly #birthtimeMs = new Column((length) => new Float64Array(length));
  readonly #free: KnownFolder[] = [];
  #count = 0;

  /** The folder of a share. */
  addRoot(): KnownFolder {
    return this.#free.pop() ?? this.#count++;
  }

  /** There is none of that name in `parent`. */
  add(parent: KnownFolder, name: string): KnownFolder {
    const folder = this.addRoot();
    const bytes = toBytes(name);
    this.#parent.set(folder, parent + 1);
    this.#nameAt.set(folder, this.#names.add(folder, bytes));
    this.#byName.add(folder, hashOfName(parent, bytes));
    this.#below.add(folder, parent);
    return folder;
  }

  find(parent: KnownFolder, name: string): KnownFolder | undefined {
    const bytes = toBytes(name);
    return this.#byName.find(
      hashOfName(parent, bytes),
      (folder) =>
        this.#parent.get(folder) === parent + 1 && this.#names.holds(this.#nameAt.get(folder), bytes),
    );
  }

  /** There is none in it. */
  remove(folder: KnownFolder): void {
    const parent = this.parentOf(folder);
    if (parent !== undefined) {
      this.#byName.remove(folder);
      this.#below.remove(folder, parent);
      this.#names.free(this.#nameAt.get(folder));
      for (const { slot, from, to } of this.#names.moveSome(() => true)) {
        this.#nameAt.set(slot, to);
        this.#names.free(from);
      }
    }
    this.#parent.set(folder, 0);
    this.#nameAt.set(folder, 0);
    this.setIdentity(folder, undefined);
    this.#free.push(folder);
  }

  parentOf(folder: KnownFolder): KnownFolder | undefined {
    const parent = this.#parent.get(folder);
    return parent === 0 ? undefined : parent - 1;
  }

  /** The last part of its path; '' for the folder of a share. */
  nameOf(folder: KnownFolder): string {
    const at = this.#nameAt.get(folder);
    return at === 0 ? '' : fromBytes(this.#names.bytesAt(at).slice());
  }

  hasFolders(folder: KnownFolder): boolean {
    return !this.#below.isEmpty(folder);
  }

  /** Those in it, but not those below. The caller may remove what it was given. */
  in(folder: KnownFolder): Iterable<KnownFolder> {
    return this.#below.of(folder);
  }

  /** Undefined until it has been listed. */
  identityOf(folder: KnownFolder): FolderIdentity | undefined {
    const device = this.#device.get(folder);
    if (device === 0) return undefined;
    return { dev: device - 1, ino: this.#ino.get(folder), birthtimeMs: this.#birthtimeMs.get(folder) };
  }

  setIdentity(folder: KnownFolder, identity: FolderIdentity | undefined): void {
    this.#device.set(folder, identity === undefined ? 0 : identity.dev + 1);
    this.#ino.set(folder, identity?.ino ?? 0);
    this.#birthtimeMs.set(folder, identity?.birthtimeMs ?? 0);
  }
}
