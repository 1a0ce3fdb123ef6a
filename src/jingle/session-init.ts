/** What a session is made with. */
import type { Clock } from '../clock.js';
import type { Entity } from '../entity/entity.js';
import type { Log } from '../log.js';
import type { Jid } from '../stanza/jid.js';
import type { JingleRole } from '../stanza/xep0166-jingle.js';
import type { FileTransferNamespace } from '../stanza/xep0234-file-transfer.js';
import type { Transport, TransportType } from '../transport/transport.js';
import type { SessionPolicy } from './proposed-content.js';
import type { SessionEnding } from './reason.js';
import type { JingleTimeouts } from './timeouts.js';

export interface SessionComponents {
  readonly entity: Pick<Entity, 'request'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly transports: readonly Transport[];
  readonly policy: SessionPolicy;
}

export interface SessionInit {
  readonly self: Jid;
  readonly peer: Jid;
  readonly sid: string;
  readonly role: JingleRole;
  /** Of the contents that we propose. */
  readonly ns: FileTransferNamespace;
  readonly prefer?: TransportType | undefined;
  readonly timeouts: JingleTimeouts;
  readonly maxReplaces: number;
  readonly maxResumes: number;
  /** Contents at once, ours and the peer's. */
  readonly maxContents: number;
  /** Actions of ours that wait for the peer's acknowledgement at once; what it provokes beyond that, it is refused. */
  readonly maxUnacknowledged: number;
  /** Aborted when the acknowledgement of a session-terminate is no longer waited for. */
  readonly signal: AbortSignal;
  /** Called once, as soon as the session is over: its sid means nothing from then on. */
  readonly onOver: (ending: SessionEnding) => void;
}
