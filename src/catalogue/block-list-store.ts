/**
 * The hashes of blocks, by the hash of the file: what the parts that make, serve and show them know of where
 * they are kept. A file of one block has none. Like the catalogue's store it is a memory of work done: what is
 * lost is computed again.
 */
import type { BlockHashes, BlockList, BlockTree } from '../blocks/block-tree.js';
import type { Startable } from '../startable.js';

export interface HashedBlocks {
  /** Of the file, base64. */
  readonly sha256: string;
  readonly fileBytes: number;
  readonly blocks: BlockHashes;
}

/** What whoever asks sees of it. Nothing here rejects: what cannot be read is not there. */
export interface BlockLists {
  /** Undefined where there is none. */
  treeOf(sha256: string): Promise<BlockTree | undefined>;
  /** The same with the hashes, which are checked. */
  listOf(sha256: string): Promise<BlockList | undefined>;
}

export interface BlockListStore extends BlockLists, Startable {
  /** Opens it; whatever it finds. Before, it has nothing. */
  start(): Promise<void>;
  /** Whether there is none, as far as is known without reading it, and one could be kept. */
  lacks(sha256: Uint8Array): boolean;
  /** Resolves when they survive the end of this process, or cannot be kept. Never rejects. */
  add(lists: readonly HashedBlocks[]): Promise<void>;
  /** Gives up what nobody wants, if that is worth the work; `isWanted` is asked of each. */
  tidy(isWanted: (sha256: Uint8Array) => boolean): Promise<void>;
  /** The listener hears of the files whose list turned out to be damaged. Returns what ends that. */
  onLost(listener: (sha256: string) => void): () => void;
}
