/**
 * The sources of one download towards everything around it: opens and closes them, says what becomes of them, gives
 * strikes and keeps to those of other downloads. Who is asked for what is decided elsewhere.
 */
import type { Clock } from '../../clock.js';
import { messageOf } from '../../errors.js';
import type { Log } from '../../log.js';
import type { StrikeReason } from './download-events.js';
import type { EventQueue } from './event-queue.js';
import { FetchError } from './fetch-request.js';
import {
  type FoundSource,
  type RangeSource,
  type RangeSources,
  SourceError,
  type WantedFile,
} from './range-source.js';
import { fateOf } from './source-fate.js';
import { type PooledSource, SourcePool, type SourcePoolInit } from './source-pool.js';
import { isSoundTree, setsOf, treeKey } from './source-sets.js';
import type { Strikes } from './strikes.js';

export interface DownloadSourcesComponents {
  readonly sources: RangeSources;
  readonly strikes: Strikes;
  readonly events: EventQueue;
  readonly clock: Clock;
  readonly log: Log;
}

export interface DownloadSourcesInit extends SourcePoolInit {
  readonly file: WantedFile;
  readonly minBlockBytes: number;
  readonly closeGraceMs: number;
}

export class DownloadSources {
  readonly pool: SourcePool;
  readonly #components: DownloadSourcesComponents;
  readonly #init: DownloadSourcesInit;
  /** Blocks that were spoken of: the first, and those that differ. */
  readonly #toldBlocks = new Set<string>();
  readonly #closing = new Set<Promise<void>>();

  constructor(components: DownloadSourcesComponents, init: DownloadSourcesInit) {
    this.#components = components;
    this.#init = init;
    this.pool = new SourcePool(init);
  }

  found(found: FoundSource): void {
    const { strikes, events, clock, log } = this.#components;
    const { file, minBlockBytes } = this.#init;
    const { jid, path, tree } = found;
    const isSound = tree !== undefined && isSoundTree(tree, file, minBlockBytes);
    if (tree !== undefined && !isSound) log.info({ jid }, 'blocks that can not be those of the file');
    const forgotten = this.pool.makeRoom(jid);
    if (forgotten !== undefined) this.#close(forgotten);
    const source = this.pool.found(found, isSound ? tree : undefined, clock.monotonic());
    if (source === undefined) return;
    events.push({ type: 'source-found', jid, ...(path !== undefined && { path }) });
    if (strikes.isBarred(jid, file.hash)) {
      this.pool.ban(source, new SourceError('changed', 'it sent wrong bytes before'));
    }
    this.#tellOtherBlocks();
  }

  open(source: PooledSource): RangeSource {
    source.source ??= this.#components.sources.open(source.found, this.#init.file);
    return source.source;
  }

  failed(source: PooledSource, error: unknown): void {
    const { events, clock, log } = this.#components;
    const { jid } = source;
    const failure = error instanceof Error ? error : new Error(messageOf(error));
    const fate = fateOf(error);
    const retryMs = this.pool.failed(source, failure, fate, clock.monotonic());
    log.info({ jid, error: failure.message, retryMs }, 'source failed');
    events.push({ type: 'source-failed', jid, error: failure, ...(retryMs !== undefined && { retryMs }) });
    if (fate.strike !== undefined) this.strike(source, fate.strike, failure);
    else if (retryMs === undefined) this.#close(source);
  }

  /** It sent a block that is not that of those who vouch for the blocks, and vouches for none itself. */
  differed({ jid }: PooledSource, block: number): void {
    const error = new SourceError('changed', `its block ${block} is not that of the others`);
    this.#components.log.info({ jid, block }, error.message);
    this.#components.events.push({ type: 'source-failed', jid, error });
  }

  /** It is named, and not asked for this file again; nor is anybody of the same address. */
  strike(source: PooledSource, why: StrikeReason, error: Error, block?: number): void {
    const { strikes, events, clock, log } = this.#components;
    const { jid } = source;
    const { hash } = this.#init.file;
    strikes.strike(jid, hash, why, clock.now());
    log.warn({ jid, why, block }, 'a source sent something wrong');
    events.push({
      type: 'strike',
      jid,
      why,
      ...(block !== undefined && { block }),
      strikes: strikes.countOf(jid),
      forGood: strikes.isBarredForGood(jid),
    });
    for (const each of this.pool.all) {
      if (each !== source && !strikes.isBarred(each.jid, hash)) continue;
      this.pool.ban(each, error);
      this.#close(each);
    }
  }

  strikesOf({ jid }: PooledSource): number {
    return this.#components.strikes.countOf(jid);
  }

  /** Why nobody could give the file. */
  noneLeft(): FetchError {
    const { all, leftOut } = this.pool;
    const { strikes, log } = this.#components;
    if (leftOut > 0) log.warn({ leftOut }, 'sources were left out: there were too many');
    if (all.length === 0) return new FetchError('no-source-left', 'nobody is known to have the file');
    const failures = all.flatMap(({ jid, error }) => (error === undefined ? [] : [{ jid, error }]));
    const reasons = failures.map(({ jid, error }) => `${jid}: ${error.message}`).join('; ');
    const isWrong = failures.some(({ jid }) => strikes.isBarred(jid, this.#init.file.hash));
    const code = isWrong ? 'hash-mismatch' : 'no-source-left';
    return new FetchError(code, `no source could give the file: ${reasons}`, { failures });
  }

  /** Lets all of them hear that it is over, but does not wait long for one that has gone. */
  async close(): Promise<void> {
    for (const source of this.pool.all) this.#close(source);
    await new Promise<void>((resolve) => {
      const timer = this.#components.clock.after(this.#init.closeGraceMs, resolve);
      void Promise.allSettled(this.#closing).then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #close(pooled: PooledSource): void {
    const { source } = pooled;
    pooled.source = undefined;
    if (source === undefined) return;
    source.onState = undefined;
    const end = source.close();
    this.#closing.add(end);
    void end.finally(() => this.#closing.delete(end));
  }

  /** Says once of each root that it is not the first. */
  #tellOtherBlocks(): void {
    for (const { tree, members } of setsOf(this.pool.all)) {
      const key = treeKey(tree);
      if (this.#toldBlocks.has(key)) continue;
      this.#toldBlocks.add(key);
      if (this.#toldBlocks.size === 1) continue;
      const root = { algo: tree.algo, value: tree.root };
      this.#components.events.push({ type: 'other-blocks', root, jids: members.map(({ jid }) => jid) });
    }
  }
}
