/**
 * A file on its way: `TARGET.part` beside the target, with its journal `TARGET.part.json`. Keeps
 * the bytes that are there, their hash and who sent them; gives them the target's name in the end.
 *
 * The journal is there before the `.part` and outlives it, so a `.part` without one is somebody
 * else's (browsers use the same ending). It is never continued, and only `replace` removes it.
 */
import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { AbortedError, messageOf } from '../../errors.js';
import type { PartFileSystem, PartHandle } from '../../fs/part-file.js';
import type { Claim } from '../../fs/process-claim.js';
import { ContentHash } from '../../jingle/content-hash.js';
import type { Log } from '../../log.js';
import type { Hash, HashAlgorithm } from '../../stanza/xep0300-hashes.js';
import { DiskError, existsError, guarded, replacedError } from './disk-error.js';
import { isContinued, type KnownFile, type Told, targetHash } from './known-file.js';
import { formatJournal, MAX_JOURNAL_BYTES, type PartJournal, parseJournal } from './part-journal.js';
import { cut } from './safe-file-name.js';

export interface PartFileComponents {
  readonly fs: PartFileSystem;
  readonly log: Log;
}

export interface PartFileInit {
  readonly target: string;
  readonly overwrite: 'refuse' | 'replace';
  readonly file: KnownFile;
  /** After so many bytes they are made safe from a power cut, where no hash would show the damage. */
  readonly checkpointBytes: number;
  /** Ends what is read to hash it, which of a large file takes minutes. */
  readonly signal?: AbortSignal;
}

const READ_BYTES = 1_048_576; // large enough that reading a part again is as fast as hashing it
const MAX_BASE_BYTES = 180; // leaves room in 255 for our endings

/** Where the bytes of `target` are while they come. */
export function partPath(target: string): string {
  const base = basename(target);
  const digest = () => createHash('sha256').update(base).digest('hex').slice(0, 16);
  const short =
    Buffer.byteLength(base) <= MAX_BASE_BYTES ? base : `${cut(base, MAX_BASE_BYTES - 17)}-${digest()}`;
  return join(dirname(target), `${short}.part`);
}

export class PartFile {
  readonly #fs: PartFileSystem;
  readonly #log: Log;
  readonly #init: PartFileInit;
  readonly #path: string;
  readonly #claim: Claim;
  #handle: PartHandle | undefined;
  #journal: PartJournal;
  #running: ContentHash;
  #have = 0;
  #resumed = 0;
  #sent = new Set<string>();

  private constructor(components: PartFileComponents, init: PartFileInit, claim: Claim) {
    this.#fs = components.fs;
    this.#log = components.log;
    this.#init = init;
    this.#path = partPath(init.target);
    this.#claim = claim;
    this.#journal = { file: init.file, syncedBytes: 0, provenBytes: 0, senders: [] };
    this.#running = runningHash(init.file);
  }

  /**
   * Takes the target and what is there of it already. Throws {@link DiskError}: `exists`,
   * `in-use`, `not-writable`.
   */
  static open(components: PartFileComponents, init: PartFileInit): Promise<PartFile> {
    const { fs } = components;
    return guarded(init.target, async () => {
      const kind = await fs.kindOf(init.target);
      if (kind === 'folder') throw new DiskError('not-writable', `${init.target} is a folder`);
      if (kind !== 'absent' && init.overwrite === 'refuse') throw existsError(init.target);
      if (kind === 'other') throw new DiskError('not-writable', `${init.target} is not a plain file`);
      const claim = await fs.claim(`${partPath(init.target)}.lock`);
      if (claim === undefined) {
        throw new DiskError('in-use', `${init.target} is being fetched by another process`);
      }
      try {
        const part = new PartFile(components, init, claim);
        await part.#resume();
        return part;
      } catch (error) {
        await claim.release();
        throw error;
      }
    });
  }

  /** Bytes that are there. */
  get have(): number {
    return this.#have;
  }

