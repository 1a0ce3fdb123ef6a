/**
 * What the program does with Jingle file transfer (XEP-0234), whoever plays which role. The
 * engine behind it is `jingle-engine.ts`.
 */
import type { Readable } from 'node:stream';
import { ShoalError } from '../errors.js';
import type { ChannelAddress } from '../stanza/file-discovery.js';
import type { Jid } from '../stanza/jid.js';
import type { ReasonCondition } from '../stanza/xep0166-jingle.js';
import type { FileDescription, FileTransferNamespace, Range } from '../stanza/xep0234-file-transfer.js';
import type { Hash } from '../stanza/xep0300-hashes.js';
import type { TransportType } from '../transport/transport.js';

/** A session with one peer, in which files go in both directions. */
export interface FileSession {
  readonly sid: string;
  readonly peer: Jid;
  /** Resolves when it is over; never rejects. Without an error it ended in good order. */
  readonly ended: Promise<SessionOutcome>;
  /** Asks for a file (XEP-0234 §6.2). Never throws: what fails, the download fails with. */
  request(file: Partial<FileDescription>): FileDownload;
  /** Offers one (§6.1). Never throws: what fails, the upload fails with. */
  offer(source: FileSource): FileUpload;
  /**
   * Begins one of ours with what was asked and offered so far; the rest is added to it (§6.3). One that is not begun within
   * `prepareMs` of its making is given up.
   */
  begin(): void;
  /** Ends it with everything that is under way. Resolves when the peer knows or can't be told. */
  end(condition: ReasonCondition, text?: string): Promise<void>;
}

export interface SessionOutcome {
  /** A condition of XEP-0166 §7.4. */
  readonly reason: string;
  readonly error?: Error;
}

/** How one of our sessions begins. */
export interface FileSessionRequest {
  /** A full address. */
  readonly peer: Jid;
  /** Default the newest. Older clients know no other than version 4. */
  readonly namespace?: FileTransferNamespace;
  /** The transport to try first, where one is known to have worked with this peer; what works in a session is tried first in it. */
  readonly prefer?: TransportType;
  /** Ends it with `cancel`. */
  readonly signal?: AbortSignal;
  /** Known to keep it from beginning: nothing is sent, and its files fail with this. */
  readonly fault?: Error;
}

/** A file that a peer asks us to send. */
export interface FileRequest {
  readonly peer: Jid;
  /** Where it is known to have found the file, if not at us alone. */
  readonly through?: ChannelAddress;
  readonly sid: string;
  /** Name, path, size, type and hashes select the file (RFC 5547 §5); `range` says which bytes. */
  readonly file: FileDescription;
  /** The session it is asked in, to which more may be added. */
  readonly session?: FileSession;
  /**
   * Tells the peer that it has to wait, and its place; 1 is next. As long as that is told again the session
   * does not time out. Resolves with whether the peer knows what it means; never rejects.
   */
  readonly queued?: (place: number) => Promise<boolean>;
  /**
   * Tells that nothing but a fault can keep the file from the peer any more, and that it will not take long: the way to the
   * peer is looked for meanwhile. Whoever never calls it loses a moment.
   */
  readonly granted?: () => void;
  /**
   * Called when what is being sent is ended by whoever sends, and not by an error of the source: for a way on which the next
   * chunk may be asked for much later. Sessions need none, they are ended.
   */
  readonly onDismissed?: () => void;
}

/**
 * Bytes that come a chunk at a time; a `Readable` is one. A chunk is only lent: whoever asks for the next one gives
 * it back, and its memory may be used again.
 */
export interface ByteReader extends AsyncIterable<Buffer> {
  /** Ends the reading, also in the middle. */
  destroy(): unknown;
}

/** What we send, and where its bytes come from. */
export interface FileSource {
  /** As it goes over the wire: name, size, date, type, hash. */
  readonly file: FileDescription;
  /** The bytes that we would send: inside the file, with its length worked out. */
  readonly range: Required<Range>;
  /**
   * The bytes of `wanted`, in order; it lies inside `range`. Called again, with what is missing at
   * the end of it, when a transport broke. Fails with {@link FileChangedError} when the file vanished,
   * shrank or changed while it was read.
   */
  open(wanted: Required<Range>): ByteReader;
  /**
   * The hash of what the first `open` was for, once all of it was read: of the file or, where that is a part, of it.
   * Undefined where nobody wants to know that of a part.
   */
  checksum(): Hash | undefined;
  /** Called exactly once, when it is over, however it ended. What it throws is logged. */
  release(outcome: TransferOutcome): void;
}

