/** What a content needs of the application whose bytes it carries: file-sending or file-receiving. */
import type { Duplex } from 'node:stream';
import type { FileDescription, FileInfo } from '../stanza/xep0234-file-transfer.js';
import type { TransportType } from '../transport/transport.js';

export interface ContentApplication {
  readonly sends: boolean;
  /** Sender: every byte has been written into the stream. */
  readonly allGiven: boolean;
  /** Begins to move bytes. The stream is destroyed by the content in the end. */
  move(stream: Duplex, transport: TransportType): void;
  /** True when bytes moved since it was last asked, or when it is our own side that holds them up. */
  moved(): boolean;
  /** Receiver: what the peer says of the file in its session-accept. Throws `SessionFailedError` when it won't do. */
  peerAccepted(file: FileDescription): void;
  /** Receiver: lets the reader of the bytes see their end. */
  endStream(): void;
  /** Sender: what `<checksum/>` says, after the last byte. */
  checksum(): FileDescription;
  takeInfo(info: FileInfo): void;
  /** Called exactly once, when nothing more will move; without an error all went well. */
  over(error: Error | undefined): void;
}
