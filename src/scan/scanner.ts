/**
 * Keeps the catalogue like the folders. At first everything is walked; then the watcher says
 * where to look, and now and then everything is walked again, because a watcher misses things.
 * The scan alone decides what is offered.
 */
import { setMaxListeners } from 'node:events';
import type { Slot } from '../catalogue/file-columns.js';
import { type FileStamp, isSameFile } from '../catalogue/file-stamp.js';
import type { FileTable } from '../catalogue/file-table.js';
import type { ShareConfig } from '../catalogue/share.js';
import { type FullPath, parentOf, type ShareRelativePath } from '../catalogue/share-path.js';
import type { CatalogueStore } from '../catalogue/store.js';
import { type Clock, sleep, type Timer } from '../clock.js';
import { AbortedError, messageOf } from '../errors.js';
import type { FileSystem } from '../fs/file-system.js';
import type { HashJob } from '../hashing/hash-job.js';
import type { Log } from '../log.js';
import type { Startable } from '../startable.js';
import { DueLooks } from './due-looks.js';
import type { FindingContext } from './known-file.js';
import { KnownFolders } from './known-folders.js';
import type { Finding, LookRequest } from './listing.js';
import { LookSchedule } from './look-schedule.js';
import { MovedFiles } from './moved-files.js';
import { ScanReport } from './scan-report.js';
import { emptyOutcome, type Outcome, ShareTree } from './share-tree.js';
import { Slices, type Steps } from './slices.js';
import type { LookPriority } from './walk-loop.js';
import type { Walker } from './walker.js';
import type { Watcher } from './watcher.js';

export interface ScannerComponents {
  readonly walker: Pick<Walker, 'look'>;
  readonly watcher: Pick<Watcher, 'watch' | 'forget' | 'settled' | 'retry' | 'unwatched'>;
  readonly fs: Pick<FileSystem, 'realPath'>;
  /** Written by the scan alone, and committed after each slice of it. */
  readonly table: FileTable;
  /** The scan waits for it before it goes far ahead. */
  readonly store: Pick<CatalogueStore, 'written' | 'writeRoot'>;
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
  /** Offered now. */
  readonly files: number;
  readonly bytes: number;
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

interface Taking {
  readonly context: FindingContext;
  readonly outcome: Outcome;
  readonly report: ScanReport | undefined;
}

/** Files gone over in a step that mostly leaves them alone. */
const SHOWN_A_STEP = 64;
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
  readonly #table: FileTable;
  readonly #moved: MovedFiles;
  readonly #slices: Slices;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  #scanned: 'first' | 'later' = 'first';
  readonly #looks: DueLooks;
  #flooded = false;
  #scanTimer: Timer | undefined;
  #scan: Promise<void> | undefined;

