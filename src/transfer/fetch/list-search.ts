/**
 * Gets the hashes of the blocks from those who vouch for them: from one, and when that takes long from another
 * beside it. What came is known to match the root, whoever gave it.
 */
import { type BlockList, type BlockTree, blockListOf } from '../../blocks/block-tree.js';
import type { RangeSource, WantedFile } from './range-source.js';
import type { PooledSource } from './source-pool.js';

export interface ListSearchInit {
  readonly tree: BlockTree;
  readonly file: WantedFile;
  readonly open: (source: PooledSource) => RangeSource;
  readonly onList: (list: BlockList) => void;
  readonly onFailure: (source: PooledSource, error: unknown) => void;
}

/** After so long without an answer the next is asked as well. */
const NEXT_MS = 2000;
const MAX_ASKED = 4;

export class ListSearch {
  readonly #init: ListSearchInit;
  readonly #asked = new Map<PooledSource, Promise<void>>();
  readonly #abort = new AbortController();
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #state: 'open' | 'done' = 'open';

  constructor(init: ListSearchInit) {
    this.#init = init;
  }

  get isAsking(): boolean {
    return this.#asked.size > 0;
  }

  /** Asks the next of `sources`, when it is time. */
  turn(sources: readonly PooledSource[], nowMs: number): void {
    if (this.#state === 'done') return;
    const { tree, file } = this.#init;
    if (tree.count === 1) {
      const list = blockListOf(tree, file.size, Buffer.from(tree.root, 'base64'));
      if (list !== undefined) this.#done(list);
      return;
    }
    if (this.#asked.size >= MAX_ASKED || (this.isAsking && nowMs - this.#askedAtMs < NEXT_MS)) return;
    const next = sources.find((source) => !this.#asked.has(source));
    if (next === undefined) return;
    this.#askedAtMs = nowMs;
    this.#asked.set(next, this.#ask(next));
  }

  /** Resolves when nobody is asked any more. */
  async close(): Promise<void> {
    this.#state = 'done';
    this.#abort.abort();
    await Promise.all(this.#asked.values());
  }

  async #ask(source: PooledSource): Promise<void> {
    try {
      const list = await this.#init.open(source).blocks(this.#init.tree, this.#abort.signal);
      this.#asked.delete(source);
      if (this.#state === 'open') this.#done(list);
    } catch (error) {
      this.#asked.delete(source);
      if (this.#state === 'open') this.#init.onFailure(source, error);
    }
  }

  #done(list: BlockList): void {
    this.#state = 'done';
    this.#abort.abort();
    this.#init.onList(list);
  }
}
