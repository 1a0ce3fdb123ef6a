/**
 * Jingle file transfer (XEP-0166, XEP-0234) for one entity: takes the sessions that peers begin,
 * begins those that we want, and finds the session that a stanza belongs to. Requests for files
 * are answered through a handler; without one, and for everything else that a peer may propose,
 * the session is refused with the reason that fits.
 */
import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Clock } from '../clock.js';
import type { Entity, IncomingIq, Unsubscribe } from '../entity/entity.js';
import { AbortedError, LimitError } from '../errors.js';
import type { Log } from '../log.js';
import { bareOf, type Jid } from '../stanza/jid.js';
import { NS } from '../stanza/namespaces.js';
import { StanzaError } from '../stanza/stanza-error.js';
import { type Content, type Jingle, jingleCodec, jingleError } from '../stanza/xep0166-jingle.js';
import {
  descriptionCodec,
  FILE_TRANSFER_NAMESPACES,
  type FileDescription,
  type FileTransferNamespace,
  fileTransferNamespaceOf,
} from '../stanza/xep0234-file-transfer.js';
import type { Startable } from '../startable.js';
import type { Transport } from '../transport/transport.js';
import type { ContentApplication } from './content-application.js';
import { FileReceiving } from './file-receiving.js';
import { FileSending } from './file-sending.js';
import type { FileDownload, FileDownloadRequest, FileRequestHandler } from './file-session.js';
import { ending, endingOf, SessionFailedError } from './reason.js';
import { Session, type SessionInit } from './session.js';
import { defaultJingleTimeouts, type JingleTimeouts } from './timeouts.js';

export interface JingleEngineComponents {
  readonly entity: Pick<Entity, 'jid' | 'request' | 'handleIq'>;
  readonly clock: Clock;
  readonly log: Log;
  /** The one we prefer first; IBB, the transport of last resort, last (XEP-0234 §10.2). */
  readonly transports: readonly Transport[];
}

export interface JingleEngineInit {
  /** Sessions at once, ours and the peers'. */
  readonly maxSessions: number;
  /** Sessions that one peer, by its bare address, may have begun at once. */
  readonly maxSessionsPerPeer: number;
  /** Default {@link defaultJingleTimeouts}. */
  readonly timeouts?: Partial<JingleTimeouts>;
  readonly onFileRequest?: FileRequestHandler;
  /** How long `stop` waits for peers to acknowledge the end of their sessions. Default 2000. */
  readonly stopGraceMs?: number;
}

const DEFAULT_STOP_GRACE_MS = 2_000;
const MAX_REPLACES = 4; // each costs a listener or a bytestream; real peers replace once
const MAX_UNACKNOWLEDGED = 32; // far more than one content has to say at once
const SID_BYTES = 16; // unguessable (XEP-0166 §7.1, RFC 4086)

export class JingleEngine implements Startable {
  readonly #components: JingleEngineComponents;
  readonly #init: JingleEngineInit;
  readonly #timeouts: JingleTimeouts;
  /** By our address, the peer's and sid, until the session is over. */
  readonly #sessions = new Map<string, Session>();
  /** Until nothing of it is left. */
  readonly #open = new Set<Session>();
  readonly #abort = new AbortController();
  #phase: 'new' | 'started' | 'stopped' = 'new';
  #unsubscribe: Unsubscribe | undefined;

