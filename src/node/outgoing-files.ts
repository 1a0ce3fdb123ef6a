/** What is on its way from us to others, asked for or offered, for those who may end it. */
import type { FileEntry } from '../catalogue/file-entry.js';
import { keyOf } from '../catalogue/file-entry.js';
import { toDisplay } from '../catalogue/share-path.js';
import type { FileUpload } from '../jingle/file-session.js';
import type { OutgoingTransfer, OutgoingTransfers } from '../service/commands/transfers-command.js';
import { type BareJid, bareOf, type Jid } from '../stanza/jid.js';
import type { SentFiles } from './sent-files.js';

export interface OutgoingFilesComponents {
  readonly sent: Pick<SentFiles, 'status' | 'cancel'>;
  readonly offer: (to: Jid, entry: FileEntry, signal: AbortSignal) => Promise<FileUpload>;
}

export class OutgoingFiles implements OutgoingTransfers {
  readonly #components: OutgoingFilesComponents;
  /** Offers that are not over, by address and path. As many as there may be sessions. */
  readonly #offered = new Map<string, FileUpload>();

  constructor(components: OutgoingFilesComponents) {
    this.#components = components;
  }

  /** Offers a file; see `offerFile`. `signal` is for the time until the offer is on its way. */
  readonly send = async (to: Jid, entry: FileEntry, signal: AbortSignal): Promise<void> => {
    const withdrawn = new AbortController();
    const withdraw = () => withdrawn.abort();
    signal.addEventListener('abort', withdraw, { once: true });
    try {
      const upload = await this.#components.offer(to, entry, withdrawn.signal);
      const key = keyFor(to, toDisplay(keyOf(entry)));
      this.#offered.set(key, upload);
      void upload.done.then(() => {
        if (this.#offered.get(key) === upload) this.#offered.delete(key);
      });
    } finally {
      signal.removeEventListener('abort', withdraw);
    }
  };

  to(account: BareJid): readonly OutgoingTransfer[] {
    return this.#components.sent.status().filter(({ peer }) => bareOf(peer) === account);
  }

  cancel({ peer, path }: OutgoingTransfer): boolean {
    const offered = this.#offered.get(keyFor(peer, path));
    if (offered === undefined) return this.#components.sent.cancel(peer, path);
    void offered.cancel();
    return true;
  }
}

function keyFor(peer: Jid, path: string): string {
  return JSON.stringify([peer, path]);
}
