/**
 * Fetches the blocks of one layout from the sources of a pool: makes the picture that `scheduler.ts` plans by,
 * carries out its moves, and settles what comes. Everything that happens leads to a turn, in which all that is
 * to be decided is decided at once.
 */
import { blockCountOf } from '../../blocks/block-size.js';
import type { BlockList } from '../../blocks/block-tree.js';
import type { Clock, Timer } from '../../clock.js';
import { ActiveRead } from './active-read.js';
import { blockLength, isBlockRight } from './block-check.js';
import { BlockGivers } from './block-givers.js';
import type { Intakes } from './intake.js';
import { ListSearch } from './list-search.js';
import type { PartStore } from './part-store.js';
import { RangeSet, type Span } from './range-set.js';
import { type RangeSource, SourceError } from './range-source.js';
import { type Picture, plan, type SourcePicture } from './scheduler.js';
import { SourcePlaces } from './source-places.js';
import type { PooledSource, SourcePool } from './source-pool.js';
import { treeKey } from './source-sets.js';

/** What a fetch of blocks tells, and what it leaves to others. */
export interface BlockFetchHost {
  /** The source, made when it is first asked. */
  open(source: PooledSource): RangeSource;
  /** A source failed; it rests, or is out, when this returns. */
  failed(source: PooledSource, error: unknown): void;
  /** A source that vouches for these blocks sent a wrong one; it is banned when this returns. */
  lied(source: PooledSource, block: number): void;
  /** A block is settled. */
  settled(block: number): void;
  /** A source that vouches for nothing sent a block that is not that of the others. */
  differed(source: PooledSource, block: number): void;
  /**
   * Nobody can be asked now; `canOthers` when there are sources that could be asked by another layout. Undefined
   * when it is worth waiting.
   */
  isOver(canOthers: boolean): 'left' | 'hopeless' | undefined;
  /** Bytes have come. */
  received(bytes: number): void;
  /** Called now and then while it runs. */
  tick(): void;
}

export interface BlockFetchComponents {
  readonly part: PartStore;
  readonly pool: SourcePool;
  readonly host: BlockFetchHost;
  readonly intakes: Intakes;
  readonly clock: Clock;
}

export interface BlockFetchInit {
  readonly maxActive: number;
  readonly silentMs: number;
  readonly lonelySilentMs: number;
  readonly tickMs: number;
  /** What a source is asked for first. */
  readonly firstBytes: number;
  /** Nobody else is asked: to find out whose bytes are wrong. */
  readonly only?: PooledSource;
}

/**
 * `complete`: all blocks are settled. `left`: those who could give the rest are gone, and others are not. `hopeless`:
 * nobody is left.
 */
export type BlockFetchOutcome = 'complete' | 'left' | 'hopeless';

/** Bytes that pause for longer than that have stalled, for now. */
const STALL_MS = 1500;
/** The same before the first byte of a source that is not known yet: it may be trying several ways to reach us. */
const CONNECT_MS = 3000;
const USUAL_LATENCY_MS = 300;
/** Of a block at least such a part. */
const WORTH_GOING_ON = 16;
/** While nobody can be asked, which may be for days. */
const IDLE_TICK_MS = 10_000;

export class BlockFetch {
  readonly #components: BlockFetchComponents;
  readonly #init: BlockFetchInit;
  readonly #count: number;
  readonly #free = new RangeSet();
  /** Free blocks of which enough is written that it is worth a request of their own; no more than there were reads. */
  readonly #begun = new Set<number>();
  readonly #givers: BlockGivers;
  readonly #places: SourcePlaces;
  readonly #reads = new Map<number, ActiveRead>();
  readonly #ending = new Set<Promise<void>>();
  readonly #runs = new WeakMap<ActiveRead, Promise<void>>();
  /** Who reads a block has to wait for whoever read it before. */
  readonly #writing = new Map<number, Promise<void>>();
  #listSearch: ListSearch | undefined;
  #list: BlockList | undefined;
  #nextId = 0;
  #timer: Timer | undefined;
  /** As of the last tick. */
  #isBusy = false;
  #turnIsDue = false;
  #finish: ((outcome: BlockFetchOutcome) => void) | undefined;
  #fail: (error: unknown) => void = () => undefined;

  constructor(components: BlockFetchComponents, init: BlockFetchInit) {
    this.#components = components;
    this.#init = init;
    const { file, blockBytes, tree } = components.part.layout;
    this.#count = blockCountOf(file.size, blockBytes);
    this.#givers = new BlockGivers(components.part);
    // Where blocks can't be told right from wrong, one source at a time: a wrong byte is then somebody's.
    this.#places = new SourcePlaces({ places: tree === undefined ? 1 : init.maxActive });
    for (const { start, end } of components.part.settled.missing(0, this.#count)) this.#free.add(start, end);
    if (tree === undefined) return;
    this.#listSearch = new ListSearch({
      tree,
      file,
      open: (source) => components.host.open(source),
      onList: (list) => {
        this.#list = list;
        this.#lookAtWritten();
        this.wake();
      },
      onFailure: (source, error) => this.#listFailed(source, error),
    });
  }