  /** How many of them were there before. */
  get resumed(): number {
    return this.#resumed;
  }

  /** Bytes from the beginning that have matched a sender's checksum. */
  get proven(): number {
    return this.#journal.provenBytes;
  }

  /** What is known of the file, with what was told of the bytes that are there. */
  get file(): KnownFile {
    return this.#journal.file;
  }

  /** Who sent the bytes that are there, also before this call. */
  get senders(): readonly string[] {
    return this.#journal.senders;
  }

  /** What an ordinary user may still write where the target is. */
  freeBytes(): Promise<number> {
    return this.#guarded(() => this.#fs.freeBytes(dirname(this.#path)));
  }

  /** Bytes of this sender will follow, of the file it told of. */
  begin(told: Told): Promise<void> {
    return this.#guarded(async () => {
      const file = { ...this.#journal.file, told };
      this.#journal = { ...this.#journal, file };
      if (this.#have === 0) this.#running = runningHash(file);
      await this.#writeJournal();
      this.#handle ??= await this.#create();
    });
  }

  append(bytes: Uint8Array, sender: string): Promise<void> {
    return this.#guarded(async () => {
      if (!this.#handle) throw new TypeError('append before begin');
      if (!this.#sent.has(sender)) {
        this.#sent.add(sender);
        this.#journal = { ...this.#journal, senders: [...this.#sent] };
        await this.#writeJournal();
      }
      const writing = this.#handle.write(bytes, this.#have);
      writing.catch(() => undefined); // it is awaited, but not before the hash, which takes as long
      this.#running.update(bytes);
      await writing;
      this.#have += bytes.byteLength;
      const unsafe = this.#have - this.#journal.syncedBytes;
      if (unsafe >= this.#init.checkpointBytes && targetHash(this.file) === undefined)
        await this.#checkpoint();
    });
  }

