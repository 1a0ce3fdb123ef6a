/**
 * Keeps the catalogue like the folders. At first everything is walked; then the watcher says
 * where to look, and now and then everything is walked again, because a watcher misses things.
 * The scan alone decides what is offered.
 */
import { setMaxListeners } from 'node:events';
import type { CatalogueChange, FileEntry } from '../catalogue/file-entry.js';
import type { FileStamp } from '../catalogue/file-stamp.js';
import type { ShareConfig } from '../catalogue/share.js';
import { type FullPath, parentOf, type ShareRelativePath } from '../catalogue/share-path.js';
import type { StoreChange, StoredFile } from '../catalogue/store.js';
import { type Clock, sleep, type Timer } from '../clock.js';
import { AbortedError, messageOf } from '../errors.js';
import type { FileSystem } from '../fs/file-system.js';
import type { HashJob } from '../hashing/hash-job.js';
import type { Log } from '../log.js';
import type { Startable } from '../startable.js';
import type { FindingContext } from './known-file.js';
import type { Finding, LookRequest } from './listing.js';
import { LookSchedule } from './look-schedule.js';
import { MovedFiles } from './moved-files.js';
import { ScanReport } from './scan-report.js';
import { emptyOutcome, type Outcome, ShareTree } from './share-tree.js';
import type { LookPriority } from './walk-loop.js';
import type { Walker } from './walker.js';
import type { Watcher } from './watcher.js';

/** Where the scanner's results go. */
export interface ScanSink {
  /** Called in the order of what happened. The scan waits for the result before it goes far ahead. */
  apply(changes: readonly CatalogueChange[], stored: readonly StoreChange[]): Promise<void>;
  /** What is offered now, for what has to be found out at the end of the first scan. */
  entries(): Iterable<FileEntry>;
  writeRoot(share: string, identity: string): Promise<void>;
}

export interface ScannerComponents {
  readonly walker: Pick<Walker, 'look'>;
  readonly watcher: Pick<Watcher, 'watch' | 'forget' | 'settled' | 'retry' | 'unwatched'>;
  readonly fs: Pick<FileSystem, 'realPath'>;
  readonly sink: ScanSink;
  readonly clock: Clock;
  readonly log: Log;
}

export interface ScannerInit {
  readonly shares: readonly ShareConfig[];
  /** How long size and date of a file must stay as they are before it is offered. */
  readonly quietMs: number;
  /** From the end of one scan of everything to the next; longer where a scan takes long. */
  readonly rescanMs: number;
  /** The same while there are folders that cannot be watched. */
  readonly unwatchedRescanMs: number;
}

/** How a share is. */
export interface ShareStatus {
  readonly share: string;
  /** False while its folder is not there, or not mounted. */
  readonly available: boolean;
  readonly folders: number;
  /** Left out in the last scan of everything. */
  readonly unreadable: number;
  readonly special: number;
  readonly outside: number;
}

interface ScannedShare {
  readonly index: number;
  readonly config: ShareConfig;
  readonly tree: ShareTree;
  readonly schedule: LookSchedule;
  /** The folder, links resolved; as of the last scan. */
  root: string;
  unavailable: string | undefined;
  report: ScanReport;
  storedRoot: string | undefined;
}

/** Looks under way at once. The walker does one after the other; this bounds what waits in it. */
const MAX_LOOKS = 64;
/** A scan of everything takes at most a twentieth of the time. */
const REST = 20;
/** How often it is tried whether a share that was not there has come back. */
const RETURN_MS = 10_000;

export class Scanner implements Startable {
  readonly #components: ScannerComponents;
  readonly #init: ScannerInit;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #shares: readonly ScannedShare[];
  readonly #moved = new MovedFiles();
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  #scanned: 'first' | 'later' = 'first';
  #looks = 0;
  #lookTimer: Timer | undefined;
  #scanTimer: Timer | undefined;
  #scan: Promise<void> | undefined;

