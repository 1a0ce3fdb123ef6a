/**
 * Jingle file transfer (XEP-0166, XEP-0234) for one entity: takes the sessions that peers begin,
 * begins those that we want, and finds the session that a stanza belongs to. Requests and offers of
 * files are answered through handlers; without one, and for everything else that a peer may
 * propose, the session is refused with the reason that fits.
 */
import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Clock } from '../clock.js';
import type { Entity, IncomingIq, Unsubscribe } from '../entity/entity.js';
import { AbortedError, LimitError } from '../errors.js';
import type { Log } from '../log.js';
import { bareOf, domainOf, type Jid } from '../stanza/jid.js';
import { NS } from '../stanza/namespaces.js';
import { type Jingle, type JingleRole, jingleCodec, jingleError } from '../stanza/xep0166-jingle.js';
import { FILE_TRANSFER_NAMESPACES, type FileTransferNamespace } from '../stanza/xep0234-file-transfer.js';
import type { Startable } from '../startable.js';
import type { Transport, TransportType } from '../transport/transport.js';
import { FilePolicy } from './file-policy.js';
import type {
  FileDownload,
  FileDownloadRequest,
  FileOfferHandler,
  FileRequestHandler,
  FileSession,
  FileSessionRequest,
  FileUpload,
  FileUploadRequest,
} from './file-session.js';
import { ending, endingOf, SessionFailedError } from './reason.js';
import { Session } from './session.js';
import { defaultJingleTimeouts, type JingleTimeouts } from './timeouts.js';

export interface JingleEngineComponents {
  readonly entity: Pick<Entity, 'jid' | 'request' | 'handleIq' | 'onEvent'>;
  readonly clock: Clock;
  readonly log: Log;
  /** The one we prefer first; IBB, the transport of last resort, last (XEP-0234 §10.2). */
  readonly transports: readonly Transport[];
}

export interface SessionLimits {
  /** Sessions at once, ours and the peers'. */
  readonly maxSessions: number;
  /** Sessions that one peer, by its bare address, may have begun at once. */
  readonly maxSessionsPerPeer: number;
  /** The same of all peers of one domain. Default: no bound of its own. */
  readonly maxSessionsPerDomain?: number;
}

export interface JingleEngineInit extends SessionLimits {
  /** Files at once in one session. Default 16. */
  readonly maxContents?: number;
  /** How often the transport of one file may break and be replaced. Default 3. */
  readonly maxResumes?: number;
  /** Default {@link defaultJingleTimeouts}. */
  readonly timeouts?: Partial<JingleTimeouts>;
  readonly onFileRequest?: FileRequestHandler;
  readonly onFileOffer?: FileOfferHandler;
  /** How long `stop` waits for peers to acknowledge the end of their sessions. Default 2000. */
  readonly stopGraceMs?: number;
}

const DEFAULT_STOP_GRACE_MS = 2_000;
const DEFAULT_MAX_CONTENTS = 16; // each costs what a session costs
const DEFAULT_MAX_RESUMES = 3; // a peer can make us read what was lost again each time
const MAX_REPLACES = 4; // each costs a listener or a bytestream; real peers replace once
const MAX_UNACKNOWLEDGED = 32; // far more than a few contents have to say at once
const SID_BYTES = 16; // unguessable (XEP-0166 §7.1, RFC 4086)

export class JingleEngine implements Startable {
  readonly #components: JingleEngineComponents;
  #init: JingleEngineInit;
  readonly #timeouts: JingleTimeouts;
  readonly #policy: FilePolicy;
  /** By our address, the peer's and sid, until the session is over. */
  readonly #sessions = new Map<string, Session>();
  /** Until nothing of it is left. */
  readonly #open = new Set<Session>();
  readonly #abort = new AbortController();
  readonly #unsubscribe: Unsubscribe[] = [];
  #phase: 'new' | 'started' | 'stopped' = 'new';

