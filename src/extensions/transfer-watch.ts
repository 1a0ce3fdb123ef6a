/** Sends files as extensions let it, and tells them how far each one is and how it ended. */
import { Readable } from 'node:stream';
import { describeFile } from '../catalogue/file-description.js';
import type { FileEntry } from '../catalogue/file-entry.js';
import type { Clock, Timer } from '../clock.js';
import { LimitError, ParseError } from '../errors.js';
import {
  FileNotAvailableError,
  type FileRequest,
  type FileSource,
  type TransferOutcome,
} from '../jingle/file-session.js';
import { SessionFailedError } from '../jingle/reason.js';
import type { Jid } from '../stanza/jid.js';
import type { FileDescription, Range } from '../stanza/xep0234-file-transfer.js';
import type { Hash } from '../stanza/xep0300-hashes.js';
import type { Transfer } from './api.js';
import type { Extensions } from './extension-host.js';
import { ourFile } from './our-file.js';
import type { RunningExtension } from './running-extension.js';
import { readTransferVerdict } from './verdicts.js';

/** A source that knows how far it is. */
export interface ProgressingSource extends FileSource {
  progress(): { readonly sentBytes: number };
}

/** Where files come from; `FileServer` is one. */
export interface FilesToSend {
  handle(request: FileRequest, signal: AbortSignal): Promise<ProgressingSource>;
  source(entry: FileEntry, peer: Jid, signal: AbortSignal): Promise<ProgressingSource>;
}

export interface WatchedFilesComponents {
  readonly files: FilesToSend;
  readonly extensions: Extensions;
  readonly clock: Clock;
}

const PROGRESS_MS = 1_000;

export class WatchedFiles {
  readonly #components: WatchedFilesComponents;
  readonly #running = new Set<WatchedSource>();
  #count = 0;
  #timer: Timer | undefined;

  constructor(components: WatchedFilesComponents) {
    this.#components = components;
  }

  /** As {@link FilesToSend.handle}; throws `SessionFailedError` as well, for a veto with a reason. */
  readonly handle = async (
    { granted: _, ...request }: FileRequest, // not before the extensions have said yes
    signal: AbortSignal,
  ): Promise<FileSource> => {
    const { files } = this.#components;
    const { peer, sid } = request;
    const { range, ...whole } = request.file;
    try {
      return await this.#watched(await files.handle(request, signal), { peer, sid }, signal);
    } catch (error) {
      if (!(error instanceof ParseError) || range === undefined) throw error;
      // Who may not have the file must not learn that it is there from what is wrong with the range.
      const { queued: _, ...unheard } = request;
      const source = await files.handle({ ...unheard, file: whole }, signal).catch((cause: unknown) => {
        throw new FileNotAvailableError('no such file', { cause }); // also for want of the slot that it had
      });
      const watched = await this.#watched(source, { peer, sid }, signal);
      watched.release({ type: 'failed', bytes: 0, error });
      throw error;
    }
  };

  async source(entry: FileEntry, peer: Jid, signal: AbortSignal): Promise<FileSource> {
    const to = { peer, sid: undefined };
    try {
      return await this.#watched(await this.#components.files.source(entry, peer, signal), to, signal);
    } catch (error) {
      if (!(error instanceof LimitError)) throw error;
      // Who may not have the file must not learn that it is there from there being no slot for it.
      const watched = await this.#watched(unsent(entry), to, signal);
      watched.release({ type: 'failed', bytes: 0, error });
      throw error;
    }
  }