  constructor(components: ScannerComponents, init: ScannerInit) {
    this.#components = components;
    this.#init = init;
    this.#log = components.log;
    this.#clock = components.clock;
    setMaxListeners(0, this.#stopping.signal); // one a look, and looks are bounded
    this.#shares = init.shares.map((config, index) => ({
      index,
      config,
      tree: new ShareTree({ moved: this.#moved }, { share: config.name, quietMs: init.quietMs }),
      schedule: new LookSchedule(),
      root: config.path,
      unavailable: undefined,
      report: new ScanReport(),
      storedRoot: undefined,
    }));
  }

  /** Does nothing: {@link scan} is the beginning, once what is stored has been given to {@link remember}. */
  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#lookTimer?.cancel();
    this.#scanTimer?.cancel();
    await Promise.allSettled(this.#running);
  }

  /** Takes over stored rows. False for a row of a share that there is no more. */
  remember(file: StoredFile): boolean {
    const found = this.#find(file.key);
    found?.share.tree.remember(found.path, file);
    return found !== undefined;
  }

  rememberRoot(shareName: string, identity: string): void {
    for (const share of this.#shares) {
      if (share.config.name !== shareName) continue;
      share.tree.rootIdentity = identity;
      share.storedRoot = identity;
    }
  }

  /**
   * Walks everything now; the first time it also waits until files that are new at that moment have
   * been quiet. While a scan is under way it resolves with the next one. Rejects with
   * {@link AbortedError}.
   */
  scan(): Promise<void> {
    const before = this.#scan;
    const scan =
      before === undefined ? this.#scanAll() : before.catch(() => undefined).then(() => this.#scanAll());
    this.#scan = scan;
    const own = scan.finally(() => {
      if (this.#scan === scan) this.#scan = undefined;
    });
    this.#own(own);
    return own;
  }

  status(): ShareStatus[] {
    return this.#shares.map(({ config, tree, unavailable, report }) => ({
      share: config.name,
      available: unavailable === undefined,
      folders: tree.folderCount,
      ...report.skipped,
    }));
  }

  /** What is needed to read a file that is offered; undefined for others. */
  locate(key: FullPath): HashJob | undefined {
    const found = this.#find(key);
    const stamp = found?.share.tree.stampOf(found.path);
    if (found === undefined || stamp === undefined) return undefined;
    const { path, followSymlinks } = found.share.config;
    return { share: { path, followSymlinks }, path: found.path as ShareRelativePath, stamp };
  }

  /** The entry with its hash; undefined when the file is no longer the one that was hashed. */
  setHash(key: FullPath, stamp: FileStamp, sha256: string): FileEntry | undefined {
    const found = this.#find(key);
    return found?.share.tree.setHash(found.path, stamp, sha256);
  }

  /** The file could not be read: it is withdrawn until it changes. */
  setUnreadable(key: FullPath): CatalogueChange[] {
    const found = this.#find(key);
    const outcome = emptyOutcome();
    found?.share.tree.setUnreadable(found.path, outcome);
    return outcome.changes;
  }

  /** Something is the matter with this file: look at its folder soon. */
  lookAt(key: FullPath): void {
    const found = this.#find(key);
    if (found !== undefined) this.look(found.share.index, parentOf(found.path));
  }

  /** Something happened in a folder. For the watcher. */
  look(shareIndex: number, directory: string): void {
    const share = this.#shares[shareIndex];
    if (share === undefined || this.#stopping.signal.aborted) return;
    const now = this.#clock.monotonic();
    share.schedule.add(directory, now);
    for (const alias of share.tree.aliasesOf(directory)) share.schedule.add(alias, now);
    this.#scheduleLooks();
  }

  async #scanAll(): Promise<void> {
    this.#scanTimer?.cancel();
    const began = this.#clock.monotonic();
    const isFirst = this.#scanned === 'first';
    await Promise.all(this.#shares.map((share) => this.#scanShare(share)));
    if (this.#stopping.signal.aborted) throw new AbortedError('the scan was stopped');
    const tookMs = this.#clock.monotonic() - began;
    if (isFirst) await this.#finishFirst();
    const expired = this.#moved.expire(this.#clock.monotonic()).filter(({ key }) => !this.#holdsHash(key));
    await this.#components.sink.apply(
      [],
      expired.map(({ key }) => ({ type: 'remove', key })),
    );
    this.#components.watcher.retry();
    this.#scheduleScan({ atMs: this.#clock.monotonic(), tookMs });
    if (!isFirst) return;
    // Files made just before the start belong to what is there at the start.
    if (this.#shares.some(({ schedule }) => schedule.size > 0)) {
      await sleep(this.#clock, this.#init.quietMs, this.#stopping.signal);
      await Promise.all(this.#shares.map((share) => this.#scanShare(share)));
    }
    // What changed in a folder between its listing and its watch, nobody has seen.
    this.#own(this.#components.watcher.settled().then(() => this.#scanUnlessStopped()));
  }

  async #finishFirst(): Promise<void> {
    this.#scanned = 'later';
    const outcome = emptyOutcome();
    if (this.#moved.size > 0) {
      for (const { tree } of this.#shares) tree.claimMoved(this.#components.sink.entries(), outcome);
    }
    await this.#components.sink.apply(outcome.changes, outcome.stored);
  }

  async #scanShare(share: ScannedShare): Promise<void> {
    const began = this.#clock.monotonic();
    const report = new ScanReport();
    share.schedule.restart();
    try {
      share.root = await this.#components.fs.realPath(share.config.path);
    } catch {
      // The walk says what is the matter.
    }
    try {
      await this.#lookNow(share, { directory: '', depth: 'below' }, 'later', report);
    } catch (error) {
      if (!this.#stopping.signal.aborted)
        this.#log.error({ share: share.config.name, err: error }, 'scan failed');
      return;
    }
    const tookMs = Math.round(this.#clock.monotonic() - began);
    if (report.differsFrom(share.report)) {
      this.#log.warn(
        { share: share.config.name, ...report.skipped, examples: report.examples },
        'some files and folders are left out',
      );
    }
    share.report = report;
    this.#log.debug(
      { share: share.config.name, files: report.files, folders: report.folders, tookMs },
      'scanned',
    );
  }

  async #lookNow(
    share: ScannedShare,
    where: Pick<LookRequest, 'directory' | 'depth'>,
    priority: LookPriority,
    report?: ScanReport,
  ): Promise<number> {
    const take = (findings: readonly Finding[]) => this.#take(share, findings, where.depth, report);
    return this.#components.walker.look(
      { share: share.index, ...where },
      priority,
      take,
      this.#stopping.signal,
    );
  }

  #take(
    share: ScannedShare,
    findings: readonly Finding[],
    depth: LookRequest['depth'],
    report: ScanReport | undefined,
  ): Promise<void> {
    const context: FindingContext = {
      nowMs: this.#clock.now(),
      monotonicMs: this.#clock.monotonic(),
      scan: this.#scanned,
    };
    const outcome = emptyOutcome();
    let rootFound: boolean | undefined;
    for (const finding of findings) {
      report?.add(finding);
      share.tree.take(finding, context, outcome);
      if (finding.directory === '') rootFound = outcome.unavailable === undefined;
    }
    if (rootFound !== undefined) this.#setAvailable(share, rootFound ? undefined : outcome.unavailable);
    this.#carryOut(share, outcome, depth);
    return this.#components.sink.apply(outcome.changes, outcome.stored);
  }

  #carryOut(share: ScannedShare, outcome: Outcome, depth: LookRequest['depth']): void {
    const { watcher } = this.#components;
    const now = this.#clock.monotonic();
    for (const directory of outcome.unwatch) watcher.forget({ share: share.index, directory });
    for (const { directory, identity } of outcome.watch) {
      watcher.watch({ share: share.index, directory, identity, root: share.root });
      // Once more, for what happens before it is watched.
      if (this.#scanned === 'later') share.schedule.add(directory, now + this.#init.quietMs);
    }
    for (const { directory, atMs } of outcome.lookAgain) share.schedule.add(directory, atMs);
    if (depth === 'alone') for (const directory of outcome.explore) this.#explore(share, directory);
    this.#scheduleLooks();
  }

  #explore(share: ScannedShare, directory: string): void {
    this.#own(
      this.#lookNow(share, { directory, depth: 'below' }, 'soon').catch((error) =>
        this.#lookFailed(share, error),
      ),
    );
  }

  #setAvailable(share: ScannedShare, unavailable: string | undefined): void {
    const name = share.config.name;
    if (unavailable !== undefined && share.unavailable === undefined) {
      const detail = { share: name, path: share.config.path, why: unavailable };
      this.#log.error(detail, 'a share is not available; nothing of it is offered until it is back');
    } else if (unavailable === undefined && share.unavailable !== undefined) {
      this.#log.info({ share: name }, 'a share is available again');
    }
    share.unavailable = unavailable;
    const identity = share.tree.rootIdentity;
    if (unavailable !== undefined || identity === undefined || identity === share.storedRoot) return;
    share.storedRoot = identity;
    this.#own(
      this.#components.sink
        .writeRoot(name, identity)
        .catch((error: unknown) => this.#log.error({ err: error }, 'the store cannot be written')),
    );
  }

  #scheduleLooks(): void {
    if (this.#looks > 0 || this.#stopping.signal.aborted) return;
    this.#lookTimer?.cancel();
    let first: number | undefined;
    for (const { schedule } of this.#shares) {
      const next = schedule.next();
      if (next !== undefined && (first === undefined || next < first)) first = next;
    }
    if (first === undefined) return;
    this.#lookTimer = this.#clock.after(Math.max(0, first - this.#clock.monotonic()), () =>
      this.#lookAtDue(),
    );
  }

  #lookAtDue(): void {
    const now = this.#clock.monotonic();
    for (const share of this.#shares) {
      share.schedule.tidy(now);
      for (const directory of share.schedule.take(now, MAX_LOOKS)) {
        this.#looks += 1;
        this.#own(this.#lookAlone(share, directory));
      }
      if (share.schedule.overflowed && this.#scan === undefined) this.#own(this.#scanUnlessStopped());
    }
    this.#scheduleLooks();
  }

  async #lookAlone(share: ScannedShare, directory: string): Promise<void> {
    try {
      const tookMs = await this.#lookNow(share, { directory, depth: 'alone' }, 'soon');
      share.schedule.looked(directory, this.#clock.monotonic(), tookMs);
    } catch (error) {
      this.#lookFailed(share, error);
    }
    this.#looks -= 1;
    this.#scheduleLooks();
  }

  #lookFailed(share: ScannedShare, error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    this.#log.error({ share: share.config.name, why: messageOf(error) }, 'a look at a folder failed');
  }

  /** Asks again and again whether it is time: the need for scans changes with what can be watched. */
  #scheduleScan(ended: { readonly atMs: number; readonly tookMs: number }): void {
    if (this.#stopping.signal.aborted) return;
    const { rescanMs, unwatchedRescanMs } = this.#init;
    this.#scanTimer?.cancel();
    this.#scanTimer = this.#clock.after(Math.min(rescanMs, unwatchedRescanMs, RETURN_MS), () => {
      const pauseMs = Math.max(this.#pauseMs(), ended.tookMs * REST);
      if (this.#clock.monotonic() >= ended.atMs + pauseMs) this.#own(this.#scanUnlessStopped());
      else this.#scheduleScan(ended);
    });
  }

  #pauseMs(): number {
    const { rescanMs, unwatchedRescanMs } = this.#init;
    const isAway = this.#shares.some((share) => share.unavailable !== undefined);
    const unwatchedMs = this.#components.watcher.unwatched > 0 ? unwatchedRescanMs : rescanMs;
    return Math.min(rescanMs, unwatchedMs, isAway ? RETURN_MS : rescanMs);
  }

  async #scanUnlessStopped(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    await this.scan().catch((error: unknown) => {
      if (!this.#stopping.signal.aborted) this.#log.error({ err: error }, 'scan failed');
    });
  }

  #holdsHash(key: FullPath): boolean {
    const found = this.#find(key);
    return found?.share.tree.holdsHash(found.path) === true;
  }

  #find(key: FullPath): { share: ScannedShare; path: string } | undefined {
    const slash = key.indexOf('/');
    const share = this.#shares.find(({ config }) => config.name === key.slice(0, slash));
    return share === undefined ? undefined : { share, path: key.slice(slash + 1) };
  }

  /** No promise is left without somebody who waits for it in {@link stop}. */
  #own(promise: Promise<unknown>): void {
    const owned = promise
      .catch(() => undefined) // its maker has told of it
      .finally(() => this.#running.delete(owned));
    this.#running.add(owned);
  }
}
