/**
 * Answers requests for files: finds the file, takes a slot, opens it, says what will be sent and
 * reads it. Whatever keeps a file from being sent, absent, forbidden or else, looks the same to the peer.
 */
import type { AccessPolicy, View } from '../../access/access-policy.js';
import type { FileRequestBudget } from '../../access/file-request-budget.js';
import type { Refusals } from '../../access/refusals.js';
import { type FileEntry, keyOf } from '../../catalogue/file-entry.js';
import { isMade } from '../../catalogue/made-file.js';
import type { Clock } from '../../clock.js';
import { AbortedError, LimitError, messageOf } from '../../errors.js';
import { FileNotAvailableError, type FileRequest } from '../../jingle/file-session.js';
import type { Log } from '../../log.js';
import { bareOf, type Jid } from '../../stanza/jid.js';
import type { Range } from '../../stanza/xep0234-file-transfer.js';
import type { Hash } from '../../stanza/xep0300-hashes.js';
import type { BandwidthGovernor } from './bandwidth-governor.js';
import { type OfferedFiles, type Selection, selectFile, stillThere } from './file-selector.js';
import { checkedBytes, HashChecks, MAX_CHECKED_BYTES } from './hash-check.js';
import { LookTurns } from './look-turns.js';
import { MemoryFile } from './memory-file.js';
import type { OpenFile } from './range-reader.js';
import { resolveRange } from './send-range.js';
import { SlowReceivers } from './slow-receivers.js';
import { Upload, type UploadProgress } from './upload.js';
import { type UploadLimits, type UploadSlot, UploadSlots, type UploadSlotsInit } from './upload-slots.js';
import { UPLOAD_WAITS, type UploadWaits, whenFree } from './upload-turn.js';

/** A file that is being sent now. */
export interface UploadStatus extends UploadProgress {
  readonly peer: Jid;
}

/** Opens what is offered; `ShareFiles` is one. Rejects when the file can't be had. */
export interface FileOpener {
  open(entry: FileEntry): Promise<OpenFile>;
}

export interface FileServerComponents {
  readonly catalogue: OfferedFiles;
  readonly files: FileOpener;
  readonly access: AccessPolicy;
  readonly clock: Clock;
  readonly log: Log;
  /** Bounds how often files are asked for. */
  readonly budget?: FileRequestBudget;
  /** Is told of who gets none. */
  readonly refusals?: Pick<Refusals, 'count'>;
  /** The same for requests without a session, that is by a link: whoever has it may be another than it was made for. Default: the same. */
  readonly linkRefusals?: Pick<Refusals, 'count'>;
  /** Bounds how fast they are sent. */
  readonly governor?: BandwidthGovernor;
}

export interface FileServerInit extends UploadSlotsInit {
  /**
   * Whether who asks for what is not here is told so at once, where others wait for a slot. Not where
   * something else keeps files from being sent: it would be seen which of them are here. Default true.
   */
  readonly refusesEarly?: boolean;
  /** Who takes less has to make room where others wait. Default 0: nobody. */
  readonly leastBytesPerSecond?: number;
  /** Default {@link UPLOAD_WAITS}. */
  readonly waits?: Partial<UploadWaits>;
}

interface WantedUpload {
  readonly to: Jid;
  readonly range: Range | undefined;
  readonly slot: UploadSlot;
  readonly sid: string;
  /** That it is asked for in. */
  readonly session: FileRequest['session'];
  readonly onDismissed?: FileRequest['onDismissed'];
  readonly signal: AbortSignal;
  /** It has to have them. */
  readonly hashes: readonly Hash[];
  readonly partChecksum: boolean;
}

export class FileServer {
  readonly #components: FileServerComponents;
  readonly #slots: UploadSlots;
  readonly #slow: SlowReceivers;
  readonly #checks = new HashChecks();
  readonly #looks = new LookTurns();
  readonly #waits: UploadWaits;
  readonly #refusesEarly: boolean;
  readonly #uploads = new Map<Upload, Pick<WantedUpload, 'to' | 'onDismissed'>>();
  #offers = 0;

  constructor(components: FileServerComponents, init: FileServerInit) {
    this.#components = components;
    this.#slots = new UploadSlots(components, init);
    this.#slow = new SlowReceivers(
      { clock: components.clock, waiting: () => this.#slots.waiting },
      { leastBytesPerSecond: init.leastBytesPerSecond ?? 0, stepBytes: chunkBytes(0) },
    );
    this.#waits = { ...UPLOAD_WAITS, ...init.waits };
    this.#refusesEarly = init.refusesEarly ?? true;
  }

