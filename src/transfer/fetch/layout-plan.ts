/**
 * By which blocks a file is fetched next: layouts that proved wrong are out, those whose sources have gone come again
 * when there is nothing else, and where pieces of several sources were wrong together each source is tried alone.
 */
import { FetchError } from './fetch-request.js';
import type { PartLayout } from './part-store.js';
import type { WantedFile } from './range-source.js';
import type { PooledSource, SourcePool } from './source-pool.js';
import { chooseLayout, layoutKey, setsOf, treeKey } from './source-sets.js';

export interface LayoutPlanInit {
  readonly file: WantedFile;
  /** Of files without hashes of blocks. */
  readonly pieceBytes: number;
  /** How often pieces of several sources may be wrong together. */
  readonly maxMixtures: number;
}

export class LayoutPlan {
  readonly #pool: SourcePool;
  readonly #init: LayoutPlanInit;
  /** Layouts that have proved wrong. */
  readonly #condemned = new Set<string>();
  /** Layouts whose sources have gone. */
  readonly #left = new Set<string>();
  /** The layout whose turn it is now. */
  #next: string | undefined;
  /** Each is asked alone, since together they gave something wrong. */
  #suspects: PooledSource[] = [];
  #mixtures = 0;

  constructor(pool: SourcePool, init: LayoutPlanInit) {
    this.#pool = pool;
    this.#init = init;
  }

  /** Undefined as long as nobody is known who could give any. `kept`: what an earlier run has left. */
  choose(kept: PartLayout | undefined): PartLayout | undefined {
    const { file, pieceBytes } = this.#init;
    const without = new Set([...this.#condemned, ...this.#left]);
    const choice = { file, sources: this.#able, kept, next: this.#next, without, pieceBytes };
    const layout = chooseLayout(choice) ?? chooseLayout({ ...choice, without: this.#condemned });
    this.#next = undefined;
    return layout;
  }

  /** The one that is asked for it, where others are not. */
  onlySource({ tree }: PartLayout): PooledSource | undefined {
    return tree === undefined ? this.#suspects[0] : undefined;
  }

  /** What tells its turn from others. */
  turnKey(layout: PartLayout): string {
    const only = this.onlySource(layout);
    return only === undefined ? layoutKey(layout) : suspectKey(layout, only);
  }

  /** What could be tried instead, by those who can be asked now or soon. `isUsable`: who gives something of `layout` now. */
  othersThan(layout: PartLayout, isUsable: (source: PooledSource) => boolean): readonly string[] {
    const able = this.#able;
    const pieces = { file: layout.file, blockBytes: this.#init.pieceBytes };
    const keys = setsOf(able).map(({ tree }) => treeKey(tree));
    if (able.some((source) => source.tree === undefined && !isUsable(source))) keys.push(layoutKey(pieces));
    if (layout.tree === undefined) {
      for (const suspect of this.#suspects)
        if (able.includes(suspect)) keys.push(suspectKey(layout, suspect));
    }
    return keys.filter((key) => key !== this.turnKey(layout) && !this.#condemned.has(key));
  }

  /** It is the turn of another of those that could be tried. */
  giveTurn(key: string): void {
    this.#next = key;
  }

  /** Those who could go on with it are gone, for ever or long enough, or were slow: others have their turn. */
  leave(layout: PartLayout): 'keep' | 'begin-anew' {
    const [suspect, ...others] = layout.tree === undefined ? this.#suspects : [];
    const next = others.find((each) => suspectKey(layout, each) === this.#next);
    this.#left.clear();
    if (next !== undefined && suspect !== undefined) {
      this.#suspects = [next, ...others.filter((each) => each !== next), suspect];
      this.#next = layoutKey(layout);
    } else if (suspect !== undefined && this.#next === layoutKey(layout)) {
      this.#suspects = [];
    } else {
      if (suspect !== undefined) this.#suspects = others;
      this.#left.add(layoutKey(layout));
    }
    return suspect === undefined ? 'keep' : 'begin-anew'; // what one gave alone is not mixed with what the next gives
  }

  /** The blocks matched their root, and the file is another: returns those who vouched for it. */
  condemn(layout: PartLayout): readonly PooledSource[] {
    const key = layoutKey(layout);
    this.#condemned.add(key);
    return this.#pool.all.filter(({ tree }) => tree !== undefined && treeKey(tree) === key);
  }

  /**
   * Pieces without hashes made another file. Whoever gave all of it is to blame, and returned; of several each is tried
   * alone, who gave most first, since that spoils least. `isAllKnown`: nothing was there that nobody knows the giver of.
   * Throws {@link FetchError} when that has happened too often.
   */
  condemnPieces(givers: readonly PooledSource[], isAllKnown: boolean): PooledSource | undefined {
    const [only, ...more] = givers;
    if (only !== undefined && more.length === 0 && isAllKnown) {
      this.#suspects = this.#suspects.filter((each) => each !== only);
      return only;
    }
    this.#mixtures += 1;
    if (this.#mixtures > this.#init.maxMixtures) {
      throw new FetchError('hash-mismatch', 'what came from several sources is not the file asked for');
    }
    this.#suspects = [...givers];
    return undefined;
  }

  /** Those that may be asked, now or soon. */
  get #able(): PooledSource[] {
    return this.#pool.all.filter(({ standing }) => standing.type === 'ready' || standing.type === 'resting');
  }
}

/** What tells the turn of one who is asked alone from others. */
function suspectKey(layout: PartLayout, { jid }: PooledSource): string {
  return `${layoutKey(layout)} ${jid}`;
}
