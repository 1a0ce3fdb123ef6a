/**
 * What goes out to whom: stands between those who ask for files and the file server, and adds up what each peer
 * gets of each file. A peer that fetches a file in ranges is one transfer, not one after the other.
 */
import type { FileEntry } from '../catalogue/file-entry.js';
import { keyOf } from '../catalogue/file-entry.js';
import { toDisplay } from '../catalogue/share-path.js';
import type { Clock, Timer } from '../clock.js';
import type { FilesToSend, ProgressingSource } from '../extensions/transfer-watch.js';
import { RateMeter } from '../hashing/rate-meter.js';
import type { FileRequest, TransferOutcome } from '../jingle/file-session.js';
import type { Jid } from '../stanza/jid.js';
import type { FileDescription, Range } from '../stanza/xep0234-file-transfer.js';
import type { TransferStatus } from './node-status.js';

export interface SentFilesComponents {
  readonly files: FilesToSend;
  readonly clock: Clock;
}

const LOOK_MS = 500;
/** A peer that asks for the next range within this goes on with its transfer. */
const LINGER_MS = 3000;

export class SentFiles implements FilesToSend {
  readonly #files: FilesToSend;
  readonly #clock: Clock;
  /** As many as are being sent or waited for, and those that ended within the last seconds. */
  readonly #transfers = new Map<string, SentFile>();
  #timer: Timer | undefined;

  constructor({ files, clock }: SentFilesComponents) {
    this.#files = files;
    this.#clock = clock;
  }

  readonly handle = async (request: FileRequest, signal: AbortSignal): Promise<ProgressingSource> => {
    const path = request.file.path ?? request.file.name ?? request.file.hashes[0]?.value ?? '';
    const stop = () => void request.session?.end('cancel', 'it was ended by whoever gets it');
    return await this.#watched(request.peer, path, () => this.#files.handle(request, signal), stop);
  };

  readonly source = async (entry: FileEntry, peer: Jid, signal: AbortSignal): Promise<ProgressingSource> =>
    await this.#watched(peer, toDisplay(keyOf(entry)), () => this.#files.source(entry, peer, signal));

  /** Ends what is sent to this address of this file, in however many sessions. False where that is nothing. */
  cancel(peer: Jid, path: string): boolean {
    return this.#transfers.get(JSON.stringify([peer, path]))?.cancel() ?? false;
  }

  /** The oldest first. */
  status(): TransferStatus[] {
    this.#forgetOld();
    return [...this.#transfers.values()].map((each) => each.status());
  }

  /** Forgets everything; what is under way goes on. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#transfers.clear();
  }

  async #watched(
    peer: Jid,
    asked: string,
    open: () => Promise<ProgressingSource>,
    stop: () => void = () => undefined,
  ): Promise<ProgressingSource> {
    const waiting = this.#of(peer, asked);
    waiting.waiting.add(stop);
    try {
      const source = await open();
      // A file can be asked for by its hash; from here on its path is known.
      const sent = this.#of(peer, source.file.path ?? asked);
      const watched = new WatchedSource(source, sent, stop);
      sent.begin(watched, source.file);
      return watched;
    } finally {
      waiting.waiting.delete(stop);
      if (waiting.isEmpty) this.#transfers.delete(waiting.key);
    }
  }

  #of(peer: Jid, path: string): SentFile {
    const key = JSON.stringify([peer, path]);
    const known = this.#transfers.get(key);
    if (known !== undefined) return known;
    const made = new SentFile({ clock: this.#clock }, { key, peer, path });
    this.#transfers.set(key, made);
    this.#timer ??= this.#clock.after(LOOK_MS, this.#look);
    return made;
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    this.#forgetOld();
    for (const each of this.#transfers.values()) each.look();
    if (this.#transfers.size > 0) this.#timer = this.#clock.after(LOOK_MS, this.#look);
  };

  #forgetOld(): void {
    const beforeMs = this.#clock.monotonic() - LINGER_MS;
    for (const each of this.#transfers.values()) if (each.overBy(beforeMs)) this.#transfers.delete(each.key);
  }
}

/** What one peer gets of one file. */
class SentFile {
  readonly key: string;
  /** What ends them, of those who wait for it. */
  readonly waiting = new Set<() => void>();
  readonly #clock: Clock;
  readonly #peer: Jid;
  readonly #path: string;
  readonly #meter: RateMeter;
  readonly #running = new Set<WatchedSource>();
  #fileBytes: number | undefined;
  #endedBytes = 0;
  #hasBegun = false;
  #activeAtMs: number;

  constructor(components: { readonly clock: Clock }, init: { key: string; peer: Jid; path: string }) {
    this.key = init.key;
    this.#peer = init.peer;
    this.#path = init.path;
    this.#clock = components.clock;
    this.#meter = new RateMeter(components);
    this.#activeAtMs = components.clock.monotonic();
  }

  /** Nothing of it was ever sent, and nobody waits for it. */
  get isEmpty(): boolean {
    return !this.#hasBegun && this.waiting.size === 0;
  }

  begin(source: WatchedSource, file: FileDescription): void {
    if (!this.#hasBegun) this.#meter.read(0);
    this.#hasBegun = true;
    this.#fileBytes = file.size ?? this.#fileBytes;
    this.#running.add(source);
  }

  end(source: WatchedSource, sentBytes: number): void {
    if (!this.#running.delete(source)) return;
    this.#endedBytes += sentBytes;
    this.#activeAtMs = this.#clock.monotonic();
  }

  cancel(): boolean {
    const stops = [...this.waiting, ...[...this.#running].map(({ stop }) => stop)];
    for (const stop of stops) stop();
    return stops.length > 0;
  }

  look(): void {
    if (this.#hasBegun) this.#meter.read(this.#bytes);
  }

  overBy(ms: number): boolean {
    return this.#running.size === 0 && this.waiting.size === 0 && this.#activeAtMs <= ms;
  }

  status(): TransferStatus {
    const bytes = this.#bytes;
    return {
      direction: 'out',
      peer: this.#peer,
      path: this.#path,
      state: this.#running.size > 0 ? 'active' : this.waiting.size > 0 ? 'waiting' : 'ended',
      bytes,
      ...(this.#fileBytes !== undefined && { fileBytes: this.#fileBytes }),
      bytesPerSecond: this.#running.size > 0 ? this.#meter.perSecond(bytes) : 0,
    };
  }

  get #bytes(): number {
    let bytes = this.#endedBytes;
    for (const each of this.#running) bytes += each.progress().sentBytes;
    return bytes;
  }
}

class WatchedSource implements ProgressingSource {
  readonly #source: ProgressingSource;
  readonly #sent: SentFile;

  constructor(
    source: ProgressingSource,
    sent: SentFile,
    readonly stop: () => void,
  ) {
    this.#source = source;
    this.#sent = sent;
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

  progress() {
    return this.#source.progress();
  }

  checksum() {
    return this.#source.checksum();
  }

  release(outcome: TransferOutcome): void {
    this.#sent.end(this, this.#source.progress().sentBytes);
    this.#source.release(outcome);
  }
}