  async #watched(
    source: ProgressingSource,
    to: Pick<Transfer, 'peer' | 'sid'>,
    signal: AbortSignal,
  ): Promise<FileSource> {
    const { clock, extensions } = this.#components;
    this.#count += 1;
    const { offset, length } = source.range;
    const transfer: Transfer = Object.freeze({
      id: String(this.#count),
      ...to,
      file: ourFile(source.file),
      range: Object.freeze({ offset, length }),
    });
    const watched = new WatchedSource(source, {
      transfer,
      clock,
      onEnd: () => this.#ended(watched),
    });
    for (const each of extensions.having('onTransferStart')) {
      const said = await each.decide('onTransferStart', transfer, readTransferVerdict, signal);
      if (said === undefined) continue;
      const error =
        said === 'vetoed'
          ? new FileNotAvailableError('no such file')
          : new SessionFailedError(said.condition, said.text ?? 'not allowed');
      watched.vetoed(each, error);
      throw error;
    }
    this.#running.add(watched);
    this.#timer ??= clock.after(PROGRESS_MS, this.#tick);
    return watched;
  }

  readonly #tick = (): void => {
    const listeners = this.#components.extensions.having('onTransferProgress');
    for (const each of this.#running) each.tellProgress(listeners);
    this.#timer = this.#components.clock.after(PROGRESS_MS, this.#tick);
  };

  #ended(source: WatchedSource): void {
    this.#running.delete(source);
    source.tellEnd(this.#components.extensions.having('onTransferEnd'));
    if (this.#running.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

/** What there is to be asked about where nothing is opened. */
function unsent(entry: FileEntry): ProgressingSource {
  return {
    file: describeFile(entry),
    range: { offset: 0, length: entry.size },
    open: () => Readable.from([]),
    checksum: () => undefined,
    release: () => {},
    progress: () => ({ sentBytes: 0 }),
  };
}

interface WatchedSourceInit {
  readonly transfer: Transfer;
  readonly clock: Clock;
  readonly onEnd: () => void;
}

class WatchedSource implements FileSource {
  readonly #source: ProgressingSource;
  readonly #init: WatchedSourceInit;
  readonly #fromMs: number;
  #toldBytes = 0;
  /** Who has not dealt with the progress that it was told last. */
  readonly #busy = new Set<RunningExtension>();
  #outcome: TransferOutcome | undefined;
  /** Who kept it from starting, and hears no more of it. */
  #vetoer: RunningExtension | undefined;

  constructor(source: ProgressingSource, init: WatchedSourceInit) {
    this.#source = source;
    this.#init = init;
    this.#fromMs = init.clock.monotonic();
  }

  get file(): FileDescription {
    return this.#source.file;
  }

  get range(): Required<Range> {
    return this.#source.range;
  }

  open(wanted: Required<Range>) {
    return this.#source.open(wanted);
  }

  checksum(): Hash | undefined {
    return this.#source.checksum();
  }

  release(outcome: TransferOutcome): void {
    this.#outcome = outcome;
    this.#source.release(outcome);
    this.#init.onEnd();
  }

  vetoed(by: RunningExtension, error: Error): void {
    this.#vetoer = by;
    this.release({ type: 'failed', bytes: 0, error });
  }

  tellProgress(listeners: readonly RunningExtension[]): void {
    const { sentBytes } = this.#source.progress();
    if (sentBytes === this.#toldBytes) return;
    this.#toldBytes = sentBytes;
    const progress = Object.freeze({ ...this.#init.transfer, sentBytes });
    for (const each of listeners) {
      if (this.#busy.has(each)) continue;
      this.#busy.add(each);
      void each.told('onTransferProgress', progress).then(() => this.#busy.delete(each));
    }
  }

  /** Of a vetoed one only those hear who were asked before. */
  tellEnd(listeners: readonly RunningExtension[]): void {
    const outcome = this.#outcome;
    if (!outcome) return;
    const { transfer, clock } = this.#init;
    const end = Object.freeze({
      ...transfer,
      sentBytes: outcome.bytes,
      outcome: outcome.type,
      error: outcome.type === 'failed' ? outcome.error.message : undefined,
      durationMs: Math.round(clock.monotonic() - this.#fromMs),
    });
    for (const each of listeners) {
      if (this.#vetoer && each.order >= this.#vetoer.order) break;
      each.tell('onTransferEnd', end);
    }
  }
}