  /** Holds at once; who has a slot keeps it. */
  setLimits(limits: UploadLimits & Required<Pick<FileServerInit, 'leastBytesPerSecond'>>): void {
    const { leastBytesPerSecond, ...slots } = limits;
    this.#slots.setLimits(slots);
    this.#slow.setLeast(leastBytesPerSecond);
  }

  /** Files being sent, or about to be. */
  get uploads(): number {
    return this.#slots.files;
  }

  /** Requests that wait for a slot. */
  get waiting(): number {
    return this.#slots.waiting;
  }

  /** Ends what is sent to those peers. */
  dismiss(isMeant: (peer: Jid) => boolean): void {
    for (const [upload, { to, onDismissed }] of this.#uploads) {
      if (!isMeant(to)) continue;
      upload.fail(new AbortedError('the peer was dismissed'));
      onDismissed?.();
    }
  }

  /** What is being sent, the oldest first. */
  status(): UploadStatus[] {
    return [...this.#uploads].map(([upload, { to }]) => ({ peer: to, ...upload.progress() }));
  }

  /**
   * For {@link JingleEngine}. Waits for a slot where all are taken, and tells the peer so. Throws
   * `FileNotAvailableError`, `LimitError`, `ParseError`, `AbortedError`.
   */
  readonly handle = async (request: FileRequest, signal: AbortSignal): Promise<Upload> => {
    const { budget, refusals: ofSessions, linkRefusals = ofSessions } = this.#components;
    const { peer, session } = request;
    const refusals = session ? ofSessions : linkRefusals;
    try {
      budget?.charge(bareOf(peer));
      return await this.#serve(request, signal);
    } catch (error) {
      if (error instanceof LimitError) refusals?.count(error.bound, peer);
      if (error instanceof FileNotAvailableError) {
        refusals?.count('file-not-available', peer);
        budget?.missed(bareOf(peer));
      }
      throw error;
    }
  };

  /**
   * The whole of `entry`, one of ours or made for `peer`, as something to offer to it, who needs a slot as if it had
   * asked. Throws
   * `FileNotAvailableError`, `LimitError`, `AbortedError`.
   */
  async source(entry: FileEntry, peer: Jid, signal: AbortSignal): Promise<Upload> {
    if (!isMade(entry) && !this.#components.access.viewOf({ jid: peer }).mayTake(entry)) {
      throw new FileNotAvailableError('no such file');
    }
    const sid = `offer ${this.#offers++}`; // a session of its own
    return await this.#withSlot(this.#slots.take({ peer: bareOf(peer), sid }), (slot) =>
      this.#upload(entry, {
        ...{ to: peer, sid, session: undefined, range: undefined, slot, signal },
        ...{ hashes: [], partChecksum: false },
      }),
    );
  }

  async #serve(request: FileRequest, signal: AbortSignal): Promise<Upload> {
    // Before there is a slot: who asks for what is not here holds none.
    const found = await this.#select(request, signal);
    if (this.#refusesEarly) someOf(found);
    return await this.#withSlot(await this.#slotFor(request, signal), async (slot) => {
      const { entries, hashes } = await this.#selectAgain(request, someOf(found), signal);
      if (hashes.length === 0) request.granted?.();
      const { range, hashesUsed } = request.file;
      const partChecksum = hashesUsed.includes('sha-256');
      const { peer: to, sid, session, onDismissed } = request;
      const wanted = { to, sid, session, onDismissed, range, slot, signal, hashes, partChecksum };
      let failure = new FileNotAvailableError('no such file');
      let checked = 0;
      for (const entry of entries) {
        checked += checkedBytes(entry.size, hashes);
        if (checked > MAX_CHECKED_BYTES) break;
        try {
          return await this.#upload(entry, wanted);
        } catch (error) {
          if (!(error instanceof FileNotAvailableError)) throw error;
          failure = error;
        }
      }
      throw failure;
    });
  }

  /** One for the session, which may have to wait. */
  async #slotFor(request: FileRequest, signal: AbortSignal): Promise<UploadSlot> {
    const { peer, sid, queued } = request;
    const { clock } = this.#components;
    const owner = { peer: bareOf(peer), sid };
    return await whenFree({ clock, slots: this.#slots, tell: queued }, owner, this.#waits, signal);
  }

  async #select(request: FileRequest, signal: AbortSignal): Promise<Selection> {
    const { catalogue, budget } = this.#components;
    const peer = bareOf(request.peer);
    return await selectFile(catalogue, request.file, this.#viewOf(request), (look) =>
      this.#looks.run(peer, look, {
        signal,
        onBegin: () => budget?.check(peer), // looks before this one may have used it up
        onTurn: () => budget?.looked(peer),
      }),
    );
  }

  /** After the wait for a slot, in which files come and go, and rules change. */
  async #selectAgain(request: FileRequest, found: Selection, signal: AbortSignal): Promise<Selection> {
    const left = stillThere(this.#components.catalogue, found, this.#viewOf(request));
    return left.entries.length > 0 ? left : someOf(await this.#select(request, signal));
  }

  #viewOf({ peer: jid, through }: FileRequest): View {
    return this.#components.access.viewOf({ jid, ...(through && { through }) });
  }

  async #withSlot(slot: UploadSlot, open: (slot: UploadSlot) => Promise<Upload>): Promise<Upload> {
    try {
      return await open(slot);
    } catch (error) {
      slot.free();
      throw error;
    }
  }

  async #upload(entry: FileEntry, wanted: WantedUpload): Promise<Upload> {
    const { to, slot, signal, hashes, partChecksum } = wanted;
    const file = await this.#open(entry);
    try {
      if (hashes.length > 0) await this.#check(file, hashes, signal);
      if (signal.aborted) throw new AbortedError('the peer went away');
      const range = resolveRange(wanted.range, file.size);
      const pace = this.#components.governor?.paceFor(bareOf(to));
      const upload = new Upload(
        {
          ...{ entry, file, range, hashes, partChecksum, chunkBytes: chunkBytes(this.#slots.files) },
          ...(pace && { pace }),
        },
        (outcome) => {
          unwatch();
          slot.free();
          this.#uploads.delete(upload);
          this.#components.log.debug({ to, path: keyOf(entry), outcome: outcome.type }, 'upload ended');
          this.#close(file);
        },
      );
      this.#uploads.set(upload, wanted);
      const unwatch = this.#slow.watch({
        session: `${to}\n${wanted.sid}`,
        progress: () => ({ bytes: upload.progress().sentBytes, heldMs: pace?.heldMs ?? 0 }),
        end: () => this.#endSlow(upload, wanted),
      });
      return upload;
    } catch (error) {
      this.#close(file);
      throw error;
    }
  }

  #endSlow(upload: Upload, { to, session, onDismissed }: WantedUpload): void {
    const error = new LimitError('leastUploadBytesPerSecond', 'others wait, and it took too little');
    this.#components.refusals?.count(error.bound, to);
    upload.fail(error);
    onDismissed?.();
    void session?.end('timeout', 'too slow while others wait; ask again for the rest');
  }

  async #check(file: OpenFile, hashes: readonly Hash[], signal: AbortSignal): Promise<void> {
    let hasThem = false;
    try {
      hasThem = await this.#checks.has(file, hashes, signal);
    } catch (cause) {
      signal.throwIfAborted();
      throw new FileNotAvailableError('the file can no longer be read', { cause });
    }
    if (!hasThem) throw new FileNotAvailableError('it has another hash');
  }

  /** Opens the version of the file that the catalogue speaks of. */
  async #open(entry: FileEntry): Promise<OpenFile> {
    if (isMade(entry)) return new MemoryFile(entry);
    const { files, log } = this.#components;
    let file: OpenFile;
    try {
      file = await files.open(entry);
    } catch (error) {
      log.debug({ path: keyOf(entry), error: messageOf(error) }, 'a file asked for could not be opened');
      throw new FileNotAvailableError('no such file', { cause: error });
    }
    // The catalogue holds whole milliseconds.
    if (file.size === entry.size && Math.abs(file.mtimeMs - entry.mtimeMs) < 1) return file;
    this.#close(file);
    log.debug({ path: keyOf(entry) }, 'a file asked for has changed and was not scanned again yet');
    throw new FileNotAvailableError('the file has changed');
  }

  #close(file: OpenFile): void {
    file
      .close()
      .catch((error: unknown) =>
        this.#components.log.warn({ error: messageOf(error) }, 'a file did not close'),
      );
  }
}

function someOf(selection: Selection): Selection {
  if (selection.entries.length === 0) throw new FileNotAvailableError('no such file');
  return selection;
}

const SLICES = [
  // measured: less costs speed, more gains little, and each stalled receiver holds a chunk
  { uploads: 64, bytes: 262_144 },
  { uploads: 256, bytes: 131_072 },
] as const;
const SMALLEST_CHUNK_BYTES = 65_536;

/** How much is read at once when so many files are being sent. */
export function chunkBytes(uploads: number): number {
  return SLICES.find((slice) => uploads <= slice.uploads)?.bytes ?? SMALLEST_CHUNK_BYTES;
}