  constructor(components: JingleEngineComponents, init: JingleEngineInit) {
    this.#components = components;
    this.#init = init;
    this.#timeouts = { ...defaultJingleTimeouts, ...init.timeouts };
    this.#policy = new FilePolicy(components, init);
    setMaxListeners(init.maxSessions, this.#abort.signal); // one a session that ends
  }

  /** Holds for sessions that begin from now on. */
  setLimits(limits: SessionLimits): void {
    this.#init = { ...this.#init, ...limits };
    setMaxListeners(limits.maxSessions, this.#abort.signal);
  }

  /** For disco#info (XEP-0234 §11). */
  get features(): readonly string[] {
    return [NS.jingle, ...FILE_TRANSFER_NAMESPACES, ...this.#components.transports.map(({ ns }) => ns)];
  }

  /** Sessions of which something is left. */
  get sessionCount(): number {
    return this.#open.size;
  }

  /** Whether there is a session with this peer, at whatever address. */
  isInSession(peer: Jid): boolean {
    for (const each of this.#open) if (bareOf(each.peer) === bareOf(peer)) return true;
    return false;
  }

  /** Ends the sessions with those peers, and tells them nothing of the reason. */
  dismiss(isMeant: (peer: Jid) => boolean): void {
    for (const session of this.#open) {
      if (isMeant(session.peer))
        void session.finish(ending({ condition: 'gone' }, new AbortedError('dismissed')));
    }
  }

  async start(): Promise<void> {
    const { entity } = this.#components;
    this.#phase = 'started';
    this.#unsubscribe.push(
      entity.handleIq('set', 'jingle', NS.jingle, (iq) => this.#onIq(iq)),
      entity.onEvent((event) => {
        if (event.type === 'peer-gone') this.peerGone(event.jid);
      }),
    );
  }

  /** Ends every session with the reason `gone`. */
  async stop(): Promise<void> {
    this.#phase = 'stopped';
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    const timer = this.#components.clock.after(this.#init.stopGraceMs ?? DEFAULT_STOP_GRACE_MS, () =>
      this.#abort.abort(),
    );
    const gone = ending({ condition: 'gone' }, new AbortedError('this node goes offline'));
    await Promise.all([...this.#open].map((session) => session.finish(gone)));
    timer.cancel();
  }

  /**
   * A session with a peer, in which files are asked for and offered. Nothing is sent before its
   * `begin`. Never throws: what fails, its files fail with.
   */
  session(request: FileSessionRequest): FileSession {
    return this.#begin(request);
  }

  /**
   * Asks a peer for a file and gives out what it sends. Never throws: what fails, `accepted` and
   * `stream` fail with. Whoever asked ends it with `finish`.
   */
  download(request: FileDownloadRequest): FileDownload {
    const session = this.#begin(request);
    const download = session.request(request.file);
    session.begin();
    return download;
  }

  /** Offers a file to a peer. Never throws: what fails, `accepted` and `done` tell. */
  offer(request: FileUploadRequest): FileUpload {
    const session = this.#begin(request);
    const upload = session.offer(request.source);
    session.begin();
    return upload;
  }

  /** Somebody is said to be offline: at one address or, where it is bare, at all of theirs. */
  peerGone(jid: Jid): void {
    for (const session of this.#sessions.values()) {
      if (session.peer === jid || bareOf(session.peer) === jid) session.peerGone();
    }
  }

  #begin(request: FileSessionRequest): Session {
    const { signal, fault } = request;
    const sid = randomBytes(SID_BYTES).toString('base64url');
    const session = this.#make(
      this.#components.entity.jid,
      request.peer,
      sid,
      'initiator',
      request.namespace,
      request.prefer,
    );
    const refused = fault ?? this.#refusal(signal);
    if (refused) {
      session.lose(refused);
      return session;
    }
    this.#register(session, this.#components.entity.jid);
    const onAbort = () => void session.finish(endingOf(new AbortedError('withdrawn')));
    signal?.addEventListener('abort', onAbort, { once: true });
    void session.closed.then(() => signal?.removeEventListener('abort', onAbort));
    return session;
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
    // §7.1: where 'initiator' is not the sender, it is ignored: nobody can begin a session for another.
    const session = this.#make(iq.to, iq.from, jingle.sid, 'responder');
    try {
      session.takeInitiate(jingle.contents);
      this.#register(session, iq.to);
    } catch (error) {
      session.lose(new SessionFailedError('general-error', 'the peer began it with a malformed stanza'));
      throw error;
    }
  }

  /** §6.3.2: whoever has no resources for a session says so at once, which costs nothing. */
  #checkLimits(peer: Jid): void {
    if (this.#open.size >= this.#init.maxSessions) throw new LimitError('sessions', 'too many sessions');
    const { maxSessionsPerPeer, maxSessionsPerDomain = Number.POSITIVE_INFINITY } = this.#init;
    let ofPeer = 0;
    let ofDomain = 0;
    for (const each of this.#open) {
      if (each.role !== 'responder') continue;
      if (bareOf(each.peer) === bareOf(peer)) ofPeer += 1;
      if (domainOf(each.peer) === domainOf(peer)) ofDomain += 1;
    }
    if (ofPeer >= maxSessionsPerPeer) {
      throw new LimitError('sessionsPerPeer', 'too many sessions of this peer');
    }
    if (ofDomain >= maxSessionsPerDomain) {
      throw new LimitError('sessionsPerDomain', 'too many sessions of peers of this domain');
    }
  }

  #make(
    self: Jid,
    peer: Jid,
    sid: string,
    role: JingleRole,
    ns: FileTransferNamespace = NS.fileTransfer5,
    prefer?: TransportType,
  ): Session {
    const { maxContents = DEFAULT_MAX_CONTENTS, maxResumes = DEFAULT_MAX_RESUMES } = this.#init;
    return new Session(
      { ...this.#components, policy: this.#policy },
      {
        self,
        peer,
        sid,
        role,
        ns,
        prefer,
        timeouts: this.#timeouts,
        maxReplaces: MAX_REPLACES,
        maxResumes,
        maxContents,
        maxUnacknowledged: MAX_UNACKNOWLEDGED,
        signal: this.#abort.signal,
        onOver: () => this.#sessions.delete(keyOf(self, peer, sid)),
      },
    );
  }

  #register(session: Session, self: Jid): void {
    const { clock, log } = this.#components;
    const { peer, sid, role } = session;
    const beganMs = clock.monotonic();
    this.#sessions.set(keyOf(self, peer, sid), session);
    this.#open.add(session);
    void session.closed.then((end) => {
      this.#open.delete(session);
      const { bytes, transport, error = end.error } = session.contents.summary;
      log.info(
        {
          sid,
          peer,
          role,
          transport,
          bytes,
          reason: end.reason.condition,
          ...(error && { error: error.message }),
          ms: Math.round(clock.monotonic() - beganMs),
        },
        'session ended',
      );
    });
  }
}

function keyOf(self: Jid, peer: Jid, sid: string): string {
  return `${self}\n${peer}\n${sid}`; // no address holds a line break
}
