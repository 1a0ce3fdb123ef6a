/** One range on its way from one source, as a content of a session. Checks what is agreed on; not what the bytes are. */
import { AbortedError } from '../../errors.js';
import type { FileDownload } from '../../jingle/file-session.js';
import type { FileDescription, Range } from '../../stanza/xep0234-file-transfer.js';
import { type RangeSourceState, SourceError, type WantedFile } from './range-source.js';
import { whileWanted } from './while-wanted.js';

type Take = (bytes: Uint8Array) => Promise<void> | undefined;

export interface RangeReadInit {
  readonly file: WantedFile;
  readonly range: Required<Range>;
  readonly onState: () => void;
}

export class RangeRead {
  readonly #download: FileDownload;
  readonly #init: RangeReadInit;
  #state: RangeSourceState = { type: 'connecting' };
  #wasAccepted = false;
  #takeFailure: { readonly error: unknown } | undefined;

  constructor(download: FileDownload, init: RangeReadInit) {
    this.#download = download;
    this.#init = init;
    download.onQueued((position) => this.#change({ type: 'queued', position }));
  }

  get state(): RangeSourceState {
    return this.#state;
  }

  /** Whether the source has said that it sends this. */
  get wasAccepted(): boolean {
    return this.#wasAccepted;
  }

  /** What `take` rejected with. */
  get takeFailure(): { readonly error: unknown } | undefined {
    return this.#takeFailure;
  }

  /** Resolves when all bytes were taken. Rejects with what the session fails with, what `take` does, and AbortedError. */
  async run(take: Take, signal: AbortSignal): Promise<void> {
    const { stream } = this.#download;
    const abort = () => {
      stream.destroy(new AbortedError('the read was called off'));
    };
    signal.addEventListener('abort', abort, { once: true });
    try {
      const offered = await whileWanted(this.#download.accepted, signal);
      this.#wasAccepted = true;
      this.#check(offered);
      this.#change({ type: 'connecting' }); // its turn has come, its bytes have not
      await this.#receive(take, signal);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  #receive(take: Take, signal: AbortSignal): Promise<void> {
    const { stream } = this.#download;
    const { length } = this.#init.range;
    let taken = 0;
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) => {
        this.#takeFailure = { error };
        reject(error);
      };
      // What has come may still wait to be taken.
      const over = (error: Error) => {
        if (taken < length || signal.aborted) reject(error);
      };
      stream.once('error', over);
      stream.once('close', () => over(new AbortedError('the read was called off')));
      stream.once('end', () =>
        over(new SourceError('too-few', `the source ended after ${taken} of ${length} bytes`)),
      );
      this.#download.receive((bytes) => {
        if (signal.aborted || this.#takeFailure) return undefined;
        if (this.#state.type !== 'sending') this.#change(this.#sending());
        taken += bytes.length;
        // The end of the stream would come with the checksum, which nobody needs.
        const isLast = taken >= length;
        try {
          const taking = take(bytes);
          if (taking === undefined && isLast) resolve();
          return taking?.then(isLast ? resolve : undefined).catch(fail);
        } catch (error) {
          fail(error);
          return undefined;
        }
      });
    });
  }

  #sending(): RangeSourceState {
    const { transport } = this.#download;
    return { type: 'sending', ...(transport !== undefined && { transport }) };
  }

  #change(state: RangeSourceState): void {
    this.#state = state;
    this.#init.onState();
  }

  /** A source that does not repeat the range may have overlooked it; nothing in the bytes would show that. */
  #check(offered: FileDescription): void {
    const { file, range } = this.#init;
    const told = offered.hashes.find(({ algo }) => algo === file.hash.algo);
    if ((offered.size ?? file.size) !== file.size || (told && told.value !== file.hash.value)) {
      throw new SourceError('changed', 'the source has another file than the one asked for');
    }
    const startIsTold = range.offset === 0 || offered.range?.offset === range.offset;
    const toEnd = range.offset + range.length === file.size;
    const length = offered.range?.length;
    if (length !== undefined && length < range.length) {
      throw new SourceError('too-few', 'the source agreed to fewer bytes than were asked for');
    }
    if (startIsTold && (toEnd || length !== undefined)) return;
    throw new SourceError('no-ranges', 'the source does not say that it gives the range asked for');
  }
}
