/**
 * Fetches one file from those who have it: one at a time, the next when one fails, going on at the
 * byte where it stopped. The target's name is given only to bytes that have proved right, or
 * that nobody could vouch for and which are reported as such.
 *
 * Taking pieces from several sources at once is a matter of who is asked for what: of this file
 * and of `source-order.ts`. A session, the part and what is known of the file stay as they are.
 */
import { type Clock, sleep } from '../../clock.js';
import { AbortedError, messageOf } from '../../errors.js';
import type { PartFileSystem } from '../../fs/part-file.js';
import type { Log } from '../../log.js';
import { DiskError } from './disk-error.js';
import {
  type Downloader,
  FetchError,
  type FetchEvent,
  type FetchRequest,
  type FetchSource,
} from './fetch-request.js';
import { isAsked, knownFile, mayFollow, targetHash, targetSize, toldOf } from './known-file.js';
import { PartFile } from './part-file.js';
import { isLasting, SourceOrder } from './source-order.js';
import { SourceSession } from './source-session.js';
import { MismatchError, verify } from './verify.js';

export interface FetchComponents {
  readonly downloader: Downloader;
  readonly fs: PartFileSystem;
  readonly clock: Clock;
  readonly log: Log;
}

export interface FetchInit {
  /** A source that is silent for so long has failed. */
  readonly idleTimeoutMs: number;
  /** A source that failed so often in a row without bringing `usefulBytes` is given up. */
  readonly maxFailures: number;
  /** Before a source is asked again; doubles with each failure. */
  readonly retryDelayMs: number;
  readonly usefulBytes: number;
  /** How long a checksum may come after the last byte, where nothing else tells that they are right. */
  readonly checksumWaitMs: number;
  /** How long sources may take in the end to acknowledge that their sessions are over. */
  readonly closeGraceMs: number;
  readonly progressIntervalMs: number;
  readonly checkpointBytes: number;
}

export const FETCH_DEFAULTS: FetchInit = {
  idleTimeoutMs: 120_000, // a source may try several ways to reach us before the first byte
  maxFailures: 3,
  retryDelayMs: 1000,
  usefulBytes: 1_048_576, // a source can make us open at most one session for each of these
  checksumWaitMs: 3000,
  closeGraceMs: 2000,
  progressIntervalMs: 100,
  checkpointBytes: 67_108_864, // some tenths of a second of a disk's work
};

/**
 * Yields what happens, `done` last. Throws {@link FetchError}, or AbortedError when `signal` aborts.
 * Whoever stops listening ends the fetch; what has come stays in the `.part`.
 */
export async function* fetchFile(
  components: FetchComponents,
  request: FetchRequest,
  init: Partial<FetchInit> = {},
  signal?: AbortSignal,
): AsyncGenerator<FetchEvent, void, undefined> {
  if (signal?.aborted) throw new AbortedError('the fetch was aborted');
  const all = { ...FETCH_DEFAULTS, ...init };
  const part = await PartFile.open(components, {
    target: request.target,
    overwrite: request.overwrite,
    file: knownFile(request),
    checkpointBytes: all.checkpointBytes,
    ...(signal !== undefined && { signal }),
  });
  const fetch = new Fetch(components, request, all, part, signal);
  try {
    yield* fetch.run();
  } finally {
    await part.close();
    await fetch.close();
  }
}

class Fetch {
  readonly #components: FetchComponents;
  readonly #request: FetchRequest;
  readonly #init: FetchInit;
  readonly #part: PartFile;
  readonly #signal: AbortSignal | undefined;
  readonly #order: SourceOrder;
  readonly #withoutRanges = new Set<FetchSource>();
  /** The ends of sessions that peers may not have acknowledged yet: hardly ever more than one or two. */
  readonly #closing = new Set<Promise<void>>();
  #progressAtMs = Number.NEGATIVE_INFINITY;
  #shownBytes = 0;

  constructor(
    components: FetchComponents,
    request: FetchRequest,
    init: FetchInit,
    part: PartFile,
    signal: AbortSignal | undefined,
  ) {
    this.#components = components;
    this.#request = request;
    this.#init = init;
    this.#part = part;
    this.#signal = signal;
    this.#order = new SourceOrder(request.sources, init);
  }

