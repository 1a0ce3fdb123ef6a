/**
 * What the program does with Jingle file transfer (XEP-0234), whoever plays which role. The
 * engine behind it is `jingle-engine.ts`.
 */
import type { Readable } from 'node:stream';
import { ShoalError } from '../errors.js';
import type { Jid } from '../stanza/jid.js';
import type { FileDescription, Range } from '../stanza/xep0234-file-transfer.js';
import type { Hash } from '../stanza/xep0300-hashes.js';

/** A file that a peer asks us to send (`senders='responder'`). */
export interface FileRequest {
  readonly peer: Jid;
  readonly sid: string;
  /** Name, path, size, type and hashes select the file (RFC 5547 §5); `range` says which bytes. */
  readonly file: FileDescription;
}

/** What we send, and where its bytes come from. */
export interface FileSource {
  /** As it goes into session-accept: name, size, date, type, hash. */
  readonly file: FileDescription;
  /** The bytes that will be sent: inside the file, with its length worked out. */
  readonly range: Required<Range>;
  /**
   * The bytes of `range`, in order. Fails with {@link FileChangedError} when the file vanished,
   * shrank or changed while it was read.
   */
  open(): Readable;
  /** The hash of what `open` gave, once it has ended: of the file, or of the range when it is a part. */
  checksum(): Hash;
  /** Called exactly once, when the session is over, however it ended. */
  release(outcome: TransferOutcome): void;
}

export type TransferOutcome =
  | { readonly type: 'success'; readonly bytes: number }
  | { readonly type: 'failed'; readonly bytes: number; readonly error: Error };

/**
 * Answers a request. Throws `FileNotAvailableError` (absent or not allowed: the same), `LimitError`
 * (no slot: the peer gets `<busy/>`), `ParseError` (bad range: `<failed-application/>` with bad-request).
 */
export type FileRequestHandler = (request: FileRequest, signal: AbortSignal) => Promise<FileSource>;

/** A file that we fetch from a peer: we are the initiator, it is responder and file sender. */
export interface FileDownload {
  readonly sid: string;
  /** What the peer says of the file in session-accept. Rejects with {@link SessionEndedError} and others. */
  readonly accepted: Promise<FileDescription>;
  /** The bytes. `transport` names what carries them now; a replaced transport goes on in the same stream. */
  readonly stream: Readable;
  readonly transport: 's5b' | 'ibb' | undefined;
  /** Hashes the sender gave by checksum (§8): of the file or, where `range` is set, of the range. */
  readonly checksums: readonly { readonly hash: Hash; readonly range?: Range }[];
  /** Ends the session: `success` when the bytes are verified, else the reason. Resolves when the peer knows or can't be told. */
  finish(outcome: 'success' | 'cancel' | 'media-error' | 'failed-application'): Promise<void>;
}

export interface FileDownloadRequest {
  readonly peer: Jid;
  readonly file: FileDescription;
  readonly signal?: AbortSignal;
}

/** Thrown when the file asked for is not here or may not be seen; peers can't tell which. */
export class FileNotAvailableError extends ShoalError {
  readonly code = 'file-not-available';
}

/** Thrown when a file vanished, shrank or changed while it was being sent. */
export class FileChangedError extends ShoalError {
  readonly code = 'file-changed';
}

/** Thrown when the peer ended the session, with its Jingle reason (XEP-0166 §7.4). */
export class SessionEndedError extends ShoalError {
  readonly code = 'session-ended';
  constructor(
    readonly reason: string,
    readonly text: string | undefined,
    /** An application's condition beside the reason, such as `file-not-available`. */
    readonly condition: string | undefined,
  ) {
    super(`the peer ended the session: ${condition ?? reason}${text === undefined ? '' : ` (${text})`}`);
  }
}
