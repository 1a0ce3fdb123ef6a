/** What a content needs of the application whose bytes it carries: file-sending or file-receiving. */
import type { Duplex } from 'node:stream';
import type { Log } from '../log.js';
import type { FileDescription, FileInfo, Range } from '../stanza/xep0234-file-transfer.js';
import type { TransportType } from '../transport/transport.js';
import type { ContentEvent } from './content-state.js';
import type { SessionEnding } from './reason.js';

/** What an application has of the content that it is for. */
export interface ContentLink {
  /** Of the session. */
  readonly sid: string;
  readonly log: Pick<Log, 'error'>;
  readonly raise: (event: ContentEvent) => void;
  /** Ends the content, and the session if it is the last one; resolves when the peer knows or can't be told. */
  readonly finish: (ending: SessionEnding) => Promise<void>;
  /** Responder: the peer's place in the queue for this. Resolves with whether the peer knows what that is. */
  readonly tellQueue: (place: number) => Promise<boolean>;
  /** Responder: the answer will be yes, in a moment. */
  readonly granted: () => void;
}

export interface ContentApplication {
  readonly sends: boolean;
  /** Sender: every byte has been written into the stream. */
  readonly allGiven: boolean;
  /** Sender: the receiver has said that it tells where to go on when a stream breaks. */
  readonly peerResumes: boolean;
  /** Bytes given to the stream, or received from it. */
  readonly movedBytes: number;
  /** Begins to move bytes, or goes on. The stream is destroyed by the content in the end. */
  move(stream: Duplex, transport: TransportType): void;
  /** The stream is lost: nothing is taken from it or given to it any more. */
  interrupt(): void;
  /** True when bytes moved since it was last asked, or when it is our own side that holds them up. */
  moved(): boolean;
  /** What the peer says of the file in accepting our content. Throws `SessionFailedError` when that won't do. */
  peerAccepted(file: FileDescription): void;
  /** Receiver: the bytes of the file that have not come. */
  missing(): Range;
  /** Sender: checks what a receiver says is missing. Throws `ParseError`. */
  checkMissing(missing: Range): void;
  /** Sender: goes on there, when the next stream is here. */
  goOn(missing: Range): void;
  /** Receiver: lets the reader of the bytes see their end. */
  endStream(): void;
  /** Sender: what `<checksum/>` says, after the last byte. */
  checksum(): FileDescription;
  /** Sender: nothing says that the bytes arrived, and yet it ends without an error. */
  unconfirmed(): void;
  takeInfo(info: FileInfo): void;
  /** Receiver: the sender has not decided yet, as so many come first. */
  takeQueue(place: number): void;
  /** Called exactly once, when nothing more will move; without an error all went well. */
  over(error: Error | undefined): void;
}
