/**
 * One wish of a node's own: asks for files, and fetches what the node does not have into one of its shares, so that it
 * offers them as well. Never fetches what it has, nor more than the share or the disk may hold.
 *
 * A file comes in a folder of its own inside the share, which is not offered, and gets its place in one step.
 */
import { join } from 'node:path';
import type { ReadonlyCatalogue } from '../catalogue/catalogue.js';
import { type Clock, sleep, type Timer } from '../clock.js';
import { messageOf, ShoalError } from '../errors.js';
import type { PartFileSystem } from '../fs/part-file.js';
import type { Log } from '../log.js';
import type { FileCriteria } from '../stanza/file-criteria.js';
import type { ChannelAddress } from '../stanza/file-discovery.js';
import { bareOf, type Jid } from '../stanza/jid.js';
import type { Startable } from '../startable.js';
import { DiskError } from '../transfer/fetch/disk-error.js';
import { FetchError } from '../transfer/fetch/fetch-request.js';
import { safeFileName } from '../transfer/fetch/safe-file-name.js';
import { type Candidate, Candidates, candidateKey } from './candidates.js';
import { ClaimTest } from './claim-test.js';
import type { FetchMemory } from './fetch-memory.js';
import type { Fetcher } from './fetcher.js';
import { type Incoming, IncomingParts } from './incoming-parts.js';
import type { WishEvent } from './keep-asking.js';
import { MirrorRoom, type MirrorRoomInit } from './mirror-room.js';
import { isWhole, place } from './place.js';

/** The folder in a share in which files are while they come. The share must not offer it. */
export const INCOMING = '.shoal-incoming';

export interface MirrorComponents {
  /** Asks until the signal aborts. */
  readonly ask: (signal: AbortSignal) => AsyncIterable<WishEvent>;
  readonly fetcher: Fetcher;
  readonly catalogue: Pick<ReadonlyCatalogue, 'table'>;
  /** Resolves when all that the node has is hashed: before, it can't be known what it has. */
  readonly hashed: (signal: AbortSignal) => Promise<void>;
  readonly memory: FetchMemory;
  readonly disk: Pick<PartFileSystem, 'kindOf' | 'rename' | 'reopen' | 'freeBytes'>;
  /** {@link INCOMING} of the share. */
  readonly incoming: Incoming;
  /** Our own address, which is no source. */
  readonly jid: () => Jid;
  readonly clock: Clock;
  readonly log: Log;
}

export interface MirrorInit extends MirrorRoomInit {
  /** For status and log. */
  readonly name: string;
  readonly criteria: FileCriteria;
  /** Where it asks. */
  readonly channels: readonly ChannelAddress[];
}

export type MirrorState =
  | 'starting'
  /** There is nothing to fetch. */
  | 'waiting'
  | 'fetching'
  /** The share has as much as it may have; what is taken out of it makes room. */
  | 'share-full'
  /** There is less free than is to be kept free. */
  | 'disk-short'
  /** The folder of the share is not there, or can't be written. */
  | 'share-gone';

export interface MirrorStatus {
  readonly name: string;
  readonly share: string;
  readonly state: MirrorState;
  /** Why nobody can be asked now. */
  readonly unreached?: string;
  /** Since the start. */
  readonly fetchedFiles: number;
  readonly fetchedBytes: number;
  /** Files that are to be fetched. */
  readonly waitingFiles: number;
  readonly current?: {
    readonly name: string;
    readonly receivedBytes: number;
    readonly totalBytes: number;
  };
}

/** Until the disk, or the folder, is looked at again. */
const PAUSE_MS = 60_000;
/** Most of what is found is here already: after so many looks the node does something else. */
const TURN = 100;
/** Until it is looked again for what nobody offers any more. */
const SWEEP_MS = 24 * 60 * 60_000;
/** A file of which less than such a part has come in so long makes room for the next; what has come is kept. */
const HOLD_MS = 10 * 60_000;
const HOLD_PART = 100; // all of it in less than a day

