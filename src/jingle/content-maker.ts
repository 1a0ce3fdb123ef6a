/** Makes the contents of one session, and remembers which transport has carried bytes in it. */
import type { Clock } from '../clock.js';
import type { Log } from '../log.js';
import type { ContentRef } from '../stanza/xep0166-jingle.js';
import type { FileTransferNamespace } from '../stanza/xep0234-file-transfer.js';
import type { Element } from '../stanza/xml.js';
import type { Transport, TransportType } from '../transport/transport.js';
import type { ContentApplication } from './content-application.js';
import type { ContentSession } from './content-init.js';
import { FileContent } from './file-content.js';
import type { SessionInit } from './session-init.js';

export interface ContentMakerComponents {
  readonly clock: Clock;
  readonly log: Log;
  readonly transports: readonly Transport[];
}

export interface ContentMakerInit
  extends Pick<
    SessionInit,
    'self' | 'peer' | 'role' | 'sid' | 'timeouts' | 'maxReplaces' | 'maxResumes' | 'prefer'
  > {
  readonly session: ContentSession;
  /** Those of the session. */
  readonly contents: Iterable<FileContent>;
}

export interface NewContent {
  readonly application: ContentApplication;
  readonly ref: Required<ContentRef>;
  readonly ns: FileTransferNamespace;
  /** The peer's, where it is the peer's content. */
  readonly offer?: { readonly transport: Transport; readonly element: Element } | undefined;
}

export class ContentMaker {
  readonly #components: ContentMakerComponents;
  readonly #init: ContentMakerInit;
  /** What has carried the bytes of a content that is over. */
  #proven: TransportType | undefined;

  constructor(components: ContentMakerComponents, init: ContentMakerInit) {
    this.#components = components;
    this.#init = init;
    this.#proven = init.prefer;
  }

  make({ application, ref, ns, offer }: NewContent): FileContent {
    const { clock, log } = this.#components;
    const { self, peer, role, sid: id, timeouts, maxReplaces, maxResumes, session } = this.#init;
    const context = { self, peer, role };
    return new FileContent(
      { clock, log, transports: this.#transports(), application, session },
      { id, ref, ns, context, timeouts, maxReplaces, maxResumes, ...(offer && { offer }) },
    );
  }

  /** Takes note of a content that is over. */
  learn(content: FileContent): void {
    if (content.movedBytes > 0) this.#proven = content.transport;
  }

  /** First what has carried bytes: a file that is added need not find out again what doesn't work. */
  #transports(): readonly Transport[] {
    const { transports } = this.#components;
    const carrying = [...this.#init.contents].find((each) => each.movedBytes > 0)?.transport;
    const proven = carrying ?? this.#proven;
    const first = transports.filter((each) => each.type === proven);
    return [...first, ...transports.filter((each) => each.type !== proven)];
  }
}
