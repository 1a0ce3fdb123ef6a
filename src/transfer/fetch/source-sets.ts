/**
 * Sources of one file, grouped by what they say of its blocks. Those that name the same root vouch for the same
 * blocks; those that name none can give ranges to any group, where the blocks tell right from wrong.
 */

import { blockBytesOf, MIN_BLOCK_BYTES } from '../../blocks/block-size.js';
import { type BlockTree, fitsFile } from '../../blocks/block-tree.js';
import type { PartLayout } from './part-store.js';
import type { WantedFile } from './range-source.js';

/** Whatever may vouch for blocks. */
export interface Vouching {
  readonly tree?: BlockTree | undefined;
}

export interface SourceSet<S extends Vouching> {
  readonly tree: BlockTree;
  readonly members: readonly S[];
}

/** What tells one set from another. */
export function treeKey({ root, blockBytes, count }: BlockTree): string {
  return `${blockBytes} ${count} ${root}`;
}

/** One set for each root, the largest first; of equals the one that was found first. */
export function setsOf<S extends Vouching>(sources: readonly S[]): SourceSet<S>[] {
  const sets = new Map<string, { tree: BlockTree; members: S[] }>();
  for (const source of sources) {
    if (source.tree === undefined) continue;
    const key = treeKey(source.tree);
    const set = sets.get(key) ?? { tree: source.tree, members: [] };
    set.members.push(source);
    sets.set(key, set);
  }
  return [...sets.values()].sort((a, b) => b.members.length - a.members.length);
}

/**
 * Whether blocks are as large as docs/protocol.md asks for a file of this size: the smallest power of two with
 * which there are no more than a list may have. A source could make us wait for the end of a file with one huge block.
 */
export function isSoundTree(tree: BlockTree, file: WantedFile, minBlockBytes = MIN_BLOCK_BYTES): boolean {
  if (tree.blockBytes !== blockBytesOf(file.size, minBlockBytes) || !fitsFile(tree, file.size)) return false;
  // A file of one block has the hash of that block.
  return tree.count > 1 || file.hash.algo !== 'sha-256' || tree.root === file.hash.value;
}

/** What tells one layout from another. */
export function layoutKey({ tree, blockBytes }: Pick<PartLayout, 'tree' | 'blockBytes'>): string {
  return tree === undefined ? `pieces ${blockBytes}` : treeKey(tree);
}

/** What is fetched without hashes of blocks is cut into so much: that much is fetched twice after a power cut. */
const PIECE_BYTES = 1 << 20;

/** The same of a file of this size, which has no more pieces than another has blocks: the journal has to hold them. */
export function pieceBytesOf(fileBytes: number, minBlockBytes = MIN_BLOCK_BYTES): number {
  return blockBytesOf(fileBytes, Math.max(minBlockBytes, Math.min(PIECE_BYTES, minBlockBytes * 4)));
}

export interface LayoutChoice {
  readonly file: WantedFile;
  /** Those that may be asked, now or soon. */
  readonly sources: readonly Vouching[];
  /** What an earlier run left. */
  readonly kept: PartLayout | undefined;
  /** Key of the layout whose turn it is, if it is somebody's. */
  readonly next?: string | undefined;
  /** Keys of layouts that are not to be tried. */
  readonly without: ReadonlySet<string>;
  /** What a file is cut into whose blocks nobody vouches for. */
  readonly pieceBytes: number;
}

/**
 * How the file is fetched: by the layout whose turn it is; else as it was begun, before all; else by the blocks that
 * most sources vouch for; else, where nobody does, in pieces that only the hash of the whole can prove.
 */
export function chooseLayout(choice: LayoutChoice): PartLayout | undefined {
  const { file, sources, kept, next, without, pieceBytes } = choice;
  const layouts: PartLayout[] = setsOf(sources).map(({ tree }) => ({
    file,
    blockBytes: tree.blockBytes,
    tree,
  }));
  if (sources.length > 0) layouts.push({ file, blockBytes: pieceBytes });
  const inTurn = layouts.filter((layout) => layoutKey(layout) === next);
  const all = [...inTurn, ...(kept === undefined ? [] : [kept]), ...layouts];
  return all.find((layout) => !without.has(layoutKey(layout)));
}