  constructor(components: JingleEngineComponents, init: JingleEngineInit) {
    this.#components = components;
    this.#init = init;
    this.#timeouts = { ...defaultJingleTimeouts, ...init.timeouts };
    setMaxListeners(0, this.#abort.signal); // one a session that ends, and sessions are bounded
  }

  /** For disco#info (XEP-0234 §11). */
  get features(): readonly string[] {
    return [NS.jingle, ...FILE_TRANSFER_NAMESPACES, ...this.#components.transports.map(({ ns }) => ns)];
  }

  /** Sessions of which something is left. */
  get sessionCount(): number {
    return this.#open.size;
  }

  async start(): Promise<void> {
    this.#phase = 'started';
    this.#unsubscribe = this.#components.entity.handleIq('set', 'jingle', NS.jingle, (iq) => this.#onIq(iq));
  }

  /** Ends every session with the reason `gone`. */
  async stop(): Promise<void> {
    this.#phase = 'stopped';
    this.#unsubscribe?.();
    const timer = this.#components.clock.after(this.#init.stopGraceMs ?? DEFAULT_STOP_GRACE_MS, () =>
      this.#abort.abort(),
    );
    const gone = ending({ condition: 'gone' }, new AbortedError('this node goes offline'));
    await Promise.all([...this.#open].map((session) => session.finish(gone)));
    timer.cancel();
  }

  /**
   * Asks a peer for a file and gives out what it sends. Never throws: what fails, `accepted` and
   * `stream` fail with. Whoever asked ends it with `finish`.
   */
  download(request: FileDownloadRequest): FileDownload {
    const { entity } = this.#components;
    const { peer, file, signal } = request;
    const sid = randomBytes(SID_BYTES).toString('base64url');
    let session: Session | undefined;
    const receiving = new FileReceiving({
      sid,
      range: file.range,
      raise: (event) => session?.content.handle(event),
      finish: async (end) => session?.finish(end),
    });
    const refused = this.#refusal(signal);
    if (refused) {
      receiving.over(refused);
      return receiving;
    }
    session = this.#session(receiving, {
      self: entity.jid,
      peer,
      sid,
      role: 'initiator',
      ns: NS.fileTransfer5,
      content: { creator: 'initiator', name: 'file', senders: 'responder' },
    });
    const begun = session;
    const onAbort = () => void begun.finish(endingOf(new AbortedError('withdrawn')));
    signal?.addEventListener('abort', onAbort, { once: true });
    void begun.closed.then(() => signal?.removeEventListener('abort', onAbort));
    begun.initiate(file);
    return receiving;
  }

  #refusal(signal: AbortSignal | undefined): Error | undefined {
    if (signal?.aborted) return new AbortedError('withdrawn before it began');
    if (this.#phase !== 'started') return new AbortedError('not started, or stopped');
    if (this.#open.size < this.#init.maxSessions) return undefined;
    return new LimitError('sessions', 'too many Jingle sessions at once');
  }

  #onIq(iq: IncomingIq): undefined {
    const jingle = jingleCodec.fromXml(iq.payload);
    const session = this.#sessions.get(keyOf(iq.to, iq.from, jingle.sid));
    if (session && !(jingle.action === 'session-initiate' && this.#yields(iq, session))) {
      session.handle(jingle);
    } else if (jingle.action === 'session-initiate') {
      this.#onInitiate(iq, jingle);
    } else {
      throw jingleError('unknown-session'); // §6.7
    }
    return undefined;
  }

  /**
   * XEP-0166 §7.2.16: both sides began a session with the same sid; the lower address wins. True
   * when that isn't ours. Two requests for files are never equivalent otherwise: both go on.
   */
  #yields(iq: IncomingIq, session: Session): boolean {
    if (session.role !== 'initiator' || !session.pending) return false;
    if (Buffer.compare(Buffer.from(iq.to), Buffer.from(iq.from)) < 0) throw jingleError('tie-break');
    session.lose(new SessionFailedError('cancel', 'the peer began a session with the same sid'));
    return true;
  }

  #onInitiate(iq: IncomingIq, jingle: Extract<Jingle, { action: 'session-initiate' }>): void {
    this.#checkLimits(iq.from);
    const [content, ...others] = jingle.contents;
    if (content?.creator !== 'initiator') {
      throw new StanzaError('bad-request', "the content of a session-initiate is its initiator's");
    }
    // §7.1: where 'initiator' is not the sender, it is ignored: nobody can begin a session for another.
    const ns = fileTransferNamespaceOf(content.description);
    const refusal = this.#refusalOf(content, others.length);
    const file = ns && descriptionCodec(ns).fromXml(content.description);
    const transport = this.#components.transports.find((each) => each.ns === content.transport.getNS());
    const sending = new FileSending((event) => session.content.handle(event));
    const { creator, name, senders = 'both' } = content;
    const session = this.#session(sending, {
      self: iq.to,
      peer: iq.from,
      sid: jingle.sid,
      role: 'responder',
      ns: ns ?? NS.fileTransfer5,
      content: { creator, name, senders },
      ...(transport && { offer: { transport, element: content.transport } }),
    });
    session.respond(async (signal) => {
      await acknowledged();
      if (refusal || !file) throw refusal ?? unsupported('applications');
      if (!transport) throw unsupported('transports');
      return await this.#answer(sending, { peer: iq.from, sid: jingle.sid, file }, signal);
    });
  }

  /** Why a content that is well described is not for us. */
  #refusalOf(content: Content, others: number): Error | undefined {
    if (!fileTransferNamespaceOf(content.description)) return unsupported('applications');
    if (content.security) {
      return new SessionFailedError('security-error', 'no security precondition can be met here');
    }
    if (others > 0) {
      return new SessionFailedError(
        'incompatible-parameters',
        'a session here has one file; begin one for each',
      );
    }
    // COMPAT: Gajim 1.7.3 offers with senders='both'. Only 'responder' asks us to send (XEP-0234 §4.1).
    if (content.senders !== 'responder')
      return new SessionFailedError('decline', 'no files are received here');
    return undefined;
  }

  async #answer(
    sending: FileSending,
    request: Parameters<FileRequestHandler>[0],
    signal: AbortSignal,
  ): Promise<FileDescription> {
    const { onFileRequest } = this.#init;
    if (!onFileRequest) throw unsupported('applications');
    sending.use(await onFileRequest(request, signal));
    return sending.description;
  }

  /** §6.3.2: whoever has no resources for a session says so at once, which costs nothing. */
  #checkLimits(peer: Jid): void {
    if (this.#open.size >= this.#init.maxSessions) throw new LimitError('sessions', 'too many sessions');
    let begun = 0;
    for (const each of this.#open) {
      if (each.role === 'responder' && bareOf(each.peer) === bareOf(peer)) begun += 1;
    }
    if (begun >= this.#init.maxSessionsPerPeer) {
      throw new LimitError('sessions-per-peer', 'too many sessions of this peer');
    }
  }

  #session(
    application: ContentApplication & { readonly movedBytes: number },
    init: Pick<SessionInit, 'self' | 'peer' | 'sid' | 'role' | 'content' | 'offer'> & {
      readonly ns: FileTransferNamespace;
    },
  ): Session {
    const { entity, clock, log, transports } = this.#components;
    const key = keyOf(init.self, init.peer, init.sid);
    const beganMs = clock.monotonic();
    const session = new Session(
      { entity, clock, log, transports, application },
      {
        ...init,
        timeouts: this.#timeouts,
        maxReplaces: MAX_REPLACES,
        maxUnacknowledged: MAX_UNACKNOWLEDGED,
        signal: this.#abort.signal,
        onOver: () => this.#sessions.delete(key),
      },
    );
    this.#sessions.set(key, session);
    this.#open.add(session);
    void session.closed.then((end) => {
      this.#open.delete(session);
      log.info(
        {
          sid: init.sid,
          peer: init.peer,
          role: init.role,
          transport: session.content.transport,
          bytes: application.movedBytes,
          reason: end.reason.condition,
          ...(session.content.error && { error: session.content.error.message }),
          ms: Math.round(clock.monotonic() - beganMs),
        },
        'session ended',
      );
    });
    return session;
  }
}

function keyOf(self: Jid, peer: Jid, sid: string): string {
  return `${self}\n${peer}\n${sid}`; // no address holds a line break
}

function unsupported(what: 'applications' | 'transports'): SessionFailedError {
  return new SessionFailedError(`unsupported-${what}`, `none of the ${what} is supported`);
}

/** §6.3.1: the session-initiate is acknowledged before anything else is said of it. */
function acknowledged(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