export class Mirror implements Startable {
  readonly #components: MirrorComponents;
  readonly #init: MirrorInit;
  readonly #parts: IncomingParts;
  readonly #room: MirrorRoom;
  readonly #claims: ClaimTest;
  readonly #candidates = new Candidates();
  readonly #stopping = new AbortController();
  #state: MirrorState = 'starting';
  #unreached: string | undefined;
  /** How many in a row the disk had no room for. */
  #short = 0;
  #fetched = { files: 0, bytes: 0 };
  #current: { readonly candidate: Candidate; bytes: number } | undefined;
  /** Local path of what is here, checked, and has no name in the share yet. */
  #whole: string | undefined;
  #wake: () => void = () => undefined;
  #work: Promise<unknown> = Promise.resolve();

  constructor(components: MirrorComponents, init: MirrorInit) {
    this.#components = components;
    this.#init = init;
    this.#parts = new IncomingParts(components);
    this.#room = new MirrorRoom({ ...components, parts: this.#parts }, init);
    this.#claims = new ClaimTest(init.criteria);
  }

  status(): MirrorStatus {
    const current = this.#current;
    return {
      name: this.#init.name,
      share: this.#init.share.name,
      state: this.#state,
      ...(this.#unreached !== undefined && { unreached: this.#unreached }),
      fetchedFiles: this.#fetched.files,
      fetchedBytes: this.#fetched.bytes,
      waitingFiles: this.#candidates.size + (current ? 1 : 0),
      ...(current && {
        current: {
          name: safeFileName(current.candidate.name),
          receivedBytes: current.bytes,
          totalBytes: current.candidate.size,
        },
      }),
    };
  }

  /** Resolves at once: what it does takes as long as the node runs. */
  async start(): Promise<void> {
    this.#work = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await this.#work;
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { hashed, log } = this.#components;
    const { signal } = this.#stopping;
    const { name } = this.#init;
    try {
      await hashed(signal);
      await Promise.all([this.#ask(signal), this.#fetchAll(signal)]);
    } catch (error) {
      if (signal.aborted) return;
      log.error({ err: error, wish: name }, `a wish ended: ${messageOf(error)}`);
      this.#stopping.abort();
      this.#wake();
    }
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const { ask, jid } = this.#components;
    for await (const event of ask(signal)) {
      if (event.type === 'unreached') this.#unreached = messageOf(event.error);
      else if (event.type === 'asking') this.#unreached = undefined;
      else if (event.type === 'found' && bareOf(event.from) !== bareOf(jid())) {
        for (const file of this.#claims.keep(event.found.files)) this.#candidates.add(event.from, file);
        this.#wake();
      }
    }
  }

  async #fetchAll(signal: AbortSignal): Promise<void> {
    let taken = 0;
    let sweptAtMs = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      const nowMs = this.#components.clock.monotonic();
      if (nowMs - sweptAtMs >= SWEEP_MS) {
        sweptAtMs = nowMs;
        await this.#parts.sweep();
        continue; // it may have been stopped meanwhile
      }
      const candidate = this.#candidates.take();
      taken += 1;
      if (candidate && taken % TURN === 0) await new Promise((resolve) => setImmediate(resolve));
      if (candidate) await this.#consider(candidate, signal);
      else {
        if (this.#state !== 'share-full') this.#state = 'waiting';
        await this.#woken(sweptAtMs + SWEEP_MS - nowMs);
      }
    }
  }

  /** Resolves when there may be something to do, after `mostMs` at the latest. */
  async #woken(mostMs: number): Promise<void> {
    let timer: Timer | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = this.#components.clock.after(mostMs, resolve);
    });
    timer?.cancel();
  }