export type TransferOutcome =
  | {
      readonly type: 'success';
      readonly bytes: number;
      /**
       * Everything was sent, and the receiver neither said anything nor closed the connection for `finishMs`: some clients
       * never do, and some have gone.
       */
      readonly unconfirmed?: true;
    }
  | { readonly type: 'failed'; readonly bytes: number; readonly error: Error };

/**
 * Answers a request. Throws `FileNotAvailableError` (absent or not allowed: the same), `LimitError`
 * (no slot: the peer gets `<busy/>`), `ParseError` (bad range: `<failed-application/>` with bad-request).
 */
export type FileRequestHandler = (request: FileRequest, signal: AbortSignal) => Promise<FileSource>;

/** A file that a peer wants to send us. */
export interface FileOffer {
  readonly peer: Jid;
  readonly sid: string;
  /** What the peer says of it. A `range` with an offset or a length: no more than those bytes. */
  readonly file: FileDescription;
  /** The session it is offered in, to which more may be added. */
  readonly session: FileSession;
}

export interface FileAcceptance {
  /**
   * The bytes that we want, of a file that is offered whole (§6.1). Only for a peer that understands
   * ranges: its offer has one. Others send everything, which then fails as too much.
   */
  readonly range?: Range;
  /** Called once, when the peer is told. Whoever takes the download ends it with `finish`. */
  take(download: FileDownload): void;
}

/**
 * Answers an offer. Throws `SessionFailedError` (`decline`, for a person's no), {@link FileTooLargeError},
 * `LimitError` (`<busy/>`).
 */
export type FileOfferHandler = (offer: FileOffer, signal: AbortSignal) => Promise<FileAcceptance>;

/** A file on its way to us. */
export interface FileDownload {
  readonly sid: string;
  /** What the sender says of the file. Rejects with {@link SessionEndedError} and others. */
  readonly accepted: Promise<FileDescription>;
  /** Which bytes of the file come, as agreed; without a length, up to its end. Undefined until then. */
  readonly range: Range | undefined;
  /** The place in the sender's queue that it last told of; undefined where it told none, and once it has accepted. */
  readonly queuePlace: number | undefined;
  /** Called at every news of that place. What it throws is logged. */
  onQueued(listener: (place: number) => void): void;
  /** The bytes. `transport` names what carries them now; a replaced transport goes on in the same stream. */
  readonly stream: Readable;
  /**
   * Gives the bytes to `take` as they come, in place of `stream`, which ends or fails as ever; it is called
   * once, before anything is read. Bytes are lent until `take` returns; more come when what it returned has resolved,
   * or at once. It must not reject.
   */
  receive(take: (bytes: Buffer) => Promise<void> | undefined): void;
  readonly transport: TransportType | undefined;
  /** Hashes the sender gave by checksum (§8): of the file or, where `range` is set, of the range. */
  readonly checksums: readonly { readonly hash: Hash; readonly range?: Range }[];
  /**
   * Says how it went: `success` when the bytes are verified. Ends the session, unless other files are
   * under way in it. Resolves when the peer knows or can't be told.
   */
  finish(outcome: DownloadVerdict): Promise<void>;
}

export type DownloadVerdict = 'success' | 'cancel' | 'media-error' | 'failed-application' | 'file-too-large';

/** A file on its way to a peer. */
export interface FileUpload {
  readonly sid: string;
  /** The bytes that the peer wants. Rejects with {@link SessionEndedError} and others when it wants none. */
  readonly accepted: Promise<Required<Range>>;
  readonly sentBytes: number;
  readonly transport: TransportType | undefined;
  /**
   * How it ended; never rejects. A success: the peer says that it has everything, acknowledged every block, closed the
   * connection or ended in good order, or else it is `unconfirmed`.
   */
  readonly done: Promise<TransferOutcome>;
  /** Withdraws it. Resolves when the peer knows or can't be told. */
  cancel(): Promise<void>;
}

export interface FileDownloadRequest extends FileSessionRequest {
  readonly file: FileDescription;
}

export interface FileUploadRequest extends FileSessionRequest {
  readonly source: FileSource;
}

/** Thrown when the file asked for is not here or may not be seen; peers can't tell which. */
export class FileNotAvailableError extends ShoalError {
  readonly code = 'file-not-available';
}

/** Thrown when a file that is offered, or that comes, is larger than we take (XEP-0234 §9.2). */
export class FileTooLargeError extends ShoalError {
  readonly code = 'file-too-large';
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
