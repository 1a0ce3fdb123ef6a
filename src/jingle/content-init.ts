/** What a content is made with. */
import type { Clock } from '../clock.js';
import type { Log } from '../log.js';
import type { ContentRef, JingleBody } from '../stanza/xep0166-jingle.js';
import type { FileTransferNamespace } from '../stanza/xep0234-file-transfer.js';
import type { Element } from '../stanza/xml.js';
import type { Transport, TransportContext } from '../transport/transport.js';
import type { ContentApplication } from './content-application.js';
import type { FileContent } from './file-content.js';
import type { SessionEnding } from './reason.js';
import type { JingleTimeouts } from './timeouts.js';

/** What a content asks of its session. */
export interface ContentSession {
  /** Resolves when the peer has acknowledged it. */
  send(action: JingleBody): Promise<void>;
  /** Sends what nobody waits for. A peer that won't hear it changes nothing. */
  tell(action: JingleBody): void;
  /** Whether the session is accepted as soon as this content is decided on. */
  isLastUndecided(content: FileContent): boolean;
  /** The content is over: the session too, if it was the last one. */
  conclude(content: FileContent, ending: SessionEnding, by: 'us' | 'peer'): void;
  /** Nothing of the content is left: no stream, no timer, no negotiation. */
  contentSettled(content: FileContent): void;
  /** Something failed that should not have. */
  fail(error: Error): void;
}

export interface FileContentComponents {
  readonly clock: Clock;
  readonly log: Log;
  readonly transports: readonly Transport[];
  readonly session: ContentSession;
  readonly application: ContentApplication;
}

export interface FileContentInit {
  /** Of the session, for the log. */
  readonly id: string;
  readonly ref: Required<ContentRef>;
  readonly ns: FileTransferNamespace;
  readonly context: Omit<TransportContext, 'sendInfo'>;
  readonly timeouts: JingleTimeouts;
  /** How often a peer may replace the transport. */
  readonly maxReplaces: number;
  /** How often one may break while it carries bytes. */
  readonly maxResumes: number;
  /** The peer's content: the `<transport/>` that it offers, where we have that transport. */
  readonly offer?: { readonly transport: Transport; readonly element: Element };
}
