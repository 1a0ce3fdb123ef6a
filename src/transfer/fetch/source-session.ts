/**
 * One session with one source: asks for the bytes from a position on, checks what is answered,
 * and gives out exactly those bytes. Watches that the source does not fall silent. Writes nothing.
 */
import type { Clock, Timer } from '../../clock.js';
import { AbortedError, messageOf, TimeoutError } from '../../errors.js';
import type { FileDownload } from '../../jingle/file-session.js';
import type { Log } from '../../log.js';
import type { FileDescription, Range } from '../../stanza/xep0234-file-transfer.js';
import type { Hash } from '../../stanza/xep0300-hashes.js';
import type { TransportType } from '../../transport/transport.js';
import { type Downloader, FetchError, type FetchSource } from './fetch-request.js';
import type { KnownFile } from './known-file.js';

export interface SourceSessionComponents {
  readonly downloader: Downloader;
  readonly clock: Clock;
  readonly log: Log;
}

export interface SourceSessionInit {
  readonly source: FetchSource;
  readonly file: KnownFile;
  /** The first byte wanted, counted from the beginning of the file. */
  readonly from: number;
  /** `whole` for a source that does not give ranges: what comes before `from` is dropped. */
  readonly ask: 'range' | 'whole';
  /** A source that is silent for so long has failed. */
  readonly idleTimeoutMs: number;
  /** What to do where the source has no slot: another one may have. */
  readonly inQueue: 'wait' | 'leave';
  /** Takes charge of the session's end, which never fails: a peer that has gone makes it last. */
  readonly closing: (end: Promise<void>) => void;
}

export class SourceSession {
  readonly #components: SourceSessionComponents;
  readonly #init: SourceSessionInit;
  readonly #download: FileDownload;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => this.#download.stream.destroy(new AbortedError('the fetch was aborted'));
  #iterator: AsyncIterator<Buffer> | undefined;
  #offered: FileDescription = { hashes: [], hashesUsed: [] };
  /** The position behind the last byte that came. */
  #at = 0;
  #surplus = false;
  #draining: Promise<void> | undefined;
  /** Ends the wait for something of the source, or has it begin anew. */
  #waiting: { readonly fail: (error: Error) => void; readonly again: () => void } | undefined;
  #finished = false;