  constructor(components: ScannerComponents, init: ScannerInit) {
    this.#components = components;
    this.#init = init;
    this.#log = components.log;
    this.#clock = components.clock;
    this.#table = components.table;
    this.#moved = new MovedFiles(components);
    this.#slices = new Slices(components);
    setMaxListeners(0, this.#stopping.signal); // one a look, and looks are bounded
    const folders = new KnownFolders();
    this.#shares = init.shares.map((config, index) => ({
      index,
      config,
      tree: new ShareTree(
        { table: this.#table, moved: this.#moved, folders },
        { share: config.name, quietMs: init.quietMs },
      ),
      schedule: new LookSchedule(),
      root: config.path,
      unavailable: undefined,
      report: new ScanReport(),
      storedRoot: undefined,
    }));
    this.#looks = new DueLooks(components, {
      schedules: this.#shares.map(({ schedule }) => schedule),
      look: (index, directory) => this.#lookAlone(index, directory),
      onOverflow: () => {
        if (this.#scan === undefined) this.#own(this.#scanUnlessStopped());
      },
    });
  }

  /** Does nothing: {@link scan} is the beginning, once what is stored is in the table and {@link remember} has been called. */
  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#looks.stop();
    this.#scanTimer?.cancel();
    await Promise.allSettled(this.#running);
  }

  /** Takes over the folders of what is in the table. */
  remember(): Promise<void> {
    return this.#run(this.#rememberFolders());
  }

  *#rememberFolders(): Steps {
    for (const folder of this.#table.folders()) {
      const slash = folder.indexOf('/');
      const name = slash < 0 ? folder : folder.slice(0, slash);
      const share = this.#shares.find(({ config }) => config.name === name);
      share?.tree.remember(slash < 0 ? '' : folder.slice(slash + 1));
      yield;
    }
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
      ...this.#table.totalsOf(config.name),
      ...report.skipped,
    }));
  }

  /** What is needed to read a file that is offered; undefined for others. */
  locate(slot: Slot): HashJob | undefined {
    if (!this.#table.isShown(slot)) return undefined;
    const found = this.#find(this.#table.columns.keyOf(slot));
    if (found === undefined) return undefined;
    const { path, followSymlinks } = found.share.config;
    const stamp = this.#table.stampOf(slot);
    return { share: { path, followSymlinks }, path: found.path as ShareRelativePath, stamp };
  }

  /** A hash was computed for the file with this stamp; passed over when it is another by now. */
  setHash(slot: Slot, stamp: FileStamp, sha256: string): void {
    if (!this.#isStill(slot, stamp) || this.#table.columns.hasHash(slot)) return;
    this.#table.setSha256(slot, sha256);
  }

  /** The file with this stamp could not be read: it is withdrawn until it changes. */
  setUnreadable(slot: Slot, stamp: FileStamp): void {
    if (!this.#isStill(slot, stamp)) return;
    this.#table.hide(slot);
    this.#table.setState(slot, 'unreadable');
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
    this.#looks.wake();
  }

  /** So much happened at once that some of it may never have been told. For the watcher. */
  flooded(): void {
    this.#flooded = true;
  }

  async #scanAll(): Promise<void> {
    this.#flooded = false;
    this.#scanTimer?.cancel();
    const began = this.#clock.monotonic();
    const isFirst = this.#scanned === 'first';
    await Promise.all(this.#shares.map((share) => this.#scanShare(share)));
    if (this.#stopping.signal.aborted) throw new AbortedError('the scan was stopped');
    const tookMs = this.#clock.monotonic() - began;
    if (isFirst) await this.#finishFirst();
    await this.#run(this.#expire());
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
    if (this.#moved.size > 0) await this.#run(this.#claimMoved());
    await this.#components.store.written();
  }

  /** Files without a hash that were moved while this program was not running. */
  *#claimMoved(): Steps {
    const { columns } = this.#table;
    let looked = 0;
    for (const slot of this.#table.shown()) {
      looked += 1;
      if (looked % SHOWN_A_STEP === 0) yield;
      if (columns.hasHash(slot)) continue;
      const gone = this.#moved.claim(this.#table.stampOf(slot));
      const sha256 = gone === undefined ? undefined : columns.sha256Of(gone);
      if (gone !== undefined) this.#table.remove(gone);
      if (sha256 !== undefined) this.#table.setSha256(slot, sha256);
    }
  }

  *#expire(): Steps {
    const now = this.#clock.monotonic();
    for (let slot = this.#moved.expire(now); slot !== undefined; slot = this.#moved.expire(now)) {
      this.#table.remove(slot);
      yield;
    }
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

  async #take(
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
    await this.#run(this.#takeAll(share, findings, { context, outcome, report }), () =>
      this.#carryOut(share, outcome, depth),
    );
    await this.#components.store.written();
  }

  *#takeAll(share: ScannedShare, findings: readonly Finding[], taking: Taking): Steps {
    const { context, outcome, report } = taking;
    for (const finding of findings) {
      report?.add(finding);
      yield* share.tree.take(finding, context, outcome);
      if (finding.directory === '') this.#setAvailable(share, outcome.unavailable);
    }
  }

  /** In its turn and in slices, after each of which all is told. */
  #run(steps: Steps, onSlice: () => void = () => undefined): Promise<void> {
    return this.#slices.run(steps, {
      onSlice: () => {
        onSlice();
        this.#table.commit();
      },
      signal: this.#stopping.signal,
    });
  }

  #carryOut(share: ScannedShare, outcome: Outcome, depth: LookRequest['depth']): void {
    const { watcher } = this.#components;
    const now = this.#clock.monotonic();
    for (const directory of outcome.unwatch.splice(0)) watcher.forget({ share: share.index, directory });
    for (const directory of outcome.watch.splice(0)) {
      watcher.watch({ share: share.index, directory, root: share.root });
      // Once more, for what happens before it is watched.
      if (this.#scanned === 'later') share.schedule.add(directory, now + this.#init.quietMs);
    }
    for (const { directory, atMs } of outcome.lookAgain.splice(0)) share.schedule.add(directory, atMs);
    const unknown = outcome.explore.splice(0);
    if (depth === 'alone') for (const directory of unknown) this.#explore(share, directory);
    this.#looks.wake();
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
      this.#components.store
        .writeRoot(name, identity)
        .catch((error: unknown) => this.#log.error({ err: error }, 'the store cannot be written')),
    );
  }

  #lookAlone(index: number, directory: string): Promise<number | undefined> {
    const share = this.#shares[index];
    if (share === undefined) return Promise.resolve(undefined);
    const look = this.#lookNow(share, { directory, depth: 'alone' }, 'soon').catch((error) => {
      this.#lookFailed(share, error);
      return undefined;
    });
    this.#own(look);
    return look;
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
    if (this.#flooded) return 0;
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

  #isStill(slot: Slot, stamp: FileStamp): boolean {
    return this.#table.isShown(slot) && isSameFile(this.#table.stampOf(slot), stamp);
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
