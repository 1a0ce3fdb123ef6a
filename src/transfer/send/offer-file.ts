/** Offers one of our files to somebody who did not ask for it here. */
import type { FileEntry } from '../../catalogue/file-entry.js';
import type { FileSource, FileUpload, FileUploadRequest } from '../../jingle/file-session.js';
import type { Jid } from '../../stanza/jid.js';
import type { FileTransferNamespace } from '../../stanza/xep0234-file-transfer.js';

export interface OfferFileComponents {
  /** `FileServer` is one. */
  readonly server: { source(entry: FileEntry, peer: Jid, signal: AbortSignal): Promise<FileSource> };
  /** `JingleEngine` is one. */
  readonly uploader: { offer(request: FileUploadRequest): FileUpload };
}

/**
 * Offers `entry` to `to`, a full address. Resolves when the offer is on its way; the upload tells how far it is
 * and how it ended, and the file server lists it meanwhile. `signal` withdraws it at any time; `namespace` is that of the
 * version that `to` knows, by default the newest. Rejects with `FileNotAvailableError`, `LimitError` and `AbortedError`.
 */
export async function offerFile(
  { server, uploader }: OfferFileComponents,
  to: Jid,
  entry: FileEntry,
  signal: AbortSignal = new AbortController().signal,
  namespace?: FileTransferNamespace,
): Promise<FileUpload> {
  const source = await server.source(entry, to, signal);
  return uploader.offer({ peer: to, source, signal, ...(namespace !== undefined && { namespace }) });
}
