/**
 * Adds records to a journal in their order, one write at a time: what comes while one is under way goes with the next.
 * Nobody waits for them; what fails is thrown by the next call that somebody does wait for.
 */
import type { PartHandle } from '../../fs/part-file.js';
import { formatRecord, type JournalRecord } from './block-journal.js';

export class JournalWriter {
  readonly #handle: PartHandle;
  readonly #seed: number;
  #at: number;
  #pending: Buffer[] = [];
  #writing: Promise<void> = Promise.resolve();
  #isWriting = false;
  #failure: { readonly error: unknown } | undefined;
  #count: number;

  /** `at`: where the next record goes; `count`: how many are before it. */
  constructor(
    handle: PartHandle,
    init: { readonly at: number; readonly seed: number; readonly count: number },
  ) {
    this.#handle = handle;
    this.#seed = init.seed;
    this.#at = init.at;
    this.#count = init.count;
  }

  /** Records so far, also those on their way. */
  get count(): number {
    return this.#count;
  }

  /** What went wrong, if anything did. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  add(record: JournalRecord): void {
    this.#pending.push(formatRecord(record, this.#seed));
    this.#count += 1;
    if (this.#isWriting || this.#failure) return;
    this.#isWriting = true;
    this.#writing = this.#write();
  }

  /** Resolves when the operating system has every record added so far. */
  async flush(): Promise<void> {
    await this.#writing;
    if (this.#failure) throw this.#failure.error;
  }

  /** Resolves when they would survive a power cut. */
  async sync(): Promise<void> {
    await this.flush();
    await this.#handle.sync();
  }

  /** Waits for what is under way. Never throws. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#handle.close().catch(() => undefined); // its content is as safe as it was before
  }

  /** Never rejects. */
  async #write(): Promise<void> {
    try {
      while (this.#pending.length > 0) {
        const bytes = Buffer.concat(this.#pending.splice(0));
        await this.#handle.write(bytes, this.#at);
        this.#at += bytes.length;
      }
    } catch (error) {
      this.#failure = { error };
    } finally {
      this.#isWriting = false;
    }
  }
}
