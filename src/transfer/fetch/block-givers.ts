/** Who gave which bytes of blocks that are not settled, so that a wrong block is blamed on one source, or on none. */
import type { ActiveRead } from './active-read.js';
import type { PartStore } from './part-store.js';
import type { PooledSource } from './source-pool.js';

export class BlockGivers {
  readonly #part: Pick<PartStore, 'writtenOf' | 'drop'>;
  readonly #bytes = new Map<number, Map<PooledSource, number>>();
  readonly #reads = new WeakSet<ActiveRead>();
  /** Blocks that came wrong from several at once: taken from one alone. */
  readonly #alone = new Set<number>();
  /** Blocks whose first bytes are from an earlier run. */
  readonly #fromBefore = new Set<number>();
  #looseBytes = 0;

  constructor(part: Pick<PartStore, 'writtenOf' | 'drop'>) {
    this.#part = part;
  }

  get looseBytes(): number {
    return this.#looseBytes;
  }

  /** Whether a read may begin behind what was written of the block. */
  mayGoOn(block: number): boolean {
    if (this.#alone.has(block)) {
      this.#forget(block);
      this.#part.drop(block);
      return false;
    }
    if (!this.#bytes.has(block) && this.#part.writtenOf(block) > 0) this.#fromBefore.add(block);
    return true;
  }

  /** Whether something came of this read before. */
  hasOf(read: ActiveRead): boolean {
    return this.#reads.has(read);
  }

  gave(read: ActiveRead, block: number, bytes: number): void {
    this.#reads.add(read);
    const givers = this.#bytes.get(block) ?? new Map<PooledSource, number>();
    givers.set(read.source, (givers.get(read.source) ?? 0) + bytes);
    this.#bytes.set(block, givers);
    this.#looseBytes += bytes;
  }

  /** The block is right: who gave how much of it. */
  settle(block: number): ReadonlyMap<PooledSource, number> {
    this.#alone.delete(block);
    return this.#take(block);
  }

  /** The block is wrong: whose it is, and whether it is nobody else's. */
  wrong(block: number, last: PooledSource): { readonly source: PooledSource; readonly alone: boolean } {
    const isFromBefore = this.#fromBefore.has(block);
    const givers = this.#take(block);
    for (const [source, bytes] of givers) source.wastedBytes += bytes;
    const alone = !isFromBefore && givers.size <= 1;
    if (!alone) this.#alone.add(block);
    return { source: last, alone };
  }

  /** Nothing of what this source began is built upon, unless others have gone on with it. */
  distrust(block: number, source: PooledSource): void {
    const givers = this.#bytes.get(block);
    if (givers === undefined || givers.size > 1 || !givers.has(source)) return;
    this.#forget(block);
    this.#part.drop(block);
  }

  #forget(block: number): void {
    for (const [source, bytes] of this.#take(block)) source.wastedBytes += bytes;
  }

  #take(block: number): ReadonlyMap<PooledSource, number> {
    const givers = this.#bytes.get(block) ?? new Map<PooledSource, number>();
    this.#bytes.delete(block);
    this.#fromBefore.delete(block);
    for (const bytes of givers.values()) this.#looseBytes -= bytes;
    return givers;
  }
}
