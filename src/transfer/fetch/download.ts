/**
 * Fetches one file from everybody who has it, a range from each at a time: finds sources, chooses the blocks to
 * fetch it by, and gives the target's name to bytes that have the hash asked for, and to no others. What may
 * come next is decided by `scheduler.ts`, carried out by `block-fetch.ts`.
 */
import { MIN_BLOCK_BYTES } from '../../blocks/block-size.js';
import { sleep } from '../../clock.js';
import { AbortedError } from '../../errors.js';
import { dropDamaged, isBegun } from './block-check.js';
import { BlockFetch, type BlockFetchHost } from './block-fetch.js';
import { DiskError } from './disk-error.js';
import type { DownloadEvent } from './download-events.js';
import type {
  DownloadComponents,
  DownloadHashing,
  DownloadInit,
  DownloadRequest,
} from './download-request.js';
import { DownloadSources } from './download-sources.js';
import { progressOf } from './download-view.js';
import { EventQueue } from './event-queue.js';
import { FetchError } from './fetch-request.js';
import type { Intakes } from './intake.js';
import { LayoutPlan } from './layout-plan.js';
import { LayoutTurns } from './layout-turns.js';
import type { PartLayout, PartStore } from './part-store.js';
import { RangeSet } from './range-set.js';
import { type RangeSource, SourceError } from './range-source.js';
import { RateEstimate } from './rate-estimate.js';
import type { PooledSource, SourcePool } from './source-pool.js';
import { SourceSearch } from './source-search.js';
import { pieceBytesOf } from './source-sets.js';
import { systemIntakes } from './thread-intake.js';
import { systemWholeHash } from './thread-whole-hash.js';
import { whileWanted } from './while-wanted.js';
import type { WholeHash } from './whole-hash.js';

export const DOWNLOAD_DEFAULTS: DownloadInit = {
  maxActive: 32, // each takes some megabytes at most; more would share the same line
  maxSources: 512,
  silentMs: 20_000, // the last blocks are taken from a source long before
  lonelySilentMs: 120_000, // it may be trying several ways to reach us
  maxFailures: 3,
  retryDelayMs: 1000,
  findIntervalMs: 5000,
  progressIntervalMs: 200,
  closeGraceMs: 2000,
  firstBytes: 1 << 20,
  minBlockBytes: MIN_BLOCK_BYTES,
};

const TICK_MS = 200;
/** Before anything is begun it is looked so often whether anybody was found. */
const WAIT_MS = 500;
/** How long those who can go on with what is here may stay away before it is begun anew with others. */
const GRACE_MS = 10_000;
/** A disk that damages what it was given more often than that is no place for a file. */
const MAX_DAMAGES = 3;

/**
 * Yields what happens, `done` last. Throws {@link FetchError} or AbortedError. Whoever stops listening ends the
 * download; what has come stays in the `.part`.
 */
export async function* download(
  components: DownloadComponents,
  request: DownloadRequest,
  init: Partial<DownloadInit> = {},
  signal?: AbortSignal,
): AsyncGenerator<DownloadEvent, void, undefined> {
  if (signal?.aborted) throw new AbortedError('the download was aborted');
  const all = new Download(components, request, { ...DOWNLOAD_DEFAULTS, ...init });
  const onAbort = () => all.stop();
  signal?.addEventListener('abort', onAbort, { once: true });
  const work = all.run();
  work.catch(() => undefined); // it is awaited below
  try {
    yield* all.events;
    await work;
  } finally {
    all.stop();
    signal?.removeEventListener('abort', onAbort);
    await work.catch(() => undefined); // its error was thrown above, or nobody listens any more
  }
}

type Verdict = 'right' | 'damaged' | 'condemned';

class Download implements BlockFetchHost {
  readonly events = new EventQueue();
  readonly #components: DownloadComponents;
  readonly #hashing: DownloadHashing;
  readonly #request: DownloadRequest;
  readonly #init: DownloadInit;
  readonly #sources: DownloadSources;
  readonly #pool: SourcePool;
  readonly #search: SourceSearch | undefined;
  readonly #stop = new AbortController();
  readonly #rate = new RateEstimate();
  readonly #plan: LayoutPlan;
  readonly #turns = new LayoutTurns();
  /** Bytes that some layout has taken for right. */
  #perhaps = new RangeSet();
  #part: PartStore | undefined;
  #intakes: Intakes | undefined;
  #fetch: BlockFetch | undefined;
  #whole: WholeHash | undefined;
  #resumedBytes = 0;
  /** Whether an earlier run had left something, of which there is no telling who gave it. */
  #wasBegun = false;
  #idleSinceMs: number | undefined;
  #shownAtMs = Number.NEGATIVE_INFINITY;

