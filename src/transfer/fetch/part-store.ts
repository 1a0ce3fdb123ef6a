/**
 * The file on its way, as the engine sees it: blocks that are settled, beginnings of others, and the steps at the
 * end. The engine decides what is right; the store loses none of it when the process is killed or the power
 * goes, and never has anything but settled blocks under the target's name.
 */
import type { BlockTree } from '../../blocks/block-tree.js';
import type { RangeSet } from './range-set.js';
import type { WantedFile } from './range-source.js';

/** What a part is cut into: the blocks of a tree, or pieces of our own where nobody offers hashes of blocks. */
export interface PartLayout {
  readonly file: WantedFile;
  /** Bytes of every block but the last. */
  readonly blockBytes: number;
  /** Missing where blocks can't be verified one by one. */
  readonly tree?: BlockTree;
}

export interface PartInit extends PartLayout {
  /** Local path of the file to be made; its folder exists. */
  readonly target: string;
  readonly overwrite: 'refuse' | 'replace';
  /**
   * Bytes of the file that another layout took for right in this process: what is there of them is kept, as written and
   * not as settled. For layouts with hashes of blocks, which tell whether it is right.
   */
  readonly perhaps?: RangeSet;
}

/** For a thread of this process that writes the bytes itself. */
export interface DirectPart {
  /** Of the open file; as long as the part is open. */
  readonly descriptor: number;
  /** Whether bytes may be written. */
  readonly isReady: boolean;
  /** Resolves when they may. Throws `DiskError`. */
  ready(): Promise<void>;
  /** So many bytes of an unsettled block were written there. */
  wrote(position: number, bytes: number): void;
  /** What an error of the operating system means. */
  errorOf(error: unknown): unknown;
}

export interface PartStore {
  readonly layout: PartLayout;
  /** Local path of the bytes, for threads that read them as well. */
  readonly path: string;
  /** Missing where it is no file of the operating system. */
  readonly direct?: DirectPart;
  /** Blocks that are right, also from earlier runs. Belongs to the store: `settle` and `drop` change it. */
  readonly settled: RangeSet;
  /**
   * How many bytes from the beginning of an unsettled block were written, also in earlier runs. A hint: after a
   * power cut they may be wrong, and 0 is always a right answer.
   */
  writtenOf(block: number): number;
  /** Writes all of `bytes`, inside one unsettled block. Resolves when they can be read. Throws `DiskError`. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Fills `buffer` from `position`. Throws `DiskError`, also when there are fewer bytes. */
  read(buffer: Uint8Array, position: number): Promise<void>;
  /**
   * A block is right. Returns at once; the journal says so soon after, once the bytes are safe. What fails then,
   * the next `write` or `commit` throws.
   */
  settle(block: number): void;
  /** What is there of a block is worthless, also when it was settled. */
  drop(block: number): void;
  /**
   * Gives the bytes the target's name, safe from a power cut; all blocks are settled. The journal and the claim
   * on the name are gone then. Throws `DiskError` and can be called again: `exists` when the name was taken meanwhile,
   * `changed`, each time, when another file stands where the bytes were; that one is left alone.
   */
  commit(options: { readonly modifiedMs?: number }): Promise<void>;
  /** Keeps what is there for another time; a part without a byte goes. No more calls. Never throws. */
  close(): Promise<void>;
  /** Removes what is there. No more calls. Never throws. */
  discard(): Promise<void>;
}

export interface PartStores {
  /** What an earlier run left of this file beside `target`; undefined for nothing, or something of another file. */
  kept(target: string, file: WantedFile): Promise<PartLayout | undefined>;
  /**
   * Takes the target's name for this process, and what is there of the same file, size, block size and root. A part
   * of the same file in another layout is begun anew, but for `perhaps`; what there is of the same hash and another size
   * is kept aside until it is opened again, or one of them has the name; one of another file is in the way unless
   * `replace`. Reserves the room. Throws `DiskError`: `exists`, `in-use`, `no-space`, `not-writable`.
   */
  open(init: PartInit): Promise<PartStore>;
}