  private constructor(components: SourceSessionComponents, init: SourceSessionInit, signal?: AbortSignal) {
    this.#components = components;
    this.#init = init;
    this.#signal = signal;
    this.#download = components.downloader.download({
      peer: init.source.jid,
      file: selectorOf(init),
      ...(signal !== undefined && { signal }),
    });
    this.#download.onQueued((place) => this.#onQueued(place));
    // Whoever waits for the bytes hears of it; when nobody does, it must not end the process.
    this.#download.stream.on('error', () => undefined);
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Resolves when the source has accepted. Rejects with its refusal, TimeoutError or AbortedError. */
  static async open(
    components: SourceSessionComponents,
    init: SourceSessionInit,
    signal?: AbortSignal,
  ): Promise<SourceSession> {
    signal?.throwIfAborted();
    const session = new SourceSession(components, init, signal);
    try {
      session.#offered = await session.#whileHeard(session.#download.accepted);
      return session;
    } catch (error) {
      session.finish('cancel');
      throw error;
    }
  }

  /** The first byte of the file that `bytes` gives. */
  get from(): number {
    return this.#init.from;
  }

  /** What the source says of the file. */
  get offered(): FileDescription {
    return this.#offered;
  }

  get transport(): TransportType | undefined {
    return this.#download.transport;
  }

  /**
   * Whether we can tell which bytes will come. A source that does not repeat the range may have
   * overlooked it (XEP-0234 §6.4 asks nothing of it), and nothing in the bytes would show that.
   */
  get rangeIsCertain(): boolean {
    const asked = rangeOf(this.#init);
    const told = this.#offered.range;
    if (asked === undefined) return true;
    const startIsTold = asked.offset === 0 || (told?.offset ?? 0) > 0;
    const endIsTold = asked.length === undefined || told?.length !== undefined;
    return startIsTold && endIsTold;
  }

  /** Where the wanted bytes end: the end of the range, or of the file; undefined when nobody has said. */
  get end(): number | undefined {
    const { file } = this.#init;
    const size = file.askedSize ?? this.#offered.size;
    const { range } = file;
    if (range?.length === undefined) return size;
    return Math.min(range.offset + range.length, size ?? Number.POSITIVE_INFINITY);
  }

  /** Where the bytes end that the source said it would send. */
  get #announcedEnd(): number | undefined {
    const size = this.#offered.size ?? this.#init.file.askedSize;
    const { range } = this.#offered;
    return range?.length === undefined ? size : range.offset + range.length;
  }

  /** Whether the source was seen to send more than it said. */
  get surplus(): boolean {
    return this.#surplus;
  }

  /** The bytes from `from` to `end`, as they come. Fails when the source does; ends early when it does. */
  async *bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    const { from } = this.#init;
    const end = this.end ?? Number.POSITIVE_INFINITY;
    this.#at = this.#offered.range?.offset ?? 0;
    if (this.#at > from) throw new FetchError('bad-source', 'the source begins behind the bytes asked for');
    while (this.#at < end) {
      const at = this.#at;
      const chunk = await this.#next();
      if (chunk === undefined) return;
      const wanted = chunk.subarray(Math.max(0, from - at), Math.min(chunk.length, end - at));
      if (wanted.length > 0) yield wanted;
    }
  }

  /**
   * Waits, no longer than `maxMs`, for a checksum that `wanted` accepts; meanwhile looks whether
   * the source goes on behind the end.
   */
  async settle(wanted: (range: Range | undefined) => boolean, maxMs: number): Promise<void> {
    const { clock } = this.#components;
    const untilMs = clock.monotonic() + maxMs;
    this.#draining = this.#drain().catch(() => undefined); // what fails after the last byte harms nobody
    while (!this.#download.checksums.some((each) => wanted(each.range))) {
      if (clock.monotonic() >= untilMs || this.#signal?.aborted) return;
      await new Promise<void>((resolve) => {
        clock.after(CHECKSUM_LOOK_MS, resolve);
      });
    }
  }

  checksums(): readonly { readonly hash: Hash; readonly range?: Range }[] {
    return this.#download.checksums;
  }

  /** Ends the session; only the first call counts. */
  finish(outcome: 'success' | 'cancel' | 'failed-application'): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#init.closing(this.#finish(outcome));
  }

  /** The source will give it later. A source that is free is asked before. */
  #onQueued(place: number): void {
    if (this.#init.inQueue === 'wait') this.#waiting?.again();
    else this.#waiting?.fail(new FetchError('bad-source', `it would be our turn as number ${place}`));
  }

  async #finish(outcome: 'success' | 'cancel' | 'failed-application'): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#download.accepted.catch(() => undefined); // nobody waits for it any more
    try {
      await this.#download.finish(outcome);
    } catch (error) {
      this.#components.log.debug(
        { jid: this.#init.source.jid, error: messageOf(error) },
        'session not ended',
      );
    }
    this.#download.stream.destroy();
    await this.#draining;
  }

  /** Not for a source that sends what we don't want: it would have to send all of that. */
  async #drain(): Promise<void> {
    while (!this.#surplus && this.#at === this.#announcedEnd) {
      if ((await this.#next()) === undefined) return;
    }
  }

  async #next(): Promise<Buffer | undefined> {
    this.#iterator ??= this.#download.stream.iterator({ destroyOnReturn: false });
    const next = await this.#whileHeard(this.#iterator.next());
    if (next.done === true) return undefined;
    this.#at += next.value.length;
    this.#surplus ||= this.#announcedEnd !== undefined && this.#at > this.#announcedEnd;
    return next.value;
  }

  /** Waits for something of the source, not longer than it may be silent. */
  #whileHeard<T>(heard: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let timer: Timer | undefined;
      const watch = () => {
        timer?.cancel();
        timer = this.#components.clock.after(this.#init.idleTimeoutMs, onSilence);
      };
      const settled = <V>(go: (value: V) => void) => {
        return (value: V) => {
          timer?.cancel();
          this.#waiting = undefined;
          this.#signal?.removeEventListener('abort', onAbort);
          go(value);
        };
      };
      const fail = settled(reject);
      const onAbort = () => fail(new AbortedError('the fetch was aborted'));
      const onSilence = () => {
        const error = new TimeoutError(`nothing came for ${this.#init.idleTimeoutMs / 1000} seconds`);
        this.#download.stream.destroy(error);
        fail(error);
      };
      this.#waiting = { fail, again: watch };
      watch();
      this.#signal?.addEventListener('abort', onAbort, { once: true });
      heard.then(settled(resolve), fail);
    });
  }
}

const CHECKSUM_LOOK_MS = 20; // far below what a person notices; the wait is short and rare

function rangeOf({ ask, from, file }: SourceSessionInit): Range | undefined {
  if (ask === 'whole') return undefined;
  if (file.range?.length === undefined) return from === 0 ? undefined : { offset: from };
  // Where the size is known nothing beyond it is asked for: a source may refuse that.
  const size = file.askedSize ?? file.told?.size ?? Number.POSITIVE_INFINITY;
  const end = Math.min(size, file.range.offset + file.range.length);
  return { offset: from, length: Math.max(0, end - from) };
}

/** What selects the file at the source (RFC 5547 §5), and the bytes wanted of it. */
function selectorOf(init: SourceSessionInit): FileDescription {
  const { file, source } = init;
  const name = source.path ?? file.name;
  const range = rangeOf(init);
  return {
    ...(name !== undefined && { name }),
    ...(source.path !== undefined && { path: source.path }),
    ...(file.askedSize !== undefined && { size: file.askedSize }),
    hashes: file.asked === undefined ? [] : [file.asked],
    // Of a file's part nobody knows a hash beforehand; the source tells one where it is asked for.
    hashesUsed: file.range === undefined ? [] : ['sha-256'],
    ...(range !== undefined && { range: { ...range, hashes: [] } }),
  };
}