  /** The hashes of the blocks, once they are known. */
  get list(): BlockList | undefined {
    return this.#list;
  }

  get underWay(): readonly ActiveRead[] {
    return [...this.#reads.values()];
  }

  /** Bytes of blocks that are not settled. */
  get loose(): number {
    return this.#givers.looseBytes;
  }

  /** Rejects with what the disk could not do. Call `close` afterwards, however it ended. */
  run(): Promise<BlockFetchOutcome> {
    return new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
      if (this.#listSearch === undefined) this.#lookAtWritten();
      this.#tick();
      this.wake();
    });
  }

  /** Stops everything. Resolves when nothing is read or written any more. */
  async close(): Promise<void> {
    this.#finish = undefined;
    this.#timer?.cancel();
    for (const read of this.#reads.values()) read.close();
    await this.#listSearch?.close();
    while (this.#ending.size > 0) await Promise.all(this.#ending);
  }

  /** Something has changed: a source came, or may be asked again. */
  wake(): void {
    if (this.#turnIsDue || this.#finish === undefined) return;
    this.#turnIsDue = true;
    queueMicrotask(() => {
      this.#turnIsDue = false;
      try {
        this.#turn();
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  /** Others have their turn. */
  leave(): void {
    this.#finish?.('left');
  }

  /** Stops with an error. */
  fail(error: Error): void {
    this.#fail(error);
  }

  /** Blocks that an earlier run wrote to their end, and that nobody has looked at since. */
  #lookAtWritten(): void {
    const { part } = this.#components;
    const written: number[] = [];
    for (const { start, end } of this.#free) {
      for (let block = start; block < end; block++) {
        if (part.writtenOf(block) >= blockLength(part, block)) written.push(block);
        else this.#noteBegun(block);
      }
    }
    for (const block of written) this.#free.remove(block, block + 1);
    if (written.length === 0) return;
    const work = this.#settleWritten(written).catch((error: unknown) => this.#fail(error));
    this.#ending.add(work);
    void work.finally(() => {
      this.#ending.delete(work);
      this.wake();
    });
  }

  #noteBegun(block: number): void {
    const { part } = this.#components;
    if (part.writtenOf(block) * WORTH_GOING_ON >= blockLength(part, block)) this.#begun.add(block);
  }

  async #settleWritten(blocks: readonly number[]): Promise<void> {
    const { part, host } = this.#components;
    for (const block of blocks) {
      if (this.#finish === undefined) return;
      // Without hashes of blocks the hash of the whole will say.
      if (this.#list === undefined || (await isBlockRight(part, this.#list, block))) {
        part.settle(block);
        host.settled(block);
      } else {
        part.drop(block);
        this.#free.add(block, block + 1);
      }
      this.wake();
    }
  }

  /** Often while somebody is asked; when nobody can be, as often as it takes to see that somebody can. */
  #tick(): void {
    const { clock, host, pool } = this.#components;
    const nowMs = clock.monotonic();
    this.#isBusy = this.#reads.size > 0 || this.#listSearch?.isAsking === true;
    const idleMs = Math.min(IDLE_TICK_MS, pool.nextReadyMs(nowMs) - nowMs);
    this.#timer?.cancel();
    this.#timer = clock.after(this.#isBusy ? this.#init.tickMs : Math.max(this.#init.tickMs, idleMs), () => {
      this.#tick();
      this.#endSilent();
      host.tick();
      this.wake();
    });
  }

  #turn(): void {
    if (this.#finish === undefined) return;
    const { part, pool, clock, host } = this.#components;
    if (part.settled.size === this.#count) {
      this.#finish('complete');
      return;
    }
    const nowMs = clock.monotonic();
    const usable = pool.all.filter((source) => this.isUsable(source));
    const ready = pool.ready(nowMs).filter((source) => this.isUsable(source));
    if (this.#listSearch !== undefined && this.#list === undefined) {
      this.#listSearch.turn(
        ready.filter((source) => this.#vouches(source)),
        nowMs,
      );
    } else {
      for (const move of plan(this.#picture(this.#seated(ready, nowMs), nowMs))) {
        if (move.type === 'shorten') this.#shorten(move.read, move.end);
        else this.#begin(move.source, move.blocks);
      }
    }
    const isBusy = this.#reads.size > 0 || this.#listSearch?.isAsking === true;
    if (isBusy && !this.#isBusy) this.#tick();
    if (isBusy || this.#ending.size > 0) return;
    if (ready.length > 0 && (this.#list !== undefined || this.#listSearch === undefined)) return;
    const mayHelp = usable.some(({ standing }) => standing.type === 'ready' || standing.type === 'resting');
    const others = pool.all.filter((source) => !usable.includes(source));
    const canOthers = others.some(({ standing }) => standing.type === 'ready' || standing.type === 'resting');
    const over = host.isOver(!mayHelp && canOthers);
    if (over !== undefined) this.#finish(over);
  }

  /** Whether it can give ranges of this layout at all: not one that vouches for other blocks. */
  isUsable(source: PooledSource): boolean {
    const { tree } = this.#components.part.layout;
    if (this.#init.only !== undefined) return source === this.#init.only;
    if (tree === undefined) return true;
    if (this.#list === undefined) return this.#vouches(source);
    return this.#vouches(source) || (source.tree === undefined && !source.differs.has(tree.root));
  }

  #vouches(source: PooledSource): boolean {
    const { tree } = this.#components.part.layout;
    return tree !== undefined && source.tree !== undefined && treeKey(source.tree) === treeKey(tree);
  }

  /** Who is read from now. Whoever has lost the place gives up what it was reading. */
  #seated(ready: readonly PooledSource[], nowMs: number): readonly PooledSource[] {
    const busy = new Set([...this.#reads.values()].map(({ source }) => source));
    const idle = ready.filter((source) => !busy.has(source));
    const rested = idle.filter(({ idleUntilMs }) => idleUntilMs <= nowMs);
    const spare = rested.length > 0 || busy.size > 0 ? rested : idle;
    const { part } = this.#components;
    const leftBytes = (this.#count - part.settled.size) * part.layout.blockBytes;
    const seated = this.#places.holders([...busy, ...spare], leftBytes, nowMs);
    for (const read of [...this.#reads.values()]) if (!seated.includes(read.source)) this.#giveUp(read);
    return seated;
  }

  #picture(seated: readonly PooledSource[], nowMs: number): Picture {
    const { file, blockBytes } = this.#components.part.layout;
    const reads = [...this.#reads.values()];
    return {
      fileBytes: file.size,
      blockBytes,
      firstBytes: this.#init.firstBytes,
      free: this.#free,
      begun: this.#begun,
      sources: seated.map((source) => this.#sourcePicture(source, reads, nowMs)),
    };
  }

  #sourcePicture(source: PooledSource, all: readonly ActiveRead[], nowMs: number): SourcePicture {
    const bytesPerMs = source.rate.at(nowMs);
    const reads = all.filter((read) => read.source === source);
    const mayBeAsked = source.standing.type === 'ready' && this.isUsable(source);
    return {
      id: source.id,
      ...(bytesPerMs !== undefined && { bytesPerMs }),
      latencyMs: source.latencyMs ?? USUAL_LATENCY_MS,
      maxReads: mayBeAsked ? (source.source?.maxReads ?? 2) : 0,
      reads: reads.map((read) => ({
        id: read.id,
        ...read.blocks,
        into: read.into,
        startsInMs: this.#startsInMs(read, nowMs),
      })),
    };
  }

  #startsInMs(read: ActiveRead, nowMs: number): number {
    const { source } = read;
    const latencyMs = source.latencyMs ?? USUAL_LATENCY_MS;
    if (read.startedAtMs !== undefined) {
      return nowMs - read.heardAtMs < STALL_MS + 2 * latencyMs ? 0 : Infinity;
    }
    if (source.source?.state.type === 'queued') return Infinity;
    // As soon as may be, until it is overdue: else two that wait would take each other's blocks in turn.
    const overdueMs = source.latencyMs === undefined ? CONNECT_MS : STALL_MS + 3 * latencyMs;
    const ageMs = nowMs - read.askedAtMs;
    return ageMs < overdueMs ? Math.max(1, latencyMs - ageMs) : Infinity;
  }

  #begin(sourceId: number, blocks: Span): void {
    const { pool, host } = this.#components;
    const source = pool.all.find(({ id }) => id === sourceId);
    if (source === undefined) return;
    this.#free.remove(blocks.start, blocks.end);
    for (const block of this.#begun)
      if (block >= blocks.start && block < blocks.end) this.#begun.delete(block);
    const read = new ActiveRead(this.#components, {
      id: this.#nextId++,
      source,
      blocks,
      goesOn: this.#givers.mayGoOn(blocks.start),
      onBytes: (from, block, bytes) => this.#onBytes(from, block, bytes),
      onBlock: (from, block, sha256) => this.#onBlock(from, block, sha256),
      onFailure: (error) => this.#fail(error),
    });
    this.#reads.set(read.id, read);
    const rangeSource = host.open(source);
    rangeSource.onState = () => this.wake();
    const run = read.run(rangeSource, this.#writing.get(blocks.start)).then(
      () => this.#ended(read, undefined),
      (error: unknown) => this.#ended(read, error),
    );
    this.#ending.add(run);
    void run.finally(() => {
      this.#ending.delete(run);
      this.wake();
    });
    this.#runs.set(read, run);
  }

  #shorten(id: number, end: number): void {
    const read = this.#reads.get(id);
    if (read === undefined) return;
    const { start } = read.blocks;
    read.shorten(end);
    if (end > start) return;
    this.#components.pool.robbed(read.source, this.#components.clock.monotonic());
    this.#letGo(read, start);
  }

  /** What it was reading is free for others at once. */
  #giveUp(read: ActiveRead): void {
    const { start, end } = read.blocks;
    read.close();
    this.#letGo(read, start);
    this.#free.add(start, end);
    if (start < end) this.#noteBegun(start);
  }

  /** It may not have ended: who reads its block next waits for that. */
  #letGo(read: ActiveRead, block: number): void {
    const run = this.#runs.get(read);
    if (run === undefined) return;
    this.#writing.set(block, run);
    void run.finally(() => {
      if (this.#writing.get(block) === run) this.#writing.delete(block);
    });
    this.#drop(read);
  }

  /** It is not under way any more, although it may not have ended. */
  #drop(read: ActiveRead): void {
    if (!this.#reads.delete(read.id)) return;
    const { source } = read;
    const others = [...this.#reads.values()].some(
      (each) => each.source === source && each.startedAtMs !== undefined,
    );
    if (!others) source.rate.pause(this.#components.clock.monotonic());
  }

  #onBytes(read: ActiveRead, block: number, bytes: number): void {
    const { source } = read;
    const nowMs = this.#components.clock.monotonic();
    if (!this.#givers.hasOf(read)) {
      const latencyMs = nowMs - read.askedAtMs;
      source.latencyMs = source.latencyMs === undefined ? latencyMs : (source.latencyMs + latencyMs) / 2;
    }
    source.rate.add(bytes, nowMs);
    this.#givers.gave(read, block, bytes);
    this.#components.host.received(bytes);
  }

  #onBlock(read: ActiveRead, block: number, sha256: Uint8Array): void {
    const { part, pool, host } = this.#components;
    if (this.#finish === undefined) return;
    const isRight = this.#list === undefined || Buffer.compare(this.#list.hashOf(block), sha256) === 0;
    if (isRight) {
      for (const [source, bytes] of this.#givers.settle(block)) {
        source.keptBytes += bytes;
        pool.brought(source);
      }
      part.settle(block);
      host.settled(block);
    } else {
      const { source, alone } = this.#givers.wrong(block, read.source);
      part.drop(block);
      this.#free.add(block, block + 1);
      if (alone) this.#blame(source, block);
    }
    this.wake();
  }

  /** A wrong block that is all its own. Only who vouches for the blocks has lied; others may have another file. */
  #blame(source: PooledSource, block: number): void {
    const { host, part } = this.#components;
    if (this.#vouches(source)) {
      host.lied(source, block);
    } else {
      const { root } = part.layout.tree ?? {};
      if (root !== undefined) source.differs.add(root);
      host.differed(source, block);
    }
    for (const read of this.#reads.values()) if (read.source === source) read.close();
  }

  #ended(read: ActiveRead, error: unknown): void {
    const { host } = this.#components;
    const wasUnderWay = this.#reads.has(read.id);
    this.#drop(read);
    read.source.wastedBytes += read.surplusBytes;
    if (wasUnderWay) {
      const { start, end } = read.blocks;
      if (read.source.standing.type === 'banned') this.#givers.distrust(start, read.source);
      this.#free.add(start, end);
      if (start < end) this.#noteBegun(start);
    }
    if (error !== undefined && this.#finish !== undefined) host.failed(read.source, error);
  }

  #listFailed(source: PooledSource, error: unknown): void {
    // A source that has no list may well have the file; it only vouches for nothing any more.
    if (error instanceof SourceError && (error.code === 'not-available' || error.code === 'refused'))
      source.tree = undefined;
    else this.#components.host.failed(source, error);
    this.wake();
  }

  #endSilent(): void {
    const nowMs = this.#components.clock.monotonic();
    const reads = [...this.#reads.values()];
    const ready = this.#components.pool.ready(nowMs).filter((source) => this.isUsable(source));
    for (const read of reads) {
      if (!read.isOpen || read.source.source?.state.type === 'queued') continue;
      const isLonely = ready.every((source) => source === read.source);
      const mostMs = isLonely ? this.#init.lonelySilentMs : this.#init.silentMs;
      if (nowMs - read.heardAtMs < mostMs) continue;
      this.#components.host.failed(
        read.source,
        new SourceError('silent', `nothing came for ${Math.round(mostMs / 1000)} seconds`),
      );
      for (const each of reads) if (each.source === read.source) each.close();
    }
  }
}