  async *run(): AsyncGenerator<FetchEvent, void, undefined> {
    if (await this.#isHereAlready()) {
      yield this.#progress();
      yield { type: 'verifying' };
      await this.#part.commit();
      yield await this.#done(true);
      return;
    }
    await this.#checkSpace(targetSize(this.#part.file), DiskError);
    if (this.#part.have > 0) yield this.#progress();
    for (;;) {
      const next = this.#order.next(this.#components.clock.monotonic());
      if (next === undefined) throw this.#noSourceLeft();
      if (next.waitMs > 0) await sleep(this.#components.clock, next.waitMs, this.#signal);
      if (yield* this.#ask(next.source)) return;
    }
  }

  /** Lets the sources hear how it ended, but does not wait long for one that has gone. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#components.clock.after(this.#init.closeGraceMs, resolve);
      void Promise.all(this.#closing).then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #own(end: Promise<void>): void {
    this.#closing.add(end);
    void end.then(() => this.#closing.delete(end));
  }

  /** A fetch can have been killed after its last byte. */
  async #isHereAlready(): Promise<boolean> {
    if (this.#part.have === 0) return false;
    const hash = targetHash(this.#part.file);
    if (hash !== undefined) return (await this.#part.hash(hash.algo)).value === hash.value;
    const size = targetSize(this.#part.file);
    if (this.#part.have !== size) return false;
    if (this.#part.proven === size) return true;
    await this.#part.cutTo(0); // all there, and nobody left to say whether it is right
    return false;
  }

  /** True when the file is done, false when this source failed. Throws when no source can help. */
  async *#ask(source: FetchSource): AsyncGenerator<FetchEvent, boolean, undefined> {
    const { jid } = source;
    const hadBytes = this.#part.have;
    let session: SourceSession | undefined;
    yield { type: 'source', jid, state: 'asking' };
    try {
      session = await this.#open(source);
      yield* this.#receive(session, source);
      yield { type: 'verifying' };
      const verified = await verify(this.#part, session, source, this.#init.checksumWaitMs);
      session.finish('success');
      await this.#part.commit();
      yield await this.#done(verified);
      return true;
    } catch (error) {
      if (this.#signal?.aborted) throw new AbortedError('the fetch was aborted');
      if (error instanceof DiskError) throw error;
      session?.finish('failed-application');
      const failure = error instanceof Error ? error : new Error(messageOf(error));
      this.#components.log.info(
        { jid, error: failure.message, receivedBytes: this.#part.have },
        'source failed',
      );
      this.#blame(source, failure, this.#part.have - hadBytes);
      yield { type: 'source', jid, state: 'failed', error: failure };
      if (this.#part.have < this.#shownBytes) yield this.#progress();
      return false;
    } finally {
      session?.finish('cancel');
    }
  }

  /** A session that gives bytes which may follow those that are here. */
  async #open(source: FetchSource): Promise<SourceSession> {
    // Each turn removes one hitch for good, so there are at most three.
    for (;;) {
      const part = this.#part;
      const from = (part.file.range?.offset ?? 0) + part.have;
      const session = await SourceSession.open(
        this.#components,
        {
          source,
          file: part.file,
          from,
          ask: this.#withoutRanges.has(source) ? 'whole' : 'range',
          idleTimeoutMs: this.#init.idleTimeoutMs,
          inQueue: this.#order.hasOther(source) ? 'leave' : 'wait',
          closing: (end) => this.#own(end),
        },
        this.#signal,
      );
      const refuse = (error: FetchError) => {
        session.finish('failed-application');
        throw error;
      };
      const told = toldOf(part.file, session.offered, source);
      if (!isAsked(part.file, session.offered)) {
        refuse(new FetchError('changed', 'the source has another file than the one asked for'));
      }
      if (session.end !== undefined && (part.file.range?.offset ?? 0) > session.end) {
        refuse(new FetchError('changed', 'the file ends before the range that was asked for'));
      }
      const follows = mayFollow(part.file, told) && (session.end === undefined || from <= session.end);
      if (follows && session.rangeIsCertain) {
        await this.#begin(session, told);
        return session;
      }
      session.finish('cancel');
      if (!follows && part.have === 0) throw new FetchError('changed', 'the file has changed at the source');
      if (!follows) await part.cutTo(0);
      else this.#withoutRanges.add(source);
    }
  }

  async #begin(session: SourceSession, told: Parameters<PartFile['begin']>[0]): Promise<void> {
    try {
      const offset = this.#part.file.range?.offset ?? 0;
      await this.#checkSpace(session.end === undefined ? undefined : session.end - offset, FetchError);
      await this.#part.begin(told);
    } catch (error) {
      session.finish('cancel');
      throw error;
    }
  }

  async *#receive(session: SourceSession, source: FetchSource): AsyncGenerator<FetchEvent, void, undefined> {
    const part = this.#part;
    let receiving = false;
    for await (const bytes of session.bytes()) {
      if (!receiving) yield this.#receiving(session, source);
      receiving = true;
      await part.append(bytes, source.jid);
      const nowMs = this.#components.clock.monotonic();
      if (nowMs - this.#progressAtMs < this.#init.progressIntervalMs) continue;
      this.#progressAtMs = nowMs;
      yield this.#progress();
    }
    if (!receiving) yield this.#receiving(session, source);
    const end = (part.file.range?.offset ?? 0) + part.have;
    if (session.end !== undefined && end < session.end) {
      throw new FetchError('bad-source', `the source ended ${session.end - end} bytes too early`);
    }
    yield this.#progress();
  }

  #blame(source: FetchSource, error: Error, broughtBytes: number): void {
    const nowMs = this.#components.clock.monotonic();
    const mismatch = error instanceof MismatchError ? error : undefined;
    const code = error instanceof FetchError ? error.code : undefined;
    const lasting = isLasting(error) || code === 'changed' || code === 'no-space' || mismatch?.alone === true;
    const useful = broughtBytes >= this.#init.usefulBytes;
    this.#order.failed(source, error, lasting ? 'out' : useful ? 'useful' : 'useless', nowMs);
    for (const other of this.#request.sources) {
      if (other === source || !mismatch?.senders.includes(other.jid)) continue;
      this.#order.failed(other, error, 'useless', nowMs);
    }
  }

  /** `Failure` is what it means: that there is no room, or that this source says so. */
  async #checkSpace(size: number | undefined, Failure: typeof FetchError): Promise<void> {
    if (size === undefined) return;
    const missing = size - this.#part.have;
    const free = await this.#part.freeBytes();
    if (missing > free) {
      throw new Failure('no-space', `${missing} bytes are missing and the disk has room for ${free}`);
    }
  }

  #noSourceLeft(): FetchError {
    const failures = this.#order.failures();
    if (failures.length === 0) return new FetchError('no-source-left', 'nobody is known to have the file');
    const codes = new Set(
      failures.map(({ error }) => (error instanceof FetchError ? error.code : undefined)),
    );
    const [only] = codes;
    const code = codes.size === 1 && only !== undefined && only !== 'bad-source' ? only : 'no-source-left';
    const reasons = failures.map(({ jid, error }) => `${jid}: ${error.message}`).join('; ');
    return new FetchError(code, `no source could give the file: ${reasons}`, { failures });
  }

  #receiving(session: SourceSession, source: FetchSource): FetchEvent {
    const { transport } = session;
    return {
      type: 'source',
      jid: source.jid,
      state: 'receiving',
      ...(transport !== undefined && { transport }),
    };
  }

  #progress(): FetchEvent {
    const totalBytes = targetSize(this.#part.file);
    this.#shownBytes = this.#part.have;
    return {
      type: 'progress',
      receivedBytes: this.#part.have,
      ...(totalBytes !== undefined && { totalBytes }),
      resumedBytes: this.#part.resumed,
    };
  }

  async #done(verified: boolean): Promise<FetchEvent> {
    const algo = targetHash(this.#part.file)?.algo ?? 'sha-256';
    const hash = await this.#part.hash(algo);
    return {
      type: 'done',
      path: this.#request.target,
      bytes: this.#part.have,
      hash,
      verified,
    };
  }
}