  /** Fetches it if it is to be fetched; what is left out is found again. */
  async #consider(candidate: Candidate, signal: AbortSignal): Promise<void> {
    const { clock, memory } = this.#components;
    for (;;) {
      const { sha256 } = candidate;
      const waitMs = Math.max(memory.waitMs(sha256), memory.waitMs(candidateKey(candidate)));
      if (signal.aborted || waitMs > 0) return;
      const verdict = await this.#room.verdict(candidate);
      if (verdict === 'not-wanted') return;
      this.#state = verdict === 'fetch' ? 'fetching' : verdict;
      if (verdict === 'share-full') return;
      if (verdict === 'fetch' && (await this.#fetch(candidate, signal))) {
        this.#short = 0;
        return;
      }
      if (verdict === 'disk-short') return this.#defer(candidate, signal);
      await sleep(clock, PAUSE_MS, signal);
      if (verdict !== 'fetch') continue;
      this.#candidates.defer(candidate); // the disk may be at fault for this one alone
      return;
    }
  }

  /** There may be room for a smaller one. */
  async #defer(candidate: Candidate, signal: AbortSignal): Promise<void> {
    this.#candidates.defer(candidate);
    this.#short += 1;
    if (this.#short < this.#candidates.size) return;
    this.#short = 0;
    await sleep(this.#components.clock, PAUSE_MS, signal);
  }

  /** False when the disk is at fault, and not the file. */
  async #fetch(candidate: Candidate, signal: AbortSignal): Promise<boolean> {
    const { disk, fetcher, incoming, log, memory } = this.#components;
    const { name: wish, share } = this.#init;
    const { sha256, size, dateMs } = candidate;
    const target = join(incoming.location, IncomingParts.stemOf(candidate));
    const order = {
      sha256,
      size,
      sources: [...candidate.sources.values()],
      channels: this.#init.channels,
      target,
      shownAs: `${share.name}/${safeFileName(candidate.name)}`,
      ...(dateMs !== undefined && { modifiedMs: dateMs }),
    };
    const current = { candidate, bytes: 0 };
    if (!memory.begin(sha256)) return true; // another wish fetches it
    this.#current = current;
    const hold = this.#hold(current);
    try {
      await incoming.make();
      const onProgress = (bytes: number) => {
        current.bytes = bytes;
      };
      // It may be here and have no name yet: the disk did not let it have one.
      const isKnown = this.#whole === target && (await disk.kindOf(target)) === 'file';
      const isHere = isKnown || (await isWhole(disk, target, candidate, signal));
      if (!isHere) await fetcher.fetch(order, onProgress, AbortSignal.any([signal, hold.signal]));
      this.#whole = target;
      const name = await place(disk, target, share.path, candidate);
      this.#whole = undefined;
      this.#room.arrived(candidate);
      memory.fetched(sha256);
      this.#fetched = { files: this.#fetched.files + 1, bytes: this.#fetched.bytes + size };
      log.info({ wish, share: share.name, name, size }, 'a file that was wished for is here');
      return true;
    } catch (error) {
      if (signal.aborted) throw error;
      const isDisk = !(error instanceof ShoalError) || isOfDisk(error);
      log[isDisk ? 'warn' : 'info']({ wish, sha256 }, `a file was not fetched: ${messageOf(error)}`);
      if (isDisk) this.#state = isFullDisk(error) ? 'disk-short' : 'share-gone';
      else {
        memory.failed(candidateKey(candidate));
        this.#candidates.failed(candidate);
      }
      return !isDisk;
    } finally {
      hold.stop();
      memory.end(sha256);
      this.#current = undefined;
    }
  }

  /** Ends a fetch that hardly moves while others wait. */
  #hold(current: { readonly candidate: Candidate; readonly bytes: number }) {
    const { clock } = this.#components;
    const slow = new AbortController();
    let before: number | undefined;
    let timer: Timer | undefined;
    const look = () => {
      const isSlow = before !== undefined && (current.bytes - before) * HOLD_PART < current.candidate.size;
      if (isSlow && this.#candidates.size > 0) slow.abort();
      before = current.bytes;
      timer = clock.after(HOLD_MS, look);
    };
    look();
    return { signal: slow.signal, stop: () => timer?.cancel() };
  }
}

/** Not the file's fault, nor that of those who give it. */
function isOfDisk(error: unknown): boolean {
  return isFullDisk(error) || (error instanceof DiskError && error.code === 'not-writable');
}

function isFullDisk(error: unknown): boolean {
  return error instanceof FetchError && error.code === 'no-space';
}
