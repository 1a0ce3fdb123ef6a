/** Offers of files to whoever asks for one elsewhere than in a Jingle session: from a command, or by XEP-0135. */
import type { Refusals } from '../access/refusals.js';
import type { FileEntry } from '../catalogue/file-entry.js';
import type { MadeFile } from '../catalogue/made-file.js';
import type { LimitError } from '../errors.js';
import type { Jid } from '../stanza/jid.js';
import type { SharedFolders } from './shared-folders.js';

export interface FileOffersComponents {
  readonly folders: SharedFolders;
  /** Resolves when the offer is on its way; what becomes of it is its own to tell. */
  readonly send: (to: Jid, entry: FileEntry, signal: AbortSignal) => Promise<void>;
  readonly refusals?: Pick<Refusals, 'count'>;
}

export class FileOffers {
  readonly #components: FileOffersComponents;

  constructor(components: FileOffersComponents) {
    this.#components = components;
  }

  /**
   * Offers the file at `share/folder/name` to a full address, if it may have it. `signal` is only for the time until
   * then. Throws `item-not-found` as a StanzaError, FileNotAvailableError, LimitError and AbortedError.
   */
  async offer(to: Jid, path: string, signal: AbortSignal): Promise<void> {
    const { folders, send } = this.#components;
    await send(to, await folders.takeable(to, path), signal);
  }

  /** Offers what was made for it. Throws FileNotAvailableError, LimitError and AbortedError. */
  async offerMade(to: Jid, file: MadeFile, signal: AbortSignal): Promise<void> {
    await this.#components.send(to, file, signal);
  }

  /** It was over a limit, and is told so in words. */
  refused(to: Jid, { bound }: LimitError): void {
    this.#components.refusals?.count(bound, to);
  }
}
