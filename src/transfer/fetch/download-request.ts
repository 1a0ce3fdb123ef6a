/**
 * What a download is given: the file, those who are known to have it, what it works with. `download.ts` exports
 *
 *     download(components, request, init?, signal?): AsyncGenerator<DownloadEvent, void, undefined>
 *
 * which yields what happens, `done` last. It throws `FetchError` with the failures of all sources, or AbortedError.
 * Whoever stops listening ends it; what has come stays beside the target and is taken up by the next one.
 */
import type { Clock } from '../../clock.js';
import type { Log } from '../../log.js';
import type { IntakesOf } from './intake.js';
import type { PartStores } from './part-store.js';
import type { FoundSource, RangeSources, SourceFinder, WantedFile } from './range-source.js';
import type { Strikes } from './strikes.js';
import type { WholeHashing } from './whole-hash.js';

export interface DownloadComponents {
  readonly sources: RangeSources;
  readonly parts: PartStores;
  /** Who sent wrong bytes before; shared by all downloads of a process. */
  readonly strikes: Strikes;
  /** Without, nobody is looked for beside those that the request names. */
  readonly finder?: SourceFinder;
  /** Default: those of small files on the thread that calls, of large ones on two others. */
  readonly hashing?: DownloadHashing;
  readonly clock: Clock;
  readonly log: Log;
}

export interface DownloadHashing {
  readonly intakes: IntakesOf;
  readonly whole: WholeHashing;
}

export interface DownloadRequest {
  readonly file: WantedFile;
  readonly sources: readonly FoundSource[];
  /** Local path of the file to be made; its folder must exist. */
  readonly target: string;
  /** What to do with a file that already has the target's name. */
  readonly overwrite: 'refuse' | 'replace';
  /** The time of last change that the target gets, in ms since 1970. */
  readonly modifiedMs?: number;
  /** How long to wait in a row for somebody who can give anything; default 0. */
  readonly waitMs?: number;
  /** Others tell another size of the hash: given up when it would take days, and nothing is kept of which no block came. */
  readonly isDoubted?: boolean;
}

/** Bounds and times; every one has a default in `DOWNLOAD_DEFAULTS` of `download.ts`. */
export interface DownloadInit {
  /** Sources that are read from at a time. */
  readonly maxActive: number;
  /**
   * Sources that are remembered. For one that is found beyond, one that brought nothing is forgotten; where there is
   * none, it is left out, and the log says so.
   */
  readonly maxSources: number;
  /** A source that is silent for so long while it is read from gives way to others. */
  readonly silentMs: number;
  /** The same where nobody else is at work. */
  readonly lonelySilentMs: number;
  /** A source that failed so often in a row without bringing a block is given up, unless it is found again. */
  readonly maxFailures: number;
  /** Before a source is asked again; doubles with each failure. */
  readonly retryDelayMs: number;
  readonly progressIntervalMs: number;
  /** How long sources may take in the end to acknowledge that their sessions are over. */
  readonly closeGraceMs: number;
  /** What a source is asked for first: how fast it is shows within so much. */
  readonly firstBytes: number;
  /** No smaller blocks are believed in. */
  readonly minBlockBytes: number;
  /** Before sources are looked for again; doubles, and begins anew when nobody is left. */
  readonly findIntervalMs: number;
}