  /** The hash of the bytes from `start` on. */
  hash(algo: HashAlgorithm, start = 0): Promise<Hash> {
    return this.#guarded(async () => {
      if (algo === this.#running.algo && start === 0) return this.#running.value();
      const hash = new ContentHash(algo);
      await this.#read(start, this.#have, hash);
      return hash.value();
    });
  }

  /** All bytes that are there have matched checksums. */
  prove(): void {
    this.#journal = { ...this.#journal, provenBytes: this.#have };
  }

  /** Drops the bytes from `size` on. With 0 also what was told of them: the next may be of another file. */
  cutTo(size: number): Promise<void> {
    return this.#guarded(async () => {
      await this.#handle?.truncate(size);
      this.#have = size;
      this.#resumed = Math.min(this.#resumed, size);
      const { told, ...asked } = this.#journal.file;
      const file = size > 0 && told !== undefined ? { ...asked, told } : asked;
      this.#sent = size > 0 ? this.#sent : new Set();
      this.#journal = {
        file,
        syncedBytes: Math.min(this.#journal.syncedBytes, size),
        provenBytes: Math.min(this.#journal.provenBytes, size),
        senders: [...this.#sent],
      };
      this.#running = runningHash(file);
      await this.#read(0, size, this.#running);
      await this.#writeJournal();
    });
  }

  /** Gives the bytes the target's name. Throws {@link DiskError} `exists` when that has been taken meanwhile. */
  commit(): Promise<void> {
    return this.#guarded(async () => {
      const handle = this.#handle;
      await handle?.sync();
      const isOurs = await handle?.isAt(this.#path);
      this.#handle = undefined;
      await handle?.close();
      if (isOurs === false) {
        await this.#fs.remove(this.#journalPath); // it must not vouch for what took our name
        throw replacedError(this.#path);
      }
      await this.#fs.rename(this.#path, this.#init.target, this.#init.overwrite);
      await this.#fs.remove(this.#journalPath);
    });
  }

  /** Ends the work. What is there is kept for another time; a `.part` without a byte goes. */
  async close(): Promise<void> {
    try {
      const handle = this.#handle;
      if (handle === undefined) return;
      if (this.#have > 0) await this.#checkpoint();
      this.#handle = undefined;
      await handle.close();
      if (this.#have > 0) return;
      await this.#fs.remove(this.#path);
      await this.#fs.remove(this.#journalPath);
    } catch (error) {
      this.#log.warn({ part: this.#path, error: messageOf(error) }, 'part not closed cleanly');
    } finally {
      await this.#handle?.close().catch(() => undefined); // only when the checkpoint failed, which was logged
      await this.#claim.release();
    }
  }

  get #journalPath(): string {
    return `${this.#path}.json`;
  }

  async #resume(): Promise<void> {
    const partKind = await this.#fs.kindOf(this.#path);
    const journalKind = await this.#fs.kindOf(this.#journalPath);
    const text = await this.#fs.readText(this.#journalPath, MAX_JOURNAL_BYTES);
    const journal = text === undefined ? undefined : parseJournal(text);
    if (journal === undefined && this.#init.overwrite === 'refuse') {
      if (partKind !== 'absent') throw strangerError(this.#path);
      if (journalKind !== 'absent') throw strangerError(this.#journalPath);
    }
    const handle =
      journal !== undefined && isContinued(journal.file, this.#init.file)
        ? await this.#fs.reopen(this.#path)
        : undefined;
    if (journal === undefined || handle === undefined) {
      if (partKind !== 'absent') this.#log.info({ part: this.#path }, 'part of another file removed');
      await this.#fs.remove(this.#path);
      await this.#fs.remove(this.#journalPath);
      return;
    }
    await this.#takeOver(handle, journal).catch(async (error: unknown) => {
      await handle.close();
      throw error;
    });
  }

  async #takeOver(handle: PartHandle, journal: PartJournal): Promise<void> {
    const told = journal.file.told;
    const file = { ...this.#init.file, ...(told !== undefined && { told }) };
    const size = await handle.size();
    // After a power cut a file can have its length and not its bytes: only a hash would show that.
    const trusted = targetHash(file) === undefined ? Math.min(size, journal.syncedBytes) : size;
    if (trusted < size) await handle.truncate(trusted);
    this.#journal = { ...journal, file, provenBytes: Math.min(journal.provenBytes, trusted) };
    this.#running = runningHash(file);
    this.#sent = new Set(journal.senders);
    this.#handle = handle;
    await this.#read(0, trusted, this.#running);
    this.#have = trusted;
    this.#resumed = trusted;
  }

  async #read(start: number, end: number, hash: ContentHash): Promise<void> {
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, Math.max(0, end - start)));
    for (let at = start; at < end; ) {
      const count =
        (await this.#handle?.read(buffer.subarray(0, Math.min(buffer.length, end - at)), at)) ?? 0;
      if (this.#init.signal?.aborted) throw new AbortedError('the fetch was aborted');
      if (count === 0) throw new DiskError('changed', `${this.#path} was changed by another program`);
      hash.update(buffer.subarray(0, count));
      at += count;
    }
  }

  async #create(): Promise<PartHandle> {
    try {
      return await this.#fs.create(this.#path);
    } catch (error) {
      await this.#fs.remove(this.#journalPath); // it must not vouch for what is in the way
      throw error;
    }
  }

  async #checkpoint(): Promise<void> {
    await this.#handle?.sync();
    this.#journal = { ...this.#journal, syncedBytes: this.#have };
    await this.#writeJournal();
  }

  #writeJournal(): Promise<void> {
    return this.#fs.writeText(this.#journalPath, formatJournal(this.#journal));
  }

  #guarded<T>(work: () => Promise<T>): Promise<T> {
    return guarded(this.#init.target, work);
  }
}

function runningHash(file: KnownFile): ContentHash {
  return new ContentHash(targetHash(file)?.algo ?? 'sha-256');
}

function strangerError(path: string): DiskError {
  return new DiskError('exists', `${path} is in the way and was not made by shoal`);
}