  constructor(components: DownloadComponents, request: DownloadRequest, init: DownloadInit) {
    this.#components = components;
    this.#hashing = components.hashing ?? { intakes: systemIntakes, whole: systemWholeHash };
    this.#request = request;
    this.#init = init;
    this.#sources = new DownloadSources(
      { ...components, events: this.events },
      { ...init, file: request.file, isPatient: this.#waitMs > 0 },
    );
    this.#pool = this.#sources.pool;
    const pieceBytes = pieceBytesOf(request.file.size, init.minBlockBytes);
    this.#plan = new LayoutPlan(this.#pool, {
      file: request.file,
      pieceBytes,
      maxMixtures: init.maxFailures,
    });
    const { finder } = components;
    this.#search =
      finder &&
      new SourceSearch(
        { ...components, finder },
        {
          file: request.file,
          intervalMs: init.findIntervalMs,
          onFound: (found) => {
            this.#sources.found(found);
            this.#fetch?.wake();
          },
          onRound: () => this.#fetch?.wake(),
        },
      );
  }

  /** Ends it soon; `run` rejects, unless it is over. */
  stop(): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    // Whoever interrupts it is told what is there.
    if (this.#part !== undefined) this.#show();
    this.#fetch?.fail(new AbortedError('the download was aborted'));
  }

  async run(): Promise<void> {
    try {
      for (const found of this.#request.sources) this.#sources.found(found);
      this.#search?.askAfter(this.#pool.hasHope ? this.#init.findIntervalMs : 0);
      while (!(await this.#fetchBy(await this.#nextLayout())));
    } catch (error) {
      if (this.#stop.signal.aborted) throw new AbortedError('the download was aborted', { cause: error });
      throw error;
    } finally {
      await this.#close();
      this.events.end();
    }
  }

  // What BlockFetch tells.

  open(source: PooledSource): RangeSource {
    return this.#sources.open(source);
  }

  failed(source: PooledSource, error: unknown): void {
    this.#sources.failed(source, error);
  }

  lied(source: PooledSource, block: number): void {
    const error = new SourceError('changed', `it sent a wrong block ${block}`);
    this.#sources.strike(source, 'wrong-block', error, block);
  }

  differed(source: PooledSource, block: number): void {
    this.#sources.differed(source, block);
  }

  settled(): void {
    const part = this.#part;
    if (part === undefined) return;
    const first = part.settled.spans[0];
    if (first?.start === 0) this.#whole?.extend(Math.min(this.#size, first.end * part.layout.blockBytes));
  }

  received(bytes: number): void {
    this.#idleSinceMs = undefined;
    this.#turns.received(bytes);
    this.#rate.add(bytes, this.#components.clock.monotonic());
  }

  tick(): void {
    const nowMs = this.#components.clock.monotonic();
    if (nowMs - this.#shownAtMs >= this.#init.progressIntervalMs) this.#show();
    const { layout } = this.#part ?? {};
    if (layout === undefined || this.#fetch === undefined) return;
    const leftBytes = this.#size - this.#settledBytes;
    const key = this.#plan.turnKey(layout);
    const isUsable = (source: PooledSource) => this.#fetch?.isUsable(source) !== false;
    const next = this.#turns.next(key, () => this.#plan.othersThan(layout, isUsable), leftBytes, nowMs);
    if (next === undefined && this.#request.isDoubted && this.#turns.isHopeless(key, leftBytes))
      this.#fetch.fail(new FetchError('no-source-left', 'it hardly comes, and others tell another size'));
    if (next === undefined) return;
    this.#plan.giveTurn(next);
    this.#fetch.leave();
  }

  isOver(canOthers: boolean): 'left' | 'hopeless' | undefined {
    const nowMs = this.#components.clock.monotonic();
    if (this.#idleSinceMs === undefined) {
      this.#idleSinceMs = nowMs;
      this.#search?.hurry();
      if (this.#waitMs > 0) {
        this.#show(); // all that came is told before; what is told later has come later
        this.events.push({ type: 'waiting', forMs: this.#waitMs });
      }
    }
    const idleMs = nowMs - this.#idleSinceMs;
    if (canOthers && (this.#search === undefined || idleMs >= GRACE_MS)) return 'left';
    if (this.#waitMs > 0) return idleMs >= this.#waitMs ? 'hopeless' : undefined;
    if (this.#pool.hasHope) return undefined;
    return this.#search === undefined || this.#hasAskedSince(this.#idleSinceMs) ? 'hopeless' : undefined;
  }

  #hasAskedSince(sinceMs: number): boolean {
    return this.#search !== undefined && !this.#search.isAsking && this.#search.askedAtMs >= sinceMs;
  }

  // One layout after another.

  async #nextLayout(): Promise<PartLayout> {
    const { parts, clock } = this.#components;
    const { file, target } = this.#request;
    const kept = await parts.kept(target, file);
    for (;;) {
      const layout = this.#plan.choose(kept);
      if (layout !== undefined) return layout;
      if (this.isOver(false) !== undefined) throw this.#sources.noneLeft();
      this.tick();
      await sleep(clock, WAIT_MS, this.#stop.signal);
    }
  }

  /** True when the file is there; false when it has to be tried by another layout. */
  async #fetchBy(layout: PartLayout): Promise<boolean> {
    const { target, overwrite, modifiedMs, file } = this.#request;
    const perhaps = layout.tree !== undefined && this.#perhaps.size > 0 ? this.#perhaps : undefined;
    const part = await this.#components.parts.open({
      ...layout,
      target,
      overwrite,
      ...(perhaps !== undefined && { perhaps }),
    });
    this.#part = part;
    let isOver = false;
    let isDisk = false;
    try {
      this.#resumedBytes = this.#settledBytes;
      this.#wasBegun = isBegun(part);
      this.#idleSinceMs = undefined;
      this.#turns.begin(this.#components.clock.monotonic());
      for (let damages = 0; ; damages++) {
        const outcome = await this.#fetchBlocks(part);
        if (outcome === 'hopeless') throw this.#sources.noneLeft();
        if (outcome === 'left') {
          for (const { start, end } of part.settled)
            this.#perhaps.add(start * layout.blockBytes, end * layout.blockBytes);
          isOver = this.#plan.leave(layout) === 'begin-anew';
          if (isOver) await this.#discard(part);
          return false;
        }
        this.events.push({ type: 'verifying' });
        const verdict = await this.#verify(part);
        if (verdict === 'right') break;
        if (verdict === 'condemned') {
          isOver = true;
          await this.#discard(part);
          return false;
        }
        if (damages === MAX_DAMAGES)
          throw new DiskError('not-writable', `the disk damages what is written to ${target}`);
      }
      await this.#closeFetch(); // nothing is written to it any more; it is right, whoever interrupts now
      await part.commit({ ...(modifiedMs !== undefined && { modifiedMs }) });
      isOver = true;
      this.#show();
      this.#done(file.size);
      return true;
    } catch (error) {
      isDisk = error instanceof DiskError;
      throw error;
    } finally {
      await this.#closeFetch();
      this.#part = undefined;
      const isKept = isDisk || part.settled.size > 0 || this.#stop.signal.aborted;
      const isWorthless = this.#request.isDoubted && !isKept;
      if (!isOver) await (isWorthless ? part.discard() : part.close());
    }
  }

  async #fetchBlocks(part: PartStore) {
    await this.#closeFetch();
    const { clock } = this.#components;
    const { tree, file } = part.layout;
    const only = this.#plan.onlySource(part.layout);
    // The only block of a file has been checked by its own hash, which is that of the file.
    const isProved = tree?.count === 1 && tree.root === file.hash.value && file.hash.algo === tree.algo;
    this.#whole = isProved ? undefined : this.#hashing.whole(part, file.hash.algo);
    this.settled();
    const intakes = this.#hashing.intakes(part, clock);
    this.#intakes = intakes;
    this.#fetch = new BlockFetch(
      { part, pool: this.#pool, host: this, intakes, clock },
      { ...this.#init, tickMs: TICK_MS, ...(only !== undefined && { only }) },
    );
    const run = this.#fetch.run();
    if (this.#stop.signal.aborted) this.#fetch.fail(new AbortedError('the download was aborted'));
    this.#show();
    return run;
  }

  async #verify(part: PartStore): Promise<Verdict> {
    const { hash } = this.#request.file;
    const actual = this.#whole && (await whileWanted(this.#whole.value(), this.#stop.signal));
    if (actual === undefined || actual.value === hash.value) return 'right';
    const list = this.#fetch?.list;
    if (list !== undefined && (await dropDamaged(part, list, this.#stop.signal)) > 0) {
      this.#components.log.warn({ part: part.path }, 'the disk has damaged blocks: they are fetched again');
      return 'damaged';
    }
    this.#stop.signal.throwIfAborted();
    if (part.layout.tree === undefined) this.#condemnPieces();
    else if (list !== undefined) this.#condemn(part.layout, list.root);
    return 'condemned'; // without a list it is all from before, and nobody is to blame
  }

  #condemn(layout: PartLayout, root: string): void {
    const vouched = this.#plan.condemn(layout);
    this.events.push({
      type: 'condemned',
      root: { algo: 'sha-256', value: root },
      jids: vouched.map(({ jid }) => jid),
    });
    const error = new SourceError('changed', 'the blocks that it names are those of another file');
    for (const source of vouched) this.#sources.strike(source, 'false-root', error);
  }

  /** Of a file without hashes of blocks. */
  #condemnPieces(): void {
    const givers = this.#pool.all.filter(({ keptBytes }) => keptBytes > 0);
    givers.sort((a, b) => b.keptBytes - a.keptBytes);
    this.events.push({ type: 'condemned', jids: givers.map(({ jid }) => jid) });
    for (const giver of givers) {
      giver.wastedBytes += giver.keptBytes;
      giver.keptBytes = 0;
    }
    const liar = this.#plan.condemnPieces(givers, !this.#wasBegun);
    if (liar === undefined) return;
    const error = new SourceError('changed', 'what it sent is not the file asked for');
    this.#sources.strike(liar, 'wrong-file', error);
  }

  async #discard(part: PartStore): Promise<void> {
    await this.#closeFetch();
    await part.discard();
    this.#perhaps = new RangeSet();
  }

  // The end.

  async #closeFetch(): Promise<void> {
    await this.#fetch?.close();
    this.#fetch = undefined;
    await this.#intakes?.close();
    this.#intakes = undefined;
    await this.#whole?.close();
    this.#whole = undefined;
  }

  async #close(): Promise<void> {
    this.#stop.abort();
    await this.#search?.stop();
    await this.#sources.close();
  }

  #done(bytes: number): void {
    const sources = this.#pool.all
      .filter(({ keptBytes }) => keptBytes > 0)
      .map(({ jid, keptBytes }) => ({ jid, keptBytes }))
      .sort((a, b) => b.keptBytes - a.keptBytes);
    const { target, file } = this.#request;
    this.events.push({ type: 'done', path: target, bytes, hash: file.hash, sources });
  }

  #show(): void {
    const { clock } = this.#components;
    const nowMs = clock.monotonic();
    this.#shownAtMs = nowMs;
    this.events.push(
      progressOf({
        totalBytes: this.#size,
        resumedBytes: this.#resumedBytes,
        rate: this.#rate,
        sources: this.#pool.all,
        strikesOf: (source) => this.#sources.strikesOf(source),
        ...(this.#part && { part: this.#part }),
        ...(this.#fetch && { fetch: this.#fetch }),
        nowMs,
      }),
    );
  }

  get #settledBytes(): number {
    const { settled, layout } = this.#part ?? {};
    if (settled === undefined || layout === undefined) return 0;
    let bytes = 0;
    for (const { start, end } of settled)
      bytes += Math.min(end * layout.blockBytes, this.#size) - start * layout.blockBytes;
    return bytes;
  }

  get #size(): number {
    return this.#request.file.size;
  }

  get #waitMs(): number {
    return this.#request.waitMs ?? 0;
  }
}
