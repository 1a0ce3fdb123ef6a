/**
 * Gets the hashes of the blocks from those who vouch for them: from one, and when that takes long from another
 * beside it. What came is known to match the root, whoever gave it.
 */
import { type BlockList, type BlockTree, blockListOf } from '../../blocks/block-tree.js';
import { type RangeSource, SourceError, type WantedFile } from './range-source.js';
import type { PooledSource } from './source-pool.js';

export interface ListSearchInit {
  readonly tree: BlockTree;
  readonly file: WantedFile;
  readonly open: (source: PooledSource) => RangeSource;
  readonly onList: (list: BlockList) => void;
  readonly onFailure: (source: PooledSource, error: unknown) => void;
}

/** After so long without an answer the next is asked as well. */
const NEXT_MS = 1000;
const MAX_ASKED = 16; // a list has 64 KiB at most
/** It is some kilobytes: who has not given it by then, will not. */
const SILENT_MS = 30_000;

interface Asked {
  readonly sinceMs: number;
  readonly abort: AbortController;
  readonly over: Promise<void>;
}

export class ListSearch {
  readonly #init: ListSearchInit;
  readonly #asked = new Map<PooledSource, Asked>();
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
    for (const { sinceMs, abort } of this.#asked.values()) {
      if (nowMs - sinceMs >= SILENT_MS) abort.abort();
    }
    const asked = [...this.#asked.values()];
    if (asked.length >= MAX_ASKED || asked.some(({ sinceMs }) => nowMs - sinceMs < NEXT_MS)) return;
    const [next] = sources
      .filter((source) => !this.#asked.has(source))
      .sort((one, other) => one.failures - other.failures);
    if (next === undefined) return;
    const abort = new AbortController();
    this.#asked.set(next, { sinceMs: nowMs, abort, over: this.#ask(next, abort.signal) });
  }

  /** Resolves when nobody is asked any more. */
  async close(): Promise<void> {
    this.#end();
    await Promise.all([...this.#asked.values()].map(({ over }) => over));
  }

  #end(): void {
    this.#state = 'done';
    for (const { abort } of this.#asked.values()) abort.abort();
  }

  async #ask(source: PooledSource, signal: AbortSignal): Promise<void> {
    try {
      const list = await this.#init.open(source).blocks(this.#init.tree, signal);
      this.#asked.delete(source);
      if (this.#state === 'open') this.#done(list);
    } catch (error) {
      this.#asked.delete(source);
      if (this.#state === 'done') return;
      const silent = new SourceError('silent', 'it did not give the hashes of its blocks');
      this.#init.onFailure(source, signal.aborted ? silent : error);
    }
  }

  #done(list: BlockList): void {
    this.#end();
    this.#init.onList(list);
  }
}
